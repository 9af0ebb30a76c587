using System.Globalization;
using System.Text.Json;
using PonyCloud.Shared.Entities;
using PonyCloud.Shared.State;

namespace PonyCloud.Sparkle.Placement;

/// <summary>The hosts that will do for an instance.</summary>
/// <param name="Hosts">Null for every host.</param>
/// <param name="Preferred">Those that come first.</param>
/// <param name="Which">What they have in common, in words that follow "No host"; empty for every host.</param>
public sealed record Candidates(IReadOnlySet<Guid>? Hosts, IReadOnlySet<Guid> Preferred, string Which);

/// <summary>What is left of every host that takes instances, counted anew from the rows each time, so that it cannot drift.</summary>
public sealed class Capacity
{
    /// <summary>Setting: how much memory of a host may be promised, as a multiple of what it has.</summary>
    public const string MemoryOvercommit = "placement.memory_overcommit";

    /// <summary>Setting: memory of each host that instances do not get, MiB.</summary>
    public const string MemoryReserve = "placement.memory_reserve";

    private readonly Dictionary<string, Room> _rooms = new(StringComparer.Ordinal);

    private Capacity()
    {
    }

    /// <summary>What each host that takes instances has left after all that is there or is to be there.</summary>
    public static Capacity Of(EntityCatalog catalog, StateSnapshot state)
    {
        var capacity = new Capacity();
        var overcommit = Setting(catalog, state, MemoryOvercommit) ?? 1.0;
        var reserve = Setting(catalog, state, MemoryReserve) ?? 256;
        foreach (var row in state[catalog["host"]].Rows)
        {
            if (row is { Desired: HostDesired { State: HostState.Present }, Current: HostCurrent { Status: HostStatus.Present, Hypervisor: not null } current })
                capacity._rooms.Add(row.Key.Text, new Room { Memory = (long)(current.MemoryTotal * overcommit - reserve), Threads = current.CpuThreads });
        }
        foreach (var row in state[catalog["host_instance"]].Rows)
        {
            // An instance that is still there although it is to be elsewhere, or nowhere, takes its room until it is gone.
            if (!capacity._rooms.TryGetValue(row.Key.Parts[0], out var room))
                continue;
            var instance = state[catalog["instance"]].Find(RowKey.Of(row.Key.Parts[1]))?.Desired as InstanceDesired;
            room.Memory -= Math.Max(instance?.Mem ?? 0, (row.Current as HostInstanceCurrent)?.Mem ?? 0);
            room.Threads -= instance?.Rcpu ?? 0;
        }
        foreach (var row in state[catalog["host_migration"]].Rows)
        {
            // What is on its way takes its room before it is there.
            if (row.Desired is HostMigrationDesired { Role: MigrationRole.Receive } coming
                && capacity._rooms.TryGetValue(row.Key.Parts[0], out var room)
                && state[catalog["host_instance"]].Find(row.Key) is null
                && state[catalog["instance"]].Find(coming.Instance)?.Desired is InstanceDesired instance)
            {
                room.Memory -= instance.Mem;
                room.Threads -= instance.Rcpu;
            }
        }
        return capacity;
    }

    /// <summary>Whether the host takes instances and has room for this one.</summary>
    public bool HasRoom(InstanceDesired instance, Guid host) =>
        _rooms.TryGetValue(host.ToString(), out var room) && room.Memory >= instance.Mem && room.Threads >= instance.Rcpu;

    /// <summary>
    /// The host with the most memory left among those with room, a preferred one if there is one, and takes that room; null
    /// when there is none.
    /// </summary>
    /// <param name="why">When null is returned: what is missing, in words for the instance's owner.</param>
    public Guid? Take(InstanceDesired instance, Candidates among, out string why)
    {
        var best = _rooms
            .Select(room => (Host: Guid.Parse(room.Key), room.Key, Room: room.Value))
            .Where(host => among.Hosts is null || among.Hosts.Contains(host.Host))
            .Where(host => host.Room.Memory >= instance.Mem && host.Room.Threads >= instance.Rcpu)
            .OrderByDescending(host => among.Preferred.Contains(host.Host))
            .ThenByDescending(host => host.Room.Memory)
            .ThenBy(host => host.Key, StringComparer.Ordinal)
            .FirstOrDefault();
        if (best.Key is null)
        {
            why = _rooms.Count == 0
                ? "No host is present."
                : string.Create(CultureInfo.InvariantCulture, $"No host{among.Which} has room for {instance.Mem} MiB of memory{Threads(instance.Rcpu)}.");
            return null;
        }
        why = "";
        best.Room.Memory -= instance.Mem;
        best.Room.Threads -= instance.Rcpu;
        return best.Host;
    }

    private static string Threads(int reserved) =>
        reserved == 0 ? "" : string.Create(CultureInfo.InvariantCulture, $" and {reserved} reserved threads");

    private static double? Setting(EntityCatalog catalog, StateSnapshot state, string key)
    {
        if (state[catalog["config"]].Find(RowKey.Of(key))?.Desired is not ConfigDesired { Value.Text: var text })
            return null;
        using var value = JsonDocument.Parse(text);
        return value.RootElement.ValueKind == JsonValueKind.Number ? value.RootElement.GetDouble() : null;
    }

    private sealed class Room
    {
        public long Memory { get; set; }

        public int Threads { get; set; }
    }
}
