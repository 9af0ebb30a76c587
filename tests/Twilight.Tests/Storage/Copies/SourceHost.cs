using Microsoft.Extensions.Logging.Abstractions;
using PonyCloud.TestKit.Hypervisor;
using PonyCloud.Twilight.Consoles;
using PonyCloud.Twilight.Http;
using PonyCloud.Twilight.Instances;
using PonyCloud.Twilight.Migrations;
using PonyCloud.Twilight.Tests.Migrations;
using PonyCloud.Twilight.Tests.Storage.Transfers;

namespace PonyCloud.Twilight.Tests.Storage.Copies;

/// <summary>A host that keeps volumes, with its door and the link to it.</summary>
internal sealed class SourceHost : IAsyncDisposable
{
    private static readonly MigrationOptions Options = new()
    {
        Directory = "/nowhere",
        HypervisorSocket = "/nowhere/hypervisor",
        DoorLimit = TimeSpan.FromSeconds(15),
    };

    private readonly FakeHypervisor _hypervisor = new();
    private readonly InstanceMigrations _migrations;
    private readonly HostServer _server;

    private SourceHost(StorageBench bench)
    {
        Bench = bench;
        Link = new TestLink(new HostDoors(Options, TimeProvider.System));
        var domains = new DomainOptions
        {
            Accelerator = Accelerator.Tcg,
            ConsoleDirectory = "/nowhere",
        };
        var consoles = new MigrationConsoles(
            domains, new ConsoleLogs(domains, new ConsoleOptions()), Options, NullLogger<MigrationConsoles>.Instance);
        _migrations = new InstanceMigrations(
            Guid.NewGuid(), Options, _hypervisor, Link, consoles, TimeProvider.System, NullLogger<InstanceMigrations>.Instance);
        _server = new HostServer(
            TransferBench.ServerOptions,
            [
                new MigrationRoute(
                    _migrations.Arrivals, _migrations.Readers, bench.Reading, [], consoles, Options, NullLogger<MigrationRoute>.Instance),
            ],
            TimeProvider.System, NullLoggerFactory.Instance);
    }

    public StorageBench Bench { get; }

    /// <summary>What goes to this host goes over it.</summary>
    public TestLink Link { get; }

    /// <summary>What Sparkle shows to the host.</summary>
    public string Token => _server.Identity!.Token;

    public static async Task<SourceHost> StartAsync(Func<StorageParts> parts)
    {
        var host = new SourceHost(new StorageBench(parts, Guid.NewGuid()));
        await host._server.StartAsync(CancellationToken.None);
        return host;
    }

    /// <summary>These instances have left, and their volumes may be read.</summary>
    public MigrationDoor LetRead(params Guid[] instances)
    {
        _migrations.LetRead(instances.ToHashSet());
        var identity = _server.Identity!;
        return new MigrationDoor(identity.Endpoint, identity.Fingerprint, instances is [var first, ..] ? _migrations.Of(first).ReadTicket! : "none");
    }

    public bool IsRead(Guid instance) => _migrations.Of(instance).IsRead;

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        _migrations.Dispose();
        await Bench.DisposeAsync();
        await _hypervisor.DisposeAsync();
    }
}
