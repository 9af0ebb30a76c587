using FsCheck;
using FsCheck.Fluent;
using NUnit.Framework;
using PonyCloud.Shared.Entities;
using PonyCloud.Twilight.Networks;
using PonyCloud.Twilight.Networks.Links;
using PonyCloud.Twilight.Networks.Model;

namespace PonyCloud.Twilight.Tests.Networks.Links;

/// <summary>
/// From whatever there is: the kernel takes the plan, it leads to what is wanted and nothing is left to do, and what somebody else
/// made is not touched.
/// </summary>
[TestFixture]
public sealed class NetworkPlannerProperties
{
    [Test]
    public void A_plan_leads_from_anything_to_what_is_wanted_and_touches_nothing_else() => Check.One(
        Config.QuickThrowOnFailure.WithMaxTest(1500),
        Prop.ForAll(Arb.From(Gen.Choose(0, int.MaxValue)), seed =>
        {
            var random = new RandomNetworks(seed);
            var (actual, wanted) = (random.Actual(), random.Wanted());
            var plan = NetworkPlanner.Plan(actual, wanted);
            var after = Plans.After(actual, plan.Steps);

            Assert.That(plan.Obstacles.Select(obstacle => obstacle.Why), Has.None.Contains("would refuse"));
            Assert.That(Words(NetworkPlanner.Plan(after, wanted).Steps), Is.Empty, "a second plan");
            CheckWanted(wanted, after, plan);
            CheckLeftovers(wanted, after, plan);
            CheckForeign(actual, wanted, plan, after);
        }));

    [Test]
    public void Cut_off_anywhere_the_next_plan_goes_on() => Check.One(
        Config.QuickThrowOnFailure.WithMaxTest(1000),
        Prop.ForAll(Arb.From(Gen.Choose(0, int.MaxValue)), seed =>
        {
            var random = new RandomNetworks(seed);
            var (actual, wanted) = (random.Actual(), random.Wanted());
            var steps = NetworkPlanner.Plan(actual, wanted).Steps;
            var count = random.Next(steps.Count + 1);
            var cut = Plans.After(actual, steps.Take(count));
            if (count < steps.Count)
                cut = Begin(cut, steps[count]);
            var plan = NetworkPlanner.Plan(cut, wanted);
            var after = Plans.After(cut, plan.Steps);

            Assert.That(plan.Obstacles.Select(obstacle => obstacle.Why), Has.None.Contains("would refuse"));
            Assert.That(Words(NetworkPlanner.Plan(after, wanted).Steps), Is.Empty, "a second plan");
            CheckWanted(wanted, after, plan);
            CheckLeftovers(wanted, after, plan);
        }));

    /// <summary>A step of several lines of which only the first was carried out; or a namespace that has only its name.</summary>
    private static NetworkState Begin(NetworkState state, NetworkStep step) => step switch
    {
        NetworkStep.AddLink add => Plans.After(state, [add with
        {
            Link = add.Link with
            {
                Alias = null,
                Master = null,
                Port = null,
                IsUp = null,
                Mtu = add.Link.Kind is LinkKind.Tap or LinkKind.Bridge ? null : add.Link.Mtu,
            },
        }]),
        NetworkStep.AddNamespace add => state.With(add.Namespace, new NamespaceState { IsBroken = true }),
        NetworkStep.ChangeLink { Change: { Port: not null } change } => Plans.After(state, [new NetworkStep.ChangeLink(step.Namespace, change with { Port = null })]),
        _ => state,
    };

    private static IEnumerable<string> Words(IEnumerable<NetworkStep> steps) => steps.Select(StepText.Of);

    private static void CheckWanted(NetworkState wanted, NetworkState after, NetworkPlan plan)
    {
        var left = plan.Obstacles.Select(obstacle => (obstacle.Namespace, obstacle.Link)).ToHashSet();
        foreach (var (name, space) in wanted.Namespaces)
        {
            var there = after[name];
            bool IsFree(string link) => !left.Contains((name, link));
            foreach (var link in space.Links.Values.Where(link => IsFree(link.Name)))
                CheckLink(link, there.Links[link.Name], there);
            foreach (var address in space.Addresses.Where(address => IsFree(address.Link)))
                Assert.That(there.Addresses.Select(one => (one.Link, one.Address)), Has.Member((address.Link, address.Address)));
            foreach (var route in space.Routes.Where(route => IsFree(route.Link)))
                Assert.That(there.Routes.Select(one => one with { IsOurs = true }), Has.Member(route));
            Assert.That(space.Rules.Except(there.Rules), Is.Empty);
            Assert.That(space.Neighbours.Where(one => IsFree(one.Link)).Except(there.Neighbours), Is.Empty);
            Assert.That(space.Forwardings.Where(one => IsFree(one.Link)).Except(there.Forwardings), Is.Empty);
            Assert.That(space.Sysctls.Where(one => SysctlNames.LinkOf(one.Key) is not { } link || IsFree(link)).Except(there.Sysctls), Is.Empty);
            foreach (var bridge in space.Links.Values.Where(link => link.Kind == LinkKind.Bridge && IsFree(link.Name)))
                Assert.That(there.Sysctls[SysctlNames.Ipv6(bridge.Name, "accept_ra")], Is.EqualTo("0"));
        }
    }

    private static void CheckLink(Link wanted, Link actual, NamespaceState space)
    {
        var below = wanted.Vlan?.Parent ?? wanted.Vxlan?.Device;
        var mtuMax = below is null ? int.MaxValue : space.Links[below].Mtu!.Value - (wanted.Vxlan is null ? 0 : wanted.Vxlan.Local.Contains(':') ? 70 : 50);
        Assert.That(actual.IsOurs, Is.EqualTo(wanted.IsOurs), wanted.Name);
        if (wanted.Mtu is { } mtu)
            Assert.That(actual.Mtu, Is.EqualTo(Math.Min(mtu, mtuMax)), wanted.Name);
        if (wanted.IsUp is { } up)
            Assert.That(actual.IsUp, Is.EqualTo(up), wanted.Name);
        if (wanted.Master is { } master)
            Assert.That(actual.Master, Is.EqualTo(master), wanted.Name);
        if (!wanted.IsOurs)
            return;
        Assert.That((actual.Kind, actual.Alias, actual.Vlan, actual.Vxlan, actual.Veth), Is.EqualTo((wanted.Kind, wanted.Alias, wanted.Vlan, wanted.Vxlan, wanted.Veth)));
        if (wanted.HardwareAddress is { } address)
            Assert.That(actual.HardwareAddress, Is.EqualTo(address), wanted.Name);
        if (wanted.Port is { } port)
            Assert.That(actual.Port, Is.EqualTo(port).Or.EqualTo(wanted.Master is { Length: > 0 } ? port : null), wanted.Name);
        if (wanted.Bond is not { } bond)
            return;
        Assert.That(actual.Bond!.Mode, Is.EqualTo(bond.Mode));
        if (bond.Mode == BondMode.Lacp)
            Assert.That((actual.Bond.LacpRate, actual.Bond.XmitHashPolicy), Is.EqualTo((bond.LacpRate, bond.XmitHashPolicy)));
    }

    /// <summary>Nothing of ours is there that nobody wants.</summary>
    private static void CheckLeftovers(NetworkState wanted, NetworkState after, NetworkPlan plan)
    {
        foreach (var (name, space) in after.Namespaces)
        {
            var there = wanted.Namespaces.GetValueOrDefault(name);
            if (there is null)
            {
                Assert.That(plan.Obstacles.Where(obstacle => obstacle.Namespace == name), Is.Not.Empty, $"namespace {name}");
                continue;
            }
            bool IsFree(string link) => !plan.Obstacles.Any(obstacle => obstacle.Namespace == name && obstacle.Link == link);
            if (plan.Obstacles.Count == 0)
                Assert.That(space.Links.Values.Where(link => link.IsOurs && !there.Links.ContainsKey(link.Name)), Is.Empty);
            Assert.That(space.Addresses.Where(one => one.IsOurs && IsFree(one.Link) && space.Links[one.Link] is { IsOurs: false }).Except(there.Addresses), Is.Empty);
            Assert.That(space.Routes.Where(one => one.IsOurs && IsFree(one.Link)).Except(there.Routes).Where(one => plan.Obstacles.Count == 0), Is.Empty);
            Assert.That(space.Rules.Except(there.Rules), Is.Empty);
        }
    }

    private static void CheckForeign(NetworkState actual, NetworkState wanted, NetworkPlan plan, NetworkState after)
    {
        // One that went with a leftover of ours may have made room for what is wanted.
        var made = new HashSet<(string, string)>();
        foreach (var step in plan.Steps)
        {
            if (step is NetworkStep.AddLink add)
                made.Add((step.Namespace, add.Link.Name));
            var (link, isOurs) = step switch
            {
                NetworkStep.AddAddress { Address: var address } => (null, address.IsOurs),
                NetworkStep.RemoveAddress { Address: var address } => (null, address.IsOurs),
                NetworkStep.AddRoute { Route: var route } => (null, route.IsOurs),
                NetworkStep.RemoveRoute { Route: var route } => (null, route.IsOurs),
                NetworkStep.RemoveLink remove => (remove.Link, false),
                NetworkStep.ChangeLink change => (change.Change.Name, false),
                NetworkStep.AddNamespace or NetworkStep.RemoveNamespace => (null, step.Namespace == Plans.Space),
                _ => (null, true),
            };
            if (link is null)
            {
                Assert.That(isOurs, Is.True, StepText.Of(step));
                continue;
            }
            if (made.Contains((step.Namespace, link)) || actual.Namespaces.GetValueOrDefault(step.Namespace)?.Links.GetValueOrDefault(link) is not { } there || Ownership.IsOurs(step.Namespace, there))
                continue;
            var said = wanted.Namespaces.GetValueOrDefault(step.Namespace)?.Links.GetValueOrDefault(link);
            var isFreed = step is NetworkStep.ChangeLink { Change: { Master: "", Alias: null, Mtu: null, IsUp: null, HardwareAddress: null } };
            Assert.That(step is NetworkStep.ChangeLink && (said is { IsOurs: false } || isFreed), Is.True, StepText.Of(step));
            if (step is NetworkStep.ChangeLink { Change: var to })
                Assert.That((to.Alias, to.HardwareAddress), Is.EqualTo(((string?)null, (string?)null)));
        }
        var host = actual[NetworkState.Host];
        foreach (var link in host.Links.Values.Where(link => !Ownership.IsOurs(NetworkState.Host, link) && link.Veth is null))
            Assert.That((after[""].Links[link.Name].Kind, after[""].Links[link.Name].Alias), Is.EqualTo((link.Kind, link.Alias)));
        foreach (var address in host.Addresses.Where(address => !address.IsOurs && !address.Address.Contains(':') && host.Links[address.Link] is { Veth: null } on
            && !Ownership.IsOurs(NetworkState.Host, on)))
        {
            Assert.That(after[""].Addresses, Has.Member(address));
        }
    }
}
