using PonyCloud.Shared.Entities;

namespace PonyCloud.Shared.State;

/// <summary>
/// An N:M relation: an entity whose rows each refer to a row on the left and one on the right, such as host × instance.
/// The links are the relation's own rows, with both their parts, so a link that is only ordered, one that only is, and
/// one that is both are all found.
/// </summary>
public sealed class JoinTable
{
    private readonly Entity _link;
    private readonly (string Column, Entity Entity) _left;
    private readonly (string Column, Entity Entity) _right;

    /// <exception cref="ArgumentException">A column is not an indexed reference of the link.</exception>
    public JoinTable(EntityCatalog catalog, string link, string leftColumn, string rightColumn)
    {
        _link = catalog[link];
        _left = (leftColumn, Target(catalog, leftColumn));
        _right = (rightColumn, Target(catalog, rightColumn));
    }

    /// <summary>The links of a left row, each with the right row that it names, if that is there.</summary>
    public IEnumerable<(Row Link, Row? Right)> FromLeft(StateSnapshot state, RowKey left) => Join(state, _left, _right, left);

    /// <summary>The links of a right row, each with the left row that it names, if that is there.</summary>
    public IEnumerable<(Row Link, Row? Left)> FromRight(StateSnapshot state, RowKey right) => Join(state, _right, _left, right);

    private IEnumerable<(Row Link, Row? Far)> Join(
        StateSnapshot state, (string Column, Entity Entity) near, (string Column, Entity Entity) far, RowKey key)
    {
        foreach (var link in state[_link].Where(near.Column, key))
        {
            // A part may lack the column: a link that only is may not know what it was ordered for.
            var name = link.Desired is { } desired
                ? _link.Desired!.Column(far.Column)?.IndexText(desired)
                : _link.Current!.Column(far.Column)?.IndexText(link.Current!);
            yield return (link, RowKey.IsValidPart(name) ? state[far.Entity].Find(RowKey.Of(name!)) : null);
        }
    }

    private Entity Target(EntityCatalog catalog, string column)
    {
        var reference = (_link.Desired ?? _link.Current)!.Column(column)?.References;
        return reference is not null && _link.Indexes.Contains(column)
            ? catalog[reference]
            : throw new ArgumentException($"{_link.Name}.{column} is not an indexed reference.", nameof(column));
    }
}
