using NUnit.Framework;
using PonyCloud.TestKit.Network;
using PonyCloud.Twilight.Networks.Rules;

namespace PonyCloud.Twilight.Tests.Networks.Rules;

/// <summary>nftables, in a namespace of the test's own.</summary>
public sealed class NftPacketFilterTests : PacketFilterContract
{
    private NetworkNamespace _namespace = null!;

    protected override async Task<IPacketFilter> OpenAsync()
    {
        _namespace = await NetworkNamespace.StartAsync();
        return new NftPacketFilter(new ToolsInside(_namespace));
    }

    protected override async Task FlushAsync(CancellationToken cancellationToken)
    {
        await _namespace.RunAsync("nft", "flush", "table", "bridge", "ponycloud");
        await _namespace.RunAsync("nft", "flush", "set", "bridge", "ponycloud", "hardware");
    }

    [TearDown]
    public async Task StopAsync() => await _namespace.DisposeAsync();

    [Test]
    public async Task A_rule_that_somebody_added_goes(CancellationToken cancellationToken)
    {
        var host = await ApplyAsync(FilterHost.With(2), cancellationToken);
        await _namespace.RunAsync("nft", "insert", "rule", "bridge", "ponycloud", "prerouting", "accept");
        var plan = FilterPlan.Between(await Filter.ScanAsync(cancellationToken), host);
        Assert.That(plan.Steps.Select(step => (step as FilterStep.FillChain)?.Chain), Is.EqualTo(["prerouting"]));
        await Filter.ApplyAsync(plan, cancellationToken);
        FilterPlanProperties.AssertSame(await Filter.ScanAsync(cancellationToken), host.Applied);
    }

    [Test]
    public async Task Tables_of_others_stay(CancellationToken cancellationToken)
    {
        await _namespace.FilterAsync("tcp dport 1 drop");
        var before = await _namespace.ShowFilterAsync();
        await ApplyAsync(FilterHost.With(2), cancellationToken);
        await Filter.ApplyAsync(FilterPlan.Between(await Filter.ScanAsync(cancellationToken), FilterRules.None), cancellationToken);
        Assert.That(await _namespace.ShowFilterAsync(), Is.EqualTo(before));
    }
}
