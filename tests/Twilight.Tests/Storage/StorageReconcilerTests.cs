using NUnit.Framework;
using PonyCloud.Shared.Entities;
using PonyCloud.TestKit.Storage;
using PonyCloud.Twilight.Storage;
using PonyCloud.Twilight.Storage.Copying;

namespace PonyCloud.Twilight.Tests.Storage;

public sealed class StorageReconcilerTests
{
    private StorageBench _bench = null!;
    private Guid _pool;

    private StorageOrderBook Orders => _bench.Orders;

    private FakeStorage Storage => _bench.Driver[_pool];

    [SetUp]
    public void Make()
    {
        _bench = new StorageBench();
        _pool = Orders.Pool();
    }

    [TearDown]
    public async Task EndAsync() => await _bench.DisposeAsync();

    [Test]
    public async Task It_says_that_there_is_nothing_before_anything_is_ordered()
    {
        await _bench.DisposeAsync();
        _bench = new StorageBench();

        await _bench.UntilAsync("the first report", () => _bench.Reports == 1);

        Assert.That(_bench.Driver.Type, Is.EqualTo(StoragePoolType.Dir));
    }

    [Test]
    public async Task A_pool_is_prepared_and_shows_its_size()
    {
        await _bench.UntilAsync("the pool", () => _bench.Pool(_pool)?.Status == StorageStatus.Ready);

        Assert.That((_bench.Pool(_pool)!.Path, _bench.Pool(_pool)!.Capacity), Is.EqualTo(("/fake", 1L << 20)));
    }

    [Test]
    public async Task A_pool_that_nothing_needs_is_released_and_its_content_stays()
    {
        var volume = await _bench.MadeAsync(_pool);
        Orders.Remove("host_volume", RowKey.Of(StorageOrderBook.Host.ToString(), volume.Uuid.ToString()));
        Orders.Remove("volume", RowKey.Of(volume.Uuid));
        Orders.LeavePool(_pool);

        await _bench.UntilAsync("the end of the pool", () => _bench.Pool(_pool) is null);

        Assert.That(Storage.Calls[^1], Is.EqualTo("release"));
        Assert.That(Storage.Names, Is.EqualTo(new[] { NameOf(volume) }));
    }

    [Test]
    public async Task A_pool_without_a_driver_says_so()
    {
        var other = Orders.Pool(StoragePoolType.Rbd);

        await _bench.UntilAsync("a reason", () => _bench.Pool(other)?.Status == StorageStatus.Broken);

        Assert.That(_bench.Pool(other)!.Why, Is.EqualTo("This host has no driver for pools of type Rbd."));
    }

    [Test]
    public async Task An_empty_volume_is_made_and_shown()
    {
        var volume = Orders.Volume(_pool);

        await _bench.ReadyAsync(volume);

        var row = _bench.Volume(volume)!;
        Assert.That((row.Path, row.Size, row.Generation, row.Reverts), Is.EqualTo(($"/fake/{NameOf(volume)}", 16L, 1, 0)));
        Assert.That(Storage.Names, Is.EqualTo(new[] { NameOf(volume) }));
    }

    [Test]
    public async Task A_volume_waits_for_the_copy_of_its_image_and_is_cloned_from_it()
    {
        var (image, copy) = Orders.Image(_pool);
        var volume = Orders.Volume(_pool, size: 32, baseImage: image);

        await _bench.ReadyAsync(volume);

        Assert.That(_bench.Image(copy), Has.Property("Status").EqualTo(StorageStatus.Ready).And.Property("Size").EqualTo(16L));
        Assert.That((Storage.Read(NameOf(volume), 15), Storage.Read(NameOf(volume), 16)), Is.EqualTo(((byte?)FakeImages.Value, (byte?)0)));
        Assert.That(_bench.Volume(volume)!.Size, Is.EqualTo(32));
    }

    [Test]
    public async Task An_image_that_cannot_be_had_says_why_and_is_tried_again()
    {
        _bench.Images.Why = "The server is away.";
        var (_, copy) = Orders.Image(_pool);
        await _bench.UntilAsync("a reason", () => _bench.Image(copy)?.Status == StorageStatus.Broken);
        Assert.That(_bench.Image(copy)!.Why, Is.EqualTo("The server is away."));

        _bench.Images.Why = null;
        await _bench.PassUntilAsync("the image", () => _bench.Image(copy)?.Status == StorageStatus.Ready);
    }

    [Test]
    public async Task A_volume_is_a_copy_of_another_one_in_another_pool()
    {
        var other = Orders.Pool();
        var from = await _bench.MadeAsync(_pool);
        Storage.Write(NameOf(from), 3, 0x41);

        var volume = Orders.Volume(other, baseVolume: from.Uuid);
        await _bench.ReadyAsync(volume);

        Assert.That(_bench.Driver[other].Read(NameOf(volume), 3), Is.EqualTo(0x41));
    }

    [Test]
    public async Task Progress_is_shown_at_most_once_a_second()
    {
        var from = await _bench.MadeAsync(_pool);
        var gate = _bench.Copier.Gate = new FakeGate();
        var volume = Orders.Volume(_pool, baseVolume: from.Uuid);
        _bench.Send();
        await gate.Arrived;

        await _bench.PassUntilAsync("progress", () => _bench.Volume(volume)?.Progress == 50);
        Assert.That((_bench.Volume(volume)!.Bytes, _bench.Volume(volume)!.Rate), Is.EqualTo((8L << 20, 1L << 20)));

        // The clock stands: at most one more report of what is told now, whatever else is reported.
        _bench.Copier.Progress!.Report(new WorkProgress(60, 0, 0));
        await _bench.ReadyAsync(Orders.Volume(_pool));
        var shown = _bench.Volume(volume)!.Progress;
        _bench.Copier.Progress.Report(new WorkProgress(70, 0, 0));
        await _bench.ReadyAsync(Orders.Volume(_pool));
        Assert.That(_bench.Volume(volume)!.Progress, Is.EqualTo(shown));
        await _bench.PassUntilAsync("more progress", () => _bench.Volume(volume)?.Progress == 70);

        gate.Open();
        await _bench.ReadyAsync(volume);
        await _bench.PassUntilAsync("its end", () => _bench.Volume(volume)?.Progress is null);
    }

    [Test]
    public async Task A_deletion_withdraws_a_fill_and_leaves_nothing()
    {
        var from = await _bench.MadeAsync(_pool);
        var gate = _bench.Copier.Gate = new FakeGate();
        var volume = Orders.Volume(_pool, baseVolume: from.Uuid);
        _bench.Send();
        await gate.Arrived;

        var tombstone = Orders.Delete(volume);
        await _bench.UntilAsync("the removal", () => _bench.Tombstone(tombstone)?.Status == RemovalStatus.Removed);

        Assert.That(Storage.Names, Is.EqualTo(new[] { NameOf(from) }));
    }

    [Test]
    public async Task A_new_content_that_is_ordered_during_a_fill_is_the_one_that_comes()
    {
        var from = await _bench.MadeAsync(_pool);
        var gate = _bench.Copier.Gate = new FakeGate();
        var volume = Orders.Volume(_pool, baseVolume: from.Uuid);
        _bench.Send();
        await gate.Arrived;

        _bench.Copier.Gate = null;
        volume = Orders.Change(volume with { Generation = 2, BaseVolume = null });
        await _bench.ReadyAsync(volume);
        await _bench.UntilAsync("no partial", () => Storage.Names.Count == 2);

        Assert.That(Storage.Names, Is.EquivalentTo(new[] { NameOf(from), NameOf(volume) }));
        Assert.That(_bench.Copier.Done, Is.Zero);
    }

    [Test]
    public async Task A_volume_that_is_made_larger_during_its_fill_is_filled_and_then_grown()
    {
        var from = await _bench.MadeAsync(_pool);
        var gate = _bench.Copier.Gate = new FakeGate();
        var volume = Orders.Volume(_pool, baseVolume: from.Uuid);
        _bench.Send();
        await gate.Arrived;

        volume = Orders.Change(volume with { Size = 64 });
        _bench.Send();
        gate.Open();
        await _bench.UntilAsync("the size", () => _bench.Volume(volume) is { Status: StorageStatus.Ready, Size: 64 });

        Assert.That(_bench.Copier.Done, Is.EqualTo(1));
    }

    [Test]
    public async Task The_content_before_goes_once_the_new_one_is_there()
    {
        var volume = await _bench.MadeAsync(_pool);

        volume = Orders.Change(volume with { Generation = 2, Content = VolumeContent.Pending });
        await _bench.ReadyAsync(volume);
        await _bench.UntilAsync("the older one gone", () => Storage.Names.Count == 1);

        Assert.That(Storage.Names, Is.EqualTo(new[] { NameOf(volume) }));
    }

    [Test]
    public async Task A_volume_that_is_lost_is_broken_and_not_made_anew()
    {
        var volume = await _bench.MadeAsync(_pool);
        Storage.Lose(NameOf(volume));

        await _bench.PassUntilAsync("the loss", () => _bench.Volume(volume)?.Status == StorageStatus.Broken);

        Assert.That(_bench.Volume(volume)!.Why, Is.EqualTo("Its content is lost: nothing of it is in the pool."));
        Assert.That(_bench.Volume(volume)!.Generation, Is.Null);
        Assert.That(Storage.Names, Is.Empty);
    }

    [Test]
    public async Task A_full_pool_is_said_and_tried_again()
    {
        Storage.Fail("create", StorageFailure.Full, "No space left on device");
        var volume = Orders.Volume(_pool);
        await _bench.UntilAsync("a reason", () => _bench.Volume(volume)?.Status == StorageStatus.Broken);
        Assert.That(_bench.Volume(volume)!.Why, Is.EqualTo("No space left on device"));

        await _bench.PassUntilAsync("the volume", () => _bench.Volume(volume)?.Status == StorageStatus.Ready);
    }

    [Test]
    public async Task A_new_order_is_a_new_chance_at_once()
    {
        Storage.Fail("create", StorageFailure.Failed, "no");
        var volume = Orders.Volume(_pool);
        await _bench.UntilAsync("a reason", () => _bench.Volume(volume)?.Status == StorageStatus.Broken);

        volume = Orders.Change(volume with { Size = 32 });

        await _bench.ReadyAsync(volume);
    }

    [Test]
    public async Task A_volume_grows()
    {
        var volume = await _bench.MadeAsync(_pool);

        Orders.Change(volume with { Size = 64 });
        await _bench.UntilAsync("the size", () => _bench.Volume(volume) is { Status: StorageStatus.Ready, Size: 64 });
    }

    [Test]
    public async Task A_snapshot_is_taken_gone_back_to_once_and_removed()
    {
        var volume = await _bench.MadeAsync(_pool);
        Storage.Write(NameOf(volume), 1, 0x41);
        var snapshot = Orders.Snap(volume);
        await _bench.UntilAsync("the snapshot", () => _bench.Snapshot(snapshot)?.Status == StorageStatus.Ready);
        Storage.Write(NameOf(volume), 1, 0x42);

        volume = Orders.Change(volume with { Revert = snapshot.Uuid, Reverts = 1 });
        await _bench.UntilAsync("the revert", () => _bench.Volume(volume) is { Status: StorageStatus.Ready, Reverts: 1 });
        Assert.That(Storage.Read(NameOf(volume), 1), Is.EqualTo(0x41));

        await _bench.EndAsync();
        _bench.Begin();
        await _bench.UntilAsync("the same again", () => _bench.Volume(volume) is { Status: StorageStatus.Ready, Reverts: 1 });
        Assert.That(Storage.Calls.Count(call => call.StartsWith("revert", StringComparison.Ordinal)), Is.EqualTo(1));

        Orders.Snap(volume, SnapshotState.Deleted, snapshot.Uuid);
        await _bench.UntilAsync("its end", () => _bench.Snapshot(snapshot) is null);
    }

    [Test]
    public async Task The_tombstone_of_a_snapshot_is_worked_off()
    {
        var volume = await _bench.MadeAsync(_pool);
        var snapshot = Orders.Snap(volume);
        await _bench.UntilAsync("the snapshot", () => _bench.Snapshot(snapshot)?.Status == StorageStatus.Ready);

        Orders.Remove("snapshot", RowKey.Of(snapshot.Uuid));
        var tombstone = Orders.Tombstone(TombstoneType.Snapshot, snapshot.Uuid.ToString(), _pool, volume.Uuid);

        await _bench.UntilAsync("the removal", () => _bench.Tombstone(tombstone)?.Status == RemovalStatus.Removed);
    }

    [Test]
    public async Task What_nobody_knows_is_shown_and_left_alone_until_an_operator_wants_it_gone()
    {
        var stray = ObjectName.Volume(Guid.NewGuid(), 3).ToString();
        Storage.Add(stray, 16);
        Storage.Add("debian.qcow2", 16);
        await _bench.UntilAsync("the orphan", () => _bench.Orphans.Count == 1);
        Assert.That(_bench.Orphans[0], Has.Property("Name").EqualTo($"{_pool}:{stray}").And.Property("Type").EqualTo(OrphanType.Volume));

        var tombstone = Orders.Tombstone(TombstoneType.Orphan, stray, _pool);
        await _bench.UntilAsync(
            "the removal", () => _bench.Tombstone(tombstone)?.Status == RemovalStatus.Removed && _bench.Orphans.Count == 0);

        Assert.That(Storage.Names, Is.EqualTo(new[] { "debian.qcow2" }));
    }

    [Test]
    public async Task What_a_row_explains_is_no_orphan_whatever_an_operator_says()
    {
        var volume = await _bench.MadeAsync(_pool);

        var tombstone = Orders.Tombstone(TombstoneType.Orphan, NameOf(volume), _pool);
        await _bench.UntilAsync("a refusal", () => _bench.Tombstone(tombstone)?.Status == RemovalStatus.Broken);

        Assert.That(Storage.Names, Is.EqualTo(new[] { NameOf(volume) }));
    }

    [Test]
    public async Task A_volume_that_no_host_keeps_is_found_again_where_it_is()
    {
        var volume = await _bench.MadeAsync(_pool);
        Orders.Remove("host_volume", RowKey.Of(StorageOrderBook.Host.ToString(), volume.Uuid.ToString()));

        await _bench.UntilAsync("the orphan", () => _bench.Orphans.Count == 1);
        Assert.That(_bench.Orphans[0].Name, Is.EqualTo($"{_pool}:{NameOf(volume)}"));
        var tombstone = Orders.Tombstone(TombstoneType.Orphan, NameOf(volume), _pool);
        await _bench.UntilAsync("a refusal", () => _bench.Tombstone(tombstone)?.Status == RemovalStatus.Broken);

        Assert.That(Storage.Names, Is.EqualTo(new[] { NameOf(volume) }));
    }

    [Test]
    public async Task A_volume_from_an_image_is_a_copy_of_the_volume_that_holds_the_image()
    {
        var (image, _) = Orders.Image(_pool, source: null);
        var holder = await _bench.MadeAsync(_pool);
        Storage.Write(NameOf(holder), 3, 0x41);
        Orders.Change(holder with { Image = image });

        var volume = Orders.Volume(_pool, baseImage: image, source: holder.Uuid);
        await _bench.ReadyAsync(volume);

        Assert.That(Storage.Read(NameOf(volume), 3), Is.EqualTo(0x41));
    }

    [Test]
    public async Task A_volume_is_never_filled_from_the_source_of_an_earlier_order()
    {
        var first = await _bench.MadeAsync(_pool);
        var second = await _bench.MadeAsync(_pool);
        Storage.Write(NameOf(first), 3, 0x41);
        Storage.Write(NameOf(second), 3, 0x42);

        var volume = Orders.Volume(_pool, baseVolume: second.Uuid, source: first.Uuid);
        await _bench.ReadyAsync(volume);

        Assert.That(Storage.Read(NameOf(volume), 3), Is.EqualTo(0x42));
    }

    [Test]
    public async Task What_an_agent_left_behind_goes_with_the_next_one()
    {
        var partial = ObjectName.Volume(Guid.NewGuid(), 1) with { Worker = ObjectName.WorkerOf(StorageOrderBook.Host, Guid.NewGuid()) };
        var others = partial with { Worker = ObjectName.WorkerOf(Guid.NewGuid(), Guid.NewGuid()) };
        Storage.Add(partial.ToString(), 16);
        Storage.Add(others.ToString(), 16);

        await _bench.UntilAsync("the orphan", () => _bench.Orphans.Count == 1);
        await _bench.UntilAsync("the removal", () => Storage.Names.Count == 1);

        Assert.That(Storage.Names, Is.EqualTo(new[] { others.ToString() }));
    }

    [Test]
    public async Task A_pool_that_hangs_is_broken_holds_nobody_up_and_what_was_ordered_is_remembered()
    {
        var volume = await _bench.MadeAsync(_pool);
        Storage.Hangs = true;
        await _bench.PassUntilAsync("a broken pool", () => _bench.Pool(_pool)?.Status == StorageStatus.Broken);
        Assert.That(_bench.Pool(_pool)!.Why, Is.EqualTo("The pool did not answer within 20 s."));

        var tombstone = Orders.Delete(volume);
        var other = Orders.Volume(Orders.Pool());
        await _bench.ReadyAsync(other);
        await _bench.UntilAsync("a reason", () => _bench.Tombstone(tombstone)?.Status == RemovalStatus.Broken);

        Storage.Hangs = false;
        await _bench.PassUntilAsync("the removal", () => _bench.Tombstone(tombstone)?.Status == RemovalStatus.Removed);
        Assert.That(Storage.Names, Is.Empty);
    }

    [Test]
    public async Task A_pool_that_its_server_forgot_is_prepared_again()
    {
        await _bench.UntilAsync("the pool", () => _bench.Pool(_pool)?.Status == StorageStatus.Ready);
        Storage.Dropped = "The pool is not active.";
        await _bench.PassUntilAsync("the loss", () => _bench.Pool(_pool)?.Why == "The pool is not active.");

        await _bench.PassUntilAsync("the pool again", () => _bench.Pool(_pool)?.Status == StorageStatus.Ready);

        Assert.That(Storage.Calls.Count(call => call == "prepare"), Is.EqualTo(2));
    }

    [Test]
    public async Task An_image_stays_until_no_volume_is_made_from_it()
    {
        var (image, _) = Orders.Image(_pool);
        var volume = Orders.Volume(_pool, baseImage: image);
        await _bench.ReadyAsync(volume);
        volume = Orders.Made(volume);
        Orders.Remove("image", RowKey.Of(image));
        foreach (var copy in Orders.Snapshot[Orders.Store.Catalog["image_copy"]].Rows.ToList())
            Orders.Remove("image_copy", copy.Key);

        var tombstone = Orders.Tombstone(TombstoneType.Image, image.ToString(), _pool);
        await _bench.UntilAsync("a reason", () => _bench.Tombstone(tombstone)?.Why == "Volumes in the pool are made from it.");
        Orders.Delete(volume);

        await _bench.PassUntilAsync("the removal", () => _bench.Tombstone(tombstone)?.Status == RemovalStatus.Removed);
        Assert.That(Storage.Names, Is.Empty);
    }

    [Test]
    public async Task A_volume_that_is_ordered_to_be_deleted_is_removed_and_its_row_goes()
    {
        var volume = await _bench.MadeAsync(_pool);

        Orders.Change(volume with { State = VolumeState.Deleted });
        await _bench.UntilAsync("its end", () => _bench.Volume(volume) is null);

        Assert.That(Storage.Names, Is.Empty);
    }

    private static string NameOf(VolumeDesired volume) => ObjectName.Volume(volume.Uuid, volume.Generation).ToString();
}
