using System.CommandLine;
using System.Text.Json.Nodes;
using PonyCloud.Pony.Http;
using PonyCloud.Pony.Output;
using PonyCloud.Pony.Schema;

namespace PonyCloud.Pony.Commands;

/// <summary>Orders of every day: instances start, pause and stop, hosts are evacuated or given up.</summary>
internal static class OrderCommands
{
    private const string State = "state";
    private const string StopTimeout = "stop_timeout";

    /// <summary>No host has begun with it, so there is nothing that could run.</summary>
    private static readonly string[] NeverBegun = ["unplaced", "defined"];

    public static Command Start(GlobalOptions options) =>
        Instance(options, "start", "Order instances to run, and wait until they do.", "running", now: null);

    public static Command Pause(GlobalOptions options) =>
        Instance(options, "pause", "Order instances to stand still where they are, and wait until they do.", "paused", now: null);

    public static Command Stop(GlobalOptions options) => Instance(
        options,
        "stop",
        "Order instances to stop, and wait until they have. It is never refused because of what they are doing.",
        "stopped",
        new Option<bool>("--now") { Description = "Cut the power at once: orders a stop_timeout of 0, which stays until it is set to something else." });

    public static Command Host(GlobalOptions options)
    {
        var host = new Command("host", "Orders for hosts, for operators of the platform.");
        host.Add(HostOrder(options, "present", "Let a host take instances again.", "present", isFinal: false));
        host.Add(HostOrder(options, "evacuate", "Let a host take no new instances.", "evacuated", isFinal: false));
        host.Add(HostOrder(options, "gone", "Give a host up: it has no instances any more, and the platform goes on without it.", "gone", isFinal: true));
        return host;
    }

    private static Command Instance(GlobalOptions options, string name, string description, string state, Option<bool>? now)
    {
        var names = new Argument<string[]>("name") { Description = "Instances, by name or uuid.", Arity = ArgumentArity.OneOrMore };
        var noWait = new Option<bool>("--no-wait") { Description = "Give the order and be done." };
        var timeout = new Option<int>("--timeout") { Description = "Wait at most so long; the order stands.", HelpName = "SECONDS", DefaultValueFactory = _ => 300 };
        timeout.Validators.Add(result =>
        {
            if (result.Tokens.Count > 0 && !(int.TryParse(result.Tokens[0].Value, out var seconds) && seconds is > 0 and <= 86_400))
                result.AddError("--timeout takes seconds, from 1 to 86400.");
        });
        var command = new Command(name, description) { names, noWait, timeout };
        if (now is not null)
            command.Add(now);
        options.Act(command, async (session, parsed, cancellation) =>
        {
            var order = new JsonObject { [State] = state };
            if (now is not null && parsed.GetValue(now))
                order[StopTimeout] = 0;
            var rows = await OrderAsync(session, "instance", parsed.GetValue(names)!, order, cancellation);
            if (!parsed.GetValue(noWait))
                await StatusWait.RunAsync(session, rows, status => IsReached(state, status), TimeSpan.FromSeconds(parsed.GetValue(timeout)), cancellation);
            return ExitCode.Ok;
        });
        return command;
    }

    private static Command HostOrder(GlobalOptions options, string name, string description, string state, bool isFinal)
    {
        var names = new Argument<string[]>("name") { Description = "Hosts, by name or uuid.", Arity = ArgumentArity.OneOrMore };
        var yes = new Option<bool>("--yes", "-y") { Description = "Do not ask." };
        var command = new Command(name, description) { names };
        if (isFinal)
            command.Add(yes);
        options.Act(command, async (session, parsed, cancellation) =>
        {
            var hosts = parsed.GetValue(names)!;
            if (isFinal)
            {
                await session.ConfirmAsync(
                    $"Is {string.Join(", ", hosts)} really off for good? Its instances start elsewhere, and must not run twice.", parsed.GetValue(yes), cancellation);
            }
            await OrderAsync(session, "/host", hosts, new JsonObject { [State] = state }, cancellation);
            return ExitCode.Ok;
        });
        return command;
    }

    private static bool IsReached(string state, string status) => status == state || (state == "stopped" && NeverBegun.Contains(status));

    // The newest order counts, whoever gave the one before: nothing here depends on what was.
    private static async Task<List<(Location Row, string Called)>> OrderAsync(
        Session session, string path, string[] names, JsonObject order, CancellationToken cancellation)
    {
        var locator = new Locator(session);
        var rows = new List<(Location Row, string Called)>();
        foreach (var name in names)
            rows.Add((await locator.FindRowAsync(path, name, cancellation), name));
        foreach (var (row, called) in rows)
        {
            var operations = new JsonArray([.. order.Select(field => new JsonObject
            {
                ["op"] = "add",
                ["path"] = $"/desired/{field.Key}",
                ["value"] = field.Value!.DeepClone(),
            })]);
            await session.SendAsync(ApiRequest.Patch(row.Path, operations), cancellation);
            session.Terminal.Output.WriteLine($"{row.Mount.Entity.Name} {Printable.Of(called)} is ordered to be {order[State]}");
        }
        return rows;
    }
}
