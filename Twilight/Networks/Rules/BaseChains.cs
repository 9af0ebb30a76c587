using System.Collections.Immutable;
using PonyCloud.Twilight.Networks.Model;

namespace PonyCloud.Twilight.Networks.Rules;

/// <summary>What is the same on every host: the sets and maps that hold the cards, and the chains that look them up.</summary>
/// <remarks>
/// Rules say by meta protocol what they are about. nft itself would look for the type behind the source address, and a tag is there
/// in a tagged frame.
/// </remarks>
internal static class BaseChains
{
    public const string Ports = "ports";
    public const string Guarded = "guarded";
    public const string Hardware = "hardware";
    public const string Addresses4 = "addresses4";
    public const string Addresses6 = "addresses6";
    public const string Tags = "tags";
    public const string Tagged4 = "tagged4";
    public const string Tagged6 = "tagged6";
    public const string Policed = "policed";
    public const string Served = "served";
    public const string Services = "services";
    public const string Outsides = "outsides";
    public const string Sends = "sends";
    public const string Receives = "receives";
    public const string Spoofed = "spoofed";
    public const string Refused = "refused";
    public const string Zones = "zones";
    public const string Untracked = "untracked";

    public const string Always = "always";
    public const string AlwaysIn = "always_in";
    public const string AlwaysOut = "always_out";

    public const string FromCard = "goto from_card";
    public const string FromPlain = "goto from_plain";
    public const string FromOutside = "goto from_outside";
    public const string ToService = "goto to_service";
    public const string ToFabric = "goto to_fabric";
    public const string ToLan = "goto to_lan";

    private const string Links = "type ifname";
    private const string LinkVerdicts = "type ifname : verdict";

    // Every kind of bridge control, and those of one vendor for neighbours and spanning trees.
    private static readonly string[] Control =
    [
        "ether daddr & ff:ff:ff:ff:ff:c0 == 01:80:c2:00:00:00",
        "ether daddr & ff:ff:ff:ff:ff:fe == 01:00:0c:cc:cc:cc",
    ];

    public static IEnumerable<(string Name, FilterSet Set)> Sets(bool tracks)
    {
        yield return Map(Ports, LinkVerdicts);
        yield return Set(Guarded, Links);
        yield return Set(Hardware, "type ifname . ether_addr");
        yield return Set(Addresses4, "type ifname . ipv4_addr");
        yield return Set(Addresses6, "typeof iifname . @nh,64,128");
        yield return Set(Tags, "typeof iifname . vlan id");
        yield return Set(Tagged4, "typeof iifname . vlan id . ip saddr");
        yield return Set(Tagged6, "typeof iifname . vlan id . @nh,64,128");
        yield return Map(Policed, LinkVerdicts);
        yield return Set(Served, Links);
        yield return Set(Services, Links);
        yield return Set(Outsides, Links);
        yield return Map(Sends, LinkVerdicts);
        yield return Map(Receives, LinkVerdicts);
        yield return Set(Spoofed, $"{Links}; counter");
        yield return Set(Refused, $"{Links}; counter");
        if (!tracks)
            yield break;
        yield return Map(Zones, "typeof iifname : ct zone");
        yield return Set(Untracked, Links);
    }

    public static IEnumerable<(string Name, FilterChain Chain)> Chains(bool tracks)
    {
        // Dropped here, a forged frame teaches the bridge nothing.
        yield return Hooked(
            "prerouting", "prerouting priority -300",
            [.. Zoned(tracks), $"iifname vmap @{Ports}"]);
        yield return Hooked("sending", "prerouting priority -150", $"iifname vmap @{Sends}");
        yield return Hooked(
            "receiving", "forward priority 0",
            $"iifname @{Served} udp dport {{ 67, 547 }} goto requests",
            $"iifname @{Served} meta protocol ip ip daddr {MetadataAddress.Text} goto requests",
            $"oifname vmap @{Receives}");
        yield return Hooked("to_host", "input priority -300", $"iifname @{Guarded} drop");

        yield return Chain("spoof", $"iifname @{Spoofed} drop", "drop");
        yield return Chain("refuse_out", $"iifname @{Refused} drop", "drop");
        yield return Chain("refuse_in", $"oifname @{Refused} drop", "drop");

        yield return Chain(
            "from_plain",
            [
                $"iifname . ether saddr != @{Hardware} goto spoof",
                .. Control.Select(frames => $"{frames} goto spoof"),
                "ether type { 8021q, 8021ad } goto spoof",
                $"iifname vmap @{Policed}",
            ]);
        yield return Chain(
            "from_card",
            [
                $"iifname . ether saddr != @{Hardware} goto spoof",
                .. Control.Select(frames => $"{frames} goto spoof"),
                $"iifname vmap @{Policed}",
                "ether type vmap { 8021q : goto from_card_tagged, 8021ad : goto spoof }",
                "meta protocol vmap { ip : goto card_ip, arp : goto card_arp, ip6 : goto card_ip6, 0x8035 : accept }",
                "goto spoof",
            ]);
        yield return Chain(
            "from_card_tagged",
            $"iifname . vlan id != @{Tags} goto spoof",
            "meta protocol vmap { ip : goto card_ip_tagged, arp : goto card_arp_tagged, ip6 : goto card_ip6_tagged, 0x8035 : accept }",
            "goto spoof");
        foreach (var chain in Protocols("", "iifname", Addresses4, Addresses6).Concat(Protocols("_tagged", "iifname . vlan id", Tagged4, Tagged6)))
            yield return chain;

        yield return Chain(
            "from_outside",
            [
                .. Control.Select(frames => $"{frames} drop"),
                $"ether type 8021q iifname . vlan id != @{Tags} drop",
                "ether type 8021ad drop",
            ]);
        yield return Chain("to_service", $"iifname @{Outsides} drop");
        yield return Chain("to_lan", $"iifname @{Services} drop");
        yield return Chain("to_fabric", $"iifname @{Services} goto routed");
        yield return Chain(
            "routed",
            "ether daddr & 01:00:00:00:00:00 != 00:00:00:00:00:00 drop",
            "meta protocol != { ip, ip6 } drop",
            "udp sport { 67, 547 } drop",
            "meta l4proto ipv6-icmp @th,0,8 { 133, 134, 135, 136, 137 } drop");
        yield return Chain("requests", $"oifname @{Services} accept", "drop");

        yield return Chain(
            Always,
            "meta protocol { arp, 0x8035 } accept",
            "meta l4proto ipv6-icmp @th,0,8 { 130, 131, 132, 133, 134, 135, 136, 143 } accept",
            "udp sport 68 udp dport 67 accept",
            "udp sport 67 udp dport 68 accept",
            "udp sport 546 udp dport 547 accept",
            "udp sport 547 udp dport 546 accept");
        yield return Chain(AlwaysIn, $"iifname @{Services} meta protocol ip ip saddr {MetadataAddress.Text} tcp sport {MetadataAddress.Port} accept", "goto always");
        // That it goes to the service is seen to where it is known which way it goes.
        yield return Chain(AlwaysOut, $"meta protocol ip ip daddr {MetadataAddress.Text} tcp dport {MetadataAddress.Port} accept", "goto always");
    }

    /// <summary>The same chains, once for frames without a tag and once for those with one.</summary>
    /// <param name="from">What comes before the address in a key.</param>
    private static IEnumerable<(string Name, FilterChain Chain)> Protocols(string suffix, string from, string addresses4, string addresses6)
    {
        // nft finds out that a key with a tag is of a tagged frame, and does not want to be told the protocol as well.
        var (ip, arp) = suffix.Length > 0 ? ("", "") : ("meta protocol ip ", "meta protocol arp ");
        yield return Chain(
            "card_arp" + suffix,
            "meta protocol arp @nh,0,48 != 0x000108000604 goto spoof",
            $"meta protocol arp iifname . arp saddr ether != @{Hardware} goto spoof",
            "meta protocol arp arp operation request arp saddr ip 0.0.0.0 accept",
            $"{arp}{from} . arp saddr ip @{addresses4} accept",
            "goto spoof");
        yield return Chain(
            "card_ip" + suffix,
            "meta protocol ip ip saddr 0.0.0.0 udp sport 68 udp dport 67 accept",
            "udp sport 67 goto spoof",
            $"{ip}{from} . ip saddr @{addresses4} accept",
            "goto spoof");
        yield return Chain(
            "card_ip6" + suffix,
            // A header further on in a fragment may be in the next one, and what is looked at in its place is padding.
            "meta protocol ip6 frag nexthdr { 0, 43, 44, 51, 60 } goto spoof",
            $"meta l4proto ipv6-icmp jump card_icmp6{suffix}",
            "udp sport 547 goto spoof",
            // Of an incomplete chain of headers nobody knows what is behind it.
            $"meta l4proto 0-255 {from} . @nh,64,128 @{addresses6} accept",
            "goto spoof");
        yield return Chain(
            "card_icmp6" + suffix,
            "meta protocol ip6 frag frag-off != 0 return",
            "@th,0,8 { 134, 137 } goto spoof",
            $"@th,0,8 136 {from} . @th,64,128 != @{addresses6} goto spoof",
            $"meta protocol ip6 ip6 saddr :: @th,0,8 135 jump card_probe{suffix}",
            "meta protocol ip6 ip6 saddr :: @th,0,8 { 133, 143 } accept",
            "@th,0,8 0-255 return",
            "goto spoof");
        yield return Chain("card_probe" + suffix, $"{from} . @th,64,128 @{addresses6} accept", "goto spoof");
    }

    private static IEnumerable<string> Zoned(bool tracks) => tracks
        ? [$"ct zone set iifname map @{Zones}", $"iifname @{Untracked} notrack"]
        : [];

    private static (string Name, FilterSet Set) Set(string name, string declaration) =>
        (name, new FilterSet(false, declaration, ImmutableDictionary<string, string>.Empty));

    private static (string Name, FilterSet Set) Map(string name, string declaration) =>
        (name, new FilterSet(true, declaration, ImmutableDictionary<string, string>.Empty));

    private static (string Name, FilterChain Chain) Chain(string name, params IEnumerable<string> rules) => (name, new FilterChain(null, [.. rules]));

    private static (string Name, FilterChain Chain) Hooked(string name, string hook, params IEnumerable<string> rules) =>
        (name, new FilterChain($"type filter hook {hook}; policy accept;", [.. rules]));
}
