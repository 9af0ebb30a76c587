using System.Collections.Immutable;
using NUnit.Framework;
using PonyCloud.Shared.Entities;
using PonyCloud.TestKit.Network;
using PonyCloud.Twilight.Networks;
using PonyCloud.Twilight.Networks.Rules;

namespace PonyCloud.Twilight.Tests.Networks.Rules;

/// <summary>What every packet filter does, whether nftables or not.</summary>
[CancelAfter(120_000)]
public abstract class PacketFilterContract
{
    private static readonly Guid Group = Guid.Parse("aaaaaaaa-0000-0000-0000-000000000001");

    protected IPacketFilter Filter { get; private set; } = null!;

    protected abstract Task<IPacketFilter> OpenAsync();

    /// <summary>Somebody else takes all rules and elements away.</summary>
    protected abstract Task FlushAsync(CancellationToken cancellationToken);

    [SetUp]
    public async Task StartAsync() => Filter = await OpenAsync();

    [Test]
    public async Task Before_anything_was_applied_there_is_nothing(CancellationToken cancellationToken)
    {
        FilterPlanProperties.AssertSame(await Filter.ScanAsync(cancellationToken), AppliedRules.None);
        Assert.That(await Filter.CountAsync(cancellationToken), Is.Empty);
    }

    [Test]
    public async Task What_is_applied_is_found_again(CancellationToken cancellationToken)
    {
        var host = await ApplyAsync(await HostAsync(cancellationToken), cancellationToken);
        FilterPlanProperties.AssertSame(await Filter.ScanAsync(cancellationToken), host.Applied);
        Assert.That((await Filter.CountAsync(cancellationToken)).Keys, Is.EquivalentTo(["pct1", "pct2", "pct3", "pct4"]));
    }

    [Test]
    public async Task Each_change_leads_to_what_is_wanted(CancellationToken cancellationToken)
    {
        var all = await HostAsync(cancellationToken);
        FilterInput[] stations =
        [
            all,
            all with { Cards = [.. all.Cards.Skip(1)] },
            all with { Groups = [all.Groups[0] with { Rules = [.. all.Groups[0].Rules.Skip(1)] }] },
            all with { Cards = [.. all.Cards.Select(card => card with { IsUp = false })] },
            all with { Cards = [.. all.Cards.Select(card => card with { Groups = [], OutMbit = 5, Addresses = [new("10.0.0.77", 5)] })] },
            all with { Switches = [FilterHost.Switch("pcs1", hasNetworks: false), all.Switches[1]] },
            all,
            all with { Switches = [], Cards = [] },
        ];
        foreach (var station in stations)
        {
            var host = await ApplyAsync(station, cancellationToken);
            FilterPlanProperties.AssertSame(await Filter.ScanAsync(cancellationToken), host.Applied);
        }
        await Filter.ApplyAsync(FilterPlan.Between(await Filter.ScanAsync(cancellationToken), FilterRules.None), cancellationToken);
        FilterPlanProperties.AssertSame(await Filter.ScanAsync(cancellationToken), AppliedRules.None);
    }

    [Test]
    public async Task What_somebody_else_took_away_comes_back(CancellationToken cancellationToken)
    {
        var host = await ApplyAsync(await HostAsync(cancellationToken), cancellationToken);
        await FlushAsync(cancellationToken);
        var found = await Filter.ScanAsync(cancellationToken);
        Assert.That(FilterPlan.Between(found, host).IsEmpty, Is.False);
        await Filter.ApplyAsync(FilterPlan.Between(found, host), cancellationToken);
        FilterPlanProperties.AssertSame(await Filter.ScanAsync(cancellationToken), host.Applied);
    }

    [Test]
    public async Task A_plan_that_does_not_fit_changes_nothing(CancellationToken cancellationToken)
    {
        var host = await ApplyAsync(await HostAsync(cancellationToken), cancellationToken);
        var misfit = new FilterPlan([new FilterStep.RemoveElements("ports", ["\"pct1\""]), new FilterStep.RemoveElements("ports", ["\"pct99\""])]);
        await Assert.ThrowsAsync<NetworkException>(() => Filter.ApplyAsync(misfit, cancellationToken));
        FilterPlanProperties.AssertSame(await Filter.ScanAsync(cancellationToken), host.Applied);
    }

    protected async Task<FilterRules> ApplyAsync(FilterInput input, CancellationToken cancellationToken)
    {
        var wanted = FilterLayout.Of(input);
        await Filter.ApplyAsync(FilterPlan.Between(await Filter.ScanAsync(cancellationToken), wanted), cancellationToken);
        return wanted;
    }

    private async Task<FilterInput> HostAsync(CancellationToken cancellationToken) => new()
    {
        Switches = [FilterHost.Switch("pcs1", tags: [5, 4094]), FilterHost.Switch("pcs2", hasNetworks: false, isVxlan: false)],
        Cards =
        [
            FilterHost.Card(1, "pcs1", Group) with { Addresses = [new("10.0.0.1"), new("64:ff9b::1"), new("10.5.0.1", 5), new("2001:db8:5::", 4094)] },
            FilterHost.Card(2, "pcs1") with { OutMbit = 1_000_000 },
            FilterHost.Card(3, "pcs2", Group),
            FilterHost.Card(4, "pcs2") with { IsUp = false },
        ],
        Groups =
        [
            new FilterGroup(Group,
            [
                FilterHost.Rule(Group, 1, SecurityProtocol.Tcp, 22),
                FilterHost.Rule(Group, 2, SecurityProtocol.Udp) with { PortFrom = 5, PortTo = 9, RemoteRange = "0.0.0.0/0" },
                FilterHost.Rule(Group, 3) with { RemoteSecurityGroup = Group },
                FilterHost.Rule(Group, 4, SecurityProtocol.Icmp, direction: SecurityDirection.Egress),
                FilterHost.Rule(Group, 5) with { RemoteRange = "::/0" },
            ]),
        ],
        Members =
        [
            new FilterMember(Group, "pcs1", FilterHost.HardwareAddress(1), ["10.0.0.1", "::ffff:10.0.0.1", "64:ff9b::1"]),
            new FilterMember(Group, "pcs2", FilterHost.HardwareAddress(3), []),
        ],
        TracksConnections = (await Filter.AbilitiesAsync(cancellationToken)).TracksConnections,
    };
}

public sealed class FakePacketFilterTests : PacketFilterContract
{
    private readonly FakePacketFilter _fake = new();

    protected override Task<IPacketFilter> OpenAsync()
    {
        _fake.Applied = AppliedRules.None;
        return Task.FromResult<IPacketFilter>(_fake);
    }

    protected override Task FlushAsync(CancellationToken cancellationToken)
    {
        _fake.Applied = new AppliedRules(
            _fake.Applied.Sets.ToDictionary(
                set => set.Key, _ => (IReadOnlyDictionary<string, string>)ImmutableDictionary<string, string>.Empty, StringComparer.Ordinal),
            _fake.Applied.Chains.ToDictionary(chain => chain.Key, _ => "", StringComparer.Ordinal));
        return Task.CompletedTask;
    }
}
