using PonyCloud.Shared.Entities;

namespace PonyCloud.Twilight.Storage.Planning;

/// <summary>
/// The copies of images that the host is to have. Where a pool keeps none, the copy is in the host's staging, one for all such pools,
/// and goes when none of them needs it.
/// </summary>
internal sealed class ImageDecider(Scene scene)
{
    internal HostImageCurrent Decide(ImageCopyDesired copy)
    {
        if (scene.Input.Pools.GetValueOrDefault(copy.StoragePool)?.Abilities.KeepsImages == false)
            return DecideIn(scene.Input.Staging.Pool.Uuid, copy);
        return DecideIn(copy.StoragePool, copy);
    }

    /// <summary>Removes from the staging what no copy is ordered of.</summary>
    internal void Tidy()
    {
        if (scene.ViewOf(scene.Input.Staging.Pool.Uuid) is not { } staging)
            return;
        var wanted = scene.Orders.Copies.Select(copy => copy.Image).ToHashSet();
        foreach (var found in staging.Objects.Where(found => found.Name is { Kind: ObjectKind.Image } name && !wanted.Contains(name.Uuid)))
        {
            scene.Agenda.Take(
                StorageSubject.Of(staging.Uuid, found.Name!),
                [new Due(new StorageAction.Remove(staging.Uuid, new StorageObject(found.Name!, 0)))], staging.IsUsable);
        }
    }

    private HostImageCurrent DecideIn(Guid keeper, ImageCopyDesired copy)
    {
        if (scene.ViewOf(keeper) is not { } pool)
        {
            var (status, why) = scene.StateOf(keeper);
            return State(copy, status == StorageStatus.Ready ? StorageStatus.Preparing : status, why);
        }
        var name = ObjectName.Image(copy.Image);
        var target = new StorageObject(name, 0);
        var subject = StorageSubject.OfImage(keeper, copy.Image);
        var leftovers = pool.Of(ObjectKind.Image, copy.Image).Where(scene.IsLeftBehind)
            .Select(found => new Due(new StorageAction.Remove(keeper, new StorageObject(found.Name!, 0)), IsQuiet: true));
        if (pool.Find(name) is not null)
        {
            scene.Look(keeper, target);
            scene.Agenda.Take(subject, leftovers, pool.IsUsable);
            return State(copy, pool.Why is null ? StorageStatus.Ready : StorageStatus.Broken, pool.Why) with
            {
                Size = pool.Details.GetValueOrDefault(name)?.Size,
            };
        }
        if (!scene.Orders.Images.TryGetValue(copy.Image, out var image))
            return State(copy, StorageStatus.Preparing, "The image itself is not known here yet.");
        if (image.SourceUri is null)
            return State(copy, StorageStatus.Broken, "The image says nowhere where its content comes from.");
        var fetch = new StorageAction.Fetch(keeper, image);
        var verdict = scene.Agenda.Take(subject, [.. leftovers, new Due(fetch)], pool.IsUsable);
        var failure = pool.Why ?? verdict.WhyNot(fetch);
        return State(copy, failure is null ? StorageStatus.Preparing : StorageStatus.Broken, failure);
    }

    private HostImageCurrent State(ImageCopyDesired copy, StorageStatus status, string? why) => new()
    {
        Host = scene.Input.Host,
        ImageCopy = copy.Uuid,
        Status = status,
        Why = why,
    };
}
