using NUnit.Framework;
using PonyCloud.Shared.Entities;
using PonyCloud.TestKit.Storage;
using PonyCloud.Twilight.Instances;
using PonyCloud.Twilight.Storage;

namespace PonyCloud.Twilight.Tests.Storage;

/// <summary>What the storage has for the disks of instances, and what it does not do behind the back of a guest.</summary>
public sealed class GuestDiskTests
{
    private StorageBench _bench = null!;
    private Guid _pool;

    private FakeStorage Storage => _bench.Driver[_pool];

    private StorageOrderBook Orders => _bench.Orders;

    [SetUp]
    public void Make()
    {
        _bench = new StorageBench();
        _pool = Orders.Pool();
    }

    [TearDown]
    public async Task EndAsync() => await _bench.DisposeAsync();

    [Test]
    public async Task A_disk_is_ready_when_the_content_of_its_volume_is_whole()
    {
        var gate = Storage.Hold("publish");
        var volume = Orders.Volume(_pool, size: 16);
        var disk = Orders.Guest(volume.Uuid);
        _bench.Send();
        await gate.Arrived;
        Assert.That(_bench.Guests.Of(disk.Uuid).Readiness, Is.EqualTo(DiskReadiness.Waiting));

        gate.Open();

        await ReadyAsync(disk);
        Assert.That(_bench.Guests.Of(disk.Uuid), Is.EqualTo(new DiskState(DiskReadiness.Ready, null, SourceOf(volume), 16)));
    }

    [Test]
    public async Task A_volume_that_another_host_keeps_is_had_here_too()
    {
        var shared = Orders.Pool(shareable: true);
        var volume = new VolumeDesired { Uuid = Guid.NewGuid(), Name = "shared", Size = 32, StoragePool = shared, Content = VolumeContent.Pending };
        Orders.Set("volume", volume);
        var disk = Orders.Guest(volume.Uuid);
        await _bench.UntilAsync("the pool", () => _bench.Pool(shared)?.Status == StorageStatus.Ready);
        Assert.That(_bench.Guests.Of(disk.Uuid).Readiness, Is.EqualTo(DiskReadiness.Waiting));

        _bench.Driver[shared].Add($"volume-{volume.Uuid}.1", 32);
        Orders.Made(volume);

        await PassReadyAsync(disk);
        Assert.That(_bench.Guests.Of(disk.Uuid), Is.EqualTo(new DiskState(DiskReadiness.Ready, null, SourceOf(volume), 32)));
        Assert.That(_bench.Volume(volume), Is.Null, "it is not this host's to speak of");
    }

    [Test]
    public async Task An_image_is_fetched_for_a_drive_and_goes_with_the_last_of_them()
    {
        var image = Guid.NewGuid();
        Orders.Set("image", new ImageDesired { Uuid = image, Name = "cd", Type = ImageType.Cdrom, SourceUri = "https://images.example/cd" });
        var disk = Orders.Guest(null, image);

        await ReadyAsync(disk);

        Assert.That(_bench.Guests.Of(disk.Uuid).Source!.Name, Is.EqualTo($"/fake/image-{image}"));
        Assert.That(_bench.Guests.Of(disk.Uuid).Size, Is.Null);
        Orders.Remove("vdisk", RowKey.Of(disk.Uuid));
        await _bench.UntilAsync("the copy gone", () => _bench.Driver[Guid.Empty].Names.Count == 0);
    }

    [Test]
    public async Task An_image_that_a_guest_still_has_stays()
    {
        var image = Guid.NewGuid();
        Orders.Set("image", new ImageDesired { Uuid = image, Name = "cd", Type = ImageType.Cdrom, SourceUri = "https://images.example/cd" });
        var disk = Orders.Guest(null, image);
        await ReadyAsync(disk);
        Have(disk);

        Orders.Remove("vdisk", RowKey.Of(disk.Uuid));
        await _bench.UntilAsync("the disk forgotten", () => _bench.Guests.Of(disk.Uuid) == DiskState.Unknown);

        Assert.That(_bench.Driver[Guid.Empty].Names, Has.Count.EqualTo(1));
        _bench.Guests.Use([], []);
        await _bench.UntilAsync("the copy gone", () => _bench.Driver[Guid.Empty].Names.Count == 0);
    }

    [Test]
    public async Task A_revert_waits_until_the_guest_is_off_and_the_guest_for_the_revert()
    {
        var (volume, disk) = await GuestAsync();
        var snapshot = Orders.Snap(volume);
        await _bench.UntilAsync("the snapshot", () => _bench.Snapshot(snapshot)?.Status == StorageStatus.Ready);
        Have(disk);

        Orders.Change(volume with { Revert = snapshot.Uuid, Reverts = 1 });
        await _bench.UntilAsync("the reason", () => _bench.Volume(volume)?.Why == $"It is reverted when instance {disk.Instance} has it no longer.");
        Assert.That(Storage.Calls, Has.None.StartsWith("revert"));
        Assert.That(_bench.Guests.Of(disk.Uuid), Is.EqualTo(new DiskState(DiskReadiness.Waiting, "its volume is reverted first")));

        var gate = Storage.Hold("revert");
        _bench.Guests.Use([], []);
        await gate.Arrived;
        var use = UseOf(disk, volume);
        Assert.That(_bench.Guests.Use([], [use]), Is.EqualTo([use]), "no guest gets it meanwhile");
        gate.Open();
        await _bench.UntilAsync("the revert", () => _bench.Volume(volume) is { Status: StorageStatus.Ready, Reverts: 1 });
        Orders.Change(volume with { Reverts = 1 });
        await ReadyAsync(disk);
        Assert.That(_bench.Guests.Use([], [use]), Is.Empty);
    }

    [Test]
    public async Task What_a_guest_has_open_grows_through_the_guest_alone()
    {
        var (volume, disk) = await GuestAsync();
        Have(disk);

        Orders.Change(volume with { Size = 64 });

        await _bench.UntilAsync("the size for the guest", () => _bench.Guests.Of(disk.Uuid).Size == 64);
        Assert.That(_bench.Volume(volume), Has.Property("Why").EqualTo($"Instance {disk.Instance} grows it, which has it."));
        Assert.That(Storage.Calls, Has.None.StartsWith("grow"));
        _bench.Guests.Use([], []);
        await _bench.UntilAsync("the size", () => _bench.Volume(volume) is { Status: StorageStatus.Ready, Size: 64 });
    }

    [Test]
    public async Task Where_a_pool_can_it_grows_what_a_guest_has_and_the_guest_is_told_then()
    {
        _bench.Driver[_pool] = new FakeStorage { Abilities = Storage.Abilities with { WorksInUse = true } };
        var (volume, disk) = await GuestAsync();
        Have(disk);
        var gate = Storage.Hold("grow");

        Orders.Change(volume with { Size = 64 });
        _bench.Send();
        await gate.Arrived;
        Assert.That(_bench.Guests.Of(disk.Uuid).Size, Is.EqualTo(16));

        gate.Open();
        await _bench.UntilAsync("the size for the guest", () => _bench.Guests.Of(disk.Uuid).Size == 64);
    }

    [TestCase(true)]
    [TestCase(false)]
    public async Task A_snapshot_of_what_a_guest_has_is_taken_by_its_emulator_while_its_file_systems_are_quiet(bool hasAgent)
    {
        var (volume, disk) = await GuestAsync();
        _bench.Hypervisor.GuestsHaveAgents = hasAgent;
        await RunAsync(disk, volume);
        Have(disk);

        var snapshot = Orders.Snap(volume);
        _bench.Send();
        string[] expected = hasAgent ? ["freeze", "snapshot", "thaw"] : ["freeze", "snapshot"];
        await _bench.UntilAsync("the calls", () => _bench.Hypervisor.Calls.Count >= 2 + expected.Length);

        Assert.That(_bench.Hypervisor.Calls.Skip(2).Take(expected.Length).Select(call => call.Split(' ')[0]), Is.EqualTo(expected));
        Assert.That(_bench.Hypervisor.DisksOf(disk.Instance).Snapshots, Does.Contain((disk.Uuid, snapshot.Uuid.ToString())));
        Assert.That(Storage.Calls, Has.None.StartsWith("snapshot"));
    }

    [Test]
    public async Task A_snapshot_of_a_file_that_another_host_keeps_is_taken_where_the_guest_is()
    {
        var shared = Orders.Pool(shareable: true);
        var volume = new VolumeDesired { Uuid = Guid.NewGuid(), Name = "shared", Size = 32, StoragePool = shared, Content = VolumeContent.Made };
        Orders.Set("volume", volume);
        _bench.Driver[shared].Add($"volume-{volume.Uuid}.1", 32);
        var disk = Orders.Guest(volume.Uuid);
        await ReadyAsync(disk);
        await RunAsync(disk, volume);
        Have(disk);

        var snapshot = Orders.Snap(volume);

        await _bench.UntilAsync("the snapshot", () => _bench.Hypervisor.DisksOf(disk.Instance).Snapshots.Contains((disk.Uuid, snapshot.Uuid.ToString())));
        Assert.That(_bench.Driver[shared].Calls, Has.None.StartsWith("snapshot"));
    }

    [Test]
    public async Task A_deleted_volume_goes_when_the_guest_has_let_go_of_it()
    {
        var (volume, disk) = await GuestAsync();
        Have(disk);
        Orders.Remove("vdisk", RowKey.Of(disk.Uuid));
        var tombstone = Orders.Delete(volume);

        await _bench.UntilAsync(
            "the reason", () => _bench.Tombstone(tombstone)?.Why == $"It is removed when instance {disk.Instance} has it no longer.");
        Assert.That(Storage.Calls, Has.None.StartsWith("remove"));

        _bench.Guests.Use([], []);
        await _bench.UntilAsync("the removal", () => _bench.Tombstone(tombstone)?.Status == RemovalStatus.Removed);
    }

    [Test]
    public async Task Until_it_is_known_what_guests_have_nothing_is_taken_away()
    {
        var volume = await _bench.MadeAsync(_pool);
        await _bench.EndAsync();
        _bench.GuestsAreKnown = false;
        _bench.Begin();
        var tombstone = Orders.Delete(volume);

        await _bench.UntilAsync("the reason", () => _bench.Tombstone(tombstone)?.Why == "It is removed when it is known what guests have.");

        Assert.That(Storage.Names, Has.Count.EqualTo(1));
        _bench.Guests.Use([], []);
        await _bench.UntilAsync("the removal", () => _bench.Tombstone(tombstone)?.Status == RemovalStatus.Removed);
    }

    [Test]
    public async Task A_copy_of_what_a_guest_writes_to_waits()
    {
        var (volume, disk) = await GuestAsync();
        Have(disk);
        var copy = Orders.Volume(_pool, baseVolume: volume.Uuid);

        await _bench.UntilAsync("the reason", () => _bench.Volume(copy)?.Why?.Contains($"when instance {disk.Instance} has it no longer", StringComparison.Ordinal) == true);
        _bench.Guests.Use([], []);
        await _bench.ReadyAsync(copy);
    }

    private static DiskSource.Raw SourceOf(VolumeDesired volume) => new DiskSource.Raw($"/fake/{ObjectName.Volume(volume.Uuid, volume.Generation)}");

    private static DiskUse UseOf(VdiskDesired disk, VolumeDesired volume) => new(disk.Instance, disk.Uuid, SourceOf(volume).Name);

    private async Task<(VolumeDesired Volume, VdiskDesired Disk)> GuestAsync()
    {
        var volume = await _bench.MadeAsync(_pool);
        var disk = Orders.Guest(volume.Uuid);
        await ReadyAsync(disk);
        return (volume, disk);
    }

    /// <summary>A domain of the instance with the disk.</summary>
    private async Task RunAsync(VdiskDesired disk, VolumeDesired volume)
    {
        var instance = (InstanceDesired)Orders.Snapshot[Orders.Store.Catalog["instance"]].Find(disk.Instance)!.Desired!;
        var definition = DomainXml.For(
            instance, null, [], [InstanceDisk.Of(disk)! with { Source = SourceOf(volume) }],
            new DomainOptions { Accelerator = Accelerator.Tcg, ConsoleDirectory = "/tmp" });
        await _bench.Hypervisor.DefineAsync(disk.Instance, definition.Xml, CancellationToken.None);
        await _bench.Hypervisor.StartAsync(disk.Instance, paused: false, CancellationToken.None);
    }

    /// <summary>A guest has the disk open.</summary>
    private void Have(VdiskDesired disk) =>
        _bench.Guests.Use([new DiskUse(disk.Instance, disk.Uuid, _bench.Guests.Of(disk.Uuid).Source!.Name)], []);

    private Task ReadyAsync(VdiskDesired disk) =>
        _bench.UntilAsync("the disk", () => _bench.Guests.Of(disk.Uuid).Readiness == DiskReadiness.Ready);

    private Task PassReadyAsync(VdiskDesired disk) =>
        _bench.PassUntilAsync("the disk", () => _bench.Guests.Of(disk.Uuid).Readiness == DiskReadiness.Ready);
}
