using System.Globalization;
using PonyCloud.Shared.Entities;
using PonyCloud.Shared.State;

namespace PonyCloud.Sparkle.Api.Reading;

/// <summary>
/// Rows with one of some values in a column. As in the indexes of the store, a row has the value that was ordered and the
/// one that is, so that one on its way from the one to the other is found under both.
/// </summary>
public sealed class RowFilter
{
    private readonly Column? _desired;
    private readonly Column? _current;

    private RowFilter(string name, Column? desired, Column? current)
    {
        Name = name;
        _desired = desired;
        _current = current;
    }

    /// <summary>The column, and the query parameter.</summary>
    public string Name { get; }

    /// <summary>The values as keys and indexes have them, each once.</summary>
    public IReadOnlyList<string> Values { get; private init; } = [];

    /// <summary>The columns by which the collection can be filtered.</summary>
    public static IEnumerable<string> NamesFor(ResourceNode node) => (node.Entity.Desired?.Columns ?? [])
        .Concat(node.Entity.Current?.Columns ?? [])
        .Select(column => column.Name)
        .Distinct()
        .Where(name => Find(node, name) is not null);

    /// <summary>
    /// Null when the column is none to filter by, or is not shown: nobody learns of a value by asking for it. A column of
    /// few values needs no index to be one: each value would have a large part of the table in it.
    /// </summary>
    internal static RowFilter? Find(ResourceNode node, string name)
    {
        var isKnown = name == node.KeyColumn || node.Entity.Indexes.Contains(name);
        var desired = Shown(node.Entity.Desired);
        var current = Shown(node.Entity.Current);
        return desired is null && current is null ? null : new RowFilter(name, desired, current);

        Column? Shown(PartDeclaration? part) =>
            part?.Column(name) is { } column && (isKnown || column.Kind is ColumnKind.Enumeration or ColumnKind.Boolean) && node.Shows(column)
                ? column
                : null;
    }

    /// <exception cref="ProblemException">The column can have no such value.</exception>
    internal RowFilter With(IEnumerable<string> values) => new(Name, _desired, _current)
    {
        Values = [.. values.Select(value =>
            Normalize(_desired, value) ?? Normalize(_current, value) ?? throw ReadQuery.Bad(Name, $"cannot be {ReadQuery.Shown(value)}{Allowed()}."))
            .Distinct(StringComparer.Ordinal)],
    };

    public bool Matches(Row row) => Has(_desired, row.Desired) || Has(_current, row.Current);

    private bool Has(Column? column, object? record) =>
        column is not null && record is not null && column.IndexText(record) is { } text && Values.Contains(text);

    private string Allowed()
    {
        var column = (_desired ?? _current)!;
        return column.Kind switch
        {
            ColumnKind.Enumeration => $"; it is one of {string.Join(", ", (_desired?.EnumNames ?? []).Concat(_current?.EnumNames ?? []).Distinct())}",
            ColumnKind.Uuid => "; it is a uuid",
            ColumnKind.Boolean => "; it is true or false",
            ColumnKind.Integer or ColumnKind.BigInteger => "; it is a whole number",
            ColumnKind.Real => "; it is a number",
            ColumnKind.Timestamp => "; it is a time as RFC 3339 writes it",
            _ => "",
        };
    }

    // The text under which an index has the value; null when the column cannot have it.
    private static string? Normalize(Column? column, string value)
    {
        switch (column?.Kind)
        {
            case null:
                return null;
            case ColumnKind.Uuid:
                return Guid.TryParseExact(value, "D", out var uuid) ? uuid.ToString() : null;
            case ColumnKind.Enumeration:
                return column.EnumValue(value) is null ? null : value;
            case ColumnKind.Boolean:
                return value is "true" or "false" ? value : null;
            case ColumnKind.Integer:
            case ColumnKind.BigInteger:
                return long.TryParse(value, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var integer)
                    ? integer.ToString(CultureInfo.InvariantCulture)
                    : null;
            case ColumnKind.Real:
                return double.TryParse(value, NumberStyles.Float, CultureInfo.InvariantCulture, out var real)
                    ? real.ToString(CultureInfo.InvariantCulture)
                    : null;
            case ColumnKind.Timestamp:
                return DateTimeOffset.TryParse(value, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time)
                    ? time.ToUniversalTime().ToString(CultureInfo.InvariantCulture)
                    : null;
            default:
                return value;
        }
    }
}
