using NUnit.Framework;
using PonyCloud.TestKit.Hypervisor;
using PonyCloud.Twilight.Hypervisor;
using PonyCloud.Twilight.Instances;

namespace PonyCloud.Twilight.Tests.Hypervisor;

public sealed class FakeHypervisorTests : HypervisorDiskContract
{
    private FakeHypervisor _fake = null!;

    protected override IHypervisor Hypervisor => _fake;

    [SetUp]
    public void Make() => _fake = new FakeHypervisor { GuestsReleaseDevices = false };

    [TearDown]
    public async Task EndAsync()
    {
        await RemoveDomainsAsync();
        await RemoveTapsAsync();
        await _fake.DisposeAsync();
    }

    protected override string XmlOf(Guid uuid, string name, int memory) =>
        $"<domain><name>{name}</name><uuid>{uuid}</uuid><memory>{memory}</memory><vcpu>1</vcpu>{MetadataOf(uuid)}<devices></devices></domain>";

    protected override string XmlOfObedient(Guid uuid)
    {
        _fake.GuestsReleaseDevices = true;
        return XmlOf(uuid, NameOf(uuid), 32);
    }

    protected override Task BootedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    protected override Task AddTapAsync(string name) => Task.CompletedTask;

    protected override Task RemoveTapAsync(string name) => Task.CompletedTask;

    protected override Task<string> NewFileAsync() => Task.FromResult($"/fake/{Guid.NewGuid()}");

    protected override Task<long> SizeAsync(Guid domain, InstanceDisk disk) =>
        Task.FromResult(_fake.DisksOf(domain).Sizes[_fake.Domains[domain].Disks.Single(seen => seen.Vdisk == disk.Vdisk).Target]);

    protected override Task<IReadOnlyList<string>> SnapshotsAsync(Guid domain, InstanceDisk disk) => Task.FromResult<IReadOnlyList<string>>(
        [.. _fake.DisksOf(domain).Snapshots.Where(taken => taken.Disk == disk.Vdisk).Select(taken => taken.Snapshot)]);

    [Test]
    public async Task A_call_that_was_given_up_stays_unsettled_until_it_ends(CancellationToken cancellationToken)
    {
        var uuid = NewDomain();
        await DefineAsync(uuid, cancellationToken);
        var gate = _fake.Hold("start", uuid);
        using var giveUp = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);

        var start = _fake.StartAsync(uuid, paused: false, giveUp.Token);
        await gate.Arrived;
        await giveUp.CancelAsync();

        Assert.That(async () => await start, Throws.InstanceOf<OperationCanceledException>());
        Assert.That((await _fake.ScanAsync(cancellationToken)).Unsettled, Does.Contain(uuid));
        gate.Open();
        while (await _fake.Events.ReadAsync(cancellationToken) != new HypervisorEvent.CallSettled(uuid))
        {
        }
        Assert.That((await _fake.ScanAsync(cancellationToken)).Unsettled, Is.Empty);
    }
}
