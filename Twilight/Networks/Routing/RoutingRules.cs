using System.Collections.Immutable;
using System.Text;
using PonyCloud.Twilight.Networks.Model;
using PonyCloud.Twilight.Networks.Serving;

namespace PonyCloud.Twilight.Networks.Routing;

/// <summary>The rules of routers, each a whole table as nft reads it. Pure.</summary>
public static class RoutingRules
{
    /// <summary>The table in the namespace of a switch.</summary>
    public const string NamespaceTable = "ponycloud";

    /// <summary>The table in the host's namespace.</summary>
    public const string HostTable = "ponycloud_routing";

    // Also the links of VLANs on it.
    private const string Guests = $"\"{ServedNetworks.Guests}*\"";
    private const string World = $"\"{RoutingLayout.World}\"";
    private const string Uplinks = "\"pcu*\"";

    /// <param name="pair">Null where nothing leaves the switch.</param>
    public static string OfNamespace(RoutedSwitch one, UplinkPair? pair)
    {
        var routed = one.Networks.Where(network => network.Row.Routed).ToList();
        var text = new StringBuilder();
        AddSet(text, "routed4", "ipv4_addr", routed.Where(network => !network.IsIpv6).Select(network => network.Row.Range), isInterval: true);
        AddSet(text, "routed6", "ipv6_addr", routed.Where(network => network.IsIpv6).Select(network => network.Row.Range), isInterval: true);
        text.Append(
            $$"""
              chain input {
                type filter hook input priority filter; policy drop;
                iifname "lo" accept
                ct state established,related accept
                iifname {{Guests}} udp dport { 53, 67, 547 } accept
                iifname {{Guests}} tcp dport 53 accept
                iifname {{Guests}} ip daddr {{MetadataAddress.Text}} tcp dport {{MetadataAddress.Port}} accept
                iifname {{Guests}} icmp type echo-request accept
                iifname {{Guests}} meta l4proto ipv6-icmp accept
              }
              chain output {
                type filter hook output priority filter; policy accept;
                icmp type redirect drop
                icmpv6 type nd-redirect drop
              }
              chain forward {
                type filter hook forward priority filter; policy drop;
                ct state invalid drop
                ct state established,related accept
                iifname {{Guests}} oifname {{Guests}} ip saddr @routed4 ip daddr @routed4 accept
                iifname {{Guests}} oifname {{Guests}} ip6 saddr @routed6 ip6 daddr @routed6 accept

            """);
        if (pair is not null)
        {
            text.Append(
                $"""
                    iifname {Guests} oifname {World} ip saddr @routed4 accept
                    iifname {World} ct status dnat accept

                """);
        }
        text.Append("  }\n");
        if (pair is not null)
            AddTranslation(text, one.Floating, pair);
        return Table(NamespaceTable, text);
    }

    private static void AddTranslation(StringBuilder text, ImmutableArray<FloatingAddress> floating, UplinkPair pair)
    {
        text.Append("  chain prerouting {\n    type nat hook prerouting priority dstnat; policy accept;\n");
        if (floating.Length > 0)
            text.Append($"    dnat ip to ip daddr map {{ {Join(floating.Select(address => $"{address.Outside} : {address.Inside}"))} }}\n");
        text.Append("  }\n  chain postrouting {\n    type nat hook postrouting priority srcnat; policy accept;\n");
        // A card with several floating addresses is seen with the first.
        var first = floating.DistinctBy(address => address.Inside).Select(address => $"{address.Inside} : {address.Outside}").ToList();
        if (first.Count > 0)
            text.Append($"    oifname {World} snat ip to ip saddr map {{ {Join(first)} }}\n");
        text.Append($"    oifname {World} snat ip to {pair.Inside}\n");
        // Who is asked under a floating address by a neighbour answers through here, and not past it.
        text.Append($"    oifname {Guests} ct status dnat ip saddr @routed4 masquerade\n  }}\n");
    }

    /// <param name="uplinks">The ends of the uplinks in the namespaces: what has no floating address comes from there.</param>
    public static string OfHost(PublicLink world, IEnumerable<string> uplinks, IEnumerable<string> floating)
    {
        var text = new StringBuilder();
        AddSet(text, "uplinks", "ipv4_addr", uplinks);
        AddSet(text, "floating", "ipv4_addr", floating);
        text.Append(
            $$"""
              chain input {
                type filter hook input priority filter; policy accept;
                iifname {{Uplinks}} ct state established,related accept
                iifname {{Uplinks}} drop
              }
              chain forward {
                type filter hook forward priority filter; policy accept;
                iifname {{Uplinks}} ip saddr != @uplinks ip saddr != @floating drop
                oifname {{Uplinks}} ip daddr @floating accept
                oifname {{Uplinks}} ct state established,related accept
                oifname {{Uplinks}} drop
                iifname {{Uplinks}} oifname "{{world.Name}}" accept
                iifname {{Uplinks}} drop
                iifname "{{world.Name}}" ct state established,related accept
                iifname "{{world.Name}}" drop
              }
              chain postrouting {
                type nat hook postrouting priority srcnat; policy accept;
                oifname "{{world.Name}}" ip saddr @uplinks snat ip to {{world.Address}}
              }

            """);
        return Table(HostTable, text);
    }

    /// <summary>Takes a table away, whether it is there or not.</summary>
    public static string Without(string table) => $"table inet {table} {{}}\ndelete table inet {table}\n";

    /// <summary>In place of what was there, at once.</summary>
    private static string Table(string name, StringBuilder text) => $"{Without(name)}table inet {name} {{\n{text}}}\n";

    private static void AddSet(StringBuilder text, string name, string type, IEnumerable<string> elements, bool isInterval = false)
    {
        var flags = isInterval ? " flags interval;" : "";
        var joined = Join(elements);
        text.Append($"  set {name} {{ type {type};{flags}{(joined.Length > 0 ? $" elements = {{ {joined} }}" : "")} }}\n");
    }

    private static string Join(IEnumerable<string> elements) => string.Join(", ", elements);
}
