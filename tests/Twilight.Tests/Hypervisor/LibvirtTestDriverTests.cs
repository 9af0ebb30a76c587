using Microsoft.Extensions.Logging.Abstractions;
using NUnit.Framework;
using PonyCloud.Shared.Reconciliation;
using PonyCloud.TestKit.Time;
using PonyCloud.Twilight.Hypervisor;
using PonyCloud.Twilight.Hypervisor.Libvirt;

namespace PonyCloud.Twilight.Tests.Hypervisor;

/// <summary>libvirt's own pretended hypervisor, which lives in this process.</summary>
public sealed class LibvirtTestDriverTests : HypervisorContract
{
    private LibvirtHypervisor _libvirt = null!;

    protected override IHypervisor Hypervisor => _libvirt;

    [OneTimeSetUp]
    public void Make() => _libvirt = new LibvirtHypervisor(
        new LibvirtOptions { Uri = "test:///default" }, TimeProvider.System, NullLogger<LibvirtHypervisor>.Instance);

    [TearDown]
    public Task EndAsync() => RemoveDomainsAsync();

    [OneTimeTearDown]
    public async Task DisposeAsync() => await _libvirt.DisposeAsync();

    [Test]
    public async Task What_somebody_else_does_is_seen_even_if_nobody_tells_of_it(CancellationToken cancellationToken)
    {
        var time = new ManualTime();
        await using var looking = new LibvirtHypervisor(new LibvirtOptions { Uri = "test:///default" }, time, NullLogger<LibvirtHypervisor>.Instance);
        while (!looking.Connection.IsConnected)
            await looking.Events.ReadAsync(cancellationToken);
        await ConnectedAsync(cancellationToken);
        var uuid = NewDomain();
        await DefineAsync(uuid, cancellationToken);
        await _libvirt.StartAsync(uuid, paused: false, cancellationToken);
        Assert.That((await SeenAsync()).State, Is.EqualTo(DomainState.Running));

        await _libvirt.SuspendAsync(uuid, cancellationToken);
        Assert.That((await SeenAsync()).State, Is.EqualTo(DomainState.Paused), "a state, by the next look");

        await _libvirt.SetMarkAsync(new DomainMetadata(uuid, "another shape"), cancellationToken);
        time.Advance(KnownDomains.SizeKnownFor);
        Assert.That(DomainMetadata.Of(await SeenAsync())!.Shape, Is.EqualTo("another shape"), "a mark, by a look that is not right after it");

        async Task<ObservedDomain> SeenAsync() =>
            (await looking.ScanAsync(cancellationToken)).Domains.Single(domain => domain.Uuid == uuid);
    }

    [Test]
    public void What_is_kept_is_kept_for_less_than_a_part_of_the_safety_interval() =>
        Assert.That(KnownDomains.SizeKnownFor, Is.LessThanOrEqualTo(new ReconcilerLoopOptions().SafetyInterval / 6));

    protected override string XmlOf(Guid uuid, string name, int memory) =>
        $"""
        <domain type='test'><name>{name}</name><uuid>{uuid}</uuid>{MetadataOf(uuid)}
        <memory unit='MiB'>{memory}</memory><vcpu>1</vcpu><os><type>hvm</type></os></domain>
        """;
}
