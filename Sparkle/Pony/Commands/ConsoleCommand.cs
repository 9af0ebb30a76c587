using System.CommandLine;
using PonyCloud.Pony.Consoles;
using PonyCloud.Pony.Schema;

namespace PonyCloud.Pony.Commands;

/// <summary>The serial port of an instance.</summary>
internal static class ConsoleCommand
{
    public static Command Make(GlobalOptions options)
    {
        var name = new Argument<string>("instance") { Description = "The instance, by name or uuid." };
        var log = new Option<bool>("--log") { Description = "Print what it wrote since its last start, and be done." };
        var follow = new Option<bool>("--follow", "-f") { Description = "With --log: go on printing what it writes." };
        var tail = new Option<long?>("--tail") { Description = "With --log: only so much of the end.", HelpName = "BYTES" };
        tail.Validators.Add(result =>
        {
            if (result.Tokens.Count > 0 && !(long.TryParse(result.Tokens[0].Value, out var bytes) && bytes >= 0))
                result.AddError("--tail takes a number of bytes.");
        });
        var command = new Command("console", "Attach to the serial port of an instance. Ctrl+] detaches.") { name, log, follow, tail };
        options.Act(command, async (session, parsed, cancellation) =>
        {
            var isLog = parsed.GetValue(log);
            if (!isLog && (parsed.GetValue(follow) || parsed.GetValue(tail) is not null))
                throw PonyException.Usage("--follow and --tail go with --log.");
            var called = parsed.GetValue(name)!;
            var row = await FindAsync(session, called, cancellation);
            return isLog
                ? await new ConsoleLog(session, row.Path, parsed.GetValue(tail), parsed.GetValue(follow)).RunAsync(cancellation)
                : await new ConsoleViewer(session, row.Path, called).RunAsync(cancellation);
        });
        return command;
    }

    private static async Task<Location> FindAsync(Session session, string called, CancellationToken cancellation)
    {
        var locator = new Locator(session);
        var row = called.Contains('/', StringComparison.Ordinal)
            ? await locator.FindRowAsync(called, null, cancellation)
            : await locator.FindRowAsync("instance", called, cancellation);
        return row.Mount.Entity.Name == "instance" && row.Path.StartsWith("/tenant/", StringComparison.Ordinal)
            ? row
            : throw PonyException.Usage($"{called} is no instance of a tenant.");
    }
}
