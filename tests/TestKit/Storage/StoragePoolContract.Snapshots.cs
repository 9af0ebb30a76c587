using NUnit.Framework;
using PonyCloud.Twilight.Storage;

namespace PonyCloud.TestKit.Storage;

// Snapshots of objects.
public abstract partial class StoragePoolContract
{
    [Test]
    public async Task A_pool_without_snapshots_says_so(CancellationToken cancellationToken)
    {
        if (Pool.Abilities.Snapshots)
            return;
        var volume = await MakeAsync(NewVolume(), cancellationToken);

        await IsUnsupportedAsync(() => Pool.SnapshotAsync(volume, Guid.NewGuid(), cancellationToken));
        await IsUnsupportedAsync(() => Pool.RevertAsync(volume, Guid.NewGuid(), cancellationToken));
        await IsUnsupportedAsync(() => Pool.RemoveSnapshotAsync(volume, Guid.NewGuid(), cancellationToken));
    }

    [Test]
    public async Task A_snapshot_is_seen_by_its_name_and_taken_once(CancellationToken cancellationToken)
    {
        if (!Pool.Abilities.Snapshots)
            return;
        var (volume, snapshot) = await SnapshotAsync(cancellationToken);

        await WriteAsync(volume, 1, 0x42, cancellationToken);
        await Pool.SnapshotAsync(volume, snapshot, cancellationToken);
        await Pool.RevertAsync(volume, snapshot, cancellationToken);

        Assert.That(await SnapshotsAsync(volume, cancellationToken), Is.EqualTo(new[] { snapshot }));
        Assert.That(await HoldsAsync(volume, 1, 0x41, cancellationToken), Is.True, "the first of the two orders counts");
    }

    [Test]
    public async Task A_volume_goes_back_to_a_snapshot_again_and_again(CancellationToken cancellationToken)
    {
        if (!Pool.Abilities.Snapshots)
            return;
        var (volume, snapshot) = await SnapshotAsync(cancellationToken);

        for (byte value = 0x42; value < 0x44; value++)
        {
            await WriteAsync(volume, 1, value, cancellationToken);
            await Pool.RevertAsync(volume, snapshot, cancellationToken);
            await Pool.RevertAsync(volume, snapshot, cancellationToken);
            Assert.That(await HoldsAsync(volume, 1, 0x41, cancellationToken), Is.True);
        }
        Assert.That(await SnapshotsAsync(volume, cancellationToken), Is.EqualTo(new[] { snapshot }));
    }

    [Test]
    public async Task A_volume_goes_back_from_a_later_snapshot_to_an_earlier_one_and_forth(CancellationToken cancellationToken)
    {
        if (!Pool.Abilities.Snapshots)
            return;
        var (volume, first) = await SnapshotAsync(cancellationToken);
        await WriteAsync(volume, 1, 0x42, cancellationToken);
        var second = Guid.NewGuid();
        await Pool.SnapshotAsync(volume, second, cancellationToken);

        await Pool.RevertAsync(volume, first, cancellationToken);
        Assert.That(await HoldsAsync(volume, 1, 0x41, cancellationToken), Is.True);
        await Pool.RevertAsync(volume, second, cancellationToken);
        Assert.That(await HoldsAsync(volume, 1, 0x42, cancellationToken), Is.True);
    }

    [Test]
    public async Task A_snapshot_goes_and_the_content_stays(CancellationToken cancellationToken)
    {
        if (!Pool.Abilities.Snapshots)
            return;
        var (volume, snapshot) = await SnapshotAsync(cancellationToken);
        await WriteAsync(volume, 1, 0x42, cancellationToken);

        await Pool.RemoveSnapshotAsync(volume, snapshot, cancellationToken);
        await Pool.RemoveSnapshotAsync(volume, snapshot, cancellationToken);

        Assert.That(await SnapshotsAsync(volume, cancellationToken), Is.Empty);
        Assert.That(await HoldsAsync(volume, 1, 0x42, cancellationToken), Is.True);
        await IsMissingAsync(() => Pool.RevertAsync(volume, snapshot, cancellationToken));
    }

    [Test]
    public async Task What_was_made_larger_since_the_snapshot_can_go_back_and_grow_again(CancellationToken cancellationToken)
    {
        if (!Pool.Abilities.Snapshots)
            return;
        var (volume, snapshot) = await SnapshotAsync(cancellationToken);
        var larger = Place(volume with { Size = 2 * Size });
        await Pool.GrowAsync(larger, cancellationToken);
        await WriteAsync(larger, (2 * Size) - 1, 0x42, cancellationToken);

        await Pool.RevertAsync(larger, snapshot, cancellationToken);
        await Pool.GrowAsync(larger, cancellationToken);

        Assert.That((await Pool.InspectAsync(larger, cancellationToken)).Size, Is.EqualTo(2 * Size));
        Assert.That(await HoldsAsync(larger, 1, 0x41, cancellationToken), Is.True);
        Assert.That(await HoldsAsync(larger, (2 * Size) - 1, 0, cancellationToken), Is.True);
    }

    [Test]
    public async Task A_volume_is_removed_with_its_snapshots(CancellationToken cancellationToken)
    {
        if (!Pool.Abilities.Snapshots)
            return;
        var (volume, snapshot) = await SnapshotAsync(cancellationToken);

        await Pool.RemoveAsync(volume, null, cancellationToken);
        await Pool.RemoveSnapshotAsync(volume, snapshot, cancellationToken);

        Assert.That(await FindAsync(volume.Name, cancellationToken), Is.Null);
        await MakeAsync(volume, cancellationToken);
        Assert.That(await SnapshotsAsync(volume, cancellationToken), Is.Empty);
    }

    /// <summary>A volume with 0x41 in its second MiB, and a snapshot of that.</summary>
    private async Task<(StorageObject Volume, Guid Snapshot)> SnapshotAsync(CancellationToken cancellationToken)
    {
        var volume = await MakeAsync(NewVolume(), cancellationToken);
        await WriteAsync(volume, 1, 0x41, cancellationToken);
        var snapshot = Guid.NewGuid();
        await Pool.SnapshotAsync(volume, snapshot, cancellationToken);
        return (volume, snapshot);
    }

    private async Task<IEnumerable<Guid>> SnapshotsAsync(StorageObject volume, CancellationToken cancellationToken) =>
        (await Pool.InspectAsync(volume, cancellationToken)).Snapshots.Select(snapshot => snapshot.Uuid);
}
