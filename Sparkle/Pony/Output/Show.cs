using System.Text.Json.Nodes;
using PonyCloud.Pony.Files;
using PonyCloud.Pony.Schema;

namespace PonyCloud.Pony.Output;

/// <summary>Writes rows in the form that was asked for.</summary>
internal static class Show
{
    /// <param name="text">The row as it came, when all of it is shown.</param>
    /// <param name="columns">Those that were asked for; empty for all.</param>
    public static void Row(Session session, Location location, JsonObject row, string? text, IReadOnlyList<Column> columns)
    {
        var (terminal, key) = (session.Terminal, location.Key);
        switch (session.Format)
        {
            case OutputFormat.Json:
                terminal.Output.WriteLine(text ?? JsonText.Write(Pick(row, columns)));
                break;
            case OutputFormat.Yaml:
                YamlWriter.Write(terminal.Output, text is null ? Pick(row, columns) : row);
                break;
            case OutputFormat.Name:
                terminal.Output.WriteLine(Printable.Of(Locator.NameOf(row) ?? key));
                break;
            default:
                if (columns.Count > 0)
                    new Table(terminal).Write(columns, [KeyValuePair.Create<string, JsonNode?>(key, row)]);
                else
                    RowView.Write(terminal, location.Mount, key, row);
                Warn(session);
                break;
        }
    }

    /// <param name="columns">Those that were asked for; empty for those that say most.</param>
    public static void Rows(Session session, Mount mount, Listing listing, IReadOnlyList<Column> columns)
    {
        var terminal = session.Terminal;
        switch (session.Format)
        {
            case OutputFormat.Json:
                terminal.Output.WriteLine(columns.Count > 0 ? JsonText.Write(PickAll(listing.Rows, columns)) : listing.Text);
                break;
            case OutputFormat.Yaml:
                YamlWriter.Write(terminal.Output, columns.Count > 0 ? PickAll(listing.Rows, columns) : listing.Rows);
                break;
            case OutputFormat.Name:
                foreach (var (key, row) in Sorted(listing.Rows))
                    terminal.Output.WriteLine(Printable.Of(NameFor(listing.Rows, key, row)));
                break;
            default:
                if (listing.Rows.Count == 0)
                    session.Note($"There is no {mount.Entity.Name} here.");
                else
                    new Table(terminal).Write(columns.Count > 0 ? columns : Column.Choose(mount, listing.Rows), Sorted(listing.Rows));
                Warn(session);
                break;
        }
    }

    /// <summary>By name where rows have one: people look for names.</summary>
    private static List<KeyValuePair<string, JsonNode?>> Sorted(JsonObject rows) =>
        [.. rows.OrderBy(row => Locator.NameOf(row.Value) ?? row.Key, StringComparer.Ordinal).ThenBy(row => row.Key, StringComparer.Ordinal)];

    // What other commands can be given: the name, unless several have it.
    private static string NameFor(JsonObject rows, string key, JsonNode? row) =>
        Locator.NameOf(row) is { } name && Locator.KeysOf(rows, name).Count == 1 ? name : key;

    private static JsonObject PickAll(JsonObject rows, IReadOnlyList<Column> columns) =>
        new(rows.Select(row => KeyValuePair.Create<string, JsonNode?>(row.Key, Pick(row.Value as JsonObject ?? [], columns))));

    // A row with these fields only, in the form of a row.
    private static JsonObject Pick(JsonObject row, IReadOnlyList<Column> columns)
    {
        var picked = new JsonObject();
        foreach (var column in columns)
        {
            var part = column.Part ?? (row["desired"] is null ? "current" : "desired");
            if ((row[part] as JsonObject)?[column.Name] is not { } value)
                continue;
            if (picked[part] is not JsonObject into)
                picked[part] = into = [];
            into[column.Name] = value.DeepClone();
        }
        return picked;
    }

    private static void Warn(Session session)
    {
        if (session.Client.DatabaseDownSince is { } since)
            session.Note($"The controller has been without its database since {Printable.Of(since)}. This is what it knows.");
    }
}
