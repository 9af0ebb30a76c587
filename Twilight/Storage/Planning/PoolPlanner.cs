using System.Text.Json;
using PonyCloud.Shared.Entities;

namespace PonyCloud.Twilight.Storage.Planning;

/// <summary>
/// Which pools the host has.
/// <code>
///                    needed                              scanned
///   (none) ────── PREPARE (backoff) ──────► PREPARED ◄──────────────► BROKEN: the last scan failed
///      ▲                                       │ no longer needed, or moved
///      └──────── RELEASE (backoff) ◄───────────┘ once nothing runs in it
/// </code>
/// A pool is needed that an operator gave to the host, or that something is in which the host keeps, copies, runs or removes.
/// </summary>
internal static class PoolPlanner
{
    internal static void Plan(Scene scene)
    {
        var needed = NeededBy(scene);
        foreach (var pool in needed.Union(scene.Input.Pools.Keys).Order())
        {
            var definition = pool == scene.Input.Staging.Pool.Uuid ? scene.Input.Staging : scene.Orders.DefinitionOf(pool);
            var view = scene.Input.Pools.GetValueOrDefault(pool);
            var state = needed.Contains(pool) && definition is not null
                ? Needed(scene, pool, definition, view)
                : view is null ? null : Leave(scene, pool, view);
            if (state is not null)
                scene.Pools.Add(pool, state);
        }
    }

    private static HashSet<Guid> NeededBy(Scene scene)
    {
        var orders = scene.Orders;
        var needed = orders.OwnPools.Keys.Where(orders.Pools.ContainsKey)
            .Concat(orders.Volumes.Values.Select(volume => volume.StoragePool))
            .Concat(orders.Copies.Select(copy => copy.StoragePool))
            .Concat(orders.Tombstones.Select(tombstone => tombstone.StoragePool))
            .ToHashSet();
        var staging = scene.Input.Staging.Pool.Uuid;
        // As long as something is in it somebody has to tidy up.
        if (orders.Guests.Any(guest => guest.Vdisk.Image is not null)
            || orders.Copies.Any(copy => scene.Input.Pools.TryGetValue(copy.StoragePool, out var view) && !view.Abilities.KeepsImages)
            || scene.Input.Pools.GetValueOrDefault(staging)?.Objects.Any() == true)
            needed.Add(staging);
        return needed;
    }

    private static HostStoragePoolCurrent Needed(Scene scene, Guid pool, PoolDefinition definition, PoolView? view)
    {
        if (!scene.Input.Types.Contains(definition.Pool.Type))
            return State(scene, pool, StorageStatus.Broken, $"This host has no driver for pools of type {definition.Pool.Type}.");
        if (view is not null && view.Definition.Pool.Config != definition.Pool.Config)
            return Leave(scene, pool, view);
        var subject = StorageSubject.OfPool(pool);
        if (view is null || view.Definition != definition)
        {
            var verdict = scene.Agenda.Take(subject, [new Due(new StorageAction.Prepare(definition))]);
            if (view is null)
                return State(scene, pool, verdict.Why is null ? StorageStatus.Preparing : StorageStatus.Broken, verdict.Why);
        }
        return Seen(scene, pool, view);
    }

    private static HostStoragePoolCurrent Leave(Scene scene, Guid pool, PoolView view)
    {
        scene.Leaving.Add(pool);
        var isBusy = scene.Input.InFlight.Keys.Any(subject => subject.Pool == pool && subject.Kind != SubjectKind.Pool)
            || view.Objects.Any(found => found.Name is { IsPartial: false } name && scene.Input.Uses.Find(name.Uuid) is not null);
        var verdict = scene.Agenda.Take(StorageSubject.OfPool(pool), [new Due(new StorageAction.Release(pool))], mayBegin: !isBusy);
        return Seen(scene, pool, view) with
        {
            Status = verdict.Why is null ? StorageStatus.Preparing : StorageStatus.Broken,
            Why = verdict.Why ?? "It is being let go.",
        };
    }

    private static HostStoragePoolCurrent Seen(Scene scene, Guid pool, PoolView view)
    {
        var status = view.Why is not null ? StorageStatus.Broken : view.Scan is null ? StorageStatus.Preparing : StorageStatus.Ready;
        return State(scene, pool, status, view.Why) with
        {
            Path = view.Scan?.Path,
            Capacity = view.Scan?.Capacity,
            Available = view.Scan?.Available,
            Units = view.Scan?.Units is { } units ? Text(units) : null,
        };
    }

    private static JsonText Text(IReadOnlyDictionary<int, long> units) => JsonText.From(JsonSerializer.SerializeToElement(
        units.OrderBy(unit => unit.Key).ToDictionary(unit => $"{unit.Key}", unit => unit.Value)));

    private static HostStoragePoolCurrent State(Scene scene, Guid pool, StorageStatus status, string? why) => new()
    {
        Host = scene.Input.Host,
        StoragePool = pool,
        Status = status,
        Why = why,
    };
}
