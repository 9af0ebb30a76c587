using PonyCloud.Shared.Entities;

namespace PonyCloud.Twilight.Storage.Planning;

/// <summary>What is left of things whose rows are gone, and what nobody knows.</summary>
internal sealed class RemovalDecider(Scene scene)
{
    /// <summary>Everything of a volume that is in its pool, whatever its generation and whoever began it.</summary>
    internal static IEnumerable<Due> AllOf(Scene scene, PoolView pool, StorageObject volume)
    {
        if (pool.Abilities.Publishes)
        {
            return pool.Of(ObjectKind.Volume, volume.Name.Uuid)
                .Select(found => new Due(new StorageAction.Remove(pool.Uuid, volume with { Name = found.Name! })));
        }
        // What a unit holds cannot be seen: it is wiped once, and that is remembered.
        return scene.Input.Ledger.GetValueOrDefault(volume.Name.Uuid).IsWiped
            ? []
            : [new Due(new StorageAction.Remove(pool.Uuid, volume with { Name = ObjectName.Volume(volume.Name.Uuid, 1) }))];
    }

    /// <summary>A snapshot as an orphan is named: the volume's object, an @, and its uuid.</summary>
    internal static (ObjectName Volume, Guid Snapshot)? SnapshotOf(string target) =>
        target.Split('@') is [var text, var uuid]
        && ObjectName.TryParse(text, out var name) && Guid.TryParseExact(uuid, "D", out var snapshot)
            ? (name, snapshot)
            : null;

    /// <summary>Whether a tombstone names this very object of a volume, and nothing explains it.</summary>
    internal static bool IsToGo(Scene scene, PoolView pool, ObjectName name)
    {
        if (!pool.Abilities.Publishes || OrphanFinder.IsExplained(scene, pool, name))
            return false;
        var text = name.ToString();
        return scene.Orders.Tombstones.Any(tombstone =>
            tombstone.Type == TombstoneType.Orphan && tombstone.StoragePool == pool.Uuid && tombstone.Target == text);
    }

    /// <summary>What of a volume is removed for tombstones that name it, as far as no guest may have it open.</summary>
    internal static IEnumerable<Due> ToGo(Scene scene, PoolView pool, Guid volume) => pool.Of(ObjectKind.Volume, volume)
        .Where(found => found.Name is { IsPartial: false } name && IsToGo(scene, pool, name) && !scene.Input.Uses.MayHave(name))
        .Select(found => new Due(new StorageAction.Remove(pool.Uuid, new StorageObject(found.Name!, 0)), IsQuiet: true));

    /// <summary>What this host began of a volume and no longer works on.</summary>
    internal static IEnumerable<Due> LeftBehind(Scene scene, PoolView pool, Guid volume) => pool.Of(ObjectKind.Volume, volume)
        .Where(scene.IsLeftBehind)
        .Select(found => new Due(new StorageAction.Remove(pool.Uuid, new StorageObject(found.Name!, 0)), IsQuiet: true));

    internal HostTombstoneCurrent Decide(TombstoneDesired tombstone)
    {
        if (scene.ViewOf(tombstone.StoragePool) is not { } pool)
        {
            var (status, why) = scene.StateOf(tombstone.StoragePool);
            return State(tombstone, status == StorageStatus.Broken ? RemovalStatus.Broken : RemovalStatus.Removing, why);
        }
        return tombstone.Type switch
        {
            TombstoneType.Volume => Volume(tombstone, pool, Guid.Parse(tombstone.Target)),
            TombstoneType.Snapshot => Snapshot(tombstone, pool, tombstone.Volume!.Value, Guid.Parse(tombstone.Target)),
            TombstoneType.Image => Image(tombstone, pool, Guid.Parse(tombstone.Target)),
            _ => Orphan(tombstone, pool),
        };
    }

    private HostTombstoneCurrent Volume(TombstoneDesired tombstone, PoolView pool, Guid volume)
    {
        if (scene.Orders.Volumes.TryGetValue(volume, out var row) && row.StoragePool == pool.Uuid)
            return State(tombstone, RemovalStatus.Broken, "A volume of this uuid is in the pool again.");
        var target = new StorageObject(ObjectName.Volume(volume, 1), tombstone.Size ?? 0)
        {
            Unit = tombstone.Unit,
            Extents = scene.Orders.ExtentsOf(tombstone.Uuid),
        };
        if (!pool.Abilities.Publishes && !scene.Input.Ledger.GetValueOrDefault(volume).IsWiped && IsHidden(pool, target))
            return State(tombstone, RemovalStatus.Broken, $"The host does not see unit {target.Unit}.");
        if (scene.MayBeUsed(pool, target))
            return State(tombstone, RemovalStatus.Removing, scene.WhyWaits("It is removed", pool, target));
        return Remove(tombstone, pool, StorageSubject.OfVolume(pool.Uuid, volume), [.. AllOf(scene, pool, target)]);
    }

    private HostTombstoneCurrent Snapshot(TombstoneDesired tombstone, PoolView pool, Guid volume, Guid snapshot)
    {
        if (!scene.Orders.Kept.ContainsKey(volume) || !scene.Orders.Volumes.TryGetValue(volume, out var row))
            return State(tombstone, RemovalStatus.Broken, "This host does not keep the volume.");
        var target = scene.ObjectOf(row);
        if (!pool.Holds(target) && !scene.IsBusy(StorageSubject.OfVolume(pool.Uuid, volume)) && pool.IsUsable)
            return State(tombstone, RemovalStatus.Removed, null);
        return SnapshotIn(tombstone, pool, target, snapshot);
    }

    private HostTombstoneCurrent SnapshotIn(TombstoneDesired tombstone, PoolView pool, StorageObject target, Guid snapshot)
    {
        var details = pool.Details.GetValueOrDefault(target.Name);
        if (details is not null && details.Snapshots.All(found => found.Uuid != snapshot))
            return State(tombstone, RemovalStatus.Removed, null);
        var failure = scene.Input.Failures.GetValueOrDefault(new SnapshotDecider(scene).RemovalOf(target, pool, snapshot))?.Why
            ?? pool.Why ?? pool.Troubles.GetValueOrDefault(target.Name);
        return State(tombstone, failure is null ? RemovalStatus.Removing : RemovalStatus.Broken, failure);
    }

    private HostTombstoneCurrent Image(TombstoneDesired tombstone, PoolView pool, Guid image)
    {
        // Elsewhere the staging has it, which tidies itself.
        if (!pool.Abilities.KeepsImages)
            return State(tombstone, RemovalStatus.Removed, null);
        if (scene.Orders.Copies.Any(copy => copy.Image == image && copy.StoragePool == pool.Uuid))
            return State(tombstone, RemovalStatus.Broken, "A copy of this image is ordered in the pool again.");
        var copy = new StorageObject(ObjectName.Image(image), 0);
        if (scene.MayBeUsed(pool, copy))
            return State(tombstone, RemovalStatus.Removing, scene.WhyWaits("It is removed", pool, copy));
        var due = pool.Of(ObjectKind.Image, image)
            .Select(found => new Due(new StorageAction.Remove(pool.Uuid, new StorageObject(found.Name!, 0))));
        return Remove(tombstone, pool, StorageSubject.OfImage(pool.Uuid, image), [.. due]);
    }

    private HostTombstoneCurrent Orphan(TombstoneDesired tombstone, PoolView pool)
    {
        if (SnapshotOf(tombstone.Target) is { } named)
        {
            if (scene.Orders.HasSnapshot(named.Snapshot))
                return State(tombstone, RemovalStatus.Broken, "A row of this snapshot is there.");
            if (pool.Find(named.Volume) is null && pool.IsUsable)
                return State(tombstone, RemovalStatus.Removed, null);
            if (scene.Orders.Kept.ContainsKey(named.Volume.Uuid) && scene.Orders.Volumes.TryGetValue(named.Volume.Uuid, out var volume))
                return SnapshotIn(tombstone, pool, scene.ObjectOf(volume, named.Volume), named.Snapshot);
            return State(tombstone, RemovalStatus.Broken, "This host does not keep the volume.");
        }
        if (!ObjectName.TryParse(tombstone.Target, out var name))
            return State(tombstone, RemovalStatus.Broken, "The platform has not named that.");
        if (OrphanFinder.IsExplained(scene, pool, name))
            return State(tombstone, RemovalStatus.Broken, "A row explains it, so it is no orphan.");
        if (name is { Kind: ObjectKind.Volume, IsPartial: false } && pool.Abilities.Publishes)
            return Generation(tombstone, pool, name);
        var target = new StorageObject(name, 0);
        if (!name.IsPartial && scene.MayBeUsed(pool, target))
            return State(tombstone, RemovalStatus.Removing, scene.WhyWaits("It is removed", pool, target));
        Due[] due = pool.Find(name) is null ? [] : [new Due(new StorageAction.Remove(pool.Uuid, target))];
        return Remove(tombstone, pool, StorageSubject.Of(pool.Uuid, name), due);
    }

    /// <summary>One content of a volume, of which the host may have, make or keep another one: that does not wait for this, nor this for that.</summary>
    private HostTombstoneCurrent Generation(TombstoneDesired tombstone, PoolView pool, ObjectName name)
    {
        var subject = StorageSubject.Of(pool.Uuid, name);
        if (pool.Find(name) is not null && scene.Input.Uses.MayHave(name))
        {
            return State(
                tombstone, RemovalStatus.Removing, GuestUses.WhyWaits("It is removed", scene.Input.Uses.Find(name)));
        }
        // Whoever decided about the volume has thought of it.
        scene.Agenda.Take(subject, [.. LeftBehind(scene, pool, name.Uuid), .. ToGo(scene, pool, name.Uuid)], pool.IsUsable);
        if (pool.Find(name) is null && pool.IsUsable && !IsAtWorkOn(subject, name))
            return State(tombstone, RemovalStatus.Removed, null);
        var why = pool.Why ?? scene.Input.Failures.GetValueOrDefault(new StorageAction.Remove(pool.Uuid, new StorageObject(name, 0)))?.Why;
        return State(tombstone, why is null ? RemovalStatus.Removing : RemovalStatus.Broken, why);
    }

    /// <summary>What was withdrawn may publish it at its very end.</summary>
    private bool IsAtWorkOn(StorageSubject subject, ObjectName name) => scene.Input.InFlight.GetValueOrDefault(subject) switch
    {
        StorageAction.Make make => make.Target.Name == name,
        StorageAction.Remove remove => remove.Target.Name == name,
        _ => false,
    };

    private HostTombstoneCurrent Remove(TombstoneDesired tombstone, PoolView pool, StorageSubject subject, Due[] due)
    {
        var verdict = scene.Agenda.Take(subject, due, pool.IsUsable);
        // Gone is what is seen, and not while something that was withdrawn may still make it.
        if (due.Length == 0 && !scene.IsBusy(subject) && pool.IsUsable)
            return State(tombstone, RemovalStatus.Removed, null);
        var why = pool.Why ?? verdict.Why;
        return State(tombstone, why is null ? RemovalStatus.Removing : RemovalStatus.Broken, why);
    }

    private static bool IsHidden(PoolView pool, StorageObject target) =>
        pool.Scan?.Units is { } units && target.Unit is { } unit && !units.ContainsKey(unit);

    private HostTombstoneCurrent State(TombstoneDesired tombstone, RemovalStatus status, string? why) => new()
    {
        Host = scene.Input.Host,
        Tombstone = tombstone.Uuid,
        Status = status,
        Why = why,
    };
}
