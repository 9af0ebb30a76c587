using System.Text.Json;
using PonyCloud.Shared.Entities;

namespace PonyCloud.Sparkle.Api.Reading;

/// <summary>The columns of each part that an answer shows.</summary>
public sealed class FieldSelection
{
    private readonly Column[] _desired;
    private readonly Column[] _current;

    private FieldSelection(Column[] desired, Column[] current)
    {
        _desired = desired;
        _current = current;
    }

    /// <param name="names">Columns, each with its part in front (<c>desired.name</c>) or of whichever parts have it.</param>
    /// <exception cref="ProblemException">There is no such column here.</exception>
    internal static FieldSelection Of(ResourceNode node, IEnumerable<string> names)
    {
        var desired = new HashSet<Column>();
        var current = new HashSet<Column>();
        foreach (var name in names)
        {
            var column = name[(name.IndexOf('.', StringComparison.Ordinal) + 1)..];
            var isThere = Add(desired, node, RowPart.Desired, column, name) | Add(current, node, RowPart.Current, column, name);
            if (!isThere)
                throw ReadQuery.Bad("fields", $"names {ReadQuery.Shown(name)}, and there is no such field here.");
        }
        return new FieldSelection(InOrder(node, RowPart.Desired, desired), InOrder(node, RowPart.Current, current));
    }

    /// <summary>Whether anything of the part is shown.</summary>
    internal bool Shows(RowPart part) => Columns(part).Length > 0;

    /// <summary>Writes what is shown of a part, in the form in which the whole would be written.</summary>
    internal void Write(Utf8JsonWriter json, RowPart part, object record)
    {
        json.WriteStartObject();
        foreach (var column in Columns(part))
        {
            if (column.Get(record) is not { } value)
                continue;
            json.WritePropertyName(column.Name);
            JsonSerializer.Serialize(json, value, column.Type, RowJson.Options);
        }
        json.WriteEndObject();
    }

    private Column[] Columns(RowPart part) => part == RowPart.Desired ? _desired : _current;

    private static bool Add(HashSet<Column> columns, ResourceNode node, RowPart part, string column, string name)
    {
        var prefix = part == RowPart.Desired ? "desired." : "current.";
        if ((column != name && name != prefix + column) || node.Entity.Part(part)?.Column(column) is not { } found || !node.Shows(found))
            return false;
        columns.Add(found);
        return true;
    }

    private static Column[] InOrder(ResourceNode node, RowPart part, HashSet<Column> columns) =>
        [.. (node.Entity.Part(part)?.Columns ?? []).Where(columns.Contains)];
}
