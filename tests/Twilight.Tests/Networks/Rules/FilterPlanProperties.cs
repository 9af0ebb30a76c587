using FsCheck;
using FsCheck.Fluent;
using NUnit.Framework;
using PonyCloud.Shared.Entities;
using PonyCloud.TestKit.Network;
using PonyCloud.Twilight.Networks.Rules;

namespace PonyCloud.Twilight.Tests.Networks.Rules;

/// <summary>Whatever the way to it was, the table is the one that is wanted, and then there is nothing to do.</summary>
public sealed class FilterPlanProperties
{
    private static readonly Guid[] Groups = [.. Enumerable.Range(1, 3).Select(number => Guid.Parse($"0000000{number}-0000-0000-0000-000000000000"))];

    private static Gen<SecurityRuleDesired> AnyRule =>
        from number in Gen.Choose(1, 4)
        from direction in Gen.Elements(Enum.GetValues<SecurityDirection>())
        from protocol in Gen.Elements<SecurityProtocol?>(null, SecurityProtocol.Tcp, SecurityProtocol.Udp, SecurityProtocol.Icmp, SecurityProtocol.Icmpv6)
        from port in Gen.Choose(1, 3)
        from range in Gen.Elements(null, null, "10.0.0.0/8", "2001:db8::/32")
        from remote in Gen.Elements<Guid?>(null, Groups[0], Groups[1])
        let hasPorts = protocol is SecurityProtocol.Tcp or SecurityProtocol.Udp && port > 1
        select FilterHost.Rule(Groups[0], number, protocol, hasPorts ? port : null, direction) with { RemoteRange = range, RemoteSecurityGroup = remote };

    private static Gen<FilterSwitch> AnySwitch =>
        from number in Gen.Choose(1, 2)
        from hasNetworks in Gen.Elements(true, false)
        from isVxlan in Gen.Elements(true, false)
        from tags in Gen.SubListOf(5, 6)
        select FilterHost.Switch($"pcs{number}", hasNetworks, isVxlan, [.. tags]);

    private static Gen<FilterCard> AnyCard =>
        from number in Gen.Choose(1, 4)
        from bridge in Gen.Choose(1, 2)
        from groups in Gen.SubListOf(Groups)
        from tag in Gen.Elements<int?>(null, 5)
        from limit in Gen.Elements<int?>(null, 10, 20)
        from isUp in Gen.Elements(true, true, false)
        from hardware in Gen.Elements(0, 100)
        select FilterHost.Card(number, $"pcs{bridge}", [.. groups]) with
        {
            HardwareAddress = FilterHost.HardwareAddress(number + hardware),
            Addresses = [new($"10.0.0.{number}", tag), new($"2001:db8::{number + hardware}")],
            OutMbit = limit,
            IsUp = isUp,
        };

    private static Gen<FilterInput> AnyHost =>
        from switches in Gen.ListOf(AnySwitch)
        from cards in Gen.ListOf(AnyCard)
        from rules in Gen.ListOf(Gen.ListOf(AnyRule))
        from tracks in Gen.Elements(true, true, true, false)
        from members in Gen.SubListOf(
            from @group in Groups from bridge in Enumerable.Range(1, 2) select new FilterMember(@group, $"pcs{bridge}", "52:54:00:00:00:09", ["10.0.0.9"]))
        let carried = switches.DistinctBy(found => found.Bridge).ToList()
        select new FilterInput
        {
            Switches = carried,
            Cards = [.. cards.DistinctBy(card => card.Tap).Where(card => carried.Any(found => found.Bridge == card.Bridge))],
            Groups = [.. Groups.Zip(rules, (uuid, listed) => new FilterGroup(uuid, [.. listed.DistinctBy(rule => rule.Uuid)]))],
            Members = [.. members],
            TracksConnections = tracks,
        };

    [Test]
    public void Plan_after_plan_leads_to_what_one_from_nothing_leads_to() => Prop.ForAll(
        Arb.From(Gen.ListOf(AnyHost)),
        hosts =>
        {
            var applied = AppliedRules.None;
            foreach (var host in hosts)
            {
                var wanted = FilterLayout.Of(host);
                applied = FilterPlan.Between(applied, wanted).Steps.Aggregate(applied, FakePacketFilter.Apply);
                AssertSame(applied, wanted.Applied);
                Assert.That(FilterPlan.Between(applied, FilterLayout.Of(host)).IsEmpty);
            }
        }).QuickCheckThrowOnFailure();

    internal static void AssertSame(AppliedRules found, AppliedRules expected)
    {
        Assert.That(found.Chains, Is.EquivalentTo(expected.Chains));
        Assert.That(found.Sets.Keys, Is.EquivalentTo(expected.Sets.Keys));
        foreach (var (name, elements) in expected.Sets)
            Assert.That(found.Sets[name], Is.EquivalentTo(elements), name);
    }
}
