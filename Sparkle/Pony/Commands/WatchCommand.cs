using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using PonyCloud.Pony.Output;
using PonyCloud.Pony.Schema;
using PonyCloud.Pony.Watching;

namespace PonyCloud.Pony.Commands;

/// <summary>Says what changes, for as long as it runs.</summary>
internal static class WatchCommand
{
    public static Command Make(GlobalOptions options)
    {
        var path = new Argument<string?>("path") { Description = "Of what: instance, instance/web, host; everything when left out.", Arity = ArgumentArity.ZeroOrOne };
        var name = new Argument<string?>("name") { Description = "Only this row.", Arity = ArgumentArity.ZeroOrOne };
        var command = new Command("watch", "Say what changes until Ctrl-C: a line for each row, with -o json each change as the API sends it.") { path, name };
        options.Act(command, (session, parsed, cancellation) =>
            RunAsync(session, parsed.GetValue(path), parsed.GetValue(name), cancellation));
        return command;
    }

    private static async Task<int> RunAsync(Session session, string? path, string? name, CancellationToken cancellation)
    {
        if (session.Format is OutputFormat.Yaml or OutputFormat.Name)
            throw PonyException.Usage("Changes are shown as lines, or with -o json.");
        var locator = new Locator(session);
        var location = path is null ? null
            : name is null ? await locator.FindAsync(path, cancellation)
            : await locator.FindRowAsync(path, name, cancellation);
        var known = new Dictionary<string, JsonObject>(StringComparer.Ordinal);
        var since = location is null ? null : await ReadAsync(session, location, known, cancellation);
        var asTenant = location?.Keys is [var tenant, ..] && location.Path.StartsWith("/tenant/", StringComparison.Ordinal) ? tenant
            : location is null && session.ChosenTenant is not null ? await session.TenantAsync(cancellation)
            : null;

        var stream = new WatchStream(session, location is null ? [] : [location.Path], asTenant);
        await foreach (var message in stream.ReadAsync(since, cancellation))
        {
            if (message.IsBroken)
            {
                session.Note("The server cannot say what changed in between. From here on it is complete again.");
                known.Clear();
                if (location is not null)
                    await ReadAsync(session, location, known, cancellation);
            }
            foreach (var change in message.Changes)
                Show(session, change, known);
            await session.Terminal.Output.FlushAsync(cancellation);
        }
        return ExitCode.Ok;
    }

    // What is there now, so that the first change of a row can say what became another.
    private static async Task<string?> ReadAsync(
        Session session, Location location, Dictionary<string, JsonObject> known, CancellationToken cancellation)
    {
        var answer = await session.GetAsync(location, cancellation);
        if (location.IsRow)
            known[location.Path] = answer.Json;
        foreach (var (key, row) in location.IsRow ? [] : answer.Json)
            known[location.Row(key).Path] = row!.AsObject();
        return answer.Revision;
    }

    private static void Show(Session session, RowChange change, Dictionary<string, JsonObject> known)
    {
        known.Remove(change.Path, out var before);
        if (change.Row is not null)
            known[change.Path] = change.Row;
        if (session.Format == OutputFormat.Json)
        {
            session.Terminal.Output.WriteLine(change.Text);
            return;
        }
        var now = session.Terminal.Time.GetLocalNow().ToString("HH:mm:ss", CultureInfo.InvariantCulture);
        var called = Locator.NameOf(change.Row) ?? Locator.NameOf(before) ?? change.Key;
        session.Terminal.Output.WriteLine($"{now} {change.Table} {Printable.Of(called)}{What(before, change.Row)}");
    }

    private static string What(JsonObject? before, JsonObject? after)
    {
        if (after is null)
            return " is gone";
        var changes = new List<string>();
        foreach (var part in (string[])["desired", "current"])
        {
            var (old, fresh) = (before?[part] as JsonObject ?? [], after[part] as JsonObject ?? []);
            foreach (var field in fresh.Select(field => field.Key).Union(old.Select(field => field.Key)))
            {
                if (JsonNode.DeepEquals(old[field], fresh[field]) || (before is null && field is not ("state" or Column.Status)))
                    continue;
                changes.Add($"  {part}.{field} {(old[field] is null ? "" : Column.Text(old[field]) + " → ")}{(fresh[field] is null ? "-" : Column.Text(fresh[field]))}");
            }
        }
        return string.Concat(changes);
    }
}
