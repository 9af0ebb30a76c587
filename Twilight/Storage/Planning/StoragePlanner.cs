using PonyCloud.Shared.Entities;

namespace PonyCloud.Twilight.Storage.Planning;

/// <summary>
/// Compares what was ordered of the host's storage with what is, and says what to do next. Pure: the same input makes the same plan.
/// </summary>
/// <remarks>
/// Nothing is planned before the first full state has come. What no row explains is in no action, but for what this host itself began
/// and did not finish.
/// </remarks>
public static class StoragePlanner
{
    public static StoragePlan Plan(StoragePlannerInput input)
    {
        if (input.Orders is not { } orders)
            return new StoragePlan();
        var scene = new Scene(input, orders);
        PoolPlanner.Plan(scene);

        var volumes = new VolumeDecider(scene);
        var copies = new VolumeCopyDecider(scene);
        var snapshots = new SnapshotDecider(scene);
        var images = new ImageDecider(scene);
        var removals = new RemovalDecider(scene);
        var kept = orders.Kept.Values.OrderBy(volume => volume.Volume).ToList();
        var plan = new StoragePlan
        {
            Volumes = [.. kept.Select(volumes.Decide).OfType<HostVolumeCurrent>()],
            VolumeCopies = [.. orders.VolumeCopies.Values.OrderBy(copy => copy.Volume).Select(copies.Decide)],
            Images = [.. orders.Copies.OrderBy(copy => copy.Uuid).Select(images.Decide)],
            Tombstones = [.. orders.Tombstones.OrderBy(tombstone => tombstone.Uuid).Select(removals.Decide)],
            Snapshots = [.. kept.SelectMany(snapshots.StatesOf)],
            Extents = [.. orders.Extents.OrderBy(extent => extent.Uuid).Select(extent => ExtentOf(scene, extent))],
            Orphans = [.. OrphanFinder.Find(scene), .. kept.SelectMany(snapshots.OrphansOf)],
        };
        var disks = new VdiskDecider(scene, plan.Volumes.ToDictionary(volume => volume.Volume));
        plan = plan with { Disks = [.. orders.Guests.Select(disks.Decide)] };
        OrphanFinder.RemoveLeftBehind(scene);
        images.Tidy();
        return plan with
        {
            Actions = scene.Agenda.Actions,
            Due = scene.Agenda.Due,
            WakeAt = scene.Agenda.WakeAt,
            Interests = scene.Interests.ToDictionary(pool => pool.Key, pool => (IReadOnlyList<StorageObject>)pool.Value),
            Pools = [.. scene.Pools.Values.Where(pool => pool.StoragePool != input.Staging.Pool.Uuid)],
        };
    }

    private static HostExtentCurrent ExtentOf(Scene scene, ExtentDesired extent)
    {
        var isSeen = scene.Orders.Disks.GetValueOrDefault(extent.StoragePool, [])
            .Any(disk => disk.Id == extent.Disk && disk.Path is not null);
        var (status, why) = scene.StateOf(extent.StoragePool);
        return new HostExtentCurrent
        {
            Host = scene.Input.Host,
            Extent = extent.Uuid,
            Status = isSeen ? status : StorageStatus.Broken,
            Why = isSeen ? why : $"The host does not see the disk {extent.Disk}.",
        };
    }
}
