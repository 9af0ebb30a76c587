using NUnit.Framework;
using PonyCloud.TestKit.Network;
using PonyCloud.Twilight.Networks;
using PonyCloud.Twilight.Networks.Rules;

namespace PonyCloud.Twilight.Tests.Networks.Rules;

/// <summary>What every shaper does, whether tc or not.</summary>
[CancelAfter(60_000)]
public abstract class TrafficShaperContract
{
    protected const string First = "pct1";
    protected const string Second = "pct2";

    protected ITrafficShaper Shaper { get; private set; } = null!;

    /// <summary>One where the two taps are, and no other.</summary>
    protected abstract Task<ITrafficShaper> OpenAsync();

    [SetUp]
    public async Task StartAsync() => Shaper = await OpenAsync();

    [Test]
    public async Task Limits_come_and_change_and_go(CancellationToken cancellationToken)
    {
        Dictionary<string, int>[] stations = [[], new() { [First] = 10, [Second] = 1_000_000 }, new() { [First] = 11, [Second] = 1_000_000 }, new() { [Second] = 1 }, []];
        foreach (var station in stations)
        {
            await Shaper.ApplyAsync(ShapingPlan.Between(await Shaper.ScanAsync(cancellationToken), station), cancellationToken);
            var found = await Shaper.ScanAsync(cancellationToken);
            Assert.That(found, Is.EquivalentTo(station));
            Assert.That(ShapingPlan.Between(found, station).IsEmpty);
        }
    }

    [Test]
    public async Task A_tap_that_is_gone_does_not_keep_the_others_from_theirs(CancellationToken cancellationToken)
    {
        var plan = new ShapingPlan([new("pct0", 10), new(First, 10)], []);
        await Assert.ThrowsAsync<NetworkException>(() => Shaper.ApplyAsync(plan, cancellationToken));
        Assert.That(await Shaper.ScanAsync(cancellationToken), Is.EquivalentTo(new Dictionary<string, int> { [First] = 10 }));
    }
}

public sealed class FakeTrafficShaperTests : TrafficShaperContract
{
    protected override Task<ITrafficShaper> OpenAsync() => Task.FromResult<ITrafficShaper>(
        new FakeTrafficShaper { Taps = new HashSet<string>([First, Second], StringComparer.Ordinal) });
}

public sealed class TcTrafficShaperTests : TrafficShaperContract
{
    private FilterLab _lab = null!;

    protected override async Task<ITrafficShaper> OpenAsync()
    {
        _lab = await FilterLab.StartAsync(First, Second);
        return new TcTrafficShaper(new ToolsInside(_lab.Namespace));
    }

    [TearDown]
    public async Task StopAsync() => await _lab.DisposeAsync();

    [Test]
    public async Task What_others_have_put_there_is_not_seen(CancellationToken cancellationToken)
    {
        await _lab.Namespace.RunAsync("tc", "qdisc", "add", "dev", First, "root", "tbf", "rate", "1mbit", "burst", "32k", "latency", "50ms");
        Assert.That(await Shaper.ScanAsync(cancellationToken), Is.Empty);
    }
}
