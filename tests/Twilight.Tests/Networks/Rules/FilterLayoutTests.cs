using NUnit.Framework;
using PonyCloud.Shared.Entities;
using PonyCloud.TestKit.Processes;
using PonyCloud.Twilight.Networks.Rules;

namespace PonyCloud.Twilight.Tests.Networks.Rules;

/// <summary>
/// The whole table of a small host, compared with the files in Golden. To accept a change on purpose, run the tests with
/// PONYCLOUD_UPDATE_GOLDEN=1 and read the difference.
/// </summary>
public sealed class FilterLayoutTests
{
    private static readonly Guid Web = Guid.Parse("aaaaaaaa-0000-0000-0000-000000000001");
    private static readonly Guid Office = Guid.Parse("bbbbbbbb-0000-0000-0000-000000000001");

    private static FilterInput Host => new()
    {
        Switches = [FilterHost.Switch("pcs1", tags: [5]), FilterHost.Switch("pcs2", hasNetworks: false, isVxlan: false)],
        Cards =
        [
            FilterHost.Card(1, "pcs1", Web) with { InMbit = 10, OutMbit = 20 },
            FilterHost.Card(2, "pcs1") with { Addresses = [new("10.5.0.2", 5), new("2001:db8:5::2", 5)] },
            FilterHost.Card(3, "pcs1") with { IsUp = false },
            FilterHost.Card(4, "pcs2", Web, Office),
        ],
        Groups =
        [
            new FilterGroup(Web,
            [
                FilterHost.Rule(Web, 1, SecurityProtocol.Tcp, 443),
                FilterHost.Rule(Web, 2, SecurityProtocol.Udp) with { PortFrom = 1000, PortTo = 1010, RemoteRange = "192.0.2.0/24" },
                FilterHost.Rule(Web, 3, SecurityProtocol.Icmp),
                FilterHost.Rule(Web, 4) with { RemoteSecurityGroup = Office },
            ]),
            new FilterGroup(Office,
            [
                FilterHost.Rule(Office, 5, SecurityProtocol.Icmpv6),
                FilterHost.Rule(Office, 6, SecurityProtocol.Tcp, 25, SecurityDirection.Egress) with { RemoteRange = "2001:db8::/32" },
            ]),
        ],
        Members =
        [
            new FilterMember(Office, "pcs1", FilterHost.HardwareAddress(9), ["10.0.0.9", "2001:db8::9"]),
            new FilterMember(Office, "pcs2", FilterHost.HardwareAddress(4), []),
        ],
    };

    [TestCase("tracking.nft", true)]
    [TestCase("stateless.nft", false)]
    public void The_table_of_a_host_is_written_as_one_transaction(string file, bool tracks)
    {
        var path = Repository.At("tests", "Twilight.Tests", "Networks", "Rules", "Golden", file);
        var script = FilterPlan.Between(AppliedRules.None, FilterLayout.Of(Host with { TracksConnections = tracks })).Script;
        if (Environment.GetEnvironmentVariable("PONYCLOUD_UPDATE_GOLDEN") == "1")
            File.WriteAllText(path, script);
        Assert.That(script, Is.EqualTo(File.ReadAllText(path)));
    }

    [Test]
    public void One_more_card_among_a_thousand_is_elements_and_chains_of_its_own()
    {
        var before = FilterLayout.Of(FilterHost.With(999, tracks: true));
        var plan = FilterPlan.Between(before.Applied, FilterLayout.Of(FilterHost.With(1_000, tracks: true)));
        var elements = plan.Steps.OfType<FilterStep.AddElements>().SelectMany(step => step.Elements).Select(element => element.Key).ToList();
        var chains = plan.Steps.OfType<FilterStep.AddChain>().Select(step => step.Chain).ToList();
        Assert.Multiple(() =>
        {
            Assert.That(elements, Is.Not.Empty.And.All.StartsWith("\"pct1000\""));
            Assert.That(chains, Is.EquivalentTo(["to_pct1000", "police_pct1000"]));
            Assert.That(plan.Steps.OfType<FilterStep.FillChain>().Select(step => step.Chain), Is.EquivalentTo(chains));
            Assert.That(plan.Steps, Has.Length.LessThan(20));
            Assert.That(plan.Steps.Where(step => step is not FilterStep.AddElements and not FilterStep.AddChain and not FilterStep.FillChain), Is.Empty);
        });
    }

    [Test]
    public void A_change_of_a_group_is_its_chain_alone()
    {
        var group = Host.Groups[0];
        var plan = FilterPlan.Between(
            FilterLayout.Of(Host).Applied,
            FilterLayout.Of(Host with { Groups = [group with { Rules = [.. group.Rules.Skip(1)] }, Host.Groups[1]] }));
        Assert.That(plan.Steps.Select(step => (step as FilterStep.FillChain)?.Chain), Is.EqualTo(["in_aaaaaaaa0000_pcs1", "in_aaaaaaaa0000_pcs2"]));
    }

    [Test]
    public void Another_shape_of_the_table_replaces_it_as_a_whole()
    {
        var plan = FilterPlan.Between(FilterLayout.Of(Host).Applied, FilterLayout.Of(Host with { TracksConnections = false }));
        Assert.That(plan.Steps[0], Is.EqualTo(new FilterStep.Reset(Keep: true)));
    }

    [Test]
    public void Nothing_of_a_table_that_is_no_longer_wanted_stays() =>
        Assert.That(
            FilterPlan.Between(FilterLayout.Of(Host).Applied, FilterRules.None).Script, Is.EqualTo("add table bridge ponycloud\ndelete table bridge ponycloud\n"));

    [TestCase("pct1\" drop; #")]
    [TestCase("")]
    [TestCase("a-name-that-is-too-long")]
    public void A_name_that_is_none_is_refused(string tap) =>
        Assert.That(() => FilterLayout.Of(Host with { Cards = [FilterHost.Card(1, "pcs1") with { Tap = tap }] }), Throws.ArgumentException);

    [Test]
    public void An_address_that_is_none_is_refused() =>
        Assert.That(() => FilterLayout.Of(Host with { Cards = [FilterHost.Card(1, "pcs1") with { Addresses = [new("10.0.0")] }] }), Throws.ArgumentException);

    [Test]
    public void A_card_on_no_switch_is_refused() =>
        Assert.That(() => FilterLayout.Of(Host with { Cards = [FilterHost.Card(1, "pcs3")] }), Throws.ArgumentException);
}
