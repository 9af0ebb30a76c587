using PonyCloud.Shared.Entities;
using PonyCloud.Sparkle.Database;

namespace PonyCloud.Sparkle.Placement.Extents;

/// <summary>What is written in one transaction: space for volumes, and extents of nobody that go.</summary>
internal sealed class ExtentBatch(Entity extent, Func<Guid> makeUuid)
{
    /// <summary>So that a transaction is over long before its time is.</summary>
    private const int EnoughWrites = 256;

    private readonly List<RowWrite> _writes = [];
    private readonly List<Guid> _causes = [];
    private readonly List<Allocation> _allocations = [];

    public IReadOnlyList<RowWrite> Writes => _writes;

    public IReadOnlyList<Allocation> Allocations => _allocations;

    public bool IsFull => _writes.Count >= EnoughWrites;

    /// <param name="pool">Of the volume.</param>
    /// <param name="allocation">What it gets.</param>
    /// <param name="last">The row of the piece that becomes longer; null when none does.</param>
    public void Give(Guid pool, Allocation allocation, ExtentDesired? last)
    {
        _allocations.Add(allocation);
        if (allocation.Extended is { } extended)
        {
            // On condition that the row is as it was, so that what somebody else did meanwhile refuses it.
            var row = last ?? throw new ArgumentNullException(nameof(last));
            Add(allocation.Volume, new RowWrite.Update(extent, RowKey.Of(row.Uuid), row, row with { Range = extended.After.Range }));
        }
        foreach (var (order, piece) in allocation.Added)
        {
            Add(allocation.Volume, new RowWrite.Insert(extent, new ExtentDesired
            {
                Uuid = makeUuid(),
                StoragePool = pool,
                Disk = piece.Disk,
                Range = piece.Range,
                Volume = allocation.Volume,
                Order = order,
            }));
        }
    }

    /// <summary>Somebody may have given it to a volume meanwhile: it goes only as it was seen.</summary>
    public void Delete(ExtentDesired ofNobody)
    {
        Add(ofNobody.Uuid, new RowWrite.Update(extent, RowKey.Of(ofNobody.Uuid), ofNobody, ofNobody));
        Add(ofNobody.Uuid, new RowWrite.Delete(extent, RowKey.Of(ofNobody.Uuid)));
    }

    /// <summary>The volume or the extent for whose sake nothing was written; null when it cannot be said.</summary>
    public Guid? CauseOf(Exception failure) => failure switch
    {
        WriteRefusedException { Write: { } index } when index < _causes.Count => _causes[index],
        ConcurrentChangeException { Write: var index } when index < _causes.Count => _causes[index],
        _ => null,
    };

    private void Add(Guid cause, RowWrite write)
    {
        _causes.Add(cause);
        _writes.Add(write);
    }
}
