using PonyCloud.Shared.Entities;

namespace PonyCloud.Twilight.Storage.Planning;

/// <summary>What the platform once made and no row explains: it is reported, and left alone.</summary>
internal static class OrphanFinder
{
    /// <summary>
    /// Whether a row that this host was sent says what it is. In a pool of the host's own that is the content that the volume has, which may
    /// be the only one even where nobody is to keep it, and the one that a copy has here; what has another number was never either, or is
    /// no longer.
    /// </summary>
    internal static bool IsExplained(Scene scene, PoolView pool, ObjectName name) => name.Kind switch
    {
        ObjectKind.Volume => scene.Orders.Volumes.TryGetValue(name.Uuid, out var volume) && volume.StoragePool == pool.Uuid
            && (pool.Definition.Pool.Shareable || volume.Generation == name.Generation || IsCopy(scene, name)),
        _ => scene.Orders.Copies.Any(copy => copy.Image == name.Uuid && copy.StoragePool == pool.Uuid),
    };

    /// <summary>What this host began for rows that are gone: nobody else ever had it, and nobody misses it.</summary>
    internal static void RemoveLeftBehind(Scene scene)
    {
        foreach (var (pool, found) in Objects(scene).Where(one => scene.IsLeftBehind(one.Found)))
        {
            // Whoever decided about the volume or the image has thought of it.
            scene.Agenda.Take(
                StorageSubject.Of(pool.Uuid, found.Name!),
                [new Due(new StorageAction.Remove(pool.Uuid, new StorageObject(found.Name!, 0)))], pool.IsUsable);
        }
    }

    internal static IEnumerable<HostOrphanCurrent> Find(Scene scene)
    {
        var dying = scene.Orders.Tombstones
            .Where(tombstone => tombstone.Type is TombstoneType.Volume or TombstoneType.Image)
            .Select(tombstone => (tombstone.StoragePool, tombstone.Target)).ToHashSet();
        return Objects(scene)
            .Where(one => one.Found.Name is not { } name || !IsHere(scene, one.Pool, name))
            // Where hosts share a pool, one of them looks.
            .Where(one => !one.Pool.Definition.Pool.Shareable || scene.Orders.OwnPools.GetValueOrDefault(one.Pool.Uuid)?.Steward == true)
            .Where(one => !scene.IsLeftBehind(one.Found))
            .Where(one => one.Found.Name is not { } name || !dying.Contains((one.Pool.Uuid, name.Uuid.ToString())))
            .Where(one => one.Found.Name is not { Kind: ObjectKind.Volume, IsPartial: false } name
                || !RemovalDecider.IsToGo(scene, one.Pool, name))
            .Select(one => new HostOrphanCurrent
            {
                Host = scene.Input.Host,
                Name = $"{one.Pool.Uuid}:{one.Found.Text}",
                StoragePool = one.Pool.Uuid,
                Type = TypeOf(one.Found.Name),
                Target = one.Found.Name?.Uuid,
                Size = one.Found.Allocated,
            });
    }

    /// <summary>
    /// In a pool of the host's own a volume that another host is to keep, or nobody, is out of place: that it is here is how it is found
    /// again. The keeper itself tidies up what the content has replaced.
    /// </summary>
    private static bool IsHere(Scene scene, PoolView pool, ObjectName name)
    {
        if (name.Kind != ObjectKind.Volume || pool.Definition.Pool.Shareable)
            return IsExplained(scene, pool, name);
        return scene.Orders.Volumes.TryGetValue(name.Uuid, out var volume) && volume.StoragePool == pool.Uuid
            && (IsCopy(scene, name) || (scene.Orders.Kept.ContainsKey(name.Uuid) && name.Generation <= volume.Generation));
    }

    private static bool IsCopy(Scene scene, ObjectName name) =>
        scene.Orders.VolumeCopies.TryGetValue(name.Uuid, out var copy) && copy.Generation == name.Generation;

    private static IEnumerable<(PoolView Pool, FoundObject Found)> Objects(Scene scene) =>
        from pool in scene.Input.Pools.Values
        where pool.Uuid != scene.Input.Staging.Pool.Uuid && scene.ViewOf(pool.Uuid) is not null
        from found in pool.Objects
        orderby found.Text
        select (pool, found);

    private static OrphanType TypeOf(ObjectName? name) => name switch
    {
        null => OrphanType.Mapping,
        { IsPartial: true } => OrphanType.Partial,
        { Kind: ObjectKind.Image } => OrphanType.Image,
        _ => OrphanType.Volume,
    };
}
