using System.Text.Json.Nodes;
using PonyCloud.Pony.Schema;

namespace PonyCloud.Pony.Declaring;

/// <summary>Something that is to be done so that what is there becomes what a file says.</summary>
/// <param name="Called">The place, as people call it: <c>tenant/acme/instance/web</c>.</param>
/// <param name="Pointer">Where the file says so.</param>
internal abstract record Change(string Called, string Pointer)
{
    /// <summary>A row comes into being.</summary>
    public sealed record Create(string Called, string Pointer, Location Collection, NewRow Row) : Change(Called, Pointer);

    /// <summary>Fields of a row get other values.</summary>
    public sealed record Update(string Called, string Pointer, Location Row, IReadOnlyList<FieldChange> Fields) : Change(Called, Pointer)
    {
        /// <summary>The new values, in which names of other rows have become keys.</summary>
        public required JsonObject Values { get; init; }
    }

    /// <summary>A row goes, since its collection is named and it is not.</summary>
    public sealed record Remove(string Called, string Pointer, Location Row) : Change(Called, Pointer);
}

/// <param name="Before">Null: it had no value.</param>
/// <param name="After">Null: it loses its value.</param>
internal sealed record FieldChange(Field Field, JsonNode? Before, JsonNode? After);

/// <summary>A row that is to be made, with those below it.</summary>
/// <param name="Key">Its key, or a placeholder for which the platform makes one.</param>
internal sealed record NewRow(Mount Mount, string Name, string Key, JsonObject Desired, string Pointer)
{
    public List<NewRow> Children { get; } = [];

    /// <summary>The key of the template that it is made from; null for none.</summary>
    public string? Template { get; set; }

    /// <summary>The row as the API takes it.</summary>
    public JsonObject ToJson()
    {
        var row = new JsonObject { ["desired"] = Desired.DeepClone() };
        if (Template is not null)
            row["template"] = Template;
        if (Children.Count == 0)
            return row;
        var children = new JsonObject();
        foreach (var collection in Children.GroupBy(child => child.Mount.Segment))
            children[collection.Key] = new JsonObject(collection.Select(child => KeyValuePair.Create<string, JsonNode?>(child.Key, child.ToJson())));
        row["children"] = children;
        return row;
    }
}
