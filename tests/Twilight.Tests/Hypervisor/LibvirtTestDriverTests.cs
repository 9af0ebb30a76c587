using Microsoft.Extensions.Logging.Abstractions;
using NUnit.Framework;
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

    protected override string XmlOf(Guid uuid, string name, int memory) =>
        $"""
        <domain type='test'><name>{name}</name><uuid>{uuid}</uuid>{MetadataOf(uuid)}
        <memory unit='MiB'>{memory}</memory><vcpu>1</vcpu><os><type>hvm</type></os></domain>
        """;
}
