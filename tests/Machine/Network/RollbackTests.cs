using System.Net.NetworkInformation;
using Microsoft.Extensions.Logging.Abstractions;
using NUnit.Framework;
using PonyCloud.Shared.Entities;
using PonyCloud.Shared.State;
using PonyCloud.TestKit.Network;
using PonyCloud.TestKit.Processes;
using PonyCloud.Twilight.Networks.Links;
using PonyCloud.Twilight.Networks.Model;
using PonyCloud.Twilight.Networks.Trials;
using PonyCloud.Twilight.Networks.Working;
using PonyCloud.Twilight.Reconciliation;
using PonyCloud.Twilight.Session;
using PonyCloud.Twilight.Tools;

namespace PonyCloud.Machine.Network;

/// <summary>
/// The agent's own loop over a real kernel, and a Sparkle that is heard as long as packets reach the neighbour. One cable leads to it,
/// and the neighbour takes no other hardware address there, as a switch with port security; the other ends nowhere, with a carrier.
/// </summary>
[CancelAfter(180_000)]
public sealed class RollbackTests
{
    private const string Sparkle = "10.100.1.2";
    private const string Booted = "10.100.1.1/24";

    // It is the first of a bond of both, which has its address then.
    private const int DeadEnd = 0;
    private const int Good = 1;

    private static readonly Guid Host = Guid.NewGuid();
    private static readonly Guid BondUuid = Guid.NewGuid();
    private readonly ToolRunner _tools = new(Host, TimeProvider.System, NullLogger<ToolRunner>.Instance);
    private readonly StateStore _orders = new(EntityCatalog.Load());
    private readonly StateStore _reported = new(EntityCatalog.Load());
    private readonly SparkleSign _sign = new(TimeProvider.System);
    private TemporaryDirectory _directory = null!;
    private IpNetworkStack _stack = null!;
    private Cabling _cabling = null!;
    private NetworkReconciler _reconciler = null!;
    private CancellationTokenSource _stopping = null!;
    private Task _running = null!;

    [SetUp]
    public async Task SetUp()
    {
        _directory = new TemporaryDirectory();
        _stack = new IpNetworkStack(_tools, _tools, TimeProvider.System, NullLogger<IpNetworkStack>.Instance);
        _cabling = await Cabling.LayAsync(CableKind.Card);
        await Ip.RunAsync(_cabling.Neighbour, $"address add {Sparkle}/24 dev {_cabling.There[Good]}");
        await _cabling.Neighbour.FilterAsync($"ether saddr != {MachineCards.AddressOf(Good, 0)} drop");
        await Ip.RunAsync(null, $"link set dev {_cabling.Here[Good]} up", $"address add {Booted} dev {_cabling.Here[Good]}");
        _reconciler = new NetworkReconciler(
            new NetworkReconcilerOptions
            {
                Host = Host,
                Trial = TimeSpan.FromSeconds(10),
                Grace = TimeSpan.FromSeconds(1),
            },
            _orders.Catalog, _stack, new IpLinkCounters(_tools), new FakePacketFilter(), new FakeTrafficShaper(), new FakeRouters(), [new FakeSwitchServices()],
            new IpRouteFinder(_tools, new Uri($"tcp://{Sparkle}:9850")), new TrialFile(_directory["trials"]), _sign, new HostCards(), new SysfsNics("/sys"),
            TimeProvider.System, NullLoggerFactory.Instance);
        _stopping = new CancellationTokenSource();
        _running = _reconciler.RunAsync(_stopping.Token);
    }

    [TearDown]
    public async Task TakeDown()
    {
        await _stopping.CancelAsync();
        await _running.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _stopping.Dispose();
        await _reconciler.DisposeAsync();
        var actual = await _stack.ScanAsync(CancellationToken.None);
        await _stack.ApplyAsync(NetworkPlanner.Plan(actual, NetworkState.Empty).Steps, CancellationToken.None);
        foreach (var card in _cabling.Here)
            await Ip.RunAsync(null, $"address flush dev {card}", $"link set dev {card} down");
        await _stack.DisposeAsync();
        await _cabling.DisposeAsync();
        _directory.Dispose();
    }

    [Test]
    public async Task A_bond_that_cuts_Sparkle_off_comes_back_and_one_that_does_not_stays()
    {
        await UntilAsync("Sparkle to be reached as the host booted", IsReachedAsync);

        Order(DeadEnd, Good);
        await UntilAsync("Sparkle to be cut off", async () => await HasBondAsync() && !await IsReachedAsync());
        await UntilAsync("what was before", async () => !await HasBondAsync() && await IsReachedAsync());
        // The kernel shows it before the row does, which until then says what else was in the way of the trial.
        await UntilAsync("the row to say why", () => Task.FromResult(
            Row() is { Status: LinkStatus.Broken, Why: { } why } && why.Contains("Sparkle was not heard within 10 s", StringComparison.Ordinal)));
        Assert.That(await AddressesAsync(), Is.EqualTo(new[] { new LinkAddress(_cabling.Here[Good], Booted, IsOurs: false) }));

        Order(Good);
        await UntilAsync("a bond that works", async () => Row() is { Status: LinkStatus.Active, Why: null } && await IsReachedAsync());
        Assert.That(await AddressesAsync(), Is.EqualTo(new[] { new LinkAddress(LinkNames.Bond(BondUuid), Booted) }), "what the host booted with goes along");
    }

    private void Order(params int[] cards)
    {
        var rows = new List<RowChange> { Set("bond", new BondDesired { Uuid = BondUuid, Host = Host }) };
        for (var pair = 0; pair < _cabling.Here.Length; pair++)
            rows.Add(Set("nic", new NicDesired { Hwaddr = MachineCards.AddressOf(pair, 0), Host = Host, Bond = cards.Contains(pair) ? BondUuid : null }));
        _orders.Apply(rows);
        _reconciler.DesiredChanged(_orders.Snapshot, null);
    }

    private RowChange Set(string entity, object row) => RowChange.Set(_orders.Catalog[entity], RowPart.Desired, row);

    private HostBondCurrent? Row()
    {
        while (_reconciler.Output.TryRead(out var output))
        {
            if (output is HostOutput.Rows(var rows))
                _reported.Apply(rows);
        }
        return _reported.Snapshot[_reported.Catalog["host_bond"]].Rows.Select(row => row.Current).OfType<HostBondCurrent>().SingleOrDefault();
    }

    /// <summary>Whether packets come and go; whoever finds out has heard Sparkle.</summary>
    private async Task<bool> IsReachedAsync()
    {
        using var ping = new Ping();
        try
        {
            var reply = await ping.SendPingAsync(Sparkle, TimeSpan.FromMilliseconds(500));
            if (reply.Status != IPStatus.Success)
                return false;
        }
        catch (PingException)
        {
            // The kernel has no way there at all.
            return false;
        }
        _sign.Hear();
        return true;
    }

    private static async Task<bool> HasBondAsync() => (await Ip.ShowAsync()).Any(link => (string?)link["ifname"] == LinkNames.Bond(BondUuid));

    private async Task<IEnumerable<LinkAddress>> AddressesAsync() =>
        (await _stack.ScanAsync(CancellationToken.None))[NetworkState.Host].Addresses
            .Where(address => address.Link != "lo" && !address.Address.StartsWith("fe80:", StringComparison.Ordinal));

    private static Task<bool> UntilAsync(string what, Func<Task<bool>> holds) =>
        Eventually.SeesAsync(what, _ => holds(), held => held, TimeSpan.FromSeconds(60));
}
