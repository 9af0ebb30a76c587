using System.Globalization;
using System.Text.Json;
using PonyCloud.Shared.Entities;
using PonyCloud.Shared.State;

namespace PonyCloud.Sparkle.Storage;

/// <summary>The logical units of pools that neither a volume nor what is left of one has, for one look at the rows.</summary>
internal sealed class FreeUnits(StorageRows rows, StateSnapshot state)
{
    private readonly Dictionary<Guid, SortedSet<(long Size, int Unit)>> _pools = [];

    /// <summary>The smallest one that suffices; null when there is none.</summary>
    public int? Take(Guid pool, long size)
    {
        if (!_pools.TryGetValue(pool, out var free))
            _pools.Add(pool, free = Find(pool));
        var best = free.FirstOrDefault(unit => unit.Size >= size);
        return best.Size > 0 && free.Remove(best) ? best.Unit : null;
    }

    private SortedSet<(long Size, int Unit)> Find(Guid pool)
    {
        var units = new Dictionary<int, long>();
        foreach (var ready in rows.ReadyIn(state, pool))
        {
            // Hosts that saw the target at different times: what each of them saw is there.
            foreach (var (unit, size) in Parse(ready.Units))
                units[unit] = units.TryGetValue(unit, out var other) ? Math.Min(other, size) : size;
        }
        foreach (var volume in rows.VolumesBy(state, "storage_pool", pool))
            units.Remove(volume.Unit ?? -1);
        foreach (var left in state[rows.Tombstone].Where("storage_pool", pool.ToString()).Select(row => row.Desired).OfType<TombstoneDesired>())
            units.Remove(left.Unit ?? -1);
        return [.. units.Select(unit => (unit.Value, unit.Key))];
    }

    private static IEnumerable<(int Unit, long Size)> Parse(JsonText? units)
    {
        if (units is null)
            yield break;
        using var json = JsonDocument.Parse(units.Text);
        if (json.RootElement.ValueKind != JsonValueKind.Object)
            yield break;
        foreach (var member in json.RootElement.EnumerateObject())
        {
            if (int.TryParse(member.Name, NumberStyles.None, CultureInfo.InvariantCulture, out var unit)
                && member.Value.ValueKind == JsonValueKind.Number && member.Value.TryGetInt64(out var size))
                yield return (unit, size);
        }
    }
}
