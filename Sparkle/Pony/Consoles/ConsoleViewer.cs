using System.Text.Json.Nodes;
using PonyCloud.Pony.Http;
using PonyCloud.Pony.Output;

namespace PonyCloud.Pony.Consoles;

/// <summary>
/// Attaches to the serial port of an instance, and again when the connection breaks:
/// <code>
///   ticket ──► connected ──► detached                                    done
///     ▲            │ broken, closed for now       forbidden, gone ──►    an error
///     └── wait ◄───┘   for a minute without having been connected ──►    an error
/// </code>
/// </summary>
internal sealed class ConsoleViewer(Session session, string path, string name)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    private Terminal Terminal => session.Terminal;

    /// <returns>One of <see cref="ExitCode"/>.</returns>
    public async Task<int> RunAsync(CancellationToken cancellation)
    {
        var target = await TicketAsync(cancellation);
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        await using var output = Terminal.OpenOutput();
        var isTerminal = Terminal.IsInputTerminal;
        Tell($"Attached to the serial port of instance {name}.{(isTerminal ? " Ctrl+] detaches." : "")}");
        using var raw = isTerminal ? Terminal.MakeRaw() : null;
        var input = new ConsoleInput(Terminal.OpenInput(), isTerminal);
        input.Start(ending.Token);
        try
        {
            await StayAsync(target, input, output, cancellation);
        }
        finally
        {
            await ending.CancelAsync();
            raw?.Dispose();
        }
        Terminal.Error.WriteLine();
        Tell($"Detached from instance {name}.");
        return ExitCode.Ok;
    }

    private async Task StayAsync(Uri target, ConsoleInput input, Stream output, CancellationToken cancellation)
    {
        Uri? next = target;
        var waiting = Terminal.Time.GetTimestamp();
        while (true)
        {
            var end = next is null ? null : await ConnectAsync(next, input, output, cancellation);
            switch (end?.Kind)
            {
                case ConsoleEndKind.Detached:
                    return;
                case ConsoleEndKind.Forbidden:
                    throw new PonyException(ExitCode.Forbidden, $"The console was closed: {Printable.Of(end.Words)}");
                case ConsoleEndKind.Gone:
                    throw new PonyException(ExitCode.NotFound, "The instance is gone.");
                case ConsoleEndKind.Broken:
                    waiting = Terminal.Time.GetTimestamp();
                    TellRaw("The connection broke off. Trying again.");
                    break;
            }
            if (Terminal.Time.GetElapsedTime(waiting) > Patience)
                throw new PonyException(ExitCode.Unavailable, "The console did not come back.");
            var pause = Task.Delay(Pause, Terminal.Time, cancellation);
            if (await Task.WhenAny(pause, input.Detached) != pause)
                return;
            await pause;
            next = await TryTicketAsync(cancellation);
        }
    }

    /// <returns>Null when there was no connection.</returns>
    private async Task<ConsoleEnd?> ConnectAsync(Uri target, ConsoleInput input, Stream output, CancellationToken cancellation)
    {
        using var socket = await session.Client.TryOpenSocketAsync(target, cancellation);
        return socket is null ? null : await new ConsoleConnection(socket, input, output, TellRaw, Terminal.Time).RunAsync(cancellation);
    }

    private async Task<Uri?> TryTicketAsync(CancellationToken cancellation)
    {
        try
        {
            return await TicketAsync(cancellation);
        }
        catch (ProblemException exception) when (exception.Problem.Status is 409 or 429 or >= 500)
        {
            return null;
        }
        catch (PonyException exception) when (exception.Code is ExitCode.Unavailable or ExitCode.TimedOut)
        {
            return null;
        }
    }

    private async Task<Uri> TicketAsync(CancellationToken cancellation)
    {
        var answer = await session.SendAsync(ApiRequest.Post(path + "/console", new JsonObject { ["type"] = "serial" }), cancellation);
        var place = answer.Json["path"]?.GetValue<string>();
        // Only a path of this API: an answer does not send us elsewhere.
        if (place is null || !place.StartsWith(ApiClient.Root + "/", StringComparison.Ordinal))
            throw new PonyException(ExitCode.Unavailable, "The server's answer names no place for the console.");
        return new UriBuilder(new Uri(session.Client.Server, place)) { Scheme = session.Client.Server.Scheme == "https" ? "wss" : "ws" }.Uri;
    }

    private void Tell(string text) => session.Note(text);

    /// <summary>While the terminal is raw, a line has to say itself that it begins at the left.</summary>
    private void TellRaw(string text) => Terminal.Error.Write($"\r\n[pony: {Printable.Of(text)}]\r\n");
}
