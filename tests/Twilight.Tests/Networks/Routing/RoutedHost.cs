using System.Globalization;
using System.Net;
using Microsoft.Extensions.Logging.Abstractions;
using PonyCloud.Shared.Entities;
using PonyCloud.TestKit.Network;
using PonyCloud.TestKit.Processes;
using PonyCloud.Twilight.Networks.Model;
using PonyCloud.Twilight.Networks.Routing;
using PonyCloud.Twilight.Networks.Serving;
using PonyCloud.Twilight.Tools;

namespace PonyCloud.Twilight.Tests.Networks.Routing;

/// <summary>A host of the test's own with a public and a management link, and one switch or more with guests.</summary>
internal sealed class RoutedHost : IAsyncDisposable
{
    private readonly List<ChildProcess> _servers = [];
    private readonly AddressAnnouncer _announcer;
    private RoutingOrders _orders = RoutingOrders.None;
    private bool _hasLinks;

    private RoutedHost(NetworkNamespace space, PublicLink world)
    {
        Space = space;
        World = world;
        _announcer = space.Make(AddressAnnouncer.Open);
        Routers = Make(TimeProvider.System);
    }

    public NetworkNamespace Space { get; }

    public PublicLink World { get; }

    public NftRouters Routers { get; private set; }

    /// <summary>Lays a cable into the public network of the outside, and one to the managers, by whom the default route leads.</summary>
    public static async Task<RoutedHost> StartAsync(OutsideWorld outside, string letter, int number)
    {
        var space = await NetworkNamespace.StartAsync(hasNames: true);
        var link = "pub" + letter;
        var host = new RoutedHost(space, new PublicLink(link, $"203.0.113.{number}", 24, OutsideWorld.Router));
        try
        {
            await outside.PlugAsync(space, link);
            await space.RunAsync("ip", "address", "add", $"203.0.113.{number}/24", "dev", link);
            await outside.Managers.ConnectAsync(space, "mgmt" + letter, IPAddress.Parse($"10.250.{number}.1"), IPAddress.Parse($"10.250.{number}.2"));
            await space.RunAsync("ip", "route", "add", "default", "via", $"10.250.{number}.1");
            return host;
        }
        catch
        {
            await host.DisposeAsync();
            throw;
        }
    }

    public IToolRunner Tools => Space.Tools(new ToolRunner(Guid.NewGuid(), TimeProvider.System, NullLogger<ToolRunner>.Instance));

    public NftRouters Make(TimeProvider time) => Routers = new NftRouters(Tools, _announcer, time, NullLogger<NftRouters>.Instance);

    /// <summary>A switch with its namespace; the gateways of its networks are there.</summary>
    public async Task AddSwitchAsync(Guid @switch, params NetworkDesired[] networks)
    {
        var bridge = LinkNames.Bridge(@switch);
        var space = LinkNames.Namespace(@switch);
        await Space.RunAsync("ip", "link", "add", bridge, "type", "bridge");
        await Space.RunAsync("ip", "link", "set", "dev", bridge, "up");
        await Space.RunAsync("ip", "netns", "add", space);
        await Space.RunAsync(
            "ip", "link", "add", LinkNames.Service(@switch), "master", bridge, "type", "veth", "peer", "name", ServedNetworks.Guests, "netns", space);
        await Space.RunAsync("ip", "link", "set", "dev", LinkNames.Service(@switch), "up");
        await Space.RunAsync("ip", "-n", space, "link", "set", "dev", ServedNetworks.Guests, "up");
        foreach (var network in ServedNetworks.Of(networks).Networks)
            await Space.RunAsync("ip", "-n", space, "address", "add", network.OwnWithPrefix, "dev", network.Link, "nodad");
    }

    /// <summary>A guest that answers who it is.</summary>
    public async Task AddGuestAsync(string name, Guid @switch, string address, string gateway)
    {
        await Space.RunAsync("ip", "netns", "add", name);
        await Space.RunAsync(
            "ip", "link", "add", "to-" + name, "master", LinkNames.Bridge(@switch), "type", "veth", "peer", "name", "card", "netns", name);
        await Space.RunAsync("ip", "link", "set", "dev", "to-" + name, "up");
        await Space.RunAsync("ip", "-n", name, "link", "set", "dev", "card", "up");
        await Space.RunAsync("ip", "-n", name, "link", "set", "dev", "lo", "up");
        await Space.RunAsync("ip", "-n", name, "address", "add", address, "dev", "card", "nodad");
        await Space.RunAsync("ip", "-n", name, "route", "add", "default", "via", gateway);
        _servers.Add(await WhoAmI.ServeAsync(Space, name, "ip", "netns", "exec", name));
    }

    /// <summary>Brings what is laid out about, as the platform does: rules, then links and the like, then whom the world finds.</summary>
    public async Task<RoutingReport> ApplyAsync(RoutingLayout layout)
    {
        _orders = layout.Orders;
        var wrong = await Routers.PrepareAsync(_orders, CancellationToken.None);
        if (wrong is not null)
            throw new InvalidOperationException(wrong);
        foreach (var (name, link) in layout.Host.Links)
        {
            if (!_hasLinks)
                await Space.RunAsync("ip", "link", "add", name, "type", "veth", "peer", "name", link.Veth!.Peer, "netns", link.Veth.PeerNamespace);
        }
        _hasLinks |= layout.Host.Links.Count > 0;
        await MakeAsync(layout.Host, "");
        foreach (var (@switch, state) in layout.Namespaces)
            await MakeAsync(state, LinkNames.Namespace(@switch));
        return await ApplyAgainAsync();
    }

    public Task<RoutingReport> ApplyAgainAsync() => Routers.ApplyAsync(_orders, CancellationToken.None);

    public Task<string> AskFromAsync(string guest, string address) => WhoAmI.AskAsync(Space, address, "ip", "netns", "exec", guest);

    public async ValueTask DisposeAsync()
    {
        foreach (var server in _servers)
            await server.DisposeAsync();
        _announcer.Dispose();
        await Space.DisposeAsync();
    }

    private async Task MakeAsync(NamespaceState state, string space)
    {
        string[] within = space.Length == 0 ? [] : ["-n", space];
        foreach (var (name, link) in state.Links)
            await Space.RunAsync("ip", [.. within, "link", "set", "dev", name, "mtu", link.Mtu!.Value.ToString(CultureInfo.InvariantCulture), "up"]);
        foreach (var (name, value) in state.Sysctls)
            await RunInAsync(space, "sysctl", "-q", "-w", $"{name}={value}");
        foreach (var address in state.Addresses)
            await Space.RunAsync("ip", [.. within, "address", "replace", address.Address, "dev", address.Link]);
        foreach (var route in state.Routes.OrderBy(route => route.Via is not null))
        {
            await Space.RunAsync(
                "ip", [.. within, "route", "replace", route.Destination, .. route.Via is { } via ? ["via", via] : Array.Empty<string>(),
                    "dev", route.Link, .. route.Source is { } source ? ["src", source] : Array.Empty<string>(),
                    "table", route.Table.ToString(CultureInfo.InvariantCulture)]);
        }
        foreach (var rule in state.Rules)
            await Space.RunAsync("ip", [.. within, "rule", "add", "iif", rule.Incoming, "table", rule.Table.ToString(CultureInfo.InvariantCulture)]);
    }

    private Task<string> RunInAsync(string space, params string[] command) => space.Length == 0
        ? Space.RunAsync(command[0], command[1..])
        : Space.RunAsync("ip", ["netns", "exec", space, .. command]);
}
