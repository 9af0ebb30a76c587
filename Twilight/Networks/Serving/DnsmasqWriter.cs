using System.Collections.Immutable;
using System.Net;
using System.Net.Sockets;
using System.Text;
using PonyCloud.Shared.Entities;
using PonyCloud.Twilight.Networks.Model;

namespace PonyCloud.Twilight.Networks.Serving;

/// <summary>Whose process dnsmasq becomes once it has its sockets, and where its files are.</summary>
/// <param name="Group">A group of the user's: it alone reads the files, beside root.</param>
public sealed record DnsmasqPlace(string Directory, string User, string Group)
{
    public string this[string file] => Path.Combine(Directory, file);
}

/// <summary>Writes down for dnsmasq what is to be answered on a switch. Pure.</summary>
public static class DnsmasqWriter
{
    public const string Domain = "internal";

    // A card is looked for under one of its addresses; a guest that is made anew has another DUID, and gets its address
    // over DHCPv6 only when the lease of its former self is over.
    private const string Lease4 = "1h";
    private const string Lease6 = "15m";

    // Guests learn within this time, in seconds, what changed in router advertisements.
    private const int RouterInterval = 60;
    private const int RouterLifetime = 1800;

    // By its number (RFC 2132, 3.14): dnsmasq takes no value for it by its name.
    private const int HostName = 12;

    private const int OptionBytesMax = 255;
    private const int SmallestIpv6Prefix = 64;

    /// <summary>Null when there is nothing to answer DHCP on.</summary>
    public static DnsmasqFiles? Write(SwitchService service, DnsmasqPlace place)
    {
        var served = ServedNetworks.Of(service.Networks);
        var problems = served.Problems.ToBuilder();
        var networks = served.Networks.Where(network => network.Row.Dhcp).ToList();
        if (networks.Count == 0)
            return null;
        foreach (var network in networks.Where(network => !HasLeases(network)))
            problems.Add($"Network {network.Row.Range} is served without DHCP, which IPv6 has in networks of /64 and smaller only.");
        var cards = Cards(service, networks);
        var options = Options(service, networks, cards, problems);
        return new DnsmasqFiles(
            Start(service, networks, cards, place), Hosts(service), Guests(cards), options, Upstream(served.Networks),
            networks[0].Own, problems.ToImmutable());
    }

    /// <summary>Whether cards are given their addresses in the network, if it has <c>dhcp</c>.</summary>
    internal static bool HasLeases(ServedNetwork network) => !network.IsIpv6 || network.Range.PrefixLength >= SmallestIpv6Prefix;

    private static string Start(SwitchService service, IReadOnlyList<ServedNetwork> networks, IReadOnlyList<Card> cards, DnsmasqPlace place)
    {
        var text = new Lines();
        text.Add($"user={place.User}", $"group={place.Group}", $"pid-file={place[DnsmasqFiles.PidFile]}");
        var links = networks.Select(network => network.Link).Distinct().ToList();
        foreach (var link in links)
            text.Add($"interface={link}");
        // Only the addresses of those links, also those that they are given later.
        text.Add("except-interface=lo", "bind-dynamic");
        text.Add("no-resolv", "no-hosts", "no-poll", $"domain={Domain}", $"local=/{Domain}/", "domain-needed", "bogus-priv");
        text.Add($"addn-hosts={place[DnsmasqFiles.HostsFile]}", $"dhcp-hostsfile={place[DnsmasqFiles.GuestsFile]}");
        text.Add($"dhcp-optsfile={place[DnsmasqFiles.OptionsFile]}", $"servers-file={place[DnsmasqFiles.UpstreamFile]}");
        // Nothing is kept on disk: who had which address follows from the rows.
        text.Add("leasefile-ro", "dhcp-authoritative", "dhcp-ignore=tag:!known", "dhcp-ignore-names");
        text.Add("quiet-dhcp", "quiet-dhcp6", "quiet-ra");
        foreach (var network in networks.Where(HasLeases))
        {
            text.Add(network.IsIpv6
                ? $"dhcp-range=set:{network.Tag},{network.Range.BaseAddress},static,{network.Range.PrefixLength},{Lease6}"
                : $"dhcp-range=set:{network.Tag},{network.Range.BaseAddress},static,{Netmask(network.Range.PrefixLength)},{Lease4}");
        }
        var advertised = networks.Where(network => network.IsIpv6 && HasLeases(network)).GroupBy(network => network.Link).ToList();
        if (advertised.Count > 0)
            text.Add("enable-ra");
        foreach (var link in advertised)
        {
            var lifetime = link.Any(network => network.Row.Routed) ? RouterLifetime : 0;
            text.Add($"ra-param={link.Key},mtu:{service.Mtu},{RouterInterval},{lifetime}");
        }
        // Not beside the address, since dnsmasq 2.90 ends at the next reading once it gave a lease by a line with a tag.
        foreach (var card in cards.Where(card => card.HasTag))
            text.Add($"dhcp-mac=set:{card.Tag},{card.Port.Macaddr}");
        foreach (var card in cards.Where(card => card.NameServers.Count > 0))
            text.Add($"dhcp-mac=set:ns,{card.Port.Macaddr}");
        // Beside the hosts, since a name there would also be answered with the address: whose it is a card does not decide.
        foreach (var address in service.Addresses.Where(address => address is { Ip: not null, Ptr: not null }).OrderBy(address => address.Uuid))
            text.Add($"ptr-record={ReverseName(IPAddress.Parse(address.Ip!))},{address.Ptr!.TrimEnd('.')}");
        return text.ToString();
    }

    private static string Hosts(SwitchService service)
    {
        var text = new Lines();
        foreach (var port in service.Ports.OrderBy(port => port.Name, StringComparer.Ordinal).ThenBy(port => port.Vnic))
        {
            var name = port.Name.ToLowerInvariant();
            // A name with dots stays below the domain, or a card could take the place of any host of the world.
            var alone = name.Contains('.', StringComparison.Ordinal) || name == "localhost" ? "" : $" {name}";
            foreach (var address in port.Addresses)
                text.Add($"{address} {name}.{Domain}{alone}");
        }
        return text.ToString();
    }

    private static List<Card> Cards(SwitchService service, IReadOnlyList<ServedNetwork> networks)
    {
        var cards =
            from port in service.Ports.Where(port => port.Host == service.Host).OrderBy(port => port.Vnic)
            let places =
                from text in port.Addresses
                let address = IPAddress.Parse(text)
                let network = networks.FirstOrDefault(network => HasLeases(network) && network.Range.Contains(address))
                where network is not null
                select (network, address)
            select new Card(port, [.. places], service.NameServers.GetValueOrDefault(port.Vnic, TextList.Empty));
        return [.. cards.Where(card => card.Places.Length > 0)];
    }

    private static string Guests(IReadOnlyList<Card> cards)
    {
        var text = new Lines();
        foreach (var card in cards)
        {
            // Of several dnsmasq would give any.
            foreach (var (network, address) in card.Places.DistinctBy(place => (place.Network.Row.VlanTag, place.Network.IsIpv6)))
                text.Add($"{card.Port.Macaddr},{(network.IsIpv6 ? $"[{address}]" : address)}");
        }
        return text.ToString();
    }

    private static string Options(
        SwitchService service, IReadOnlyList<ServedNetwork> networks, IReadOnlyList<Card> cards, ImmutableArray<string>.Builder problems)
    {
        var text = new Lines();
        foreach (var network in networks.Where(HasLeases))
        {
            text.Add(NameServers($"tag:{network.Tag},tag:!ns", network, network.Row.Ns));
            if (network.IsIpv6)
            {
                text.Add($"tag:{network.Tag},option6:domain-search,{Domain}");
                continue;
            }
            // Without a value none is told, where dnsmasq would name itself.
            text.Add($"tag:{network.Tag},option:router{(network.Row.Gateway is { } gateway ? "," + gateway : "")}");
            text.Add($"tag:{network.Tag},option:mtu,{service.Mtu}");
            if (ClasslessRoutes(service, network, problems) is { } routes)
                text.Add($"tag:{network.Tag},option:classless-static-route,{routes}");
        }
        foreach (var card in cards.Where(card => card.HasTag))
        {
            if (card.HasDots)
                text.Add($"tag:{card.Tag},{HostName},\"{card.Port.Name.ToLowerInvariant()}\"");
            if (card.NameServers.Count == 0)
                continue;
            foreach (var network in card.Places.Select(place => place.Network).Distinct())
                text.Add(NameServers($"tag:{network.Tag},tag:{card.Tag}", network, card.NameServers));
        }
        return text.ToString();
    }

    private static string NameServers(string tags, ServedNetwork network, TextList others)
    {
        var family = network.Own.AddressFamily;
        var servers = others.Select(IPAddress.Parse).Where(server => server.AddressFamily == family && !server.Equals(network.Own)).Prepend(network.Own);
        return network.IsIpv6
            ? $"{tags},option6:dns-server,{string.Join(',', servers.Select(server => $"[{server}]"))}"
            : $"{tags},option:dns-server,{string.Join(',', servers)}";
    }

    /// <summary>Who takes these takes no notice of the router beside (RFC 3442), so they name it as well.</summary>
    private static string? ClasslessRoutes(SwitchService service, ServedNetwork network, ImmutableArray<string>.Builder problems)
    {
        var routes = service.Routes
            .Where(route => route.Network == network.Row.Uuid)
            .OrderBy(route => route.Route, StringComparer.Ordinal).ThenBy(route => route.Uuid)
            .Select(route => (To: IPNetwork.Parse(route.Route), route.Via))
            .Where(route => route.To.BaseAddress.AddressFamily == AddressFamily.InterNetwork)
            .ToList();
        if (routes.Count == 0 && network.Row.Routed)
            return null;
        // Other gateways do not know the way to the platform.
        routes.Insert(0, (IPNetwork.Parse(MetadataAddress.Network), network.Own.ToString()));
        if (network.Row.Gateway is { } gateway && routes.All(route => route.To.PrefixLength > 0))
            routes.Add((IPNetwork.Parse("0.0.0.0/0"), gateway));
        if (routes.Sum(route => 1 + (route.To.PrefixLength + 7) / 8 + 4) > OptionBytesMax)
        {
            problems.Add($"Network {network.Row.Range} has more routes than DHCP can tell, and guests are told of none.");
            return null;
        }
        return string.Join(',', routes.Select(route => $"{route.To},{route.Via}"));
    }

    private static string Upstream(ImmutableArray<ServedNetwork> networks)
    {
        var text = new Lines();
        // Only a namespace that is a router reaches more than the switch. It does not ask itself.
        var own = networks.Select(network => network.Own.ToString());
        foreach (var server in networks.Where(network => network.Row.Routed).SelectMany(network => network.Row.Ns).Distinct().Except(own))
            text.Add($"server={server}");
        return text.ToString();
    }

    private static IPAddress Netmask(int prefixLength)
    {
        var bits = prefixLength == 0 ? 0 : uint.MaxValue << (32 - prefixLength);
        return new IPAddress([(byte)(bits >> 24), (byte)(bits >> 16), (byte)(bits >> 8), (byte)bits]);
    }

    private static string ReverseName(IPAddress address)
    {
        var bytes = address.GetAddressBytes().Reverse();
        return address.AddressFamily == AddressFamily.InterNetwork
            ? string.Join('.', bytes) + ".in-addr.arpa"
            : string.Join('.', bytes.SelectMany(part => new[] { part & 15, part >> 4 }).Select(digit => digit.ToString("x"))) + ".ip6.arpa";
    }

    private sealed record Card(SwitchPortDesired Port, ImmutableArray<(ServedNetwork Network, IPAddress Address)> Places, TextList NameServers)
    {
        public string Tag => "p" + Port.Vnic.ToString("N");

        /// <summary>Of a name without dots dnsmasq tells the guest by itself, from the names of its address.</summary>
        public bool HasDots => Port.Name.Contains('.', StringComparison.Ordinal);

        /// <summary>Whether the guest is told something that others are not.</summary>
        public bool HasTag => HasDots || NameServers.Count > 0;
    }

    private sealed class Lines
    {
        private readonly StringBuilder _text = new();

        public void Add(params ReadOnlySpan<string> lines)
        {
            foreach (var line in lines)
                _text.Append(line).Append('\n');
        }

        public override string ToString() => _text.ToString();
    }
}
