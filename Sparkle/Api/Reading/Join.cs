using PonyCloud.Shared.Entities;
using PonyCloud.Shared.State;

namespace PonyCloud.Sparkle.Api.Reading;

/// <summary>A column that refers to another row, which an answer shows inline.</summary>
public sealed class Join
{
    private readonly Column? _desired;
    private readonly Column? _current;

    private Join(string name, Column? desired, Column? current)
    {
        Name = name;
        _desired = desired;
        _current = current;
        Entity = (desired ?? current)!.References!;
    }

    /// <summary>The column.</summary>
    public string Name { get; }

    /// <summary>The entity that it refers to.</summary>
    public string Entity { get; }

    /// <summary>The columns by which rows of the mount can be joined.</summary>
    public static IEnumerable<string> NamesFor(ResourceNode node) => (node.Entity.Desired?.Columns ?? [])
        .Concat(node.Entity.Current?.Columns ?? [])
        .Where(column => column.References is not null && node.Shows(column))
        .Select(column => column.Name)
        .Distinct();

    /// <exception cref="ProblemException">There is no such column here.</exception>
    internal static Join Of(ResourceNode node, string name)
    {
        var desired = Reference(node.Entity.Desired);
        var current = Reference(node.Entity.Current);
        return desired is null && current is null
            ? throw ReadQuery.Bad("join", $"names {ReadQuery.Shown(name)}, and no field here refers to other rows by that name.")
            : new Join(name, desired, current);

        Column? Reference(PartDeclaration? part) =>
            part?.Column(name) is { References: not null } column && node.Shows(column) ? column : null;
    }

    /// <summary>The key of the row that a row refers to, as ordered or else as it is; null for none.</summary>
    internal RowKey? KeyIn(Row row)
    {
        var text = Text(_desired, row.Desired) ?? Text(_current, row.Current);
        return RowKey.IsValidPart(text) ? RowKey.Of(text!) : null;
    }

    private static string? Text(Column? column, object? record) => column is null || record is null ? null : column.IndexText(record);
}
