using Microsoft.Extensions.Logging;
using PonyCloud.Twilight.Instances;
using PonyCloud.Twilight.Storage.Planning;
using PonyCloud.Twilight.Storage.Pools;
using PonyCloud.Twilight.Storage.Working;

namespace PonyCloud.Twilight.Storage.Guests;

/// <summary>
/// Opens what disks of guests hold, and lets go of it. Open is what an instance that is to be on needs, and what a guest has, whatever
/// is ordered.
/// </summary>
/// <remarks>Owned by the storage loop.</remarks>
public sealed partial class GuestLeases(OpenPools pools, IStorageHost host, GuestDisks disks, ILogger<GuestLeases> logger)
{
    private static readonly TimeSpan AgainAfter = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan SecretInterval = TimeSpan.FromSeconds(30);

    private readonly Dictionary<Guid, GuestLease> _leases = [];
    private readonly List<Task> _ending = [];

    internal GuestDisks Disks => disks;

    /// <summary>Called on any thread when something was opened, or could not be.</summary>
    internal Action? Ended { get; set; }

    /// <summary>Opens, grows and lets go, and tells what there is.</summary>
    internal void Become(StoragePlan plan, TimeSpan now)
    {
        _ending.RemoveAll(task => task.IsCompleted);
        var planned = plan.Disks.ToDictionary(disk => disk.Vdisk);
        var uses = disks.Uses;
        foreach (var (vdisk, lease) in _leases.Where(lease => IsOver(lease.Key, lease.Value, planned.GetValueOrDefault(lease.Key), uses, now)).ToList())
        {
            _leases.Remove(vdisk);
            _ending.Add(EndAsync(lease, vdisk));
        }
        foreach (var disk in planned.Values.Where(disk => disk is { Readiness: DiskReadiness.Ready, IsOn: true }))
        {
            if (_leases.TryGetValue(disk.Vdisk, out var lease))
                lease.Mind(disk, now, SecretInterval);
            else if (pools.All.TryGetValue(disk.Pool, out var pool))
                _leases.Add(disk.Vdisk, new GuestLease(disk, pool, host, now, () => Ended?.Invoke()));
        }
        disks.Become(planned.ToDictionary(disk => disk.Key, disk => StateOf(disk.Value, uses)));
    }

    /// <summary>Guests keep what they have.</summary>
    internal async Task EndAsync()
    {
        foreach (var (vdisk, lease) in _leases)
            _ending.Add(EndAsync(lease, vdisk));
        _leases.Clear();
        await Task.WhenAll(_ending);
    }

    private bool IsOver(Guid vdisk, GuestLease lease, PlannedDisk? disk, GuestUses uses, TimeSpan now)
    {
        if (lease.HasFailed)
            return now - lease.BegunAt >= AgainAfter;
        if (pools.All.GetValueOrDefault(lease.Pool.Definition.Pool.Uuid) != lease.Pool)
            return true;
        var isWanted = disk is { IsOn: true } && (disk.Target is null || disk.Target.Name == lease.Name);
        return !isWanted && !uses.MayHave(lease.Name.Uuid);
    }

    private DiskState StateOf(PlannedDisk disk, GuestUses uses)
    {
        if (disk.Readiness != DiskReadiness.Ready)
            return new DiskState(disk.Readiness, disk.Why);
        return _leases.TryGetValue(disk.Vdisk, out var lease) && lease.Name == disk.Target!.Name
            ? lease.StateOf(disk, uses.Find(lease.Name.Uuid) is not null)
            : new DiskState(DiskReadiness.Waiting, "it is not open yet");
    }

    private async Task EndAsync(GuestLease lease, Guid vdisk)
    {
        try
        {
            await lease.DisposeAsync();
        }
#pragma warning disable CA1031 // Whatever a driver throws: nobody waits for it, and what stays is found as an orphan.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            LogNotEnded(exception, vdisk);
        }
    }

    [LoggerMessage(EventId = 3311, Level = LogLevel.Warning, Message = "What disk {Vdisk} had open could not be let go.")]
    private partial void LogNotEnded(Exception exception, Guid vdisk);
}
