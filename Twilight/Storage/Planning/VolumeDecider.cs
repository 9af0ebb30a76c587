using PonyCloud.Shared.Entities;

namespace PonyCloud.Twilight.Storage.Planning;

/// <summary>What to do with a volume that the host keeps. The table is in README.md.</summary>
internal sealed class VolumeDecider(Scene scene)
{
    /// <returns>What the host has of it; null for nothing.</returns>
    internal HostVolumeCurrent? Decide(HostVolumeDesired kept)
    {
        if (!scene.Orders.Volumes.TryGetValue(kept.Volume, out var volume))
            return State(kept.Volume, StorageStatus.Preparing, "The volume itself is not known here yet.");
        var subject = StorageSubject.OfVolume(volume.StoragePool, volume.Uuid);
        if (scene.ViewOf(volume.StoragePool) is not { } pool)
        {
            var (status, why) = scene.StateOf(volume.StoragePool);
            return State(volume.Uuid, status == StorageStatus.Ready ? StorageStatus.Preparing : status, why);
        }
        var target = scene.ObjectOf(volume);
        var isThere = IsThere(volume, target, pool);
        if (isThere || !pool.Abilities.Publishes)
            scene.Look(volume.StoragePool, target);

        if (volume.State == VolumeState.Deleted)
            return Deleted(volume, target, pool, subject);
        return isThere ? Present(volume, target, pool, subject) : Absent(kept, volume, target, pool, subject);
    }

    private HostVolumeCurrent? Deleted(VolumeDesired volume, StorageObject target, PoolView pool, StorageSubject subject)
    {
        var due = RemovalDecider.AllOf(scene, pool, target).ToList();
        if (due.Count > 0 && scene.MayBeUsed(pool, target))
            return State(volume.Uuid, StorageStatus.Preparing, scene.WhyWaits("It is removed", pool, target));
        var verdict = scene.Agenda.Take(subject, due, pool.IsUsable);
        if (due.Count == 0 && !scene.IsBusy(subject))
            return null;
        var why = pool.Why ?? verdict.Why;
        return State(volume.Uuid, why is null ? StorageStatus.Preparing : StorageStatus.Broken, why ?? "It is being removed.");
    }

    private HostVolumeCurrent? Absent(
        HostVolumeDesired kept, VolumeDesired volume, StorageObject target, PoolView pool, StorageSubject subject)
    {
        var (make, why) = volume is { Content: VolumeContent.Pending, State: VolumeState.Present }
            ? MakeOf(kept, volume, target, pool)
            : (null, null);
        var leftovers = Leftovers(volume, pool, isThere: false);
        var verdict = scene.Agenda.Take(subject, make is null ? leftovers : [.. leftovers, new Due(make)], pool.IsUsable);
        if (volume.State == VolumeState.Optional)
            return null;
        var broken = pool.Why
            ?? (volume.Content == VolumeContent.Made ? "Its content is lost: nothing of it is in the pool." : null)
            ?? (make is null ? null : verdict.WhyNot(make));
        if (volume.Content == VolumeContent.Upload)
            why = "It waits for its content to be sent.";
        return State(volume.Uuid, broken is null ? StorageStatus.Preparing : StorageStatus.Broken, broken ?? why) with
        {
            Generation = OlderOf(volume, pool),
        };
    }

    private HostVolumeCurrent Present(VolumeDesired volume, StorageObject target, PoolView pool, StorageSubject subject)
    {
        var details = pool.Details.GetValueOrDefault(target.Name);
        List<Due> due = details is null
            ? []
            : [.. new SnapshotDecider(scene).DueOf(volume, target, pool, details), .. Changes(volume, target, pool, details)];
        var waits = details is null ? null : WhyWaits(volume, target, pool, details);
        var verdict = scene.Agenda.Take(subject, [.. due, .. Leftovers(volume, pool, isThere: true)], pool.IsUsable);
        var loud = due.Find(one => !one.IsQuiet);
        var why = pool.Why ?? pool.Troubles.GetValueOrDefault(target.Name) ?? RevertTrouble(volume, details)
            ?? (loud is null ? WhyNotOffered(volume, target) : verdict.WhyNot(loud.Action)) ?? waits;
        var status = pool.Why is not null || (details is null && why is not null) ? StorageStatus.Broken
            : details is null || loud is not null || why is not null ? StorageStatus.Preparing
            : StorageStatus.Ready;
        return State(volume.Uuid, status, why) with
        {
            Path = pool.PathOf(target.Name),
            Size = details?.Size,
            Allocated = pool.Find(target.Name)?.Allocated,
            Generation = volume.Generation,
            Reverts = RevertsOf(volume),
            Cleared = pool.Abilities.Publishes ? null : ClearedOf(volume),
        };
    }

    /// <summary>Why it is smaller than it is to be although there is nothing to do, in words.</summary>
    private string? WhyNotOffered(VolumeDesired volume, StorageObject target) => target.Offered >= volume.Size ? null
        : IsToClear(volume, target) ? WhyNotCleared(target)
        : "It is larger once the platform has noted that its space is wiped.";

    private IEnumerable<Due> Changes(VolumeDesired volume, StorageObject target, PoolView pool, ObjectDetails details)
    {
        if (WhyWaits(volume, target, pool, details) is not null)
            yield break;
        var isToRevert = IsToRevert(volume);
        // What was ordered to be kept is kept before anything else becomes of the content.
        var keepsFirst = SnapshotDecider.ToTake(scene, volume, details).Any();
        if (isToRevert && !keepsFirst && details.Snapshots.Any(snapshot => snapshot.Uuid == volume.Revert))
            yield return new Due(new StorageAction.Revert(volume.StoragePool, target, volume.Revert!.Value, volume.Reverts));
        if (!isToRevert && IsToClear(volume, target) && WhyNotCleared(target) is null)
            yield return new Due(new StorageAction.Clear(volume.StoragePool, target));
        if (!isToRevert && details.Size < target.Offered)
            yield return new Due(new StorageAction.Grow(volume.StoragePool, target));
    }

    /// <summary>It is larger than what was wiped of its space. Before its row says that it is made, it is as it was made.</summary>
    private bool IsToClear(VolumeDesired volume, StorageObject target) =>
        volume.Content == VolumeContent.Made && target.Offered < volume.Size && ClearedOf(volume) < volume.Size;

    private static string? WhyNotCleared(StorageObject target) =>
        target.Extents.Count > 0 && target.Extents.Sum(extent => extent.Range.Length) < target.Size
            ? "It waits for more space in its pool."
            : null;

    /// <summary>What was wiped of its space before anything was written there, as far as this host knows.</summary>
    /// <remarks>A volume of which nobody has noted it is offered as large as it is, so that counts: none of that is ever wiped again.</remarks>
    private long ClearedOf(VolumeDesired volume)
    {
        var done = RecordOf(volume) is { Cleared: > 0 } record && record.Generation == volume.Generation ? record.Cleared : (long?)null;
        return volume.Content == VolumeContent.Made ? Math.Max(volume.Cleared ?? volume.Size, done ?? 0) : done ?? volume.Size;
    }

    /// <summary>Why what is to become of a content is not done to it now, in words: a guest may have it open.</summary>
    private string? WhyWaits(VolumeDesired volume, StorageObject target, PoolView pool, ObjectDetails details)
    {
        if (!scene.MayBeUsed(pool, target))
            return null;
        if (IsToRevert(volume))
            return scene.WhyWaits("It is reverted", pool, target);
        return details.Size >= target.Offered || pool.Abilities.WorksInUse ? null
            : scene.UserOf(pool, target) is { } user ? $"Instance {user.Instance} grows it, which has it."
            : scene.WhyWaits("It is grown", pool, target);
    }

    private (StorageAction.Make? Make, string? Why) MakeOf(
        HostVolumeDesired kept, VolumeDesired volume, StorageObject target, PoolView pool)
    {
        if (!pool.Abilities.Publishes && !pool.Holds(target))
            return (null, pool.Troubles.GetValueOrDefault(target.Name) ?? "The host does not see its space in the pool.");
        var (source, why) = (volume.BaseImage, volume.BaseVolume) switch
        {
            // An image without a source of its own is what a volume holds, and the place says which.
            ({ } image, _) when HolderOf(image, kept) is { } holder => FromVolume(holder),
            ({ } image, _) => FromImage(image, pool),
            (_, { } from) => FromVolume(from),
            _ => (new VolumeSource.Empty(), null),
        };
        return source is null ? (null, why) : (new StorageAction.Make(volume.StoragePool, target, source), null);
    }

    private Guid? HolderOf(Guid image, HostVolumeDesired kept) =>
        kept.SourceVolume is { } source && scene.Orders.Volumes.GetValueOrDefault(source)?.Image == image ? source : null;

    private (VolumeSource? Source, string? Why) FromImage(Guid image, PoolView pool)
    {
        var keeper = pool.Abilities.KeepsImages ? pool : scene.ViewOf(scene.Input.Staging.Pool.Uuid);
        return keeper?.Find(ObjectName.Image(image)) is null
            ? (null, "It waits for the copy of its image.")
            : (new VolumeSource.Image(keeper.Uuid, image), null);
    }

    private (VolumeSource? Source, string? Why) FromVolume(Guid uuid)
    {
        if (!scene.Orders.Volumes.TryGetValue(uuid, out var from))
            return (null, "The volume that it is to be a copy of is not known here yet.");
        var target = scene.ObjectOf(from);
        if (scene.ViewOf(from.StoragePool) is not { } pool || from.Content != VolumeContent.Made || !pool.Holds(target))
            return (null, "The volume that it is to be a copy of is not there yet.");
        // A copy takes a while, in which a guest would write.
        if (scene.MayBeUsed(pool, target))
            return (null, scene.WhyWaits($"It waits for volume {uuid}, which is copied", pool, target));
        return (new VolumeSource.Volume(from.StoragePool, target), null);
    }

    /// <summary>What this host began, and what the content that is there has replaced.</summary>
    private List<Due> Leftovers(VolumeDesired volume, PoolView pool, bool isThere) =>
    [
        .. pool.Of(ObjectKind.Volume, volume.Uuid)
            .Where(found => found.Name is { } name && (name.IsPartial || !scene.Input.Uses.MayHave(name)) && (
                (scene.IsLeftBehind(found) && !(volume.Content == VolumeContent.Upload && name.Generation == volume.Generation))
                || (isThere && (name.Generation < volume.Generation || (name.IsPartial && name.Generation == volume.Generation)))))
            .Where(found => !RemovalDecider.IsToGo(scene, pool, found.Name!))
            .Select(found => new Due(new StorageAction.Remove(pool.Uuid, new StorageObject(found.Name!, volume.Size)), IsQuiet: true)),
        .. RemovalDecider.ToGo(scene, pool, volume.Uuid),
    ];

    private bool IsThere(VolumeDesired volume, StorageObject target, PoolView pool) => pool.Holds(target)
        && (pool.Abilities.Publishes || (!RecordOf(volume).IsWiped
            && (volume.Content == VolumeContent.Made || RecordOf(volume).Generation == volume.Generation)));

    private static int? OlderOf(VolumeDesired volume, PoolView pool) => pool.Of(ObjectKind.Volume, volume.Uuid)
        .Where(found => found.Name is { IsPartial: false })
        .Max(found => (int?)found.Name!.Generation);

    private VolumeRecord RecordOf(VolumeDesired volume) => scene.RecordOf(volume.Uuid);

    private bool IsToRevert(VolumeDesired volume) => volume.Revert is not null && RecordOf(volume).Reverts < volume.Reverts;

    private int? RevertsOf(VolumeDesired volume) => volume.Revert is null ? volume.Reverts : RecordOf(volume).Reverts;

    private string? RevertTrouble(VolumeDesired volume, ObjectDetails? details) =>
        details is not null && IsToRevert(volume) && !SnapshotDecider.ToTake(scene, volume, details).Any()
        && details.Snapshots.All(snapshot => snapshot.Uuid != volume.Revert)
            ? "The snapshot that it is to be again is not there."
            : null;

    private HostVolumeCurrent State(Guid volume, StorageStatus status, string? why) => new()
    {
        Host = scene.Input.Host,
        Volume = volume,
        Status = status,
        Why = why,
    };
}
