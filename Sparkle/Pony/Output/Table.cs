using System.Text;
using System.Text.Json.Nodes;

namespace PonyCloud.Pony.Output;

/// <summary>Rows for people, as wide as the terminal. What does not fit is left out from the right, then cut.</summary>
internal sealed class Table(Terminal terminal)
{
    private const string Gap = "  ";
    private const int Narrowest = 8;
    private const int LongestCell = 60;

    private readonly Dictionary<string, int> _widths = new(StringComparer.Ordinal);

    /// <param name="rows">By key, in the order in which they are shown.</param>
    public void Write(IReadOnlyList<Column> columns, IReadOnlyCollection<KeyValuePair<string, JsonNode?>> rows, bool withHeader = true)
    {
        var shown = columns.ToList();
        if (shown.Any(column => column.IsStatus) && rows.Any(row => Why(row.Value) is not null))
            shown.Insert(shown.FindIndex(column => column.IsStatus) + 1, new Column("WHY", "current", "why", CanGo: true));
        var cells = rows.Select(row => shown.Select(column => Cell.Of(column, row.Key, row.Value, terminal.Time.GetUtcNow())).ToArray()).ToList();
        var widths = shown.Select((column, index) =>
            cells.Select(row => row[index].Width).Append(column.Title.Length).Append(_widths.GetValueOrDefault(column.ToString())).Max()).ToArray();
        // Rows that are shown later stand below those before.
        for (var index = 0; index < shown.Count; index++)
            _widths[shown[index].ToString()] = widths[index];
        var visible = Fit(shown, widths);

        if (withHeader)
            WriteLine(visible, widths, index => new Cell(shown[index].Title, null));
        foreach (var row in cells)
            WriteLine(visible, widths, index => row[index]);
    }

    // Which columns there is room for; the widths become those that are shown.
    private List<int> Fit(List<Column> columns, int[] widths)
    {
        var visible = Enumerable.Range(0, columns.Count).ToList();
        if (terminal.Width == int.MaxValue)
            return visible;
        for (var index = 0; index < widths.Length; index++)
        {
            if (columns[index].CanGo)
                widths[index] = Math.Min(widths[index], LongestCell);
        }
        for (var index = columns.Count - 1; index >= 0 && Total() > terminal.Width; index--)
        {
            if (columns[index].CanGo)
                visible.Remove(index);
        }
        // A key is for copying, so what is left to cut is the rest.
        foreach (var index in visible.Where(index => columns[index].Part is not null).OrderByDescending(index => widths[index]))
        {
            var excess = Total() - terminal.Width;
            if (excess > 0)
                widths[index] = Math.Max(Narrowest, widths[index] - excess);
        }
        return visible;

        int Total() => visible.Sum(index => widths[index]) + (Gap.Length * (visible.Count - 1));
    }

    private void WriteLine(List<int> visible, int[] widths, Func<int, Cell> cell)
    {
        var line = new StringBuilder();
        for (var i = 0; i < visible.Count; i++)
        {
            var (text, color) = cell(visible[i]);
            var width = widths[visible[i]];
            if (text.Length > width)
                text = text[..(width - 1)] + "…";
            if (color is not null && terminal.HasColors)
                line.Append(color).Append(text).Append(Cell.NoColor);
            else
                line.Append(text);
            if (i < visible.Count - 1)
                line.Append(' ', width - text.Length).Append(Gap);
        }
        terminal.Output.WriteLine(line.ToString().TrimEnd());
    }

    private static JsonNode? Why(JsonNode? row) => row?["current"]?["why"];
}

/// <summary>What stands in one place of a table.</summary>
/// <param name="Color">The escape sequence before it; null for none.</param>
internal sealed record Cell(string Text, string? Color)
{
    public const string NoColor = "\u001b[0m";

    private const string Green = "\u001b[32m";
    private const string Yellow = "\u001b[33m";
    private const string Red = "\u001b[31m";

    public int Width => Text.Length;

    public static Cell Of(Column column, string key, JsonNode? row, DateTimeOffset now)
    {
        var text = Column.Text(column.Value(key, row));
        if (!column.IsStatus)
            return new Cell(text, null);
        if (text.Length == 0)
            return new Cell("-", null);
        var age = Since(row) is { } since ? Age(now - since) : null;
        return new Cell(age is null ? text : $"{text} ({age} ago)", ColorOf(text, Column.Text(row?["desired"]?["state"]), age is not null));
    }

    /// <summary>How long, in its largest unit.</summary>
    public static string Age(TimeSpan span) => span switch
    {
        { TotalDays: >= 1 } => $"{(int)span.TotalDays} d",
        { TotalHours: >= 1 } => $"{(int)span.TotalHours} h",
        { TotalMinutes: >= 1 } => $"{(int)span.TotalMinutes} min",
        _ => $"{Math.Max(0, (int)span.TotalSeconds)} s",
    };

    /// <summary>When a status was last true, if nothing newer is known.</summary>
    private static DateTimeOffset? Since(JsonNode? row) =>
        (row?["stale_since"] ?? row?["current"]?["stale_since"]) is JsonValue value && value.TryGetValue<DateTimeOffset>(out var since) ? since : null;

    // As ordered is well; what nobody orders is bad; the rest is on its way.
    private static string ColorOf(string status, string ordered, bool isOld) => status switch
    {
        "broken" or "crashed" or "failed" or "error" or "unreachable" => Red,
        _ when !isOld && status == ordered => Green,
        _ => Yellow,
    };
}
