using System.Collections.Concurrent;
using System.Net;
using Microsoft.Extensions.Logging.Abstractions;
using PonyCloud.Shared.Entities;
using PonyCloud.Shared.Reconciliation;
using PonyCloud.TestKit.Processes;
using PonyCloud.Twilight.Consoles;
using PonyCloud.Twilight.Http;
using PonyCloud.Twilight.Hypervisor.Libvirt;
using PonyCloud.Twilight.Instances;
using PonyCloud.Twilight.Migrations;

namespace PonyCloud.Twilight.Tests.Migrations;

/// <summary>One of two hosts: a libvirtd of its own, the agent's door, and the ways in and out.</summary>
internal sealed class MigrationHost : IAsyncDisposable
{
    private MigrationHost(PrivateLibvirtd libvirtd)
    {
        Libvirtd = libvirtd;
        Options = new MigrationOptions
        {
            Directory = "/run/pc",
            Root = libvirtd.Directory,
            HypervisorSocket = Path.Combine(libvirtd.Directory, "run/libvirt/libvirt-sock"),
            LookAgainAfter = TimeSpan.FromMilliseconds(50),
        };
        Hypervisor = NewHypervisor();
        Link = new TestLink(new HostDoors(Options, TimeProvider.System));
        var consoles = new MigrationConsoles(Domains, new ConsoleLogs(Domains, Consoles), Options, NullLogger<MigrationConsoles>.Instance);
        Migrations = new InstanceMigrations(Uuid, Options, Hypervisor, Link, consoles, TimeProvider.System, NullLogger<InstanceMigrations>.Instance);
        Server = new HostServer(
            new HostServerOptions
            {
                Listen = new IPEndPoint(IPAddress.Loopback, 0),
                Advertised = "127.0.0.1",
            },
            [
                new MigrationRoute(
                    Migrations.Arrivals, Migrations.Readers, new NoVolumes(), [Prepared], consoles, Options, NullLogger<MigrationRoute>.Instance),
            ],
            TimeProvider.System, NullLoggerFactory.Instance);
    }

    public Guid Uuid { get; } = Guid.NewGuid();

    public PrivateLibvirtd Libvirtd { get; }

    public MigrationOptions Options { get; }

    public LibvirtHypervisor Hypervisor { get; }

    /// <summary>What goes out of this host goes over it.</summary>
    public TestLink Link { get; }

    public InstanceMigrations Migrations { get; }

    public HostServer Server { get; }

    /// <summary>What is made for those who come.</summary>
    public Preparation Prepared { get; } = new();

    public ConsoleOptions Consoles { get; } = new();

    public DomainOptions Domains => new()
    {
        Accelerator = Accelerator.Tcg,
        ConsoleDirectory = Directory.CreateDirectory(Path.Combine(Libvirtd.Directory, "console")).FullName,
        Boot = new DisklessBoot.Rom(Path.Combine(Libvirtd.Directory, "guest.rom")),
    };

    /// <summary>Where libvirt keeps what the firmware of a guest is to remember.</summary>
    public string VariablesOf(Guid instance) => Path.Combine(Libvirtd.Directory, $"lib/qemu/nvram/instance-{instance}_VARS.fd");

    public static async Task<MigrationHost> StartAsync()
    {
        var host = new MigrationHost(await PrivateLibvirtd.StartAsync(isolatedNetwork: true));
        await host.Server.StartAsync(CancellationToken.None);
        return host;
    }

    /// <summary>An order to send an instance from the other host to this one, which expects it.</summary>
    public MigrationOrder Expect(Guid instance, string definition)
    {
        Migrations.Expect(new Dictionary<Guid, string> { [instance] = definition });
        var identity = Server.Identity!;
        return new MigrationOrder(
            instance, MigrationRole.Send, Guid.NewGuid(), Uuid,
            new MigrationDoor(identity.Endpoint, identity.Fingerprint, Migrations.Of(instance).Ticket!));
    }

    public async ValueTask DisposeAsync()
    {
        await Server.DisposeAsync();
        Migrations.Dispose();
        await Hypervisor.DisposeAsync();
        await Libvirtd.DisposeAsync();
    }

    private sealed class NoVolumes : IVolumeReading
    {
        public Task<Stream?> OpenAsync(Guid instance, Guid volume, CancellationToken cancellationToken) => Task.FromResult<Stream?>(null);
    }

    /// <summary>Remembers who came.</summary>
    internal sealed class Preparation : IInstancePreparation
    {
        /// <summary>Whoever is about to come, in their order.</summary>
        public ConcurrentQueue<Guid> Coming { get; } = [];

        /// <summary>What fails, if anything does.</summary>
        public Exception? Failure { get; set; }

        public Task BeforeStartAsync(Guid instance, CancellationToken cancellationToken) => Task.CompletedTask;

        public Task BeforeArrivalAsync(Guid instance, CancellationToken cancellationToken)
        {
            Coming.Enqueue(instance);
            return Failure is null ? Task.CompletedTask : Task.FromException(Failure);
        }

        public void Forget(Guid instance)
        {
        }
    }

    private LibvirtHypervisor NewHypervisor() => new(
        new LibvirtOptions
        {
            Uri = Libvirtd.Uri,
            ReconnectBackoff = new Backoff(TimeSpan.FromMilliseconds(50), TimeSpan.FromSeconds(1)),
        },
        TimeProvider.System, NullLogger<LibvirtHypervisor>.Instance);
}
