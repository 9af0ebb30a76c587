using PonyCloud.Shared.Entities;
using PonyCloud.Twilight.Networks.Rules;

namespace PonyCloud.Twilight.Tests.Networks.Rules;

/// <summary>Hosts with cards, as input of the layout.</summary>
internal static class FilterHost
{
    public static FilterSwitch Switch(string bridge, bool hasNetworks = true, bool isVxlan = true, params int[] tags) =>
        new(bridge, hasNetworks ? $"{bridge}-g" : null, $"{bridge}-x", isVxlan, hasNetworks, [.. tags]);

    /// <summary>A card with an address of either version.</summary>
    public static FilterCard Card(int number, string bridge, params Guid[] groups) => new()
    {
        Vnic = Guid.Parse($"00000000-0000-0000-0000-{number:x12}"),
        Tap = $"pct{number}",
        Bridge = bridge,
        HardwareAddress = HardwareAddress(number),
        Addresses = [new($"10.0.{number / 256}.{number % 256}"), new($"2001:db8::{number:x}")],
        Groups = groups,
    };

    public static string HardwareAddress(int number) => $"52:54:00:00:{number / 256:x2}:{number % 256:x2}";

    /// <summary>A host with so many cards on one switch; every tenth is in a group that admits SSH, and has a limit.</summary>
    public static FilterInput With(int cards, bool tracks = false)
    {
        var group = Guid.Parse("aaaaaaaa-0000-0000-0000-000000000001");
        return new FilterInput
        {
            Switches = [Switch("pcs1")],
            Cards = [.. Enumerable.Range(1, cards).Select(number => number % 10 == 0 ? Card(number, "pcs1", group) with { OutMbit = 100 } : Card(number, "pcs1"))],
            Groups = [new FilterGroup(group, [Rule(group, 1, SecurityProtocol.Tcp, 22)])],
            TracksConnections = tracks,
        };
    }

    public static SecurityRuleDesired Rule(
        Guid group, int number, SecurityProtocol? protocol = null, int? port = null, SecurityDirection direction = SecurityDirection.Ingress) => new()
        {
            Uuid = Guid.Parse($"00000000-0000-0000-0001-{number:x12}"),
            SecurityGroup = group,
            Direction = direction,
            Protocol = protocol,
            PortFrom = port,
            PortTo = port,
        };
}
