using System.Collections.Immutable;
using NUnit.Framework;
using PonyCloud.Twilight.Networks.Routing;

namespace PonyCloud.TestKit.Network;

/// <summary>What holds of routers, whatever they are made of.</summary>
public abstract class RoutersContract
{
    /// <summary>Has a namespace.</summary>
    protected static readonly Guid Switch = Guid.Parse("51000000-0000-4000-8000-00000000000a");

    /// <summary>Has none.</summary>
    protected static readonly Guid Missing = Guid.Parse("52000000-0000-4000-8000-00000000000b");

    /// <summary>A link of the host.</summary>
    protected const string Link = "world0";

    private const string First = "203.0.113.100";
    private const string Second = "203.0.113.101";

    private static readonly PublicLink World = new(Link, "203.0.113.10", 24, null);
    private static readonly RoutedSwitch Routed = new(Switch, [], []);

    protected abstract IRouters Routers { get; }

    /// <summary>What is answered for on <see cref="Link"/>.</summary>
    protected abstract Task<IReadOnlyCollection<string>> AnsweredAsync();

    protected abstract Task<bool> HasHostRulesAsync();

    protected abstract Task<bool> HasNamespaceRulesAsync();

    protected abstract Task RemoveNamespaceAsync();

    protected abstract Task MakeNamespaceAsync();

    [Test]
    public async Task The_hosts_rules_come_first()
    {
        Assert.That(await Routers.PrepareAsync(Orders(First), CancellationToken.None), Is.Null);
        Assert.That(
            (await HasHostRulesAsync(), await HasNamespaceRulesAsync(), (await AnsweredAsync()).Count), Is.EqualTo((true, false, 0)));
    }

    [Test]
    public async Task What_is_wanted_is_ruled_and_answered_for()
    {
        var report = await ApplyAsync(Orders(First, Second));

        Assert.That((report.Problems.Count, report.World, report.LookAgain is not null), Is.EqualTo((0, (string?)null, true)));
        Assert.That((await HasHostRulesAsync(), await HasNamespaceRulesAsync()), Is.EqualTo((true, true)));
        Assert.That(await AnsweredAsync(), Is.EquivalentTo([First, Second]));
    }

    [Test]
    public async Task What_is_wanted_no_more_is_answered_for_no_more()
    {
        await ApplyAsync(Orders(First, Second));
        await ApplyAsync(Orders(Second));

        Assert.That(await AnsweredAsync(), Is.EquivalentTo([Second]));
    }

    [Test]
    public async Task When_nothing_is_wanted_nothing_is_left()
    {
        await ApplyAsync(Orders(First));
        var report = await ApplyAsync(RoutingOrders.None);

        Assert.That((report.Problems.Count, report.World, report.LookAgain), Is.EqualTo((0, (string?)null, (TimeSpan?)null)));
        Assert.That((await HasHostRulesAsync(), (await AnsweredAsync()).Count), Is.EqualTo((false, 0)));
    }

    [Test]
    public async Task Nobody_is_called_to_where_there_is_no_namespace_and_then_they_are()
    {
        await RemoveNamespaceAsync();
        var report = await ApplyAsync(Orders(First));
        Assert.That((report.Problems[Switch].Contains("namespace", StringComparison.Ordinal), (await AnsweredAsync()).Count), Is.EqualTo((true, 0)));
        Assert.That(report.LookAgain, Is.Not.Null);

        await MakeNamespaceAsync();
        Assert.That((await ApplyAsync(Orders(First))).Problems, Is.Empty);
        Assert.That((await HasNamespaceRulesAsync(), (await AnsweredAsync()).Count), Is.EqualTo((true, 1)));
    }

    [Test]
    public async Task A_switch_without_a_namespace_is_in_nobodys_way()
    {
        var orders = Orders(First);
        var report = await ApplyAsync(orders with
        {
            NamespaceRules = orders.NamespaceRules.Add(Missing, orders.NamespaceRules[Switch]),
            Floating = orders.Floating.Add(Missing, [Second]),
        });

        Assert.That(report.Problems.Keys, Is.EqualTo([Missing]));
        Assert.That(await AnsweredAsync(), Is.EquivalentTo([First]));
    }

    [Test]
    public void A_call_that_is_withdrawn_says_so() => Assert.That(
        async () => await Routers.ApplyAsync(Orders(First), new CancellationToken(canceled: true)), Throws.InstanceOf<OperationCanceledException>());

    private Task<RoutingReport> ApplyAsync(RoutingOrders orders) => Routers.ApplyAsync(orders, CancellationToken.None);

    private static RoutingOrders Orders(params string[] floating)
    {
        var pair = UplinkPairs.Of([Switch])[Switch];
        return new RoutingOrders(
            World,
            RoutingRules.OfHost(World, [pair.Inside], floating),
            ImmutableSortedDictionary<Guid, string>.Empty.Add(Switch, RoutingRules.OfNamespace(Routed, pair)),
            ImmutableSortedDictionary<Guid, ImmutableArray<string>>.Empty.Add(Switch, [.. floating]));
    }
}
