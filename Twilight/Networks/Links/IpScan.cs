using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using System.Text.Json;
using PonyCloud.Shared.Entities;
using PonyCloud.Twilight.Networks.Model;

namespace PonyCloud.Twilight.Networks.Links;

/// <summary>What iproute2 says of one namespace, as <c>-json -details -N</c>, made into data.</summary>
internal sealed class IpScan
{
    private const int MainTable = 254;
    private const int LocalTable = 255;
    private const int Ipv6Metric = 1024;
    private const string Unicast = "1";
    private const string FromKernel = "2";
    private static readonly string Ours = Marks.Protocol.ToString(CultureInfo.InvariantCulture);

    private readonly Dictionary<int, string> _names = [];
    private readonly Dictionary<string, (int Index, int? Namespace)> _cables = new(StringComparer.Ordinal);
    private readonly Dictionary<string, Link> _links = new(StringComparer.Ordinal);
    private readonly List<LinkAddress> _addresses = [];
    private readonly List<Route> _routes = [];
    private readonly List<RoutingRule> _rules = [];
    private readonly List<Neighbour> _neighbours = [];
    private readonly List<Forwarding> _forwardings = [];
    private readonly Dictionary<string, string> _sysctls = new(StringComparer.Ordinal);

    public required string Namespace { get; init; }

    /// <summary>The names of the links, for what is asked for each.</summary>
    public IEnumerable<Link> Links => _links.Values;

    public NamespaceState State => new()
    {
        Links = _links.ToImmutableSortedDictionary(StringComparer.Ordinal),
        Addresses = [.. _addresses],
        Routes = [.. _routes],
        Rules = [.. _rules],
        Neighbours = [.. _neighbours],
        Forwardings = [.. _forwardings],
        Sysctls = _sysctls.ToImmutableSortedDictionary(StringComparer.Ordinal),
    };

    /// <summary>The answers to several commands, one array after the other.</summary>
    public static IReadOnlyList<JsonElement> Split(string output)
    {
        var all = new List<JsonElement>();
        var reader = new Utf8JsonReader(Encoding.UTF8.GetBytes(output), new JsonReaderOptions { AllowMultipleValues = true });
        while (reader.Read())
            all.Add(JsonElement.ParseValue(ref reader));
        return all;
    }

    public void ReadLinks(JsonElement array)
    {
        var actives = new SortedDictionary<string, List<string>>(StringComparer.Ordinal);
        foreach (var one in array.EnumerateArray())
        {
            // An array that was filtered has empty places.
            if (Text(one, "ifname") is not { } name)
                continue;
            _names[Number(one, "ifindex") ?? 0] = name;
            _links[name] = ReadLink(one, name);
            if (IsActive(one) && Text(one, "master") is { } bond)
                (actives.TryGetValue(bond, out var ports) ? ports : actives[bond] = []).Add(name);
            ReadAddresses(one, name);
        }
        foreach (var (name, link) in _links.Where(link => link.Value.Bond is not null).ToList())
            _links[name] = link with { Bond = link.Bond! with { ActiveSlaves = TextList.Of(actives.GetValueOrDefault(name) ?? []) } };
    }

    public void ReadRoutes(JsonElement array)
    {
        foreach (var one in array.EnumerateArray())
        {
            var table = Number(one, "table") ?? MainTable;
            // What the kernel makes of addresses, and what has several next hops, is neither ours nor in the way.
            if ((Text(one, "type") ?? Unicast) != Unicast || table == LocalTable || Text(one, "protocol") == FromKernel
                || Text(one, "dst") is not { } destination || Text(one, "dev") is not { } link)
            {
                continue;
            }
            var metric = Number(one, "metric");
            var isIpv6 = AddressText.IsIpv6(destination) || (metric is not null && one.TryGetProperty("pref", out _));
            _routes.Add(new Route(
                destination == "default" || destination.Contains('/', StringComparison.Ordinal) ? destination : destination + (isIpv6 ? "/128" : "/32"),
                isIpv6, Text(one, "gateway"), link, Text(one, "prefsrc"), table,
                metric is 0 || (isIpv6 && metric == Ipv6Metric) ? null : metric, Text(one, "protocol") == Ours));
        }
    }

    public void ReadRules(JsonElement array, bool isIpv6)
    {
        foreach (var one in array.EnumerateArray())
        {
            if (Text(one, "protocol") == Ours && Text(one, "iif") is { } incoming && Number(one, "table") is { } table)
                _rules.Add(new RoutingRule(isIpv6, incoming, table));
        }
    }

    public void ReadNeighbours(JsonElement array)
    {
        foreach (var one in array.EnumerateArray())
        {
            if (Text(one, "protocol") == Ours && Text(one, "dst") is { } address && Text(one, "lladdr") is { } hardware && Text(one, "dev") is { } link)
                _neighbours.Add(new Neighbour(link, address, hardware));
        }
    }

    /// <summary>Those that somebody entered, at links of the platform; the bridge's own and those that it learnt are not.</summary>
    public void ReadForwardings(JsonElement array)
    {
        foreach (var one in array.EnumerateArray())
        {
            if (Text(one, "mac") is not { } hardware || Text(one, "ifname") is not { } link || _links.GetValueOrDefault(link) is not { } port)
                continue;
            if (!Ownership.IsOurs(Namespace, port) && !(port.Master is { Length: > 0 } master && _links.GetValueOrDefault(master) is { } bridge && Ownership.IsOurs(Namespace, bridge)))
                continue;
            if (Text(one, "dst") is { } endpoint)
                _forwardings.Add(new Forwarding(link, hardware, endpoint));
            else if (Text(one, "state") == "static" && Text(one, "master") is not null)
                _forwardings.Add(new Forwarding(link, hardware));
        }
    }

    /// <summary>Lines <c>PATH:VALUE</c>.</summary>
    /// <param name="byPath">Which sysctl is where.</param>
    public void ReadSysctls(string output, IReadOnlyDictionary<string, string> byPath)
    {
        foreach (var line in output.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            var colon = line.LastIndexOf(':');
            if (colon > 0 && byPath.TryGetValue(line[..colon], out var name))
                _sysctls[name] = line[(colon + 1)..];
        }
    }

    /// <summary>Finds which end belongs to which, in all namespaces together.</summary>
    /// <param name="namespaces">The numbers that the host's namespace has for the others.</param>
    public static void Connect(IReadOnlyDictionary<string, IpScan> scans, IReadOnlyDictionary<int, string> namespaces)
    {
        var host = scans[NetworkState.Host];
        foreach (var scan in scans.Values)
        {
            foreach (var (name, cable) in scan._cables)
            {
                if (cable.Namespace is null && scan._names.GetValueOrDefault(cable.Index) is { } beside)
                    scan.Connect(name, scan.Namespace, beside);
                // The numbers in another namespace are its own: a cable is known by its end in the host's.
                else if (scan == host && cable.Namespace is { } number && namespaces.GetValueOrDefault(number) is { } space
                    && scans.GetValueOrDefault(space) is { } there && there._names.GetValueOrDefault(cable.Index) is { } peer)
                {
                    scan.Connect(name, space, peer);
                    there.Connect(peer, NetworkState.Host, name);
                }
            }
        }
    }

    private void Connect(string name, string space, string peer) => _links[name] = _links[name] with { Veth = new VethSettings(space, peer) };

    private Link ReadLink(JsonElement one, string name)
    {
        var info = one.TryGetProperty("linkinfo", out var there) ? there : default;
        var data = Part(info, "info_data");
        var kind = KindOf(one, info, data);
        var slave = Part(info, "info_slave_data");
        if (kind == LinkKind.Veth && Text(one, "link") is null && Number(one, "link_index") is { } index)
            _cables[name] = (index, Number(one, "link_netnsid"));
        else if (kind == LinkKind.Veth && Text(one, "link") is { } beside)
            _cables[name] = (-1, null);
        var flags = one.TryGetProperty("flags", out var list) ? list.EnumerateArray().Select(flag => flag.GetString()).ToHashSet() : [];
        return new Link
        {
            Name = name,
            Kind = kind,
            Alias = Text(one, "ifalias"),
            HardwareAddress = Text(one, "address"),
            // A card that is a port has the address of its bond; what it had before it became one is next to the truth.
            PermanentAddress = kind == LinkKind.Card || Text(info, "info_slave_kind") == "bond"
                ? Text(one, "permaddr") ?? Text(slave, "perm_hwaddr") ?? Text(one, "address")
                : null,
            Mtu = Number(one, "mtu"),
            IsUp = flags.Contains("UP"),
            HasCarrier = flags.Contains("LOWER_UP"),
            Master = Text(one, "master") ?? "",
            Bond = kind == LinkKind.Bond ? ReadBond(data) : null,
            Vlan = kind == LinkKind.Vlan && Text(one, "link") is { } parent && Number(data, "id") is { } tag ? new VlanSettings(parent, tag) : null,
            Vxlan = kind == LinkKind.Vxlan && Number(data, "id") is { } id
                ? new VxlanSettings(id, Text(data, "local") ?? Text(data, "local6") ?? "", Text(data, "link"), Number(data, "port") ?? 0)
                : null,
            Veth = kind == LinkKind.Veth && Text(one, "link") is { } peer ? new VethSettings(Namespace, peer) : null,
            Port = Text(info, "info_slave_kind") == "bridge" ? ReadPort(slave) : null,
        };
    }

    private static LinkKind KindOf(JsonElement one, JsonElement info, JsonElement data) => Text(info, "info_kind") switch
    {
        "bond" => LinkKind.Bond,
        "vlan" when Text(data, "protocol") is "802.1Q" or "[33024]" => LinkKind.Vlan,
        "bridge" => LinkKind.Bridge,
        "vxlan" => LinkKind.Vxlan,
        "veth" => LinkKind.Veth,
        "tun" when Text(data, "type") == "tap" => LinkKind.Tap,
        null when IsEthernet(one) => LinkKind.Card,
        _ => LinkKind.Other,
    };

    // Numeric output has the type of a link as the number that it has in the kernel: ARPHRD_ETHER.
    private static bool IsEthernet(JsonElement one) => Text(one, "link_type") is "ether" or "[1]" or "1";

    private static bool IsActive(JsonElement one)
    {
        var slave = Part(Part(one, "linkinfo"), "info_slave_data");
        if (Text(Part(one, "linkinfo"), "info_slave_kind") != "bond" || Text(slave, "state") != "ACTIVE" || Text(slave, "mii_status") != "UP")
            return false;
        // With LACP a port is active before it carries anything.
        return slave.ValueKind == JsonValueKind.Object && slave.TryGetProperty("ad_actor_oper_port_state_str", out var states)
            ? states.EnumerateArray().Any(state => state.GetString() == "distributing")
            : !slave.TryGetProperty("ad_actor_oper_port_state", out var bits) || (bits.GetInt32() & Distributing) != 0;
    }

    /// <summary>IEEE 802.1AX, state of a port.</summary>
    private const int Distributing = 0x20;

    private static BondSettings? ReadBond(JsonElement data)
    {
        var mode = Text(data, "mode") switch
        {
            "active-backup" => BondMode.ActiveBackup,
            "802.3ad" => BondMode.Lacp,
            // Any other the platform does not know; what is to be differs from it in any case.
            _ => BondMode.Single,
        };
        var policy = Text(data, "xmit_hash_policy") switch
        {
            "layer2+3" => XmitHashPolicy.Layer2And3,
            "layer3+4" => XmitHashPolicy.Layer3And4,
            _ => XmitHashPolicy.Layer2,
        };
        var partner = Text(Part(data, "ad_info"), "partner_mac");
        return new BondSettings(
            mode, Text(data, "ad_lacp_rate") == "fast" ? LacpRate.Fast : LacpRate.Slow, policy, LacpPartner: partner == KernelModel.ForEverybody ? null : partner);
    }

    private static BridgePortSettings ReadPort(JsonElement slave) => new(
        Flag(slave, "learning"), Flag(slave, "flood") || Flag(slave, "bcast_flood") || Flag(slave, "mcast_flood"), Flag(slave, "neigh_suppress"), Flag(slave, "isolated"));

    private void ReadAddresses(JsonElement one, string link)
    {
        foreach (var address in one.TryGetProperty("addr_info", out var all) ? all.EnumerateArray() : default)
        {
            if (Text(address, "local") is { } local && Number(address, "prefixlen") is { } prefix)
                _addresses.Add(new LinkAddress(link, $"{local}/{prefix}", Number(address, "metric") == Marks.Metric));
        }
    }

    private static JsonElement Part(JsonElement of, string name) =>
        of.ValueKind == JsonValueKind.Object && of.TryGetProperty(name, out var part) ? part : default;

    private static string? Text(JsonElement of, string name) => Part(of, name) is { ValueKind: JsonValueKind.String } text ? text.GetString() : null;

    // Numeric output has some numbers as texts.
    private static int? Number(JsonElement of, string name) => Part(of, name) switch
    {
        { ValueKind: JsonValueKind.Number } number when number.TryGetInt32(out var value) => value,
        { ValueKind: JsonValueKind.String } text when int.TryParse(text.GetString(), NumberStyles.None, CultureInfo.InvariantCulture, out var value) => value,
        _ => null,
    };

    private static bool Flag(JsonElement of, string name) => Part(of, name).ValueKind == JsonValueKind.True;
}
