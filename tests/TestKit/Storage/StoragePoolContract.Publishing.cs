using NUnit.Framework;
using PonyCloud.Twilight.Storage;

namespace PonyCloud.TestKit.Storage;

// What is made apart and published, what is cloned, and what is withdrawn at some moment.
public abstract partial class StoragePoolContract
{
    private const int Moments = 20;

    [Test]
    public async Task A_partial_object_becomes_the_published_one(CancellationToken cancellationToken)
    {
        var volume = NewVolume();
        var partial = PartialOf(volume);
        await Pool.CreateAsync(partial, cancellationToken);
        if (!Pool.Abilities.Publishes)
        {
            await IsUnsupportedAsync(() => Pool.PublishAsync(partial, cancellationToken));
            return;
        }
        await WriteAsync(partial, 1, 0x41, cancellationToken);

        Assert.That(await Pool.PublishAsync(partial, cancellationToken), Is.True);

        var names = (await Pool.ScanAsync(cancellationToken)).Objects.Select(found => found.Name).ToList();
        Assert.That(names, Does.Contain(volume.Name));
        Assert.That(names, Does.Not.Contain(partial.Name));
        Assert.That(await HoldsAsync(volume, 1, 0x41, cancellationToken), Is.True);
    }

    [Test]
    public async Task Publishing_never_replaces_what_is_there(CancellationToken cancellationToken)
    {
        if (!Pool.Abilities.Publishes)
            return;
        var volume = await MakeAsync(NewVolume(), cancellationToken);
        await WriteAsync(volume, 1, 0x41, cancellationToken);
        var late = PartialOf(volume);
        await Pool.CreateAsync(late, cancellationToken);
        await WriteAsync(late, 1, 0x42, cancellationToken);

        Assert.That(await Pool.PublishAsync(late, cancellationToken), Is.False);

        Assert.That(await HoldsAsync(volume, 1, 0x41, cancellationToken), Is.True);
        Assert.That(await HoldsAsync(late, 1, 0x42, cancellationToken), Is.True);
    }

    [Test]
    public async Task Of_workers_that_publish_at_once_one_is_it(CancellationToken cancellationToken)
    {
        if (!Pool.Abilities.Publishes)
            return;
        var volume = NewVolume();
        await using var other = await OpenAsync(cancellationToken);
        await other.PrepareAsync(cancellationToken);
        IStoragePool[] pools = [Pool, other, Pool, other];
        var partials = pools.Select(_ => PartialOf(volume)).ToList();
        for (var worker = 0; worker < pools.Length; worker++)
        {
            await pools[worker].CreateAsync(partials[worker], cancellationToken);
            await WriteAsync(partials[worker], 0, (byte)(worker + 1), cancellationToken);
        }

        var published = await Task.WhenAll(pools.Zip(partials, (pool, partial) => pool.PublishAsync(partial, cancellationToken)));

        Assert.That(published.Count(isIt => isIt), Is.EqualTo(1));
        Assert.That(await HoldsAsync(volume, 0, (byte)(Array.IndexOf(published, true) + 1), cancellationToken), Is.True);
    }

    [Test]
    public async Task What_is_not_there_is_not_published(CancellationToken cancellationToken)
    {
        if (!Pool.Abilities.Publishes)
            return;
        var partial = PartialOf(NewVolume());

        await IsMissingAsync(() => Pool.PublishAsync(partial, cancellationToken));
    }

    [Test]
    public async Task Contents_of_one_volume_stand_beside_each_other(CancellationToken cancellationToken)
    {
        if (!Pool.Abilities.Publishes)
            return;
        var first = await MakeAsync(NewVolume(), cancellationToken);
        var second = await MakeAsync(Named(first.Name with { Generation = 2 }), cancellationToken);
        await WriteAsync(second, 0, 0x42, cancellationToken);

        await Pool.RemoveAsync(first, null, cancellationToken);

        Assert.That(await HoldsAsync(second, 0, 0x42, cancellationToken), Is.True);
    }

    [Test]
    public async Task A_clone_has_what_the_image_has_and_zeros_behind_it(CancellationToken cancellationToken)
    {
        var image = await ImageAsync(cancellationToken);
        var volume = NewVolume(2 * Size);
        var partial = PartialOf(volume);
        if (!Pool.Abilities.Clones)
        {
            await IsUnsupportedAsync(() => Pool.CloneAsync(image.Name, partial, cancellationToken));
            return;
        }

        await Pool.CloneAsync(image.Name, partial, cancellationToken);
        await FinishAsync(partial, cancellationToken);

        var details = await Pool.InspectAsync(volume, cancellationToken);
        Assert.That((details.Size, details.Backing), Is.EqualTo((2 * Size, image.Name)));
        Assert.That(await HoldsAsync(volume, 2, 0x49, cancellationToken), Is.True);
        Assert.That(await HoldsAsync(volume, (2 * Size) - 1, 0, cancellationToken), Is.True);
    }

    [Test]
    public async Task What_is_written_to_a_clone_is_in_no_other(CancellationToken cancellationToken)
    {
        if (!Pool.Abilities.Clones)
            return;
        var image = await ImageAsync(cancellationToken);
        var first = await CloneAsync(image, cancellationToken);
        var second = await CloneAsync(image, cancellationToken);

        await WriteAsync(first, 2, 0x41, cancellationToken);

        Assert.That(await HoldsAsync(first, 2, 0x41, cancellationToken), Is.True);
        Assert.That(await HoldsAsync(second, 2, 0x49, cancellationToken), Is.True);
        Assert.That(await HoldsAsync(image, 2, 0x49, cancellationToken), Is.True);
    }

    [Test]
    public async Task An_image_stays_as_long_as_volumes_are_made_from_it(CancellationToken cancellationToken)
    {
        if (!Pool.Abilities.Clones)
            return;
        var image = await ImageAsync(cancellationToken);
        var volume = await CloneAsync(image, cancellationToken);

        var refusal = await RefusalOfAsync(() => Pool.RemoveAsync(image, null, cancellationToken));
        await Pool.RemoveAsync(volume, null, cancellationToken);
        await Pool.RemoveAsync(image, null, cancellationToken);

        Assert.That(refusal.Failure, Is.EqualTo(StorageFailure.HasDependents));
        Assert.That(await FindAsync(image.Name, cancellationToken), Is.Null);
    }

    [Test]
    public async Task A_clone_is_not_smaller_than_its_image_nor_made_from_nothing(CancellationToken cancellationToken)
    {
        if (!Pool.Abilities.Clones)
            return;
        var image = await ImageAsync(cancellationToken);
        var small = PartialOf(NewVolume(Size / 2));
        var lost = PartialOf(NewVolume());

        var tooSmall = await RefusalOfAsync(() => Pool.CloneAsync(image.Name, small, cancellationToken));
        var missing = await RefusalOfAsync(() => Pool.CloneAsync(ObjectName.Image(Guid.NewGuid()), lost, cancellationToken));

        Assert.That((tooSmall.Failure, missing.Failure), Is.EqualTo((StorageFailure.Failed, StorageFailure.Missing)));
    }

    [Test]
    public async Task What_is_withdrawn_at_any_moment_leaves_nothing_but_what_is_whole_or_partial(CancellationToken cancellationToken)
    {
        if (!Pool.Abilities.Publishes)
            return;
        var random = new Random(7);
        for (var moment = 0; moment < Moments; moment++)
        {
            var volume = NewVolume();
            var partial = PartialOf(volume);
            using var withdrawn = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            withdrawn.CancelAfter(TimeSpan.FromMilliseconds(random.Next(80)));
            try
            {
                await Pool.CreateAsync(partial, withdrawn.Token);
                await WriteAsync(partial, 0, 0x41, withdrawn.Token);
                await Pool.PublishAsync(partial, withdrawn.Token);
            }
            catch (OperationCanceledException)
            {
                Assert.That(cancellationToken.IsCancellationRequested, Is.False, "in time");
            }

            if (await FindAsync(volume.Name, cancellationToken) is not null)
                Assert.That(await HoldsAsync(volume, 0, 0x41, cancellationToken), Is.True, $"moment {moment}");
            await Pool.RemoveAsync(partial, null, cancellationToken);
            await Pool.RemoveAsync(volume, null, cancellationToken);
        }
    }

    private async Task<StorageObject> ImageAsync(CancellationToken cancellationToken)
    {
        var image = Named(ObjectName.Image(Guid.NewGuid()));
        if (!Pool.Abilities.KeepsImages)
            return image;
        var partial = PartialOf(image);
        await Pool.CreateAsync(partial, cancellationToken);
        await WriteAsync(partial, 2, 0x49, cancellationToken);
        await FinishAsync(partial, cancellationToken);
        return image;
    }

    private async Task<StorageObject> CloneAsync(StorageObject image, CancellationToken cancellationToken)
    {
        var volume = NewVolume();
        var partial = PartialOf(volume);
        await Pool.CloneAsync(image.Name, partial, cancellationToken);
        await FinishAsync(partial, cancellationToken);
        return volume;
    }
}
