using PonyCloud.Shared.Entities;
using PonyCloud.Twilight.Instances;

namespace PonyCloud.Twilight.Storage.Planning;

/// <summary>
/// What a disk of an instance is on this host. Only content that is whole is ever offered: of this generation, published, and with
/// nothing left that has to be done to it before a guest sees it.
/// </summary>
internal sealed class VdiskDecider(Scene scene, IReadOnlyDictionary<Guid, HostVolumeCurrent> kept)
{
    internal PlannedDisk Decide(GuestDisk guest) => guest.Vdisk switch
    {
        { Image: { } image } => Image(guest, image),
        { Volume: { } volume } => Volume(guest, volume),
        _ => Waits(guest, "it is of a template"),
    };

    private PlannedDisk Image(GuestDisk guest, Guid image)
    {
        var (keeper, isBroken, why) = new ImageDecider(scene).ForGuest(image);
        if (keeper is null)
            return Waits(guest, why, isBroken);
        return new PlannedDisk(guest.Vdisk.Uuid, DiskReadiness.Ready)
        {
            IsOn = guest.IsOn,
            Pool = keeper.Value,
            Target = new StorageObject(ObjectName.Image(image), 0),
        };
    }

    private PlannedDisk Volume(GuestDisk guest, Guid uuid)
    {
        if (!scene.Orders.Volumes.TryGetValue(uuid, out var volume))
            return Waits(guest, "its volume is not known here yet");
        if (scene.ViewOf(volume.StoragePool) is not { } pool)
        {
            var (status, poolWhy) = scene.StateOf(volume.StoragePool);
            return Waits(guest, poolWhy ?? "its pool is being prepared", status == StorageStatus.Broken);
        }
        if (scene.Orders.VolumeCopies.TryGetValue(uuid, out var copy) && !scene.Orders.Kept.ContainsKey(uuid))
            return Copy(guest, copy, volume, pool);
        var target = scene.ObjectOf(volume);
        var state = kept.GetValueOrDefault(uuid);
        // Whoever keeps it looks into it anyway.
        if (state is null && volume.Content == VolumeContent.Made)
        {
            scene.Look(pool.Uuid, target);
            KeepSnapshots(volume, target, pool);
        }
        var isWhole = state is null
            ? volume.Content == VolumeContent.Made && pool.Holds(target)
            : state.Generation == volume.Generation && pool.Holds(target);
        if (pool.Why is not null || !isWhole)
            return Waits(guest, pool.Why ?? state?.Why ?? "its content is not there yet", pool.Why is not null || state?.Status == StorageStatus.Broken);
        if (WhyFirst(volume, state, target) is { } first)
            return Waits(guest, first);
        return new PlannedDisk(guest.Vdisk.Uuid, DiskReadiness.Ready)
        {
            IsOn = guest.IsOn,
            Pool = pool.Uuid,
            Target = target,
            Size = state?.Size,
            IsElsewhere = state is null,
            IsGrownByGuest = !pool.Abilities.WorksInUse,
        };
    }

    /// <summary>What another host keeps and this one is to have with the instance: the hypervisor fills it, or nobody has it yet.</summary>
    private PlannedDisk Copy(GuestDisk guest, HostVolumeCopyDesired copy, VolumeDesired volume, PoolView pool)
    {
        if (copy.Instance != guest.Vdisk.Instance)
            return Waits(guest, "its volume comes to this host with another instance");
        if (copy.Fill == CopyFill.Fetch)
            return Waits(guest, "its content is fetched from the host that keeps it");
        if (pool.Why is not null || copy.Generation is not { } generation)
            return Waits(guest, pool.Why ?? "its copy is being made", pool.Why is not null);
        var target = scene.ObjectOf(volume, ObjectName.Volume(volume.Uuid, generation));
        if (!pool.Abilities.Publishes || pool.Find(target.Name) is null)
            return Waits(guest, "its copy is being made");
        return new PlannedDisk(guest.Vdisk.Uuid, DiskReadiness.Ready)
        {
            IsOn = guest.IsOn,
            Pool = pool.Uuid,
            Target = target,
            Size = pool.Details.GetValueOrDefault(target.Name)?.Size,
            IsGrownByGuest = !pool.Abilities.WorksInUse,
        };
    }

    /// <summary>
    /// Snapshots of a file that a guest of this host has open are its QEMU's to take and to remove, whichever host keeps the volume: there
    /// it is locked. The keeper sees them in the file, and reports them.
    /// </summary>
    private void KeepSnapshots(VolumeDesired volume, StorageObject target, PoolView pool)
    {
        if (pool.Abilities.WorksInUse || scene.UserOf(pool, target) is null || pool.Details.GetValueOrDefault(target.Name) is not { } details)
            return;
        scene.Agenda.Take(
            StorageSubject.OfVolume(pool.Uuid, volume.Uuid), new SnapshotDecider(scene).DueOf(volume, target, pool, details), pool.IsUsable);
    }

    /// <summary>What has to be done before a guest gets it, in words.</summary>
    private string? WhyFirst(VolumeDesired volume, HostVolumeCurrent? state, StorageObject target)
    {
        if (state is null)
            return null;
        if (volume.State == VolumeState.Deleted)
            return "its volume is ordered to be deleted";
        if (volume.Revert is not null && state.Reverts < volume.Reverts)
            return "its volume is reverted first";
        return scene.Input.InFlight.ContainsKey(StorageSubject.Of(volume.StoragePool, target.Name)) && !scene.MayBeUsed(scene.ViewOf(volume.StoragePool)!, target)
            ? "its volume is being worked on"
            : null;
    }

    private static PlannedDisk Waits(GuestDisk guest, string? why, bool isBroken = false) =>
        new(guest.Vdisk.Uuid, isBroken ? DiskReadiness.Broken : DiskReadiness.Waiting, why?.TrimEnd('.')) { IsOn = guest.IsOn };
}
