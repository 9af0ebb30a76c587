using PonyCloud.Shared.Entities;

namespace PonyCloud.Shared.State;

/// <summary>
/// One row as it was at one revision of the store: an order beside what is. At least one part is present. Immutable.
/// </summary>
public sealed class Row : IKeyed
{
    internal Row(RowKey key, object? desired, object? current, long revision)
    {
        Key = key;
        Desired = desired;
        Current = current;
        Revision = revision;
    }

    public RowKey Key { get; }

    /// <summary>The desired record, of the type that the entity declares.</summary>
    public object? Desired { get; }

    /// <summary>The current record, of the type that the entity declares.</summary>
    public object? Current { get; }

    /// <summary>The revision of the store that made this row what it is.</summary>
    public long Revision { get; }

    public object? Part(RowPart part) => part == RowPart.Desired ? Desired : Current;
}
