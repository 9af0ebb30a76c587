using System.Net;
using Microsoft.Extensions.Logging.Abstractions;
using PonyCloud.Shared.Entities;
using PonyCloud.TestKit.Network;
using PonyCloud.TestKit.Processes;
using PonyCloud.Twilight.Networks.Links;
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
    private readonly IpNetworkStack _stack;
    private RoutingOrders _orders = RoutingOrders.None;
    private NetworkState _switches = NetworkState.Empty;

    private RoutedHost(NetworkNamespace space, PublicLink world)
    {
        Space = space;
        World = world;
        _announcer = space.Make(AddressAnnouncer.Open);
        var starter = space.Starter(new ToolRunner(Guid.NewGuid(), TimeProvider.System, NullLogger<ToolRunner>.Instance));
        _stack = new IpNetworkStack(Tools, starter, TimeProvider.System, NullLogger<IpNetworkStack>.Instance);
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
    public Task AddSwitchAsync(Guid @switch, params NetworkDesired[] networks)
    {
        var bridge = LinkNames.Bridge(@switch);
        var outer = LinkNames.Service(@switch);
        var space = LinkNames.Namespace(@switch);
        var host = _switches[NetworkState.Host];
        _switches = _switches.With(NetworkState.Host, host with
        {
            Links = host.Links
                .Add(bridge, Our(bridge, LinkKind.Bridge))
                .Add(outer, Our(outer, LinkKind.Veth) with { Master = bridge, Veth = new VethSettings(space, ServedNetworks.Guests) }),
        });
        var guests = Our(ServedNetworks.Guests, LinkKind.Veth) with { Veth = new VethSettings(NetworkState.Host, outer) };
        _switches = _switches.With(space, new NamespaceState
        {
            Links = new NamespaceState().Links.Add(guests.Name, guests),
            Addresses = [.. ServedNetworks.Of(networks).Networks.Select(network => new LinkAddress(network.Link, network.OwnWithPrefix))],
        });
        return MakeAsync(_switches);
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
        var state = Joined(_switches, NetworkState.Host, layout.Host);
        foreach (var (@switch, inside) in layout.Namespaces)
            state = Joined(state, LinkNames.Namespace(@switch), inside);
        await MakeAsync(state);
        return await ApplyAgainAsync();
    }

    public Task<RoutingReport> ApplyAgainAsync() => Routers.ApplyAsync(_orders, CancellationToken.None);

    public Task<string> AskFromAsync(string guest, string address) => WhoAmI.AskAsync(Space, address, "ip", "netns", "exec", guest);

    public async ValueTask DisposeAsync()
    {
        foreach (var server in _servers)
            await server.DisposeAsync();
        _announcer.Dispose();
        await _stack.DisposeAsync();
        await Space.DisposeAsync();
    }

    private async Task MakeAsync(NetworkState wanted)
    {
        var plan = NetworkPlanner.Plan(await _stack.ScanAsync(CancellationToken.None), wanted);
        if (plan.Obstacles.Count > 0)
            throw new InvalidOperationException(string.Join(' ', plan.Obstacles));
        await _stack.ApplyAsync(plan.Steps, CancellationToken.None);
        var rest = NetworkPlanner.Plan(await _stack.ScanAsync(CancellationToken.None), wanted);
        if (rest.Steps.Count > 0)
            throw new InvalidOperationException($"Not all was made: {string.Join(' ', rest.Steps)}");
    }

    private static NetworkState Joined(NetworkState state, string space, NamespaceState more)
    {
        var there = state[space];
        return state.With(space, there with
        {
            Links = there.Links.AddRange(more.Links),
            Addresses = there.Addresses.Union(more.Addresses),
            Routes = there.Routes.Union(more.Routes),
            Rules = there.Rules.Union(more.Rules),
            Sysctls = there.Sysctls.AddRange(more.Sysctls),
        });
    }

    private static Link Our(string name, LinkKind kind) => new()
    {
        Name = name,
        Kind = kind,
        Alias = $"{Marks.Alias} {name}",
        IsUp = true,
    };
}
