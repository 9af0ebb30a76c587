using System.Text.Json.Nodes;
using PonyCloud.Pony.Schema;

namespace PonyCloud.Pony.Output;

/// <summary>One row for people: what is ordered beside what is.</summary>
internal static class RowView
{
    private const string Gap = "  ";

    public static void Write(Terminal terminal, Mount mount, string key, JsonNode row)
    {
        var names = mount.Entity.Desired.Concat(mount.Entity.Current).Select(field => field.Name)
            .Where(name => name != mount.KeyColumn).Distinct().ToList();
        var desired = row["desired"] as JsonObject;
        var current = row["current"] as JsonObject;
        var lines = names
            .Select(name => (Name: name, Desired: Column.Text(desired?[name]), Current: Column.Text(current?[name])))
            .Where(line => line.Desired.Length + line.Current.Length > 0).ToList();
        var first = lines.Select(line => line.Name.Length).Append(mount.KeyColumn.Length).Max();
        var second = lines.Select(line => line.Desired.Length).Append("desired".Length).Max();

        terminal.Output.WriteLine($"{mount.Entity.Name}{(Locator.NameOf(row) is { } called ? " " + Printable.Of(called) : "")}");
        terminal.Output.WriteLine($"{mount.KeyColumn.PadRight(first)}{Gap}{Printable.Of(key)}");
        terminal.Output.WriteLine();
        Line("", "desired", "current");
        foreach (var line in lines)
            Line(line.Name, line.Desired, line.Current);
        if (row["stale_since"] is { } since)
            Line("stale_since", "", Column.Text(since));

        // A long text of what is ordered must not push what is out of sight.
        void Line(string name, string left, string right)
        {
            var wide = Math.Min(second, 60);
            terminal.Output.WriteLine(left.Length > wide && right.Length > 0
                ? $"{name.PadRight(first)}{Gap}{left}\n{new string(' ', first)}{Gap}{new string(' ', wide)}{Gap}{right}"
                : $"{name.PadRight(first)}{Gap}{left.PadRight(right.Length > 0 ? wide : 0)}{(right.Length > 0 ? Gap + right : "")}".TrimEnd());
        }
    }
}
