using System.Collections.Immutable;
using System.Net;
using System.Net.Sockets;
using PonyCloud.Shared.Entities;
using PonyCloud.Twilight.Networks.Layout;
using PonyCloud.Twilight.Networks.Serving;

namespace PonyCloud.Twilight.Metadata;

/// <summary>What the rows of the host say of its instances: who has an address on a switch, and what to tell it. Pure.</summary>
public sealed class MetadataIndex
{
    private readonly SwitchOrders _orders;
    private readonly ILookup<Guid, VnicDesired> _cards;
    private readonly Dictionary<Guid, ServedNetworks> _served;
    private readonly Dictionary<(Guid Switch, IPAddress Address), Guid> _owners = [];

    private readonly IReadOnlySet<Guid> _withDisk;

    /// <param name="withDisk">The instances that have a disk.</param>
    public MetadataIndex(SwitchOrders orders, IReadOnlySet<Guid> withDisk)
    {
        _orders = orders;
        _withDisk = withDisk;
        _cards = orders.Vnics.SelectMany(cards => cards).ToLookup(card => card.Instance);
        _served = orders.Switches.ToDictionary(one => one.Uuid, one => ServedNetworks.Of(orders.Networks[one.Uuid]));
        foreach (var card in _cards.SelectMany(cards => cards))
        {
            // Networks that overlap are in different VLANs of a switch, and only one of them is served.
            foreach (var address in Own(card).Where(address => Served(card.Switch, address.Network) is not null))
                _owners[(card.Switch, IPAddress.Parse(address.Ip!))] = card.Instance;
        }
    }

    /// <summary>The instance with the address on the switch; null when it is nobody's.</summary>
    public Guid? OwnerOf(Guid @switch, IPAddress address) => _owners.TryGetValue((@switch, address), out var instance) ? instance : null;

    /// <param name="mtuOf">The largest packet that a card's switch carries here.</param>
    /// <returns>Null when the instance has no place here.</returns>
    public InstanceMetadata? Of(Guid instance, Func<Guid, int?> mtuOf)
    {
        if (!_orders.Instances.TryGetValue(instance, out var row))
            return null;
        var cards = _cards[instance].OrderBy(card => card.Index ?? int.MaxValue).ThenBy(card => card.Uuid);
        return new InstanceMetadata
        {
            Uuid = row.Uuid,
            Tenant = row.Tenant,
            Name = row.Name,
            UserData = row.UserData,
            SshKeys = [.. row.SshKeys],
            HasDisk = _withDisk.Contains(row.Uuid),
            Cards = [.. cards.Select((card, position) => Card(row, card, position) with { Mtu = mtuOf(card.Uuid) })],
        };
    }

    private CardMetadata Card(InstanceDesired instance, VnicDesired card, int position)
    {
        var leased = Leased(card);
        return new CardMetadata
        {
            Vnic = card.Uuid,
            Switch = card.Switch,
            Index = card.Index ?? position,
            HardwareAddress = card.Macaddr!,
            IsUp = card.Link == VnicLink.Up,
            Addresses = [.. Own(card)
                .Select(address => Address(instance, card, address, leased.Contains(IPAddress.Parse(address.Ip!))))
                .OrderByDescending(address => address.IsLeased)],
            Floating = [.. _orders.Addresses[card.Uuid]
                .Where(address => address.Ip is not null && _orders.NetworksByUuid.GetValueOrDefault(address.Network)?.Floating == true)
                .Select(address => address.Ip!)],
        };
    }

    private CardAddress Address(InstanceDesired instance, VnicDesired card, AddressDesired row, bool isLeased)
    {
        var network = _orders.NetworksByUuid[row.Network];
        var address = IPAddress.Parse(row.Ip!);
        var servers = (instance.Ns.Count > 0 ? instance.Ns : network.Ns).Where(server => IPAddress.Parse(server).AddressFamily == address.AddressFamily);
        // The platform answers names only where it answers DHCP.
        var own = network.Dhcp ? Served(card.Switch, network.Uuid)?.Own.ToString() : null;
        return new CardAddress
        {
            Network = network,
            Address = address,
            IsLeased = isLeased,
            Routes = [.. _orders.Routes[network.Uuid].Where(route => IPNetwork.Parse(route.Route).BaseAddress.AddressFamily == address.AddressFamily)],
            NameServers = [.. own is null ? servers : servers.Where(server => server != own).Prepend(own)],
        };
    }

    /// <summary>What DHCP gives to a card: of each VLAN and version of IP the first address.</summary>
    private HashSet<IPAddress> Leased(VnicDesired card)
    {
        var own = Own(card).ToDictionary(address => IPAddress.Parse(address.Ip!));
        var told = _orders.Ports[card.Switch].FirstOrDefault(port => port.Vnic == card.Uuid)?.Addresses ?? TextList.Empty;
        var offered =
            from text in told
            let address = IPAddress.Parse(text)
            where own.ContainsKey(address)
            let network = Served(card.Switch, own[address].Network)
            where network is { Row.Dhcp: true } && DnsmasqWriter.HasLeases(network)
            select (Address: address, Place: (network.Row.VlanTag, address.AddressFamily == AddressFamily.InterNetworkV6));
        return [.. offered.DistinctBy(one => one.Place).Select(one => one.Address)];
    }

    /// <summary>The addresses of a card in networks of its switch.</summary>
    private IEnumerable<AddressDesired> Own(VnicDesired card) => _orders.Addresses[card.Uuid]
        .Where(address => address.Ip is not null && _orders.NetworksByUuid.GetValueOrDefault(address.Network)?.Switch == card.Switch);

    private ServedNetwork? Served(Guid @switch, Guid network) =>
        _served.GetValueOrDefault(@switch)?.Networks.FirstOrDefault(served => served.Row.Uuid == network);
}
