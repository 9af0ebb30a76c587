using PonyCloud.Shared.Entities;

namespace PonyCloud.Shared.State;

/// <summary>The whole state at one revision. Immutable, so a reader keeps it as long as it likes and sees one moment.</summary>
public sealed class StateSnapshot
{
    private readonly TableSnapshot[] _tables;

    internal StateSnapshot(long revision, TableSnapshot[] tables)
    {
        Revision = revision;
        _tables = tables;
    }

    /// <summary>Counts the change sets of the store, from 0 for the empty state.</summary>
    public long Revision { get; }

    public IReadOnlyList<TableSnapshot> Tables => _tables;

    public TableSnapshot this[Entity entity] => _tables[entity.Ordinal];

    internal TableSnapshot[] CopyTables() => (TableSnapshot[])_tables.Clone();
}
