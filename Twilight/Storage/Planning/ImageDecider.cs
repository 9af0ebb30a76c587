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

    /// <summary>The image for a drive of a guest: the host's own copy of it, fetched into the staging unless a pool has one.</summary>
    /// <returns>The pool that it is in; null while it is in none, with the reason.</returns>
    internal (Guid? Keeper, bool IsBroken, string? Why) ForGuest(Guid image)
    {
        var copied = scene.Orders.Copies.FirstOrDefault(copy => copy.Image == image && Has(copy.StoragePool, image));
        if (copied is not null)
            return (copied.StoragePool, false, null);
        var staging = scene.Input.Staging.Pool.Uuid;
        var state = DecideIn(staging, new ImageCopyDesired { Uuid = image, Image = image, StoragePool = staging, Host = scene.Input.Host });
        return state.Status == StorageStatus.Ready ? (staging, false, null)
            : (null, state.Status == StorageStatus.Broken, state.Why ?? "its image is being fetched");
    }

    private bool Has(Guid pool, Guid image) => scene.ViewOf(pool) is { IsUsable: true } view && view.Find(ObjectName.Image(image)) is not null;

    /// <summary>Removes from the staging what no copy is ordered of.</summary>
    internal void Tidy()
    {
        if (scene.ViewOf(scene.Input.Staging.Pool.Uuid) is not { } staging)
            return;
        var wanted = scene.Orders.Copies.Select(copy => copy.Image).Concat(scene.Orders.Guests.Select(guest => guest.Vdisk.Image).OfType<Guid>()).ToHashSet();
        var unwanted = staging.Objects.Where(found => found.Name is { Kind: ObjectKind.Image } name && !wanted.Contains(name.Uuid)
            && (name.IsPartial || !scene.Input.Uses.MayHave(name.Uuid)));
        foreach (var found in unwanted)
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
