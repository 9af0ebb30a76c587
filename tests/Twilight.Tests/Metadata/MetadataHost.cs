using Microsoft.Extensions.Logging.Abstractions;
using PonyCloud.Shared.Entities;
using PonyCloud.Shared.State;
using PonyCloud.TestKit.Network;
using PonyCloud.TestKit.Processes;
using PonyCloud.Twilight.Metadata;
using PonyCloud.Twilight.Metadata.Serving;
using PonyCloud.Twilight.Networks.Layout;
using PonyCloud.Twilight.Networks.Links;
using PonyCloud.Twilight.Networks.Model;
using PonyCloud.Twilight.Networks.Namespaces;
using PonyCloud.Twilight.Networks.Routing;
using PonyCloud.Twilight.Networks.Rules;
using PonyCloud.Twilight.Networks.Serving;
using PonyCloud.Twilight.Networks.Working;
using PonyCloud.Twilight.Tools;

namespace PonyCloud.Twilight.Tests.Metadata;

/// <summary>
/// A host of the test's own with all that its network is made of, from rows, and the metadata service behind it. Where a guest's
/// card would have its tap is one end of a cable, whose other end is in a namespace that stands for the guest.
/// </summary>
internal sealed class MetadataHost : IAsyncDisposable
{
    // As a guest of busybox sets itself up; routes that are told take the place of the router (RFC 3442).
    private const string Told = """
        #!/bin/sh
        [ "$1" = bound ] || exit 0
        ip address flush dev "$interface"
        ip address add "$ip/$mask" dev "$interface"
        if [ -n "$staticroutes" ]; then
          set -- $staticroutes
          while [ $# -ge 2 ]; do ip route add "$1" via "$2" dev "$interface"; shift 2; done
        elif [ -n "$router" ]; then
          ip route add default via "$router" dev "$interface"
        fi
        """;

    private readonly TemporaryDirectory _directory = new("metadata");
    private readonly StateStore _orders = new(EntityCatalog.Load());
    private readonly IToolRunner _tools;
    private readonly IpNetworkStack _stack;
    private readonly FilterDesk _filter;
    private readonly NftRouters _routers;
    private readonly AddressAnnouncer _announcer;
    private readonly GuestDoors _doors = new();
    private readonly MetadataServer _server;

    private MetadataHost(NetworkNamespace space)
    {
        Space = space;
        var runner = new ToolRunner(Guid.NewGuid(), TimeProvider.System, NullLogger<ToolRunner>.Instance);
        _tools = space.Tools(runner);
        _stack = new IpNetworkStack(_tools, space.Starter(runner), TimeProvider.System, NullLogger<IpNetworkStack>.Instance);
        _filter = new FilterDesk(new NftPacketFilter(_tools), new FakeTrafficShaper());
        _announcer = space.Make(AddressAnnouncer.Open);
        _routers = new NftRouters(_tools, _announcer, TimeProvider.System, NullLogger<NftRouters>.Instance);
        Rows = new MetadataRows(MetadataScene.Host, _orders.Catalog, new HostCards());
        Services = new MetadataServices(_doors, new NamespaceSockets(space.Names), _tools, TimeProvider.System, NullLogger<MetadataServices>.Instance);
        _server = new MetadataServer(_doors, Rows, TimeProvider.System, NullLoggerFactory.Instance);
        Dhcp = new DnsmasqServices(new ServingOptions { Directory = _directory["served"] }, _tools, TimeProvider.System, NullLoggerFactory.Instance);
        // The user that dnsmasq becomes reads below it.
        File.SetUnixFileMode(_directory.Path, File.GetUnixFileMode(_directory.Path) | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute);
        File.WriteAllText(_directory["told"], Told);
        File.SetUnixFileMode(_directory["told"], UnixFileMode.UserRead | UnixFileMode.UserExecute);
    }

    public NetworkNamespace Space { get; }

    public MetadataRows Rows { get; }

    /// <summary>All rows there are.</summary>
    public StateSnapshot Orders => _orders.Snapshot;

    public MetadataServices Services { get; }

    private DnsmasqServices Dhcp { get; }

    public static async Task<MetadataHost> StartAsync()
    {
        var host = new MetadataHost(await NetworkNamespace.StartAsync(hasNames: true));
        try
        {
            await host._server.StartAsync(CancellationToken.None);
            return host;
        }
        catch
        {
            await host.DisposeAsync();
            throw;
        }
    }

    public void Set(string entity, object row) => _orders.Apply([RowChange.Set(_orders.Catalog[entity], RowPart.Desired, row)]);

    public void Remove(string entity, Guid uuid) => _orders.Apply([RowChange.Remove(_orders.Catalog[entity], RowPart.Desired, RowKey.Of(uuid.ToString()))]);

    /// <summary>The rows reach the agent.</summary>
    public void Send() => Rows.DesiredChanged(_orders.Snapshot, null);

    /// <summary>Sends the rows, and makes the network be as they say.</summary>
    /// <param name="withTaps">Guests are machines, and have real ones.</param>
    /// <returns>What is served, and what is not.</returns>
    public async Task<ServingReport> ApplyAsync(bool withTaps = false)
    {
        Send();
        var orders = SwitchOrders.Read(_orders.Snapshot, _orders.Catalog, MetadataScene.Host);
        var actual = await _stack.ScanAsync(CancellationToken.None);
        var layout = NetworkLayout.Of(HostOrders.None, orders, actual, BootedNetwork.None, MetadataScene.Host);
        await _filter.ApplyAsync(orders, layout, CancellationToken.None);
        var wanted = withTaps ? layout.Wanted : WithoutTaps(layout.Wanted);
        await _stack.ApplyAsync(NetworkPlanner.Plan(actual, wanted).Steps, CancellationToken.None);
        var routing = await _routers.ApplyAsync(layout.Routing, CancellationToken.None);
        if (!routing.Problems.IsEmpty)
            throw new InvalidOperationException(string.Join(' ', routing.Problems.Values));
        await Dhcp.ApplyAsync(layout.Services, CancellationToken.None);
        return await Services.ApplyAsync(layout.Services, CancellationToken.None);
    }

    /// <summary>Adds an instance that has its place here, with a card on the switch or without.</summary>
    public void Add(InstanceDesired instance, VnicDesired? card, params AddressDesired[] addresses)
    {
        Set("instance", instance);
        Set("host_instance", new HostInstanceDesired
        {
            Host = MetadataScene.Host,
            Instance = instance.Uuid,
        });
        if (card is null)
            return;
        Set("vnic", card);
        foreach (var address in addresses)
            Set("address", address);
        Set("switch_port", new SwitchPortDesired
        {
            Vnic = card.Uuid,
            Switch = card.Switch,
            Host = MetadataScene.Host,
            Macaddr = card.Macaddr!,
            Name = instance.Name,
            Addresses = TextList.Of(addresses.Select(address => address.Ip!)),
        });
    }

    /// <summary>A guest's end of a card, in a namespace of its name.</summary>
    public async Task PlugAsync(string name, VnicDesired card)
    {
        var tap = LinkNames.Tap(card.Uuid);
        await Space.RunAsync("ip", "netns", "add", name);
        await Space.RunAsync("ip", "link", "add", tap, "type", "veth", "peer", "name", "card", "address", card.Macaddr!, "netns", name);
        await Space.RunAsync("ip", "link", "set", "dev", tap, "master", LinkNames.Bridge(card.Switch), "up");
        await Space.RunAsync("ip", "-n", name, "link", "set", "dev", "card", "up");
    }

    /// <summary>Runs a line in a guest.</summary>
    public Task<string> ShellAsync(string guest, string line) => Space.RunAsync("ip", "netns", "exec", guest, "sh", "-c", line);

    /// <summary>Starts a line in a guest, which goes on until it is disposed of.</summary>
    public ChildProcess Run(string guest, string line)
    {
        var (file, arguments) = Space.Inside("ip", ["netns", "exec", guest, "unshare", "--pid", "--fork", "--kill-child", "sh", "-c", line]);
        return ChildProcess.Start(file, arguments);
    }

    /// <summary>The guest takes what DHCP gives it.</summary>
    public Task AskForAddressAsync(string guest) => Space.RunAsync(
        "ip", "netns", "exec", guest, "busybox", "udhcpc", "-f", "-q", "-n", "-t", "5", "-T", "2", "-i", "card", "-s", _directory["told"], "-O", "staticroutes");

    /// <summary>What a guest reads: the status, and the content.</summary>
    public async Task<(int Status, string Content)> ReadAsync(string guest, string path, params string[] more)
    {
        var said = await Space.RunAsync(
            "ip", ["netns", "exec", guest, "curl", "-sS", "--max-time", "20", "-w", "\n%{http_code}", .. more, $"http://{MetadataAddress.Text}{path}"]);
        var end = said.TrimEnd().LastIndexOf('\n');
        return (int.Parse(said[(end + 1)..].Trim()), end < 0 ? "" : said[..end]);
    }

    /// <summary>Whether a guest gets any answer at all.</summary>
    public async Task<bool> IsAnsweredAsync(string guest, params string[] more) => await ShellAsync(
        guest, $"curl -s --max-time 2 {string.Join(' ', more)} http://{MetadataAddress.Text}/latest/meta-data/instance-id >/dev/null && echo yes || echo no") is var said
        && said.Trim() == "yes";

    public async ValueTask DisposeAsync()
    {
        await Dhcp.ApplyAsync([], CancellationToken.None);
        await Services.DisposeAsync();
        await _server.DisposeAsync();
        _announcer.Dispose();
        await _stack.DisposeAsync();
        await Space.DisposeAsync();
        _directory.Dispose();
    }

    private static NetworkState WithoutTaps(NetworkState wanted)
    {
        var here = wanted[NetworkState.Host];
        var taps = here.Links.Values.Where(link => link.Kind == LinkKind.Tap).Select(link => link.Name).ToHashSet(StringComparer.Ordinal);
        return wanted.With(NetworkState.Host, here with
        {
            Links = here.Links.RemoveRange(taps),
            Forwardings = [.. here.Forwardings.Where(forwarding => !taps.Contains(forwarding.Link))],
        });
    }
}
