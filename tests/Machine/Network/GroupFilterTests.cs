using System.Net;
using System.Net.Sockets;
using NUnit.Framework;
using PonyCloud.Shared.Entities;
using PonyCloud.TestKit.Network;
using PonyCloud.TestKit.Processes;
using PonyCloud.Twilight.Networks.Rules;

namespace PonyCloud.Machine.Network;

/// <summary>Security groups, with a kernel that knows connections on bridges.</summary>
public sealed class GroupFilterTests
{
    private const int Port = 7;
    private const int Web = 80;

    private static readonly Guid Servers = Guid.Parse("aaaaaaaa-0000-0000-0000-000000000001");
    private static readonly Guid Clerks = Guid.Parse("bbbbbbbb-0000-0000-0000-000000000001");

    private readonly Dictionary<string, Guest> _guests = new(StringComparer.Ordinal);
    private NetworkNamespace _host = null!;
    private NftPacketFilter _filter = null!;

    // Two switches with the same addresses: anybody, server and clerk.
    private static FilterInput Host => new()
    {
        Switches = [Switch("pcs1"), Switch("pcs2"), Switch("pcs3")],
        Cards =
        [
            .. from bridge in new[] { 1, 2 }
               from number in new[] { 1, 2, 3 }
               select Card(bridge, number),
            Card(3, 1) with { Groups = [] },
            Card(3, 2) with { Groups = [] },
        ],
        Groups =
        [
            new FilterGroup(Servers,
            [
                Rule(Servers, 1, SecurityDirection.Ingress) with { Protocol = SecurityProtocol.Tcp, PortFrom = Web, PortTo = Web + 1 },
                Rule(Servers, 2, SecurityDirection.Ingress) with { Protocol = SecurityProtocol.Udp, RemoteSecurityGroup = Clerks },
            ]),
            new FilterGroup(Clerks, [Rule(Clerks, 3, SecurityDirection.Egress) with { RemoteSecurityGroup = Servers }]),
        ],
        Members =
        [
            .. from bridge in new[] { "pcs1", "pcs2" }
               from member in new[] { (Group: Servers, Number: 2), (Group: Clerks, Number: 3) }
               select new FilterMember(member.Group, bridge, HardwareAddress(member.Number), [$"10.0.0.{member.Number}"]),
        ],
    };

    [SetUp]
    public async Task StartAsync()
    {
        _host = await StartQuietAsync();
        _filter = new NftPacketFilter(new ToolsInside(_host));
        await ApplyAsync(Host);
        foreach (var bridge in Host.Switches.Select(found => found.Bridge))
            await Ip.RunAsync(_host, $"link add dev {bridge} type bridge", $"link set dev {bridge} up");
        foreach (var card in Host.Cards)
            _guests.Add(card.Tap, await PlugInAsync(card));
    }

    [TearDown]
    public async Task StopAsync()
    {
        foreach (var guest in _guests.Values)
            await guest.Place.DisposeAsync();
        _guests.Clear();
        await _host.DisposeAsync();
    }

    [Test]
    public async Task The_kernel_tracks_connections_and_what_is_applied_is_found_again()
    {
        Assert.That((await _filter.AbilitiesAsync(CancellationToken.None)), Is.EqualTo(new FilterAbilities(TracksConnections: true)));
        Assert.That(FilterPlan.Between(await _filter.ScanAsync(CancellationToken.None), FilterLayout.Of(Host)).IsEmpty);
    }

    [Test]
    public async Task A_card_in_a_group_gets_answers_and_no_questions()
    {
        Assert.That(await AsksAsync("pct12", "pct11"), Is.True);
        Assert.That(await AsksAsync("pct11", "pct12"), Is.False);
    }

    [Test]
    public async Task Cards_of_a_group_that_a_rule_names_are_admitted() => Assert.That(await AsksAsync("pct13", "pct12"), Is.True);

    [Test]
    public async Task What_a_card_sends_is_limited_by_the_rules_for_that() => Assert.That(await AsksAsync("pct13", "pct11"), Is.False);

    [Test]
    public async Task A_port_that_is_admitted_can_be_connected_to()
    {
        using var connection = await ConnectAsync("pct11", "pct12");
        await connection.SaysAsync();
    }

    [Test]
    public async Task Connections_survive_that_the_table_is_made_anew()
    {
        using var connection = await ConnectAsync("pct12", "pct11");
        await connection.SaysAsync();
        await _filter.ApplyAsync(FilterPlan.Between(AppliedRules.None, FilterLayout.Of(Host)), CancellationToken.None);
        // From the one who could not have asked.
        await connection.SaysAsync();
        Assert.That(await RefusedAsync("pct12"), Is.Zero);
    }

    [Test]
    public async Task A_connection_on_one_switch_admits_nothing_on_another_with_the_same_addresses()
    {
        using var asking = _guests["pct12"].Open(Port + 1);
        using var asked = _guests["pct11"].Open(Port);
        await asking.SendToAsync(new byte[1], new IPEndPoint(_guests["pct11"].Address, Port));
        await asked.ReceiveFromAsync(new byte[1], new IPEndPoint(IPAddress.Any, 0));
        await asked.SendToAsync(new byte[1], new IPEndPoint(_guests["pct12"].Address, Port + 1));
        await asking.ReceiveFromAsync(new byte[1], new IPEndPoint(IPAddress.Any, 0));

        var refused = await RefusedAsync("pct22");
        using var forger = _guests["pct21"].Open(Port);
        await forger.SendToAsync(new byte[1], new IPEndPoint(_guests["pct22"].Address, Port + 1));
        await Eventually.SeesAsync("a refusal", async _ => await RefusedAsync("pct22"), seen => seen > refused);
    }

    [Test]
    public async Task A_switch_without_groups_is_not_tracked()
    {
        Assert.That(await AsksAsync("pct31", "pct32"), Is.True);
        Assert.That(await TrackedAsync(), Is.Zero);
        Assert.That(await AsksAsync("pct12", "pct11"), Is.True);
        Assert.That(await TrackedAsync(), Is.Positive);
    }

    /// <summary>Nobody in it sends by himself.</summary>
    private static async Task<NetworkNamespace> StartQuietAsync()
    {
        var made = await NetworkNamespace.StartAsync();
        await made.RunAsync("sh", "-c", "for what in all default; do echo 1 > /proc/sys/net/ipv6/conf/$what/disable_ipv6; done");
        return made;
    }

    private async Task ApplyAsync(FilterInput input) => await _filter.ApplyAsync(
        FilterPlan.Between(await _filter.ScanAsync(CancellationToken.None), FilterLayout.Of(input)), CancellationToken.None);

    private async Task<Guest> PlugInAsync(FilterCard card)
    {
        var place = await StartQuietAsync();
        var end = $"{card.Tap}e";
        await Ip.RunAsync(null, $"link add dev {card.Tap} type veth peer name {end} address {card.HardwareAddress}");
        await place.TakeAsync(end);
        await _host.TakeAsync(card.Tap);
        await Ip.RunAsync(place, $"address add {card.Addresses[0].Address}/24 dev {end}", $"link set dev {end} up");
        await Ip.RunAsync(_host, $"link set dev {card.Tap} master {card.Bridge}", $"link set dev {card.Tap} up");
        return new Guest(place, IPAddress.Parse(card.Addresses[0].Address));
    }

    /// <summary>One packet there and one back. What is refused is counted, and that is what shows it.</summary>
    private async Task<bool> AsksAsync(string from, string to)
    {
        using var asking = _guests[from].Open(0);
        using var asked = _guests[to].Open(Port);
        using var over = new CancellationTokenSource();
        var before = await RefusalsAsync();
        var answered = AnsweredAsync();
        await asking.SendToAsync(new byte[1], new IPEndPoint(_guests[to].Address, Port));
        await Eventually.SeesAsync("an answer or a refusal", async _ => answered.IsCompleted || await RefusalsAsync() > before, seen => seen);
        await over.CancelAsync();
        return await answered;

        async Task<bool> AnsweredAsync()
        {
            try
            {
                var question = await asked.ReceiveFromAsync(new byte[1], new IPEndPoint(IPAddress.Any, 0), over.Token);
                await asked.SendToAsync(new byte[1], question.RemoteEndPoint, over.Token);
                await asking.ReceiveFromAsync(new byte[1], new IPEndPoint(IPAddress.Any, 0), over.Token);
                return true;
            }
            catch (OperationCanceledException)
            {
                return false;
            }
        }
    }

    private async Task<Connection> ConnectAsync(string from, string to)
    {
        using var listening = _guests[to].Place.Make(() => new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp));
        listening.Bind(new IPEndPoint(_guests[to].Address, Web));
        listening.Listen();
        var connecting = _guests[from].Place.Make(() => new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp));
        await connecting.ConnectAsync(listening.LocalEndPoint!);
        return new Connection(await listening.AcceptAsync(), connecting);
    }

    private async Task<long> RefusedAsync(string tap) => (await _filter.CountAsync(CancellationToken.None))[tap].Refused;

    private async Task<long> RefusalsAsync() => (await _filter.CountAsync(CancellationToken.None)).Values.Sum(card => card.Refused);

    /// <summary>Bridges themselves speak IGMP, and are none of the guests'.</summary>
    private async Task<int> TrackedAsync() =>
        (await _host.RunAsync("cat", "/proc/net/nf_conntrack")).Split('\n').Count(line => line.Contains(" udp ", StringComparison.Ordinal));

    private static FilterSwitch Switch(string bridge) => new(bridge, null, null, IsVxlan: true, HasNetworks: true, []);

    private static FilterCard Card(int bridge, int number) => new()
    {
        Vnic = Guid.NewGuid(),
        Tap = $"pct{bridge}{number}",
        Bridge = $"pcs{bridge}",
        HardwareAddress = HardwareAddress(number),
        Addresses = [new($"10.0.0.{number}")],
        Groups = number == 2 ? [Servers] : number == 3 ? [Clerks] : [],
    };

    private static string HardwareAddress(int number) => $"52:54:00:00:00:0{number}";

    private static SecurityRuleDesired Rule(Guid group, int number, SecurityDirection direction) => new()
    {
        Uuid = Guid.Parse($"00000000-0000-0000-0000-00000000000{number}"),
        SecurityGroup = group,
        Direction = direction,
    };

    private sealed record Guest(NetworkNamespace Place, IPAddress Address)
    {
        public Socket Open(int port)
        {
            var socket = Place.Make(() => new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp));
            socket.Bind(new IPEndPoint(Address, port));
            return socket;
        }
    }

    /// <summary>Two ends, of which the first was connected to.</summary>
    private sealed record Connection(Socket Accepted, Socket Connected) : IDisposable
    {
        public async Task SaysAsync()
        {
            await Accepted.SendAsync(new byte[1]);
            Assert.That(await Connected.ReceiveAsync(new byte[1]), Is.EqualTo(1));
            await Connected.SendAsync(new byte[1]);
            Assert.That(await Accepted.ReceiveAsync(new byte[1]), Is.EqualTo(1));
        }

        public void Dispose()
        {
            Accepted.Dispose();
            Connected.Dispose();
        }
    }
}
