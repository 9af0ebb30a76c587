using System.Globalization;
using PonyCloud.Shared.Entities;
using PonyCloud.Sparkle.Database;

namespace PonyCloud.Sparkle.Migrations;

/// <summary>A change of a place as one transaction: it does nothing when the place, the order or a volume is not what it was.</summary>
/// <remarks>
/// What a copy leaves behind is known to the database when the copy goes, so that comes last: a copy that is the content by then leaves
/// nothing. Copies go on condition that they are there: one that somebody has outdated becomes nobody's content.
/// </remarks>
internal static class HandoverWrites
{
    /// <param name="makeUuid">For tombstones.</param>
    public static IReadOnlyList<RowWrite> Of(MigrationRows rows, Handover handover, Func<Guid> makeUuid)
    {
        var writes = new List<RowWrite>();
        var after = new HostInstanceDesired { Host = handover.To, Instance = handover.Instance };
        if (handover.From is { } from)
        {
            var before = after with { Host = from };
            writes.Add(new RowWrite.Update(rows.HostInstance, rows.HostInstance.KeyOf(RowPart.Desired, before), before, after));
        }
        else
        {
            writes.Add(new RowWrite.Insert(rows.HostInstance, after));
        }
        if (handover.Order is { } order)
        {
            var key = RowKey.Of(order.Instance);
            writes.Add(new RowWrite.Update(rows.Order, key, order, order));
            if (handover.EndsOrder)
                writes.Add(new RowWrite.Delete(rows.Order, key));
        }
        foreach (var (copy, volume) in handover.Taken)
            Take(rows, handover, copy, volume, makeUuid, writes);
        foreach (var copy in handover.Taken.Select(taken => taken.Copy).Concat(handover.Dropped))
        {
            var key = rows.Copy.KeyOf(RowPart.Desired, copy);
            writes.Add(new RowWrite.Update(rows.Copy, key, copy, copy));
            writes.Add(new RowWrite.Delete(rows.Copy, key));
        }
        writes.AddRange(handover.Made.Select(copy => new RowWrite.Insert(rows.Copy, copy)));
        return writes;
    }

    private static void Take(
        MigrationRows rows, Handover handover, HostVolumeCopyDesired copy, OwnVolume own, Func<Guid> makeUuid, List<RowWrite> writes)
    {
        writes.Add(new RowWrite.Update(rows.Vdisk, RowKey.Of(own.Disk.Uuid), own.Disk, own.Disk));
        writes.Add(new RowWrite.Update(rows.Volume, RowKey.Of(copy.Volume), own.Volume, own.Volume with { Generation = copy.Generation!.Value }));
        var after = new HostVolumeDesired { Host = handover.To, Volume = copy.Volume };
        if (own.Keeper is not { } before)
        {
            writes.Add(new RowWrite.Insert(rows.Keeper, after));
            return;
        }
        writes.Add(new RowWrite.Update(rows.Keeper, rows.Keeper.KeyOf(RowPart.Desired, before), before, after));
        writes.Add(new RowWrite.Insert(rows.Tombstone, new TombstoneDesired
        {
            Uuid = makeUuid(),
            Type = TombstoneType.Orphan,
            Target = string.Create(CultureInfo.InvariantCulture, $"volume-{own.Volume.Uuid}.{own.Volume.Generation}"),
            StoragePool = own.Volume.StoragePool,
            Host = before.Host,
            Size = own.Volume.Size,
        }));
    }
}
