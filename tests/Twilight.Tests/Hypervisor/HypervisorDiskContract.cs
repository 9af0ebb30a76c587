using NUnit.Framework;
using PonyCloud.Shared.Entities;
using PonyCloud.Twilight.Hypervisor;
using PonyCloud.Twilight.Instances;

namespace PonyCloud.Twilight.Tests.Hypervisor;

/// <summary>What every hypervisor does whose domains can get and lose disks while they are on.</summary>
public abstract class HypervisorDiskContract : HypervisorDeviceContract
{
    private const long Grown = 16 << 20;

    /// <summary>Makes an empty qcow2 file of 8 MiB that nobody has open.</summary>
    protected abstract Task<string> NewFileAsync();

    /// <summary>Bytes that the disk has, as the domain has it open.</summary>
    protected abstract Task<long> SizeAsync(Guid domain, InstanceDisk disk);

    /// <summary>The snapshots inside of the file that the domain has open.</summary>
    protected abstract Task<IReadOnlyList<string>> SnapshotsAsync(Guid domain, InstanceDisk disk);

    [TestCase(VdiskBus.Virtio)]
    [TestCase(VdiskBus.Scsi)]
    public async Task A_disk_is_plugged_into_a_running_domain(VdiskBus bus, CancellationToken cancellationToken)
    {
        var uuid = await WithAsync([], cancellationToken);
        var disk = (await NewDiskAsync(3, bus)) with { IopsMax = 50, BandwidthMax = 1024 };

        await Hypervisor.AttachDeviceAsync(uuid, DiskXml.For(disk).ToString(), cancellationToken);

        await EventAsync(uuid, "device added", cancellationToken);
        Assert.That(await DisksAsync(uuid, cancellationToken), Is.EqualTo([Seen(disk)]));
    }

    [Test]
    public async Task Disks_of_the_definition_are_seen_while_the_domain_is_on(CancellationToken cancellationToken)
    {
        InstanceDisk[] disks = [await NewDiskAsync(0, VdiskBus.Virtio), await NewDiskAsync(1, VdiskBus.Sata), await NewDriveAsync(2)];
        var uuid = await WithAsync(disks, cancellationToken);

        Assert.That(await DisksAsync(uuid, cancellationToken), Is.EquivalentTo(disks.Select(Seen)));
        await Hypervisor.DestroyAsync(uuid, cancellationToken);
        Assert.That(await DisksAsync(uuid, cancellationToken), Is.Empty);
    }

    [Test]
    public async Task A_cd_is_changed_taken_out_and_put_in(CancellationToken cancellationToken)
    {
        var drive = await NewDriveAsync(0);
        var other = drive with { Source = new DiskSource.Qcow2(await NewFileAsync()) };
        var uuid = await WithAsync([drive], cancellationToken);

        foreach (var medium in new[] { other, null, drive })
        {
            var seen = (await DisksAsync(uuid, cancellationToken)).Single();
            await Hypervisor.UpdateDeviceAsync(uuid, DiskXml.WithMedium(seen, medium).ToString(), cancellationToken);

            var after = (await DisksAsync(uuid, cancellationToken)).Single();
            Assert.That((after.Vdisk, after.Source), Is.EqualTo(((Guid?)drive.Vdisk, medium?.Source!.Name)));
        }
    }

    [Test]
    public async Task Limits_are_set_and_taken_away(CancellationToken cancellationToken)
    {
        var disk = await NewDiskAsync(0, VdiskBus.Virtio);
        var uuid = await WithAsync([disk], cancellationToken);

        foreach (var limits in new[] { new DiskLimits(100, 1 << 20), new DiskLimits(0, 1 << 19), default })
        {
            await Hypervisor.LimitDiskAsync(uuid, "vda", limits, cancellationToken);

            var seen = (await DisksAsync(uuid, cancellationToken)).Single();
            Assert.That(new DiskLimits(seen.IopsMax, seen.BytesMax), Is.EqualTo(limits));
        }
    }

    [Test]
    public async Task A_disk_grows_and_never_shrinks(CancellationToken cancellationToken)
    {
        var disk = await NewDiskAsync(0, VdiskBus.Virtio);
        var uuid = await WithAsync([disk], cancellationToken);

        await Hypervisor.GrowDiskAsync(uuid, "vda", Grown, cancellationToken);
        Assert.That(await SizeAsync(uuid, disk), Is.EqualTo(Grown));
        await Hypervisor.GrowDiskAsync(uuid, "vda", Grown / 4, cancellationToken);
        Assert.That(await SizeAsync(uuid, disk), Is.EqualTo(Grown));
    }

    [Test]
    public async Task A_snapshot_is_taken_under_a_guest_and_removed(CancellationToken cancellationToken)
    {
        InstanceDisk[] disks = [await NewDiskAsync(0, VdiskBus.Virtio), await NewDiskAsync(1, VdiskBus.Scsi)];
        var uuid = await WithAsync(disks, cancellationToken);
        foreach (var disk in disks)
        {
            var (alias, snapshot) = (DeviceAlias.Of(disk.Vdisk), Guid.NewGuid().ToString());

            await Hypervisor.TakeSnapshotAsync(uuid, alias, snapshot, cancellationToken);
            await Hypervisor.TakeSnapshotAsync(uuid, alias, snapshot, cancellationToken);
            Assert.That(await SnapshotsAsync(uuid, disk), Is.EqualTo([snapshot]));

            await Hypervisor.RemoveSnapshotAsync(uuid, alias, snapshot, cancellationToken);
            await Hypervisor.RemoveSnapshotAsync(uuid, alias, snapshot, cancellationToken);
            Assert.That(await SnapshotsAsync(uuid, disk), Is.Empty);
        }
        Assert.That((await FindAsync(uuid, cancellationToken))!.State, Is.EqualTo(DomainState.Running));
    }

    [Test]
    public async Task Nobody_in_the_guest_answers_and_so_nothing_is_frozen(CancellationToken cancellationToken)
    {
        var uuid = await WithAsync([], cancellationToken);

        Assert.That(await Hypervisor.FreezeAsync(uuid, cancellationToken), Is.False);
    }

    [Test]
    public async Task A_guest_lets_go_of_a_disk_that_it_is_asked_for_and_can_have_it_again(CancellationToken cancellationToken)
    {
        await ConnectedAsync(cancellationToken);
        var uuid = NewDomain();
        var disk = await NewDiskAsync(0, VdiskBus.Virtio);
        await Hypervisor.DefineAsync(uuid, With(XmlOfObedient(uuid), [disk]), cancellationToken);
        await Hypervisor.StartAsync(uuid, paused: false, cancellationToken);
        await BootedAsync(cancellationToken);

        await Hypervisor.DetachDeviceAsync(uuid, DeviceAlias.Of(disk.Vdisk), cancellationToken);

        await EventAsync(uuid, "device removed", cancellationToken);
        Assert.That(await DisksAsync(uuid, cancellationToken), Is.Empty);
        await Hypervisor.AttachDeviceAsync(uuid, DiskXml.For(disk).ToString(), cancellationToken);
        Assert.That(await DisksAsync(uuid, cancellationToken), Is.EqualTo([Seen(disk)]));
    }

    [Test]
    public async Task What_cannot_be_done_to_disks_is_refused(CancellationToken cancellationToken)
    {
        var (disk, other, fixedOne) = (await NewDiskAsync(0, VdiskBus.Virtio), await NewDiskAsync(1, VdiskBus.Virtio), await NewDiskAsync(2, VdiskBus.Sata));
        var uuid = await WithAsync([disk], cancellationToken);
        Func<Task>[] calls =
        [
            () => Hypervisor.AttachDeviceAsync(uuid, DiskXml.For(disk).ToString(), cancellationToken),
            () => Hypervisor.AttachDeviceAsync(uuid, DiskXml.For(fixedOne).ToString(), cancellationToken),
            () => Hypervisor.DetachDeviceAsync(uuid, DeviceAlias.Of(other.Vdisk), cancellationToken),
            () => Hypervisor.LimitDiskAsync(uuid, "vdz", default, cancellationToken),
            () => Hypervisor.GrowDiskAsync(uuid, "vdz", Grown, cancellationToken),
            () => Hypervisor.TakeSnapshotAsync(uuid, DeviceAlias.Of(other.Vdisk), "x", cancellationToken),
        ];

        foreach (var call in calls)
            Assert.That((await RefusalOfAsync(call)).Failure, Is.EqualTo(HypervisorFailure.Failed).Or.EqualTo(HypervisorFailure.NoSuchDevice));
        Assert.That(await DisksAsync(uuid, cancellationToken), Is.EqualTo([Seen(disk)]));
    }

    private static ObservedDisk Seen(InstanceDisk disk) => ObservedDisk.Of(DiskXml.For(disk));

    private static string With(string domainXml, IEnumerable<InstanceDisk> disks) => domainXml.Replace(
        "</devices>", $"{string.Concat(disks.Select(disk => DiskXml.For(disk)))}</devices>", StringComparison.Ordinal);

    private Task<InstanceDisk> NewDriveAsync(int index) => NewAsync(index, VdiskBus.Sata, isCdrom: true);

    protected Task<InstanceDisk> NewDiskAsync(int index, VdiskBus bus) => NewAsync(index, bus, isCdrom: false);

    private async Task<InstanceDisk> NewAsync(int index, VdiskBus bus, bool isCdrom) => new()
    {
        Vdisk = Guid.NewGuid(),
        Index = index,
        Bus = bus,
        Cache = VdiskCache.None,
        IsCdrom = isCdrom,
        Content = Guid.NewGuid(),
        Source = new DiskSource.Qcow2(await NewFileAsync()),
    };

    private async Task<Guid> WithAsync(IEnumerable<InstanceDisk> disks, CancellationToken cancellationToken)
    {
        var uuid = NewDomain();
        await ConnectedAsync(cancellationToken);
        await Hypervisor.DefineAsync(uuid, With(XmlOf(uuid, NameOf(uuid), 32), disks), cancellationToken);
        await Hypervisor.StartAsync(uuid, paused: false, cancellationToken);
        return uuid;
    }

    private async Task<IReadOnlyList<ObservedDisk>> DisksAsync(Guid uuid, CancellationToken cancellationToken) =>
        (await FindAsync(uuid, cancellationToken))!.Disks;
}
