using PonyCloud.Shared.Entities;

namespace PonyCloud.Twilight.Storage.Planning;

/// <summary>What to do with a copy of a volume that another host keeps. The table is in README.md.</summary>
internal sealed class VolumeCopyDecider(Scene scene)
{
    internal HostVolumeCopyCurrent Decide(HostVolumeCopyDesired copy)
    {
        if (copy.Generation is not { } generation)
            return State(copy, StorageStatus.Preparing, "Its generation is not known here yet.");
        if (!scene.Orders.Volumes.TryGetValue(copy.Volume, out var volume))
            return State(copy, StorageStatus.Preparing, "The volume itself is not known here yet.");
        if (scene.Orders.Kept.ContainsKey(copy.Volume))
            return State(copy, StorageStatus.Broken, "This host keeps the volume itself.");
        if (volume.State == VolumeState.Deleted)
            return State(copy, StorageStatus.Broken, "The volume is ordered to be deleted.");
        if (scene.ViewOf(volume.StoragePool) is not { } pool)
        {
            var (status, why) = scene.StateOf(volume.StoragePool);
            return State(copy, status == StorageStatus.Ready ? StorageStatus.Preparing : status, why);
        }
        if (!pool.Abilities.Publishes)
            return State(copy, StorageStatus.Broken, $"Volumes in a pool of type {pool.Definition.Pool.Type} are not copied: they have no names.");
        var target = scene.ObjectOf(volume, ObjectName.Volume(volume.Uuid, generation));
        return pool.Find(target.Name) is null ? Absent(copy, target, pool) : Present(copy, target, pool);
    }

    private HostVolumeCopyCurrent Absent(HostVolumeCopyDesired copy, StorageObject target, PoolView pool)
    {
        var door = copy.Fill == CopyFill.Fetch ? scene.Orders.Doors.GetValueOrDefault(copy.Instance) : null;
        VolumeSource? source = copy.Fill == CopyFill.Hypervisor ? new VolumeSource.Empty()
            : door is null ? null
            : new VolumeSource.Remote(copy.Instance, copy.Volume, door);
        var make = source is null ? null : new StorageAction.Make(pool.Uuid, target, source);
        var verdict = Take(pool, target, make);
        var broken = pool.Why ?? (make is null ? null : verdict.WhyNot(make));
        var why = broken ?? (source is null ? "It waits for the host that keeps it to let it be read." : null);
        return State(copy, broken is null ? StorageStatus.Preparing : StorageStatus.Broken, why);
    }

    private HostVolumeCopyCurrent Present(HostVolumeCopyDesired copy, StorageObject target, PoolView pool)
    {
        scene.Look(pool.Uuid, target);
        // What the hypervisor fills has to have room for all of it before it begins; what was fetched grows with the volume once it is kept.
        var grow = copy.Fill == CopyFill.Hypervisor && pool.Details.GetValueOrDefault(target.Name) is { } details && details.Size < target.Size
            ? new StorageAction.Grow(pool.Uuid, target)
            : null;
        var isUsed = grow is not null && scene.MayBeUsed(pool, target);
        var verdict = Take(pool, target, isUsed ? null : grow);
        var broken = pool.Why ?? pool.Troubles.GetValueOrDefault(target.Name) ?? (grow is null ? null : verdict.WhyNot(grow));
        var why = broken ?? (isUsed ? scene.WhyWaits("It is grown", pool, target) : null);
        return State(copy, broken is not null ? StorageStatus.Broken : grow is not null ? StorageStatus.Preparing : StorageStatus.Ready, why);
    }

    /// <summary>Behind what earlier attempts of this host left, which takes room.</summary>
    private Verdict Take(PoolView pool, StorageObject target, StorageAction? action)
    {
        var leftovers = RemovalDecider.LeftBehind(scene, pool, target.Name.Uuid).Concat(RemovalDecider.ToGo(scene, pool, target.Name.Uuid));
        return scene.Agenda.Take(
            StorageSubject.OfVolume(pool.Uuid, target.Name.Uuid), action is null ? leftovers : leftovers.Append(new Due(action)), pool.IsUsable);
    }

    private HostVolumeCopyCurrent State(HostVolumeCopyDesired copy, StorageStatus status, string? why) => new()
    {
        Host = scene.Input.Host,
        Volume = copy.Volume,
        Generation = copy.Generation,
        Status = status,
        Why = why,
    };
}
