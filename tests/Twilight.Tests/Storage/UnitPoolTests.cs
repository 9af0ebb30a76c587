using NUnit.Framework;
using PonyCloud.Shared.Entities;
using PonyCloud.TestKit.Storage;
using PonyCloud.Twilight.Instances;
using PonyCloud.Twilight.Storage;

namespace PonyCloud.Twilight.Tests.Storage;

/// <summary>Volumes in a pool of units, where nothing has a name: what is complete is known from rows, and from what was done.</summary>
public sealed class UnitPoolTests
{
    private StorageBench _bench = null!;
    private Guid _pool;

    private FakeStorage Storage => _bench.Units[_pool];

    [SetUp]
    public void Make()
    {
        _bench = new StorageBench();
        _pool = _bench.Orders.Pool(StoragePoolType.Iscsi);
        _bench.Units[_pool] = new FakeStorage
        {
            Abilities = new PoolAbilities { Publishes = false, Clones = false, Snapshots = false, KeepsImages = false },
            Units = new Dictionary<int, long> { [0] = 32, [1] = 32 },
        };
    }

    [TearDown]
    public async Task EndAsync() => await _bench.DisposeAsync();

    [Test]
    public async Task The_units_are_shown()
    {
        await _bench.UntilAsync("the pool", () => _bench.Pool(_pool)?.Status == StorageStatus.Ready);

        Assert.That(_bench.Pool(_pool)!.Units!.Text, Is.EqualTo("""{"0":32,"1":32}"""));
    }

    [Test]
    public async Task A_unit_is_filled_from_an_image_that_the_host_keeps_itself()
    {
        var (image, copy) = _bench.Orders.Image(_pool);
        var volume = _bench.Orders.Volume(_pool, baseImage: image, unit: 1);

        await _bench.ReadyAsync(volume);

        Assert.That(Storage.Read("unit-1", 15), Is.EqualTo(FakeImages.Value));
        Assert.That(_bench.Image(copy)!.Status, Is.EqualTo(StorageStatus.Ready));
        Assert.That(_bench.Driver[Guid.Empty].Names, Is.EqualTo(new[] { ObjectName.Image(image).ToString() }));
    }

    [Test]
    public async Task The_hosts_own_copy_goes_when_no_pool_needs_it()
    {
        var (image, copy) = _bench.Orders.Image(_pool);
        await _bench.UntilAsync("the copy", () => _bench.Image(copy)?.Status == StorageStatus.Ready);
        var (_, other) = _bench.Orders.Image(_pool);

        _bench.Orders.Remove("image_copy", RowKey.Of(copy));
        await _bench.UntilAsync("the other copy", () => _bench.Image(other)?.Status == StorageStatus.Ready);
        await _bench.UntilAsync("the end of the first", () => _bench.Driver[Guid.Empty].Names.Count == 1);

        Assert.That(_bench.Driver[Guid.Empty].Names, Does.Not.Contain(ObjectName.Image(image).ToString()));
    }

    [Test]
    public async Task A_content_that_is_complete_is_not_made_again_by_the_next_agent()
    {
        var volume = _bench.Orders.Volume(_pool, unit: 0);
        await _bench.ReadyAsync(volume);
        Storage.Write("unit-0", 4, 0x41);

        await _bench.EndAsync();
        _bench.Begin();
        await _bench.ReadyAsync(volume);

        Assert.That(Storage.Read("unit-0", 4), Is.EqualTo(0x41));
        Assert.That(Storage.Calls.Count(call => call.StartsWith("create", StringComparison.Ordinal)), Is.EqualTo(1));
    }

    [Test]
    public async Task A_fill_that_was_broken_off_begins_anew()
    {
        var from = await _bench.MadeAsync(_pool, unit: 0);
        Storage.Write("unit-0", 2, 0x41);
        var gate = _bench.Copier.Gate = new FakeGate();
        var volume = _bench.Orders.Volume(_pool, baseVolume: from.Uuid, unit: 1);
        _bench.Send();
        await gate.Arrived;
        await _bench.EndAsync();
        _bench.Copier.Gate = null;

        _bench.Begin();
        await _bench.ReadyAsync(volume);

        Assert.That(Storage.Read("unit-1", 2), Is.EqualTo(0x41));
        Assert.That(Storage.Calls.Count(call => call == "create unit-1"), Is.EqualTo(2));
    }

    [Test]
    public async Task A_unit_is_wiped_once_before_its_tombstone_is_done()
    {
        var volume = await _bench.MadeAsync(_pool, unit: 0);

        var tombstone = _bench.Orders.Delete(volume);
        await _bench.UntilAsync("the removal", () => _bench.Tombstone(tombstone)?.Status == RemovalStatus.Removed);
        await _bench.EndAsync();
        _bench.Begin();
        await _bench.UntilAsync("the same again", () => _bench.Tombstone(tombstone)?.Status == RemovalStatus.Removed);

        Assert.That(Storage.Calls.Count(call => call == "remove unit-0"), Is.EqualTo(1));
    }

    [Test]
    public async Task Space_by_which_a_volume_grows_is_wiped_and_noted_before_anybody_gets_it()
    {
        var volume = await _bench.MadeAsync(_pool, unit: 0);
        Assert.That(_bench.Volume(volume)!.Cleared, Is.EqualTo(16));
        volume = _bench.Orders.Change(volume with { Cleared = 16 });
        Storage.Write("unit-0", 5, 0x41);
        Storage.Write("unit-0", 20, 0x46);
        var vdisk = _bench.Orders.Guest(volume.Uuid);

        volume = _bench.Orders.Change(volume with { Size = 32 });
        await _bench.UntilAsync("the wiping", () => _bench.Volume(volume)?.Cleared == 32);
        await _bench.UntilAsync("the disk", () => _bench.Guests.Of(vdisk.Uuid).Readiness == DiskReadiness.Ready);

        Assert.That((Storage.Read("unit-0", 5), Storage.Read("unit-0", 20)), Is.EqualTo(((byte?)0x41, (byte?)0)));
        Assert.That(_bench.Volume(volume)!.Size, Is.EqualTo(16), "what another host would take for it");
        Assert.That(_bench.Guests.Of(vdisk.Uuid).Size, Is.EqualTo(16));
        Assert.That(_bench.Volume(volume)!.Why, Is.EqualTo("It is larger once the platform has noted that its space is wiped."));
        Storage.Write("unit-0", 20, 0x42);
        volume = _bench.Orders.Change(volume with { Cleared = 32 });
        await _bench.UntilAsync("the growth", () => _bench.Volume(volume) is { Size: 32, Status: StorageStatus.Ready });
        Assert.That(Storage.Read("unit-0", 20), Is.EqualTo(0x42), "it is wiped once");
        Assert.That(Storage.Calls.Count(call => call == "clear unit-0"), Is.EqualTo(1));
    }

    [Test]
    public async Task An_agent_that_ends_between_growth_and_wiping_leaves_it_to_the_next_one()
    {
        var volume = await _bench.MadeAsync(_pool, unit: 0);
        volume = _bench.Orders.Change(volume with { Cleared = 16 });
        Storage.Write("unit-0", 20, 0x46);
        var gate = Storage.Hold("clear");
        volume = _bench.Orders.Change(volume with { Size = 32 });
        _bench.Send();
        await gate.Arrived;
        await _bench.EndAsync();
        gate.Open();

        _bench.Begin();
        await _bench.UntilAsync("the wiping", () => _bench.Volume(volume)?.Cleared == 32);

        Assert.That(Storage.Read("unit-0", 20), Is.Zero);
        Assert.That(_bench.Volume(volume)!.Size, Is.EqualTo(16));
    }

    [Test]
    public async Task A_volume_that_grows_before_it_is_noted_as_made_waits_with_what_is_new()
    {
        var volume = _bench.Orders.Volume(_pool, unit: 0);
        await _bench.ReadyAsync(volume);
        Storage.Write("unit-0", 20, 0x46);

        volume = _bench.Orders.Change(volume with { Size = 32 });
        await _bench.UntilAsync("a reason", () => _bench.Volume(volume)?.Why is not null);

        Assert.That((_bench.Volume(volume)!.Size, _bench.Volume(volume)!.Cleared), Is.EqualTo((16, 16)));
        Assert.That(Storage.Calls.Count(call => call == "clear unit-0"), Is.Zero);
        volume = _bench.Orders.Made(volume with { Cleared = 16 });
        await _bench.UntilAsync("the wiping", () => _bench.Volume(volume)?.Cleared == 32);
        Assert.That(Storage.Read("unit-0", 20), Is.Zero);
    }

    [Test]
    public async Task A_volume_that_was_made_before_anybody_noted_what_was_wiped_is_offered_as_it_is_and_loses_nothing()
    {
        var volume = await _bench.MadeAsync(_pool, unit: 0);
        Storage.Write("unit-0", 20, 0x41);

        volume = _bench.Orders.Change(volume with { Size = 32, Cleared = null });
        await _bench.UntilAsync("the growth", () => _bench.Volume(volume) is { Size: 32, Status: StorageStatus.Ready });

        Assert.That(_bench.Volume(volume)!.Cleared, Is.EqualTo(32), "what may be in use is never wiped");
        volume = _bench.Orders.Change(volume with { Cleared = 32 });
        await _bench.ReadyAsync(volume);
        Assert.That((Storage.Read("unit-0", 20), Storage.Calls.Count(call => call == "clear unit-0")), Is.EqualTo(((byte?)0x41, 0)));
    }

    [Test]
    public async Task A_unit_that_the_host_does_not_see_is_not_taken_for_wiped()
    {
        var volume = await _bench.MadeAsync(_pool, unit: 1);
        await _bench.EndAsync();
        Storage.Units!.Remove(1);
        _bench.Begin();

        var tombstone = _bench.Orders.Delete(volume);
        await _bench.UntilAsync("a reason", () => _bench.Tombstone(tombstone)?.Status == RemovalStatus.Broken);

        Assert.That(_bench.Tombstone(tombstone)!.Why, Is.EqualTo("The host does not see unit 1."));
    }

    [Test]
    public async Task What_the_pool_cannot_do_is_said()
    {
        var volume = await _bench.MadeAsync(_pool, unit: 0);

        var snapshot = _bench.Orders.Snap(volume);
        await _bench.UntilAsync("a reason", () => _bench.Snapshot(snapshot)?.Status == StorageStatus.Broken);

        Assert.That(_bench.Snapshot(snapshot)!.Why, Is.EqualTo("A pool of this type takes no snapshots."));
        Assert.That(_bench.Volume(volume)!.Status, Is.EqualTo(StorageStatus.Ready));
    }
}
