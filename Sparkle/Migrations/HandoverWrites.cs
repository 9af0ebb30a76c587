using PonyCloud.Shared.Entities;
using PonyCloud.Sparkle.Database;

namespace PonyCloud.Sparkle.Migrations;

/// <summary>A change of a place as one transaction: it does nothing when the place or the order is not what it was.</summary>
internal static class HandoverWrites
{
    public static IReadOnlyList<RowWrite> Of(MigrationRows rows, Handover handover)
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
        return writes;
    }
}
