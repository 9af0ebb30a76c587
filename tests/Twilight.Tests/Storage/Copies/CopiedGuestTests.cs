using NUnit.Framework;
using PonyCloud.Shared.Entities;
using PonyCloud.TestKit.Storage;
using PonyCloud.Twilight.Instances;

namespace PonyCloud.Twilight.Tests.Storage.Copies;

/// <summary>What guests have of volumes that come with them, and what is removed beside them.</summary>
public sealed class CopiedGuestTests
{
    private static readonly Guid Host = StorageOrderBook.Host;

    private StorageBench _bench = null!;
    private Guid _pool;
    private VolumeDesired _volume = null!;
    private VdiskDesired _disk = null!;

    private FakeStorage Storage => _bench.Driver[_pool];

    private StorageOrderBook Orders => _bench.Orders;

    [SetUp]
    public void Make()
    {
        _bench = new StorageBench();
        _pool = Orders.Pool();
        (_volume, _disk) = Orders.Elsewhere(_pool);
        Orders.Move(Host, _disk.Instance, MigrationRole.Receive);
        Orders.Copy(Host, _disk, CopyFill.Hypervisor);
    }

    [TearDown]
    public async Task EndAsync() => await _bench.DisposeAsync();

    [Test]
    public async Task A_guest_that_comes_has_its_copy_before_and_after_this_host_keeps_the_volume()
    {
        await ReadyAsync();
        var before = _bench.Guests.Of(_disk.Uuid);
        Assert.That(before.Source!.Name, Does.EndWith($"volume-{_volume.Uuid}.2"));
        Assert.That(_bench.Copy(_volume), Is.EqualTo(new HostVolumeCopyCurrent
        {
            Host = Host,
            Volume = _volume.Uuid,
            Status = StorageStatus.Ready,
            Generation = 2,
        }));
        Assert.That(_bench.Guests.Use([], [UseOf(2)]), Is.Empty);
        var calls = Storage.Calls.Count;

        await _bench.ReadyAsync(Orders.HandOver(Host, _volume, _disk, 2));
        await _bench.UntilAsync("the copy is no longer spoken of", () => _bench.Copy(_volume) is null);

        Assert.That(_bench.Guests.Of(_disk.Uuid), Is.EqualTo(before));
        Assert.That(Storage.Calls, Has.Count.EqualTo(calls), "nothing is made anew");
    }

    [Test]
    public async Task What_the_host_had_before_goes_while_the_guest_runs_on_what_came()
    {
        Storage.Add($"volume-{_volume.Uuid}.1", 16);
        await ReadyAsync();
        _bench.Guests.Use([UseOf(2)], []);
        var gate = Storage.Hold($"remove volume-{_volume.Uuid}.1");
        var tombstone = Orders.Tombstone(TombstoneType.Orphan, $"volume-{_volume.Uuid}.1", _pool);
        await _bench.ReadyAsync(Orders.HandOver(Host, _volume, _disk, 2));
        await gate.Arrived.WaitAsync(TimeSpan.FromSeconds(30));

        Assert.That(_bench.Guests.Use([UseOf(2)], [UseOf(1)]), Is.EqualTo([UseOf(1)]), "nobody gets what is being removed");
        Assert.That(_bench.Guests.Use([], [UseOf(2)]), Is.Empty, "and the other is had as ever");

        gate.Open();
        await _bench.UntilAsync("the removal", () => _bench.Tombstone(tombstone)?.Status == RemovalStatus.Removed);
        Assert.That(Storage.Names, Is.EqualTo([$"volume-{_volume.Uuid}.2"]));
    }

    [Test]
    public async Task An_object_that_a_guest_has_goes_when_it_has_it_no_longer()
    {
        await ReadyAsync();
        _bench.Guests.Use([UseOf(2)], []);
        Orders.ForgetCopy(Host, _volume.Uuid);
        var tombstone = Orders.Tombstone(TombstoneType.Orphan, $"volume-{_volume.Uuid}.2", _pool);
        await _bench.UntilAsync("it waits", () => _bench.Tombstone(tombstone)?.Why?.Contains(_disk.Instance.ToString(), StringComparison.Ordinal) == true);
        Assert.That(Storage.Names, Is.EqualTo([$"volume-{_volume.Uuid}.2"]));

        _bench.Guests.Use([], []);

        await _bench.UntilAsync("the removal", () => _bench.Tombstone(tombstone)?.Status == RemovalStatus.Removed);
        Assert.That(Storage.Names, Is.Empty);
    }

    private DiskUse UseOf(int generation) => new(_disk.Instance, _disk.Uuid, $"/fake/volume-{_volume.Uuid}.{generation}");

    private Task ReadyAsync() => _bench.UntilAsync(
        "the disk", () => _bench.Guests.Of(_disk.Uuid) is { Readiness: DiskReadiness.Ready, Size: 16 });
}
