using System.Text.Json.Nodes;
using PonyCloud.Pony.Output;
using PonyCloud.Pony.Watching;

namespace PonyCloud.Pony.Commands;

/// <summary>A table that goes on: rows as they are, then each again whenever it changes.</summary>
internal static class GetWatch
{
    public static async Task<int> RunAsync(
        Session session, string path, string[] names, string[] filters, string[] fields, CancellationToken cancellation)
    {
        if (session.Format != OutputFormat.Table)
            throw PonyException.Usage("Changes for programs are those of pony watch -o json.");
        var location = names.Length switch
        {
            0 => await new Locator(session).FindAsync(path, cancellation),
            1 => await new Locator(session).FindRowAsync(path, names[0], cancellation),
            _ => throw PonyException.Usage("One row or all of them can be watched; -l chooses among them."),
        };
        var mount = location.Mount;
        IReadOnlyList<Column> columns = GetCommand.Columns(mount, fields);
        var selectors = filters.Select(text => Selector.Parse(mount, text)).ToList();
        var table = new Table(session.Terminal);
        var shown = new Dictionary<string, JsonNode?>(StringComparer.Ordinal);
        var asTenant = location.Path.StartsWith("/tenant/", StringComparison.Ordinal) ? location.Keys[0] : null;

        var since = await ListAsync(withHeader: true);
        await foreach (var message in new WatchStream(session, [location.Path], asTenant).ReadAsync(since, cancellation))
        {
            if (message.IsBroken)
            {
                session.Note("The server cannot say what changed in between. This is what there is now:");
                shown.Clear();
                await ListAsync(withHeader: false);
            }
            // Rows below those that are shown come along, and are another table's.
            foreach (var change in message.Changes.Where(change => change.Table == mount.Entity.Name))
                Show(change.Path.Split('/')[^1], change.Row);
            await session.Terminal.Output.FlushAsync(cancellation);
        }
        return ExitCode.Ok;

        async Task<string?> ListAsync(bool withHeader)
        {
            var answer = await session.GetAsync(location, cancellation);
            var rows = location.IsRow ? new JsonObject { [location.Key] = answer.Json } : answer.Json;
            foreach (var (key, row) in rows.Where(row => selectors.All(selector => selector.Holds(row.Key, row.Value))))
                shown[key] = row;
            if (columns.Count == 0)
                columns = Column.Choose(mount, rows);
            table.Write(columns, [.. shown.OrderBy(row => Locator.NameOf(row.Value) ?? row.Key, StringComparer.Ordinal)], withHeader);
            await session.Terminal.Output.FlushAsync(cancellation);
            return answer.Revision;
        }

        void Show(string segment, JsonNode? row)
        {
            var key = Uri.UnescapeDataString(segment);
            if (row is not null && selectors.All(selector => selector.Holds(key, row)))
            {
                shown[key] = row;
                table.Write(columns, [KeyValuePair.Create<string, JsonNode?>(key, row)], withHeader: false);
            }
            else if (shown.Remove(key, out var before))
            {
                var called = Printable.Of(Locator.NameOf(before) ?? key);
                session.Terminal.Output.WriteLine(row is null ? $"{called} is gone" : $"{called} is no longer one of these");
            }
        }
    }
}
