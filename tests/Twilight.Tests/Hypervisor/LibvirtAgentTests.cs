using Microsoft.Extensions.Logging.Abstractions;
using NUnit.Framework;
using PonyCloud.Shared.Entities;
using PonyCloud.Shared.Reconciliation;
using PonyCloud.TestKit.Guests;
using PonyCloud.TestKit.Processes;
using PonyCloud.Twilight.Hypervisor;
using PonyCloud.Twilight.Hypervisor.Libvirt;
using PonyCloud.Twilight.Instances;

namespace PonyCloud.Twilight.Tests.Hypervisor;

/// <summary>libvirt with QEMU, and a small Linux in which Debian's own agent runs.</summary>
public sealed class LibvirtAgentTests : GuestAgentContract
{
    private LibvirtHypervisor _libvirt = null!;

    protected override IHypervisor Hypervisor => _libvirt;

    private static PrivateLibvirtd Private => PrivateLibvirtFixture.Instance;

    [SetUp]
    public async Task MakeAsync()
    {
        _libvirt = new LibvirtHypervisor(
            new LibvirtOptions
            {
                Uri = Private.Uri,
                ReconnectBackoff = new Backoff(TimeSpan.FromMilliseconds(50), TimeSpan.FromSeconds(1)),
            },
            TimeProvider.System,
            NullLogger<LibvirtHypervisor>.Instance);
        while (!_libvirt.Connection.IsConnected)
            await _libvirt.Events.ReadAsync(TestContext.CurrentContext.CancellationToken);
    }

    [TearDown]
    public async Task EndAsync() => await _libvirt.DisposeAsync();

    protected override async Task StartAsync(Guid uuid, CancellationToken cancellationToken)
    {
        await DefineAsync(uuid, 256, await AgentGuest.BootAsync(Address), cancellationToken);
        await Hypervisor.StartAsync(uuid, paused: false, cancellationToken);
    }

    protected override Task DefineWithoutAsync(Guid uuid, CancellationToken cancellationToken)
    {
        var rom = Path.Combine(Private.Directory, "agentless.rom");
        RomGuest.Write(rom);
        return DefineAsync(uuid, 32, new DisklessBoot.Rom(rom), cancellationToken);
    }

    [Test]
    public async Task An_agent_that_hangs_holds_nothing_up_and_is_given_up(CancellationToken cancellationToken)
    {
        var uuid = Guid.NewGuid();
        try
        {
            await DefineAsync(uuid, 256, await AgentGuest.BootAsync(Address, isDeaf: true), cancellationToken);
            await Hypervisor.StartAsync(uuid, paused: false, cancellationToken);
            var console = Path.Combine(Private.Directory, $"{uuid}.log");
            await Eventually.HoldsAsync("a deaf agent", () => File.ReadAllText(console).Contains("has a deaf agent", StringComparison.Ordinal), AgentGuest.BootLimit);
            await SeesAsync("it listens", uuid, domain => domain.HasAgent);

            var asking = FailureAsync(() => Hypervisor.ReadAddressesAsync(uuid, cancellationToken));
            await Hypervisor.SuspendAsync(uuid, cancellationToken);
            await Hypervisor.ResumeAsync(uuid, cancellationToken);
            Assert.That((await Hypervisor.ScanAsync(cancellationToken)).Unsettled, Is.Empty);
            Assert.That(asking.IsCompleted, Is.False, "all that while it was asked");
            Assert.That(await asking, Is.EqualTo(HypervisorFailure.Failed));
            Assert.That(await FailureAsync(() => Hypervisor.ShutdownByAgentAsync(uuid, cancellationToken)), Is.EqualTo(HypervisorFailure.Failed));
            Assert.That(await Hypervisor.FreezeAsync(uuid, cancellationToken), Is.False);

            asking = FailureAsync(() => Hypervisor.ShutdownByAgentAsync(uuid, cancellationToken));
            await Hypervisor.DestroyAsync(uuid, cancellationToken);
            await asking;
        }
        finally
        {
            await RemoveAsync(uuid);
        }
    }

    private Task DefineAsync(Guid uuid, int memory, DisklessBoot boot, CancellationToken cancellationToken) => Hypervisor.DefineAsync(
        uuid,
        DomainXml.For(
            new InstanceDesired { Uuid = uuid, Tenant = Guid.NewGuid(), Name = "web", Mem = memory }, null, [], [],
            new DomainOptions { Accelerator = Accelerator.Tcg, ConsoleDirectory = Private.Directory, Boot = boot }).Xml,
        cancellationToken);
}
