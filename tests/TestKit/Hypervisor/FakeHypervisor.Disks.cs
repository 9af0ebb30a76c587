using PonyCloud.Twilight.Hypervisor;

namespace PonyCloud.TestKit.Hypervisor;

public sealed partial class FakeHypervisor
{
    public Task LimitDiskAsync(Guid domain, string target, DiskLimits limits, CancellationToken cancellationToken) =>
        CallAsync("limit", domain, () =>
        {
            FindOn(domain).Change(target, disk => disk with { IopsMax = limits.IopsMax, BytesMax = limits.BytesMax });
            return null;
        }, cancellationToken);

    public Task GrowDiskAsync(Guid domain, string target, long bytes, CancellationToken cancellationToken) =>
        CallAsync("grow", domain, () =>
        {
            var found = FindOn(domain);
            found.Change(target, disk => disk.IsCdrom ? throw new HypervisorException(HypervisorFailure.Failed, 84, "The disk is read-only.") : disk);
            found.Sizes[target] = Math.Max(found.Sizes.GetValueOrDefault(target), bytes);
            return null;
        }, cancellationToken);

    public Task TakeSnapshotAsync(Guid domain, string alias, string snapshot, CancellationToken cancellationToken) =>
        CallAsync("snapshot", domain, () =>
        {
            var found = FindOn(domain);
            found.Snapshots.Add((found.DeviceOf(alias), snapshot));
            return null;
        }, cancellationToken);

    public Task RemoveSnapshotAsync(Guid domain, string alias, string snapshot, CancellationToken cancellationToken) =>
        CallAsync("unsnapshot", domain, () =>
        {
            var found = FindOn(domain);
            found.Snapshots.Remove((found.DeviceOf(alias), snapshot));
            return null;
        }, cancellationToken);

    /// <summary>How large guests were told that their disks are, bytes, and what snapshots were taken under them.</summary>
    public (IReadOnlyDictionary<string, long> Sizes, IReadOnlyCollection<(Guid Disk, string Snapshot)> Snapshots) DisksOf(Guid domain)
    {
        lock (_gate)
        {
            var found = Find(domain);
            return (found.Sizes.ToDictionary(), found.Snapshots.ToList());
        }
    }
}
