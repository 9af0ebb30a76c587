using System.Collections.Immutable;
using PonyCloud.Shared.Entities;

namespace PonyCloud.Twilight.Networks.Rules;

/// <summary>The chains of groups, one for each direction, group and switch; and the sets of cards that rules refer to.</summary>
internal sealed class GroupChains(FilterInput input, IReadOnlyDictionary<string, FilterSwitch> switches)
{
    private readonly Dictionary<Guid, FilterGroup> _groups = input.Groups.ToDictionary(group => group.Group);
    private readonly HashSet<(Guid Group, string Bridge)> _used = [];

    /// <summary>The chains of one card.</summary>
    public void AddCard(TableBuilder table, FilterCard card)
    {
        // A group that this host was not told of yet admits nothing.
        var groups = card.Groups.Where(_groups.ContainsKey).Distinct().Order().ToList();
        var tap = FilterNames.Quoted(card.Tap);
        var isServed = switches[card.Bridge].Service is not null;
        _used.UnionWith(groups.Select(group => (group, card.Bridge)));
        table.Add(BaseChains.Receives, tap, $"goto to_{card.Tap}");
        table.AddChain($"to_{card.Tap}", Card(isServed ? BaseChains.AlwaysIn : BaseChains.Always, groups.Select(group => $"jump in_{FilterNames.Of(group, card.Bridge)}"), "refuse_in"));

        var limiting = groups.Where(group => Rules(group, SecurityDirection.Egress).Any()).ToList();
        if (limiting.Count == 0)
            return;
        table.Add(BaseChains.Sends, tap, $"goto from_{card.Tap}");
        table.AddChain($"from_{card.Tap}", Card(isServed ? BaseChains.AlwaysOut : BaseChains.Always, limiting.Select(group => $"jump out_{FilterNames.Of(group, card.Bridge)}"), "refuse_out"));
    }

    /// <summary>The chains of all groups that cards are in.</summary>
    public void AddTo(TableBuilder table)
    {
        foreach (var (group, bridge) in _used)
        {
            table.AddChain($"in_{FilterNames.Of(group, bridge)}", input.TracksConnections
                ? Rules(group, SecurityDirection.Ingress).SelectMany(rule => RuleText.Of(rule, switches[bridge]))
                : []);
            var sent = Rules(group, SecurityDirection.Egress).ToList();
            if (sent.Count > 0)
                table.AddChain($"out_{FilterNames.Of(group, bridge)}", sent.SelectMany(rule => RuleText.Of(rule, switches[bridge])));
        }
        var remote = _used.SelectMany(used => _groups[used.Group].Rules, (used, rule) => (Group: rule.RemoteSecurityGroup, used.Bridge))
            .Where(used => used.Group is not null).Select(used => (Group: used.Group!.Value, used.Bridge)).ToHashSet();
        foreach (var (group, bridge) in remote)
            DeclareMembers(table, FilterNames.Of(group, bridge), switches[bridge].HasNetworks);
        foreach (var member in input.Members.Where(member => remote.Contains((member.Group, member.Bridge))))
            AddMember(table, member, switches[member.Bridge].HasNetworks);
    }

    private static void DeclareMembers(TableBuilder table, string name, bool hasNetworks)
    {
        if (hasNetworks)
        {
            table.Declare("members4_" + name, new FilterSet(false, "type ipv4_addr", ImmutableDictionary<string, string>.Empty));
            table.Declare("members6_" + name, new FilterSet(false, "type ipv6_addr", ImmutableDictionary<string, string>.Empty));
        }
        else
        {
            table.Declare("members_" + name, new FilterSet(false, "type ether_addr", ImmutableDictionary<string, string>.Empty));
        }
    }

    private static void AddMember(TableBuilder table, FilterMember member, bool hasNetworks)
    {
        var name = FilterNames.Of(member.Group, member.Bridge);
        if (!hasNetworks)
        {
            table.Add("members_" + name, FilterNames.HardwareAddress(member.HardwareAddress));
            return;
        }
        table.Add("members6_" + name, FilterNames.LinkLocal(member.HardwareAddress).ToString());
        foreach (var address in member.Addresses.Select(FilterNames.Address))
            table.Add((FilterNames.IsIpv6(address) ? "members6_" : "members4_") + name, address.ToString());
    }

    private IEnumerable<SecurityRuleDesired> Rules(Guid group, SecurityDirection direction) =>
        _groups[group].Rules.Where(rule => rule.Direction == direction).OrderBy(rule => rule.Uuid);

    private IEnumerable<string> Card(string always, IEnumerable<string> jumps, string refusal) =>
        [$"jump {always}", .. input.TracksConnections ? (string[])["ct state established,related accept"] : [], .. jumps, $"goto {refusal}"];
}
