using System.Net.Sockets;
using PonyCloud.Shared.Entities;

namespace PonyCloud.Twilight.Networks.Rules;

/// <summary>A rule of a group as nft writes it: a line for each version of IP.</summary>
internal static class RuleText
{
    public static IEnumerable<string> Of(SecurityRuleDesired rule, FilterSwitch carried)
    {
        if (rule.Protocol != SecurityProtocol.Icmpv6 && Line(rule, carried, isIpv6: false) is { } ipv4)
            yield return ipv4;
        if (rule.Protocol != SecurityProtocol.Icmp && Line(rule, carried, isIpv6: true) is { } ipv6)
            yield return ipv6;
    }

    private static string? Line(SecurityRuleDesired rule, FilterSwitch carried, bool isIpv6)
    {
        var ip = isIpv6 ? "ip6" : "ip";
        var end = rule.Direction == SecurityDirection.Ingress ? "saddr" : "daddr";
        List<string> words = [$"meta protocol {ip}"];
        if (rule.RemoteRange is { } text)
        {
            var range = NetworkText.Network(text, out _) ?? throw new ArgumentException($"Rule {rule.Uuid} has no network '{text}'.", nameof(rule));
            if (System.Net.IPNetwork.Parse(range).BaseAddress.AddressFamily == AddressFamily.InterNetworkV6 != isIpv6)
                return null;
            words.Add($"{ip} {end} {range}");
        }
        if (rule.RemoteSecurityGroup is { } group)
        {
            var name = FilterNames.Of(group, carried.Bridge);
            words.Add(carried.HasNetworks ? $"{ip} {end} @members{(isIpv6 ? 6 : 4)}_{name}" : $"ether {end} @members_{name}");
        }
        if (Protocol(rule) is { } protocol)
            words.Add(protocol);
        return string.Join(' ', [.. words, "accept"]);
    }

    private static string? Protocol(SecurityRuleDesired rule) => rule.Protocol switch
    {
        SecurityProtocol.Tcp => Ports("tcp", rule),
        SecurityProtocol.Udp => Ports("udp", rule),
        SecurityProtocol.Icmp => "meta l4proto icmp",
        SecurityProtocol.Icmpv6 => "meta l4proto ipv6-icmp",
        _ => null,
    };

    private static string Ports(string protocol, SecurityRuleDesired rule) => (rule.PortFrom, rule.PortTo) switch
    {
        (null, null) => $"meta l4proto {protocol}",
        var (from, to) when from is null || to is null || from == to => $"{protocol} dport {from ?? to}",
        var (from, to) => $"{protocol} dport {from}-{to}",
    };
}
