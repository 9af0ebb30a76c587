using NUnit.Framework;
using PonyCloud.Twilight.Storage;

namespace PonyCloud.TestKit.Storage;

/// <summary>
/// What every pool does, the fake as the real ones; the tests of a driver derive from it. What a pool says that it cannot do must be
/// refused as <see cref="StorageFailure.Unsupported"/>, and is tested for that alone.
/// </summary>
public abstract partial class StoragePoolContract : StoragePoolSuite
{
    [Test]
    public async Task A_pool_says_how_large_it_is(CancellationToken cancellationToken)
    {
        var scan = await Pool.ScanAsync(cancellationToken);

        Assert.That(scan.Capacity, Is.GreaterThan(0));
        Assert.That(scan.Available, Is.InRange(0, scan.Capacity));
    }

    [Test]
    public async Task Preparing_and_releasing_again_is_harmless_and_keeps_the_content(CancellationToken cancellationToken)
    {
        var volume = await MakeAsync(NewVolume(), cancellationToken);
        await WriteAsync(volume, 3, 0x41, cancellationToken);

        await Pool.PrepareAsync(cancellationToken);
        await Pool.ReleaseAsync(cancellationToken);
        await Pool.ReleaseAsync(cancellationToken);
        await Pool.PrepareAsync(cancellationToken);

        Assert.That(await HoldsAsync(volume, 3, 0x41, cancellationToken), Is.True);
    }

    [Test]
    public async Task A_pool_that_is_away_says_why_and_comes_back(CancellationToken cancellationToken)
    {
        await BreakAsync();
        StorageException refusal;
        try
        {
            refusal = await RefusalOfAsync(() => Pool.ScanAsync(cancellationToken));
        }
        finally
        {
            await HealAsync();
        }

        Assert.That(refusal.Failure, Is.EqualTo(StorageFailure.Unreachable));
        Assert.That(refusal.Message, Is.Not.Empty);
        await Pool.PrepareAsync(cancellationToken);
        await Pool.ScanAsync(cancellationToken);
    }

    [Test]
    public async Task What_is_made_reads_as_zeros_and_has_its_size(CancellationToken cancellationToken)
    {
        var volume = await MakeAsync(NewVolume(), cancellationToken);

        Assert.That(await HoldsAsync(volume, 0, 0, cancellationToken), Is.True);
        Assert.That(await HoldsAsync(volume, Size - 1, 0, cancellationToken), Is.True);
        var details = await Pool.InspectAsync(volume, cancellationToken);
        Assert.That((details.Size, details.Backing, details.Snapshots.Count), Is.EqualTo((Size, (ObjectName?)null, 0)));
    }

    [Test]
    public async Task What_is_written_is_read_also_by_another_agent(CancellationToken cancellationToken)
    {
        var volume = await MakeAsync(NewVolume(), cancellationToken);
        await WriteAsync(volume, 5, 0x41, cancellationToken);

        await using var other = await OpenAsync(cancellationToken);
        await other.PrepareAsync(cancellationToken);
        await using var lease = await other.OpenAsync(volume, writable: false, cancellationToken);

        Assert.That(await HoldsAsync(lease.Node, 5, 0x41, cancellationToken), Is.True);
        Assert.That(await HoldsAsync(lease.Node, 6, 0, cancellationToken), Is.True);
    }

    [Test]
    public async Task Two_can_have_an_object_open_to_read(CancellationToken cancellationToken)
    {
        var volume = await MakeAsync(NewVolume(), cancellationToken);

        await using var lease = await Pool.OpenAsync(volume, writable: false, cancellationToken);

        Assert.That(await HoldsAsync(volume, 0, 0, cancellationToken), Is.True);
        Assert.That(await HoldsAsync(lease.Node, 0, 0, cancellationToken), Is.True);
    }

    [Test]
    public async Task What_is_made_again_is_empty_again(CancellationToken cancellationToken)
    {
        var partial = PartialOf(NewVolume());
        await Pool.CreateAsync(partial, cancellationToken);
        await WriteAsync(partial, 2, 0x41, cancellationToken);

        await Pool.CreateAsync(partial, cancellationToken);

        Assert.That(await HoldsAsync(partial, 2, 0, cancellationToken), Is.True);
    }

    [Test]
    public async Task An_object_grows_and_what_is_new_reads_as_zeros(CancellationToken cancellationToken)
    {
        var volume = await MakeAsync(NewVolume(), cancellationToken);
        await WriteAsync(volume, Size - 1, 0x41, cancellationToken);
        var larger = Place(volume with { Size = 2 * Size });

        await Pool.GrowAsync(larger, cancellationToken);
        await Pool.GrowAsync(larger, cancellationToken);

        Assert.That((await Pool.InspectAsync(larger, cancellationToken)).Size, Is.EqualTo(2 * Size));
        Assert.That(await HoldsAsync(larger, Size - 1, 0x41, cancellationToken), Is.True);
        Assert.That(await HoldsAsync(larger, Size, 0, cancellationToken), Is.True);
        Assert.That(await HoldsAsync(larger, (2 * Size) - 1, 0, cancellationToken), Is.True);
    }

    [Test]
    public async Task What_others_left_in_the_space_of_a_larger_volume_is_wiped_before_it_is_offered(CancellationToken cancellationToken)
    {
        var volume = await MakeAsync(NewVolume(), cancellationToken);
        var larger = Place(volume with { Size = 2 * Size, Cleared = Size });
        if (Pool.Abilities.Publishes)
        {
            await IsUnsupportedAsync(() => Pool.ClearAsync(larger, null, cancellationToken));
            return;
        }
        await WriteAsync(volume, Size - 1, 0x41, cancellationToken);
        var others = larger with { Cleared = null };
        foreach (var mib in (long[])[Size, (2 * Size) - 1])
            await WriteAsync(others, mib, 0x46, cancellationToken);

        await Pool.GrowAsync(larger, cancellationToken);
        Assert.That((await Pool.InspectAsync(larger, cancellationToken)).Size, Is.EqualTo(Size), "before it is wiped");
        await Pool.ClearAsync(larger, null, cancellationToken);
        await Pool.ClearAsync(larger, null, cancellationToken);
        await Pool.GrowAsync(larger, cancellationToken);
        Assert.That((await Pool.InspectAsync(larger, cancellationToken)).Size, Is.EqualTo(Size), "before that is noted");

        var cleared = larger with { Cleared = 2 * Size };
        await Pool.GrowAsync(cleared, cancellationToken);
        Assert.That((await Pool.InspectAsync(cleared, cancellationToken)).Size, Is.EqualTo(2 * Size));
        Assert.That(await HoldsAsync(cleared, Size - 1, 0x41, cancellationToken), Is.True);
        foreach (var mib in (long[])[Size, (2 * Size) - 1])
            Assert.That(await HoldsAsync(cleared, mib, 0, cancellationToken), Is.True, $"MiB {mib}");
    }

    [Test]
    public async Task Nothing_is_ever_made_smaller(CancellationToken cancellationToken)
    {
        var volume = await MakeAsync(NewVolume(), cancellationToken);

        await Pool.GrowAsync(volume with { Size = Size / 2 }, cancellationToken);

        Assert.That((await Pool.InspectAsync(volume, cancellationToken)).Size, Is.EqualTo(Size));
    }

    [Test]
    public async Task Removing_is_done_when_nothing_is_there(CancellationToken cancellationToken)
    {
        var volume = await MakeAsync(NewVolume(), cancellationToken);

        await Pool.RemoveAsync(volume, null, cancellationToken);
        await Pool.RemoveAsync(volume, null, cancellationToken);

        if (Lists)
        {
            Assert.That(await FindAsync(volume.Name, cancellationToken), Is.Null);
            await IsMissingAsync(() => Pool.InspectAsync(volume, cancellationToken));
            await IsMissingAsync(() => Pool.OpenAsync(volume, writable: true, cancellationToken));
            await IsMissingAsync(() => Pool.GrowAsync(volume with { Size = 2 * Size }, cancellationToken));
        }
    }

    [Test]
    public async Task Nothing_of_a_removed_content_is_seen_by_the_next_one(CancellationToken cancellationToken)
    {
        var volume = await MakeAsync(NewVolume(), cancellationToken);
        await WriteAsync(volume, 7, 0x41, cancellationToken);

        await Pool.RemoveAsync(volume, null, cancellationToken);
        var next = await MakeAsync(volume, cancellationToken);

        Assert.That(await HoldsAsync(next, 7, 0, cancellationToken), Is.True);
    }

    [Test]
    public async Task A_scan_shows_objects_by_name_and_nothing_that_the_platform_did_not_name(CancellationToken cancellationToken)
    {
        if (!Lists)
            return;
        var volume = await MakeAsync(NewVolume(), cancellationToken);
        var begun = PartialOf(volume);
        await Pool.CreateAsync(begun, cancellationToken);

        var scan = await Pool.ScanAsync(cancellationToken);

        Assert.That(scan.Objects.Select(found => found.Name), Is.SupersetOf(new[] { volume.Name, begun.Name }));
        var named = scan.Objects.Where(found => found.Name is not null).ToList();
        Assert.That(named.Select(found => found.Text), Is.EqualTo(named.Select(found => found.Name?.ToString())));
        Assert.That(scan.Objects.Select(found => found.Text), Is.Unique);
    }

    [Test]
    public async Task What_takes_the_place_of_an_object_is_told_from_it(CancellationToken cancellationToken)
    {
        if (!Lists)
            return;
        var volume = await MakeAsync(NewVolume(), cancellationToken);
        var before = (await FindAsync(volume.Name, cancellationToken))!.Version;
        Assert.That((await FindAsync(volume.Name, cancellationToken))!.Version, Is.EqualTo(before));

        // Made before the first one goes, so that no number of it can be given again.
        var next = PartialOf(volume);
        await Pool.CreateAsync(next, cancellationToken);
        await Pool.RemoveAsync(volume, null, cancellationToken);
        await FinishAsync(next, cancellationToken);

        var after = await FindAsync(volume.Name, cancellationToken);
        Assert.That(after, Is.Not.Null);
        Assert.That(after!.Version, before is null ? Is.Null : Is.Not.EqualTo(before));
    }

    protected static async Task IsMissingAsync(Func<Task> call) =>
        Assert.That((await RefusalOfAsync(call)).Failure, Is.EqualTo(StorageFailure.Missing));
}
