using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using PonyCloud.Shared.Messaging;
using PonyCloud.Sparkle.Control;
using PonyCloud.Sparkle.Database;
using PonyCloud.Sparkle.Events;
using PonyCloud.Sparkle.Hosts;
using PonyCloud.Sparkle.Outage;
using PonyCloud.Sparkle.Placement;
using PonyCloud.TestKit.Messaging;
using PonyCloud.TestKit.Processes;

namespace PonyCloud.Database.Tests;

/// <summary>The controller with everything that decides, over a database; without its API, and without hosts.</summary>
internal sealed class ControllerOnPostgres : IAsyncDisposable
{
    private readonly IHost _host;
    private readonly string _directory;

    private ControllerOnPostgres(IHost host, string directory)
    {
        _host = host;
        _directory = directory;
    }

    /// <summary>Returns when memory has the rows of the database.</summary>
    public static async Task<ControllerOnPostgres> StartAsync(string connectionString)
    {
        var directory = Directory.CreateTempSubdirectory("ponycloud-controller-").FullName;
        var builder = Host.CreateEmptyApplicationBuilder(null);
        builder.Services.AddSingleton(TimeProvider.System);
        builder.Services.AddSingleton(Link.Catalog);
        builder.Services.AddSingleton(provider => new KeyGate(provider.GetRequiredService<TimeProvider>()));
        builder.Services.AddSingleton<IMessageTransport>(new FakeNetwork().Open(PeerId.Sparkle.Text));
        builder.Services.AddControl(new ControlOptions());
        builder.Services.AddHosts();
        builder.Services.AddPlacement();
        builder.Services.AddEvents(new RetentionOptions());
        builder.Services.AddOutage(new LetGoOptions { Directory = directory });
        builder.Services.AddDatabase(Link.Patient with { ConnectionString = connectionString });
        var host = builder.Build();
        await host.StartAsync();
        var view = host.Services.GetRequiredService<IStateView>();
        await Eventually.HoldsAsync("the rows", () => view.Snapshot is not null && view.Database.IsUp);
        return new ControllerOnPostgres(host, directory);
    }

    public async ValueTask DisposeAsync()
    {
        await _host.StopAsync();
        _host.Dispose();
        Directory.Delete(_directory, recursive: true);
    }
}
