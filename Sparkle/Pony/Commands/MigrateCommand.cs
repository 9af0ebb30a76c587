using System.CommandLine;
using System.Text.Json.Nodes;
using PonyCloud.Pony.Http;
using PonyCloud.Pony.Output;
using PonyCloud.Pony.Schema;

namespace PonyCloud.Pony.Commands;

/// <summary>Moves instances to other hosts, and takes such orders back. For operators of the platform.</summary>
internal static class MigrateCommand
{
    public static Command Make(GlobalOptions options)
    {
        var instance = new Argument<string>("instance") { Description = "The instance, by name, uuid or path." };
        var host = new Option<string?>("--to") { Description = "The host that it is to go to, by name or uuid.", HelpName = "HOST" };
        var cancel = new Option<bool>("--cancel") { Description = "Withdraw the order: the instance stays where it is." };
        var wait = new Option<bool>("--wait") { Description = "Wait until it is there, and show how far it is." };
        var timeout = new Option<int>("--timeout") { Description = "Wait at most so long; the order stands.", HelpName = "SECONDS", DefaultValueFactory = _ => 3600 };
        timeout.Validators.Add(result =>
        {
            if (result.Tokens.Count > 0 && !(int.TryParse(result.Tokens[0].Value, out var seconds) && seconds is > 0 and <= 86_400))
                result.AddError("--timeout takes seconds, from 1 to 86400.");
        });
        var command = new Command("migrate", "Order an instance to another host, without an interruption that its guest notices.") { instance, host, cancel, wait, timeout };
        command.Validators.Add(result =>
        {
            if (result.GetValue(cancel) == (result.GetValue(host) is not null))
                result.AddError("Say either where it is to go, with --to, or --cancel.");
            else if (result.GetValue(cancel) && result.GetValue(wait))
                result.AddError("There is nothing to --wait for with --cancel.");
        });
        options.Act(command, async (session, parsed, cancellation) =>
        {
            var called = parsed.GetValue(instance)!;
            var locator = new Locator(session);
            var row = called.Contains('/', StringComparison.Ordinal)
                ? await locator.FindRowAsync(called, null, cancellation)
                : await locator.FindRowAsync("instance", called, cancellation);
            if (row.Mount.Entity.Name != "instance")
                throw PonyException.Usage($"{called} is a {row.Mount.Entity.Name}, and no instance.");
            var order = (await locator.FindAsync("/migration", cancellation)).Row(row.Keys[^1]);
            if (parsed.GetValue(cancel))
            {
                await session.SendAsync(ApiRequest.Delete(order.Path), cancellation);
                session.Terminal.Output.WriteLine($"instance {Printable.Of(called)} stays where it is");
                return ExitCode.Ok;
            }
            var name = parsed.GetValue(host)!;
            var destination = await locator.FindRowAsync("/host", name, cancellation);
            await OrderAsync(session, await locator.FindAsync("/migration", cancellation), order, destination.Keys[^1], cancellation);
            session.Terminal.Output.WriteLine($"instance {Printable.Of(called)} is ordered to {Printable.Of(name)}");
            if (parsed.GetValue(wait))
                await MigrationWait.RunAsync(session, order, destination, called, name, TimeSpan.FromSeconds(parsed.GetValue(timeout)), cancellation);
            return ExitCode.Ok;
        });
        return command;
    }

    /// <summary>The newest order counts: one that stands gets another destination.</summary>
    private static async Task OrderAsync(Session session, Location orders, Location order, string destination, CancellationToken cancellation)
    {
        try
        {
            await session.SendAsync(
                ApiRequest.Post(orders.Path, new JsonObject { ["desired"] = new JsonObject { ["instance"] = order.Keys[^1], ["destination_host"] = destination } }), cancellation);
        }
        catch (ProblemException exception) when (exception.Problem.Status == 409)
        {
            await session.SendAsync(
                ApiRequest.Patch(order.Path, [new JsonObject { ["op"] = "add", ["path"] = "/desired/destination_host", ["value"] = destination }]), cancellation);
        }
    }
}
