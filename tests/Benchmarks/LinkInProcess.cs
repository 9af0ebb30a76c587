using Microsoft.Extensions.DependencyInjection;
using PonyCloud.Shared.Entities;
using PonyCloud.Shared.Messaging;
using PonyCloud.Shared.State;
using PonyCloud.Sparkle.Control;
using PonyCloud.Sparkle.Database;
using PonyCloud.Sparkle.Database.Following;
using PonyCloud.Sparkle.Database.Rows;
using PonyCloud.Sparkle.Events;
using PonyCloud.Sparkle.Hosts;
using PonyCloud.Sparkle.Outage;
using PonyCloud.Sparkle.Placement;
using PonyCloud.Sparkle.Tenancy;
using PonyCloud.TestKit.Messaging;

namespace PonyCloud.Benchmarks;

/// <summary>The control loop with every room that takes part in it, and the link to a real database; without hosts and without the API.</summary>
internal sealed class LinkInProcess : IAsyncDisposable
{
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("ponycloud-bench-");
    private readonly ServiceProvider _services;
    private readonly ControlLoop _loop;
    private readonly CancellationTokenSource _stop = new();
    private Task _following = Task.CompletedTask;

    private LinkInProcess(string connectionString, IControlFeature? watcher)
    {
        var services = new ServiceCollection();
        services.AddLogging();
        services.AddSingleton(TimeProvider.System);
        services.AddSingleton(EntityCatalog.Load());
        services.AddSingleton(provider => new KeyGate(provider.GetRequiredService<TimeProvider>()));
        services.AddSingleton<IMessageTransport>(new FakeNetwork().Open(PeerId.Sparkle.Text));
        services.AddControl(new ControlOptions());
        services.AddHosts();
        services.AddPlacement();
        services.AddTenancy();
        services.AddEvents(new RetentionOptions());
        services.AddOutage(new LetGoOptions { Directory = _directory.FullName });
        services.AddDatabase(new DatabaseOptions { ConnectionString = connectionString, ApplyMigrations = false });
        if (watcher is not null)
            services.AddSingleton(watcher);
        _services = services.BuildServiceProvider();
        _loop = _services.GetRequiredService<ControlLoop>();
    }

    /// <summary>What readers see.</summary>
    public StateSnapshot? Snapshot => _loop.Snapshot;

    public EntityCatalog Catalog => _services.GetRequiredService<EntityCatalog>();

    /// <summary>Starts the loop; nothing is loaded yet.</summary>
    /// <param name="watcher">Is told what readers see, when they see it.</param>
    public static async Task<LinkInProcess> StartAsync(string connectionString, IControlFeature? watcher = null)
    {
        var link = new LinkInProcess(connectionString, watcher);
        await link._loop.StartAsync(CancellationToken.None);
        return link;
    }

    /// <summary>Loads all rows; returns when readers see them.</summary>
    /// <returns>How many.</returns>
    public async Task<int> LoadAsync()
    {
        var loader = new SnapshotLoader(
            _services.GetRequiredService<DatabaseConnections>(), _services.GetRequiredService<TableMaps>(), _services.GetRequiredService<DatabaseOptions>());
        var (rows, _) = await loader.LoadAsync(null, CancellationToken.None);
        await _loop.LoadedAsync(rows, 1, CancellationToken.None);
        return rows.Count;
    }

    /// <summary>Follows the database from now on, as the controller does.</summary>
    public void Follow() => _following = _services.GetRequiredService<ChangeStream>().RunAsync(_stop.Token);

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _following;
        await _loop.StopAsync(CancellationToken.None);
        await _services.DisposeAsync();
        _directory.Delete(recursive: true);
        _stop.Dispose();
    }
}
