using System.Globalization;
using System.Net;
using System.Text.Json.Nodes;

namespace PonyCloud.Twilight.Metadata.Documents;

/// <summary>
/// <c>network_data.json</c>, as OpenStack's specification "Metadata service network info" has it: links, the networks on them, name
/// servers. Pure.
/// </summary>
/// <remarks>
/// What DHCP gives is told as such, and nothing more: the guest follows changes by its lease, where it would keep for ever what
/// cloud-init wrote down at its first boot.
/// </remarks>
public static class NetworkData
{
    public static JsonObject Of(InstanceMetadata instance)
    {
        var (links, networks) = (new JsonArray(), new JsonArray());
        foreach (var card in instance.Cards)
        {
            links.Add(Link(card));
            foreach (var tag in card.Addresses.Select(address => address.Network.VlanTag).OfType<int>().Distinct().Order())
                links.Add(Vlan(card, tag));
            foreach (var address in card.Addresses)
                networks.Add(Network(instance, card, address, $"network{networks.Count}"));
        }
        var servers = instance.Addresses.SelectMany(one => one.Address.NameServers).Distinct();
        return new JsonObject
        {
            ["links"] = links,
            ["networks"] = networks,
            ["services"] = MetadataJson.Array(servers.Select(server => new JsonObject
            {
                ["type"] = "dns",
                ["address"] = server,
            })),
        };
    }

    private static JsonObject Link(CardMetadata card) => new()
    {
        ["id"] = Id(card, null),
        ["type"] = "phy",
        ["ethernet_mac_address"] = card.HardwareAddress,
        ["mtu"] = card.Mtu,
        ["vif_id"] = card.Vnic.ToString(),
    };

    private static JsonObject Vlan(CardMetadata card, int tag) => new()
    {
        ["id"] = Id(card, tag),
        ["type"] = "vlan",
        ["vlan_id"] = tag,
        ["vlan_link"] = Id(card, null),
        ["vlan_mac_address"] = card.HardwareAddress,
        ["mtu"] = card.Mtu,
    };

    private static JsonObject Network(InstanceMetadata instance, CardMetadata card, CardAddress address, string id)
    {
        var network = new JsonObject
        {
            ["id"] = id,
            ["type"] = address switch
            {
                { IsLeased: true, IsIpv6: true } => "ipv6_dhcpv6-stateful",
                { IsLeased: true } => "ipv4_dhcp",
                { IsIpv6: true } => "ipv6",
                _ => "ipv4",
            },
            ["link"] = Id(card, address.Network.VlanTag),
            ["network_id"] = address.Network.Uuid.ToString(),
        };
        if (address.IsLeased)
            return network;
        network["ip_address"] = address.Address.ToString();
        network["netmask"] = Netmask(address.PrefixLength, address.IsIpv6);
        network["routes"] = MetadataJson.Array(StaticRoutes.Of(instance, address).Select(route => new JsonObject
        {
            ["network"] = route.To.BaseAddress.ToString(),
            ["netmask"] = Netmask(route.To.PrefixLength, address.IsIpv6),
            ["gateway"] = route.Via,
        }));
        return network;
    }

    private static string Id(CardMetadata card, int? tag)
    {
        var link = $"card{card.Index.ToString(CultureInfo.InvariantCulture)}";
        return tag is null ? link : $"{link}.{tag.Value.ToString(CultureInfo.InvariantCulture)}";
    }

    private static string Netmask(int prefixLength, bool isIpv6)
    {
        var mask = new byte[isIpv6 ? 16 : 4];
        for (var i = 0; i < mask.Length; i++)
            mask[i] = (byte)(0xff00 >> Math.Clamp(prefixLength - i * 8, 0, 8));
        return new IPAddress(mask).ToString();
    }
}
