using NUnit.Framework;
using PonyCloud.Shared.Entities;
using PonyCloud.Twilight.Networks;
using PonyCloud.Twilight.Networks.Model;
using PonyCloud.Twilight.Networks.Trials;

namespace PonyCloud.Twilight.Tests.Networks.Trials;

public sealed class SparklePathTests
{
    private static readonly NamespaceState Here = new NamespaceState()
        .With(new Link { Name = "eth0", Kind = LinkKind.Card, Master = "bond" })
        .With(new Link { Name = "eth1", Kind = LinkKind.Card, Master = "bond" })
        .With(new Link { Name = "eth2", Kind = LinkKind.Card })
        .With(new Link { Name = "bond", Kind = LinkKind.Bond, Bond = new BondSettings(BondMode.ActiveBackup, LacpRate.Slow, XmitHashPolicy.Layer2) })
        .With(new Link { Name = "vlan", Kind = LinkKind.Vlan, Vlan = new VlanSettings("bond", 7) })
        .With(new Link { Name = "tap", Kind = LinkKind.Tap, Master = "bridge" });

    private static readonly SparklePath Path = SparklePath.Of(new SparkleRoute("203.0.113.1", "vlan", "192.0.2.10"), Here);

    private static IEnumerable<TestCaseData> Steps()
    {
        TestCaseData Case(string name, NetworkStep step, bool touches) => new TestCaseData(step, touches).SetArgDisplayNames(name);
        yield return Case("a port of the bond below", new NetworkStep.ChangeLink("", Here.Links["eth1"]), true);
        yield return Case("another card", new NetworkStep.ChangeLink("", Here.Links["eth2"]), false);
        yield return Case("the same name elsewhere", new NetworkStep.ChangeLink("pc-1", Here.Links["eth1"]), false);
        yield return Case("the VLAN goes", new NetworkStep.RemoveLink("", "vlan"), true);
        yield return Case("a tap goes", new NetworkStep.RemoveLink("", "tap"), false);
        yield return Case("the source address goes", new NetworkStep.RemoveAddress("", new LinkAddress("vlan", "192.0.2.10/24")), true);
        yield return Case("another address goes", new NetworkStep.RemoveAddress("", new LinkAddress("vlan", "192.0.2.11/24")), false);
        yield return Case("another address comes", new NetworkStep.AddAddress("", new LinkAddress("vlan", "192.0.2.11/24")), false);
        yield return Case("Sparkle's own network comes elsewhere", new NetworkStep.AddAddress("", new LinkAddress("eth2", "203.0.113.7/24")), true);
        yield return Case("another network comes elsewhere", new NetworkStep.AddAddress("", new LinkAddress("eth2", "198.51.100.7/24")), false);
        yield return Case("the default route goes", new NetworkStep.RemoveRoute("", new Route("default", false, "192.0.2.1", "vlan")), true);
        yield return Case("a route to elsewhere goes", new NetworkStep.RemoveRoute("", new Route("198.51.100.0/24", false, "192.0.2.1", "vlan")), false);
        yield return Case("a default route comes", new NetworkStep.AddRoute("", new Route("default", false, "198.51.100.1", "eth2")), true);
        yield return Case("a route there comes", new NetworkStep.AddRoute("", new Route("203.0.112.0/23", false, "198.51.100.1", "eth2")), true);
        yield return Case("a route just beside it comes", new NetworkStep.AddRoute("", new Route("203.0.112.0/24", false, "198.51.100.1", "eth2")), false);
        yield return Case("a route of the other family comes", new NetworkStep.AddRoute("", new Route("2001:db8::/32", true, "fe80::1", "eth2")), false);
        yield return Case("a route to Sparkle alone comes", new NetworkStep.AddRoute("", new Route("203.0.113.1", false, "198.51.100.1", "eth2")), true);
        yield return Case("a route to its neighbour alone comes", new NetworkStep.AddRoute("", new Route("203.0.113.2", false, "198.51.100.1", "eth2")), false);
        yield return Case("a route to everything comes", new NetworkStep.AddRoute("", new Route("0.0.0.0/0", false, "198.51.100.1", "eth2")), true);
        yield return Case("a route to all of the other family comes", new NetworkStep.AddRoute("", new Route("::/0", true, "fe80::1", "eth2")), false);
        yield return Case("a network around it comes elsewhere", new NetworkStep.AddAddress("", new LinkAddress("eth2", "203.0.113.130/25")), false);
        yield return Case("one around both comes elsewhere", new NetworkStep.AddAddress("", new LinkAddress("eth2", "203.0.113.6/29")), true);
        yield return Case("a neighbour", new NetworkStep.AddNeighbour("", new Neighbour("vlan", "192.0.2.1", "52:54:00:00:00:01")), false);
    }

    [TestCase("2001:db8:0:1::/64", true)]
    [TestCase("2001:db8::/47", true)]
    [TestCase("2001:db8:0:2::/63", false)]
    [TestCase("2001:db8:0:1::7/128", true)]
    [TestCase("2001:db8:0:1::7", true)]
    [TestCase("2001:db8:0:1::8", false)]
    [TestCase("203.0.113.0/24", false)]
    public void A_route_of_IPv6_leads_there_or_not(string destination, bool touches) => Assert.That(
        SparklePath.Of(new SparkleRoute("2001:db8:0:1::7", "vlan", null), Here)
            .IsTouchedBy(new NetworkStep.AddRoute("", new Route(destination, true, "fe80::1", "eth2"))),
        Is.EqualTo(touches));

    [TestCaseSource(nameof(Steps))]
    public void A_step_touches_the_path_or_not(NetworkStep step, bool touches) => Assert.That(Path.IsTouchedBy(step), Is.EqualTo(touches));

    [Test]
    public void The_path_is_the_link_with_all_below() => Assert.That(Path.Links, Is.EquivalentTo(["vlan", "bond", "eth0", "eth1"]));
}
