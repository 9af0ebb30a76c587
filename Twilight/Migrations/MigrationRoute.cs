using System.Net.Sockets;
using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using PonyCloud.Shared.Http;
using PonyCloud.Twilight.Http;
using PonyCloud.Twilight.Instances;
using PonyCloud.Twilight.Storage.Transfers;
using PonyCloud.Twilight.Tools;

namespace PonyCloud.Twilight.Migrations;

/// <summary>The door of a host: <c>/migration/INSTANCE/WAY</c> for whoever has the ticket of the instance.</summary>
internal sealed partial class MigrationRoute(
    Arrivals arrivals, Arrivals readers, IVolumeReading volumes, IEnumerable<IInstancePreparation> preparations, MigrationConsoles consoles,
    MigrationOptions options, ILogger<MigrationRoute> logger)
    : IHostRoute, IDisposable
{
    private static readonly TimeSpan ConnectLimit = TimeSpan.FromSeconds(10);

    // Each is a server of its own.
    private const int ReadersMax = 64;

    private readonly TransferSlots _slots = new(ReadersMax);

    public string Name => DoorWays.Route;

    public void Dispose() => _slots.Dispose();

    /// <inheritdoc/>
    public bool Admits(string rest, string? bearer) => bearer is not null
        && (ReadContent(rest) is { } content ? readers.Knows(content.Instance, bearer) : Read(rest) is { } asked && arrivals.Knows(asked.Instance, bearer));

    public async Task AnswerAsync(HttpContext context, string rest, CancellationToken stopping)
    {
        if (ReadContent(rest) is { } content)
        {
            await LetReadAsync(context, content.Instance, content.Volume, stopping);
            return;
        }
        if (Read(rest) is not { } asked)
        {
            await HostAnswer.RefuseAsync(context, StatusCodes.Status404NotFound, "There is no such way.");
            return;
        }
        // Sparkle's token opens the server, and not this door.
        using var pass = await AdmitAsync(context, arrivals, asked.Instance);
        if (pass is null)
            return;
        if (asked.Way == DoorWays.Definition)
        {
            // Whoever asks for it is about to send: now is the time for what takes a while.
            if (!await IsPreparedAsync(context, asked.Instance, pass.Withdrawn, stopping))
                return;
            await using var answer = await StreamUpgrade.AcceptAsync(context);
            await answer.WriteAsync(Encoding.UTF8.GetBytes(pass.Definition), stopping);
            return;
        }
        if (asked.Way == DoorWays.Console)
        {
            using var cut = CancellationTokenSource.CreateLinkedTokenSource(pass.Withdrawn, stopping, context.RequestAborted);
            await using var log = await StreamUpgrade.AcceptAsync(context);
            try
            {
                await consoles.ReceiveAsync(asked.Instance, log, cut.Token);
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or OperationCanceledException)
            {
                // The move came to nothing, or the log begins here: whoever sends it says so.
                LogNoConsole(asked.Instance, exception.Message);
            }
            return;
        }
        await JoinAsync(context, asked.Instance, asked.Way, pass.Withdrawn, stopping);
    }

    /// <returns>Null when it was refused.</returns>
    private static async Task<Arrivals.Pass?> AdmitAsync(HttpContext context, Arrivals expected, Guid instance)
    {
        var pass = expected.Admit(instance, HostServerIdentity.BearerOf(context.Request.Headers.Authorization) ?? "");
        if (pass is null)
        {
            await HostAnswer.RefuseAsync(context, StatusCodes.Status403Forbidden, "This ticket is not good for this instance.");
            return null;
        }
        if (await StreamUpgrade.IsWantedAsync(context))
            return pass;
        pass.Dispose();
        return null;
    }

    /// <summary>A volume of an instance that has left, by NBD, for as long as it may be read.</summary>
    private async Task LetReadAsync(HttpContext context, Guid instance, Guid volume, CancellationToken stopping)
    {
        // Given back when all that reads has ended, and not before.
        using var pass = await AdmitAsync(context, readers, instance);
        if (pass is null)
            return;
        using var slot = _slots.TryTake();
        if (slot is null)
        {
            await HostAnswer.RefuseAsync(context, StatusCodes.Status503ServiceUnavailable, "Too many read at once.");
            return;
        }
        using var cut = CancellationTokenSource.CreateLinkedTokenSource(pass.Withdrawn, stopping);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cut.Token, context.RequestAborted);
        limit.CancelAfter(ConnectLimit);
        Stream? content;
        try
        {
            content = await volumes.OpenAsync(instance, volume, limit.Token);
        }
        catch (IOException exception)
        {
            await HostAnswer.RefuseAsync(context, StatusCodes.Status503ServiceUnavailable, exception.Message);
            return;
        }
        if (content is null)
        {
            await HostAnswer.RefuseAsync(context, StatusCodes.Status404NotFound, "This host has no such volume of the instance.");
            return;
        }
        await using (content)
        {
            await using var far = await StreamUpgrade.AcceptAsync(context);
            await StreamJoin.RunAsync(far, content, cut.Token);
        }
    }

    /// <returns>False when it could not be, and whoever asked was told so.</returns>
    private async Task<bool> IsPreparedAsync(HttpContext context, Guid instance, CancellationToken withdrawn, CancellationToken stopping)
    {
        using var cut = CancellationTokenSource.CreateLinkedTokenSource(withdrawn, stopping, context.RequestAborted);
        try
        {
            foreach (var preparation in preparations)
                await preparation.BeforeArrivalAsync(instance, cut.Token);
            return true;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or ToolException)
        {
            LogUnprepared(exception, instance);
            await HostAnswer.RefuseAsync(context, StatusCodes.Status503ServiceUnavailable, "What it needs there cannot be made.");
            return false;
        }
    }

    private async Task JoinAsync(HttpContext context, Guid instance, string way, CancellationToken withdrawn, CancellationToken stopping)
    {
        using var cut = CancellationTokenSource.CreateLinkedTokenSource(withdrawn, stopping);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cut.Token, context.RequestAborted);
        limit.CancelAfter(ConnectLimit);
        using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        var path = way == DoorWays.Hypervisor ? options.HypervisorSocket : options.Seen(options.SocketOf(instance, way));
        try
        {
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(path), limit.Token);
        }
        catch (SocketException)
        {
            await HostAnswer.RefuseAsync(context, StatusCodes.Status503ServiceUnavailable, "Nobody listens there.");
            return;
        }
        await using var near = new NetworkStream(socket);
        await using var far = await StreamUpgrade.AcceptAsync(context);
        await StreamJoin.RunAsync(far, near, cut.Token);
    }

    private static (Guid Instance, Guid Volume)? ReadContent(string rest) =>
        rest.Split('/') is [var name, DoorWays.Content, var content]
            && Guid.TryParseExact(name, "D", out var instance) && Guid.TryParseExact(content, "D", out var volume)
                ? (instance, volume)
                : null;

    private static (Guid Instance, string Way)? Read(string rest) =>
        rest.Split('/') is [var name, DoorWays.Definition or DoorWays.Console or DoorWays.Hypervisor or DoorWays.Memory or DoorWays.Disks] parts
        && Guid.TryParseExact(name, "D", out var instance)
            ? (instance, parts[1])
            : null;

    [LoggerMessage(EventId = 3932, Level = LogLevel.Debug, Message = "The log of the console of instance {Instance} did not come whole: {Why}")]
    private partial void LogNoConsole(Guid instance, string why);

    [LoggerMessage(EventId = 3931, Level = LogLevel.Warning, Message = "What instance {Instance} needs when it comes cannot be made")]
    private partial void LogUnprepared(Exception exception, Guid instance);
}
