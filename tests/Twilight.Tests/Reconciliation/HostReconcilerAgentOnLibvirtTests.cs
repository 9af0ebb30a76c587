using Microsoft.Extensions.Logging.Abstractions;
using NUnit.Framework;
using PonyCloud.Shared.Entities;
using PonyCloud.TestKit.Processes;
using PonyCloud.Twilight.Hypervisor.Libvirt;
using PonyCloud.Twilight.Instances;
using PonyCloud.Twilight.Tests.Hypervisor;

namespace PonyCloud.Twilight.Tests.Reconciliation;

/// <summary>The whole way from rows to an agent in a guest of QEMU's and back.</summary>
[CancelAfter(600_000)]
public sealed class HostReconcilerAgentOnLibvirtTests
{
    private const string Address = "192.0.2.7";

    [Test]
    public async Task A_guest_shows_its_addresses_and_stops_by_its_agent(CancellationToken cancellationToken)
    {
        var libvirt = PrivateLibvirtFixture.Instance;
        var instance = Guid.NewGuid();
        var domains = new DomainOptions
        {
            Accelerator = Accelerator.Tcg,
            ConsoleDirectory = libvirt.Directory,
            Boot = await AgentGuest.BootAsync(Address),
        };
        await using var hypervisor = new LibvirtHypervisor(new LibvirtOptions { Uri = libvirt.Uri }, TimeProvider.System, NullLogger<LibvirtHypervisor>.Instance);
        await Eventually.HoldsAsync("a connection", () => hypervisor.Connection.IsConnected);
        await using var bench = new ReconcilerBench(hypervisor, TimeProvider.System, domains, null);
        try
        {
            bench.Order(instance, InstanceState.Running, mem: 256, stopTimeout: 600);
            await bench.UntilAsync(instance, InstanceStatus.Running);
            await HasAgentAsync(cancellationToken);
            await bench.UntilAsync("its address", () => Equals(bench.RowOf(instance)?.GuestAddresses, TextList.Of([Address])));

            bench.Order(instance, InstanceState.Stopped, mem: 256, stopTimeout: 600);
            await bench.UntilAsync("it is off", () => bench.RowOf(instance) is { Status: InstanceStatus.Stopped, GuestAddresses: null });
            Assert.That(
                await File.ReadAllTextAsync(domains.ConsoleLogOf(instance), cancellationToken), Does.Contain("powers off, as its agent was asked"));
        }
        finally
        {
            bench.Order(instance, null);
            await bench.UntilAsync(instance, null);
        }

        async Task HasAgentAsync(CancellationToken limit) => await Eventually.SeesAsync(
            "its agent", async _ => (await hypervisor.ScanAsync(limit)).Domains.Single(domain => domain.Uuid == instance),
            domain => domain.HasAgent, AgentGuest.BootLimit);
    }
}
