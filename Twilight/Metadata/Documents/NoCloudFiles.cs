using System.Globalization;
using System.Text.Json.Nodes;

namespace PonyCloud.Twilight.Metadata.Documents;

/// <summary>
/// The files of a NoCloud disk (cloudinit.readthedocs.io, "NoCloud" and "Networking config version 2"). They are YAML, of which JSON
/// is a part. Pure.
/// </summary>
public static class NoCloudFiles
{
    public static IReadOnlyDictionary<string, string> Of(InstanceMetadata instance)
    {
        var files = new SortedDictionary<string, string>(StringComparer.Ordinal)
        {
            ["meta-data"] = Text(Metadata(instance)),
            // It has to be there.
            ["user-data"] = instance.UserData ?? "",
        };
        // Of a card whose network the platform does not know it says nothing: the guest then does what it does by itself.
        if (instance.Addresses.Any())
            files["network-config"] = Text(Network(instance));
        return files;
    }

    private static JsonObject Metadata(InstanceMetadata instance) => new()
    {
        ["instance-id"] = instance.Uuid.ToString(),
        ["local-hostname"] = instance.HostName,
        ["public-keys"] = MetadataJson.Array(instance.SshKeys.Select(key => (JsonNode?)key)),
    };

    private static JsonObject Network(InstanceMetadata instance)
    {
        var (ethernets, vlans) = (new JsonObject(), new JsonObject());
        foreach (var card in instance.Cards)
        {
            var name = $"eth{card.Index.ToString(CultureInfo.InvariantCulture)}";
            var link = new JsonObject
            {
                ["match"] = new JsonObject { ["macaddress"] = card.HardwareAddress },
                ["set-name"] = name,
            };
            AddAddresses(link, instance, card, null);
            ethernets[name] = link;
            foreach (var tag in card.Addresses.Select(address => address.Network.VlanTag).OfType<int>().Distinct().Order())
            {
                var vlan = new JsonObject
                {
                    ["id"] = tag,
                    ["link"] = name,
                };
                AddAddresses(vlan, instance, card, tag);
                vlans[$"{name}.{tag.ToString(CultureInfo.InvariantCulture)}"] = vlan;
            }
        }
        var network = new JsonObject
        {
            ["version"] = 2,
            ["ethernets"] = ethernets,
        };
        if (vlans.Count > 0)
            network["vlans"] = vlans;
        return network;
    }

    private static void AddAddresses(JsonObject link, InstanceMetadata instance, CardMetadata card, int? tag)
    {
        var here = card.Addresses.Where(address => address.Network.VlanTag == tag).ToList();
        if (card.Mtu is { } mtu)
            link["mtu"] = mtu;
        if (here.Any(address => address is { IsLeased: true, IsIpv6: false }))
            link["dhcp4"] = true;
        if (here.Any(address => address is { IsLeased: true, IsIpv6: true }))
            link["dhcp6"] = true;
        var own = here.Where(address => !address.IsLeased).ToList();
        if (own.Count == 0)
            return;
        link["addresses"] = MetadataJson.Array(own.Select(address => (JsonNode?)$"{address.Address}/{address.PrefixLength.ToString(CultureInfo.InvariantCulture)}"));
        var routes = own.SelectMany(address => StaticRoutes.Of(instance, address)).ToList();
        if (routes.Count > 0)
        {
            link["routes"] = MetadataJson.Array(routes.Select(route => new JsonObject
            {
                ["to"] = route.To.ToString(),
                ["via"] = route.Via,
            }));
        }
        var servers = own.SelectMany(address => address.NameServers).Distinct().ToList();
        if (servers.Count > 0)
            link["nameservers"] = new JsonObject { ["addresses"] = MetadataJson.Array(servers.Select(server => (JsonNode?)server)) };
    }

    private static string Text(JsonObject content) => MetadataJson.Text(content) + "\n";
}
