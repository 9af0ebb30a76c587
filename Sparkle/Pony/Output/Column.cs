using System.Text.Json.Nodes;
using PonyCloud.Pony.Schema;

namespace PonyCloud.Pony.Output;

/// <summary>A column of a table: where its value is in a row.</summary>
/// <param name="Part"><c>desired</c> or <c>current</c>; null for the key.</param>
/// <param name="CanGo">Left out where the terminal is too narrow.</param>
internal sealed record Column(string Title, string? Part, string Name, bool CanGo)
{
    public const string State = "state";
    public const string Status = "status";

    public bool IsStatus => Part == "current" && Name == Status;

    /// <summary>
    /// Those that say what these rows are about: what every row has, in the order of the declaration. A field in which all of
    /// them are like a new row says nothing about any.
    /// </summary>
    public static IReadOnlyList<Column> Choose(Mount mount, JsonObject rows)
    {
        var entity = mount.Entity;
        var columns = new List<Column>();
        var key = new Column(Heading(mount.KeyColumn), null, mount.KeyColumn, CanGo: false);
        if (entity.HasName)
            columns.Add(Of("desired", "name", canGo: false));
        else
            columns.Add(key);
        foreach (var field in entity.Desired.Where(field => IsMain(mount, field) && (field.Name == State || !IsDefault(field, rows))))
            columns.Add(Of("desired", field.Name, canGo: field.Name != State));
        if (entity.FindCurrent(Status) is not null && !mount.Hidden.Contains(Status))
            columns.Add(Of("current", Status, canGo: false));
        else if (entity.Desired.Count == 0)
            columns.AddRange(entity.Current.Where(field => IsMain(mount, field)).Select(field => Of("current", field.Name, canGo: true)));
        if (entity.HasName)
            columns.Add(key);
        return columns;
    }

    /// <summary>A field as it was asked for: <c>state</c>, <c>desired.vcpu</c>, <c>current.vcpu</c>.</summary>
    /// <exception cref="PonyException">There is no such field.</exception>
    public static Column Find(Mount mount, string text)
    {
        var (part, name) = text.Split('.', 2) is ["desired" or "current", var after] ? (text[..text.IndexOf('.', StringComparison.Ordinal)], after) : (null, text);
        var entity = mount.Entity;
        if (part is null && name == mount.KeyColumn)
            return new Column(Heading(name), null, name, CanGo: false);
        if (part != "current" && entity.FindDesired(name) is not null)
            return Of("desired", name, canGo: false);
        if (part != "desired" && entity.FindCurrent(name) is not null)
            return Of("current", name, canGo: false);
        var there = entity.Desired.Concat(entity.Current).Select(field => field.Name).Where(field => !mount.Hidden.Contains(field)).Distinct();
        throw PonyException.Usage($"A {entity.Name} has no field \"{Printable.Of(text)}\". It has {string.Join(", ", there)}.");
    }

    /// <summary>The value in a row; null when it has none.</summary>
    public JsonNode? Value(string key, JsonNode? row) => Part is null ? JsonValue.Create(key) : (row?[Part] as JsonObject)?[Name];

    /// <summary>A value for people.</summary>
    public static string Text(JsonNode? value) => Printable.Of(value switch
    {
        null => "",
        JsonValue text when text.TryGetValue<string>(out var plain) => plain,
        JsonArray list when list.All(item => item is JsonValue) => string.Join(',', list.Select(item => Text(item))),
        _ => JsonText.Write(value),
    });

    private static Column Of(string part, string name, bool canGo) => new(Heading(name), part, name, canGo);

    private static string Heading(string name) => name.Replace('_', '-').ToUpperInvariant();

    // What need not be there is of interest to fewer; the row it is in, everybody knows.
    private static bool IsMain(Mount mount, Field field) =>
        !field.IsNullable && !field.IsWriteOnly && field.Name != "name" && field.Name != mount.KeyColumn && field.Name != mount.ParentColumn
        && !mount.Hidden.Contains(field.Name);

    private static bool IsDefault(Field field, JsonObject rows) =>
        field.Default is not null && rows.All(row => JsonNode.DeepEquals(row.Value?["desired"]?[field.Name], field.Default));
}
