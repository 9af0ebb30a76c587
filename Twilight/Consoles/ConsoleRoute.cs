using System.Globalization;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using PonyCloud.Shared.Http;
using PonyCloud.Twilight.Http;
using PonyCloud.Twilight.Instances;

namespace PonyCloud.Twilight.Consoles;

/// <summary>Answers what is asked about consoles; README.md says how.</summary>
internal sealed partial class ConsoleRoute(
    DomainOptions domains, ConsoleLogs logs, SerialPorts ports, ConsoleOptions options, TimeProvider time, ILogger<ConsoleRoute> logger)
    : IHostRoute
{
    private const string IsOff = "The instance is off.";

    private int _streams;

    public string Name => "console";

    public async Task AnswerAsync(HttpContext context, string rest, CancellationToken stopping)
    {
        if (rest.Split('/') is not [var name, var what] || !Guid.TryParseExact(name, "D", out var instance))
        {
            context.Response.StatusCode = StatusCodes.Status404NotFound;
            return;
        }
        if (!HttpMethods.IsGet(context.Request.Method))
        {
            context.Response.Headers.Allow = "GET";
            await HostAnswer.RefuseAsync(context, StatusCodes.Status405MethodNotAllowed, "GET is all.");
            return;
        }
        switch (what)
        {
            case "log":
                await SendLogAsync(context, instance);
                break;
            case "serial":
                await ServeAsync(context, cancellation => SerialAsync(context, instance, cancellation), stopping);
                break;
            case "vnc":
                await ServeAsync(context, cancellation => ScreenAsync(context, instance, cancellation), stopping);
                break;
            default:
                context.Response.StatusCode = StatusCodes.Status404NotFound;
                break;
        }
    }

    private async Task SendLogAsync(HttpContext context, Guid instance)
    {
        if (!TryNumber(context, "offset", out var offset) || !TryNumber(context, "tail", out var tail))
        {
            await HostAnswer.RefuseAsync(context, StatusCodes.Status400BadRequest, "offset and tail must be numbers.");
            return;
        }
        using var part = logs.Open(instance, offset, tail);
        if (part is null)
        {
            await HostAnswer.RefuseAsync(context, StatusCodes.Status404NotFound, "There is no log of this instance.");
            return;
        }
        var headers = context.Response.Headers;
        headers[ConsoleHeaders.Offset] = part.Offset.ToString(CultureInfo.InvariantCulture);
        headers[ConsoleHeaders.End] = part.End.ToString(CultureInfo.InvariantCulture);
        context.Response.ContentType = "application/octet-stream";
        context.Response.ContentLength = part.End - part.Offset;
        var buffer = new byte[64 << 10];
        for (var left = part.End - part.Offset; left > 0;)
        {
            var count = await part.Stream.ReadAsync(buffer.AsMemory(0, (int)Math.Min(left, buffer.Length)), context.RequestAborted);
            if (count == 0)
                throw new EndOfStreamException("The log was emptied meanwhile.");
            await context.Response.Body.WriteAsync(buffer.AsMemory(0, count), context.RequestAborted);
            left -= count;
        }
    }

    private async Task ServeAsync(HttpContext context, Func<CancellationToken, Task> serve, CancellationToken stopping)
    {
        if (!await StreamUpgrade.IsWantedAsync(context))
            return;
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(stopping, context.RequestAborted);
        try
        {
            if (Interlocked.Increment(ref _streams) > options.StreamsMax)
                await HostAnswer.RefuseAsync(context, StatusCodes.Status503ServiceUnavailable, "Too many consoles at once.");
            else
                await serve(ending.Token);
        }
        catch (TimeoutException)
        {
            await HostAnswer.RefuseAsync(context, StatusCodes.Status503ServiceUnavailable, "The console does not answer.");
        }
        finally
        {
            Interlocked.Decrement(ref _streams);
        }
    }

    private async Task SerialAsync(HttpContext context, Guid instance, CancellationToken cancellationToken)
    {
        if (await ports.TakeAsync(instance, cancellationToken) is not { } port)
        {
            await HostAnswer.RefuseAsync(context, StatusCodes.Status503ServiceUnavailable, IsOff);
            return;
        }
        try
        {
            await using var viewer = await StreamUpgrade.AcceptAsync(context);
            LogAttached("serial port", instance);
            await port.ServeAsync(viewer, cancellationToken);
        }
        finally
        {
            await ports.ReturnAsync(instance, port);
        }
    }

    private async Task ScreenAsync(HttpContext context, Guid instance, CancellationToken cancellationToken)
    {
        await using var screen = await UnixConnection.TryOpenAsync(domains.VncSocketOf(instance), options.ConnectLimit, time, cancellationToken);
        if (screen is null)
        {
            await HostAnswer.RefuseAsync(context, StatusCodes.Status503ServiceUnavailable, IsOff);
            return;
        }
        await using var viewer = await StreamUpgrade.AcceptAsync(context);
        LogAttached("screen", instance);
        await StreamJoin.RunAsync(viewer, screen, cancellationToken);
    }

    private static bool TryNumber(HttpContext context, string name, out long? number)
    {
        var text = context.Request.Query[name];
        number = text.Count == 1 && long.TryParse(text[0], NumberStyles.None, CultureInfo.InvariantCulture, out var value) ? value : null;
        return text.Count == 0 || number is not null;
    }

    [LoggerMessage(EventId = 3821, Level = LogLevel.Information, Message = "Somebody looks at the {What} of instance {Instance}.")]
    private partial void LogAttached(string what, Guid instance);
}
