using System.Collections.Immutable;
using Microsoft.Extensions.Logging.Abstractions;
using NUnit.Framework;
using PonyCloud.Shared.Entities;
using PonyCloud.Shared.State;
using PonyCloud.TestKit.Network;
using PonyCloud.TestKit.Processes;
using PonyCloud.TestKit.Time;
using PonyCloud.Twilight.Networks.Model;
using PonyCloud.Twilight.Networks.Routing;
using PonyCloud.Twilight.Networks.Serving;
using PonyCloud.Twilight.Networks.Trials;
using PonyCloud.Twilight.Networks.Working;
using PonyCloud.Twilight.Reconciliation;
using PonyCloud.Twilight.Session;

namespace PonyCloud.Twilight.Tests.Networks.Working;

/// <summary>The loop of the network over a kernel in memory, with a clock that a test moves.</summary>
internal sealed class NetworkBench : IAsyncDisposable
{
    private readonly TemporaryDirectory _directory = new();
    private readonly StateStore _orders = new(EntityCatalog.Load());
    private readonly StateStore _reported = new(EntityCatalog.Load());
    private NetworkReconciler? _reconciler;
    private CancellationTokenSource? _stopping;
    private Task? _running;

    public NetworkBench(NamespaceState here)
    {
        Stack = new FakeNetworkStack(Hosts.Network(here));
        Sign = new SparkleSign(Time);
        Begin();
    }

    public ManualTime Time { get; } = new();

    public FakeNetworkStack Stack { get; }

    public FakePacketFilter Filter { get; } = new();

    public SparkleSign Sign { get; }

    public HostCards Cards { get; } = new();

    public SaidRoutes Routes { get; } = new();

    public List<HostOutput.Notification> Notifications { get; } = [];

    /// <summary>The host's own namespace.</summary>
    public NamespaceState Here => Stack.State[NetworkState.Host];

    public NetworkReconcilerOptions Options { get; } = new() { Host = Hosts.Host };

    public HostBondCurrent? Bond => Rows<HostBondCurrent>("host_bond").SingleOrDefault();

    /// <summary>A new agent on the same host.</summary>
    public void Begin()
    {
        _reconciler = new NetworkReconciler(
            Options, _orders.Catalog, Stack, new NoCounters(), Filter, new FakeTrafficShaper(), new NoRouters(), [new NoServices()], Routes, new TrialFile(_directory["trials"]), Sign,
            Cards, new SysfsNics(_directory["sys"]), Time, NullLoggerFactory.Instance);
        _stopping = new CancellationTokenSource();
        _running = _reconciler.RunAsync(_stopping.Token);
    }

    public async Task EndAsync()
    {
        await _stopping!.CancelAsync();
        await _running!.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _stopping.Dispose();
    }

    public void Set(string entity, object row) => _orders.Apply([RowChange.Set(_orders.Catalog[entity], RowPart.Desired, row)]);

    public void Remove(string entity, params string[] key) => _orders.Apply([RowChange.Remove(_orders.Catalog[entity], RowPart.Desired, RowKey.Of(key))]);

    /// <summary>What was ordered reaches the host.</summary>
    public void Send() => _reconciler!.DesiredChanged(_orders.Snapshot, null);

    public void Order(BondDesired bond, IEnumerable<string> cards, params NetRoleDesired[] roles)
    {
        Set("bond", bond);
        foreach (var card in cards)
            Set("nic", Hosts.Nic(card));
        foreach (var role in roles)
            Set("net_role", role);
        Send();
    }

    public IEnumerable<T> Rows<T>(string entity) => _reported.Snapshot[_reported.Catalog[entity]].Rows.Select(row => row.Current).OfType<T>();

    /// <summary>Reads what is reported until it holds; the clock moves on meanwhile, a pause of the loop at a time.</summary>
    public async Task UntilAsync(string what, Func<bool> holds)
    {
        try
        {
            await Eventually.HoldsAsync(what, () =>
            {
                Read();
                if (holds())
                    return true;
                Time.Advance(Options.ScanPause);
                return false;
            });
        }
        catch (AssertionException)
        {
            TestContext.Out.WriteLine(string.Join('\n', Stack.Applied));
            throw;
        }
    }

    /// <summary>Sparkle says something that was not on its way before.</summary>
    public void Hear()
    {
        Time.Advance(Options.Grace);
        Sign.Hear();
    }

    public async ValueTask DisposeAsync()
    {
        await EndAsync();
        _directory.Dispose();
    }

    private void Read()
    {
        while (_reconciler!.Output.TryRead(out var output))
        {
            if (output is HostOutput.Rows(var rows))
                _reported.Apply(rows);
            else if (output is HostOutput.Notification notification)
                Notifications.Add(notification);
        }
    }

    /// <summary>The way to Sparkle as a test says.</summary>
    internal sealed class SaidRoutes : IRouteFinder
    {
        public SparkleRoute? Route { get; set; } = new("192.0.2.1", "eth0", "192.0.2.10");

        public Task<SparkleRoute?> FindAsync(CancellationToken cancellationToken) => Task.FromResult(Route);
    }

    private sealed class NoCounters : ILinkCounters
    {
        public Task<IReadOnlyDictionary<string, LinkCounters>> ReadAsync(CancellationToken cancellationToken) =>
            Task.FromResult<IReadOnlyDictionary<string, LinkCounters>>(new Dictionary<string, LinkCounters>());
    }

    private sealed class NoRouters : IRouters
    {
        public Task<string?> PrepareAsync(RoutingOrders wanted, CancellationToken cancellationToken) => Task.FromResult<string?>(null);

        public Task<RoutingReport> ApplyAsync(RoutingOrders wanted, CancellationToken cancellationToken) =>
            Task.FromResult(new RoutingReport(ImmutableSortedDictionary<Guid, string>.Empty, null, null));
    }

    private sealed class NoServices : ISwitchServices
    {
        public Task<ServingReport> ApplyAsync(IReadOnlyList<SwitchService> wanted, CancellationToken cancellationToken) =>
            Task.FromResult(new ServingReport(ImmutableSortedDictionary<Guid, ImmutableArray<string>>.Empty, null));
    }
}
