using System.Diagnostics;
using NUnit.Framework;
using PonyCloud.TestKit.Network;
using PonyCloud.Twilight.Networks.Rules;

namespace PonyCloud.Twilight.Tests.Networks.Rules;

/// <summary>What passes of far more than a card may send or receive, in bytes, on any machine.</summary>
[CancelAfter(120_000)]
public sealed class BandwidthTests
{
    private const string First = "pct1";
    private const string Second = "pct2";

    private const int Mbit = 1;
    private const int BytesPerSecond = Mbit * 1_000_000 / 8;
    private const int Frames = 2_000;
    private const int Size = 1_400;

    private FilterLab _lab = null!;

    private static FilterInput Host => new()
    {
        Switches = [FilterHost.Switch(FilterLab.Bridge)],
        Cards = [FilterHost.Card(1, FilterLab.Bridge), FilterHost.Card(2, FilterLab.Bridge)],
        TracksConnections = false,
    };

    [SetUp]
    public async Task StartAsync() => _lab = await FilterLab.StartAsync(First, Second);

    [TearDown]
    public async Task StopAsync() => await _lab.DisposeAsync();

    [Test]
    public async Task What_a_guest_sends_beyond_its_rate_is_dropped(CancellationToken cancellationToken)
    {
        await _lab.ApplyAsync(Host with { Cards = [Host.Cards[0] with { OutMbit = Mbit }, Host.Cards[1]] }, cancellationToken);
        var (received, seconds) = await FloodAsync(cancellationToken);
        // A second's worth and the burst pass at once.
        Assert.That(received, Is.GreaterThan(BytesPerSecond).And.LessThan((BytesPerSecond * (1 + seconds)) + (70 * 1024)));
        Assert.That((await _lab.CountAsync(First, cancellationToken)).Spoofed, Is.Zero);
    }

    [Test]
    public async Task What_a_guest_is_sent_beyond_its_rate_waits_and_then_is_dropped(CancellationToken cancellationToken)
    {
        await _lab.ApplyAsync(Host, cancellationToken);
        await new TcTrafficShaper(new ToolsInside(_lab.Namespace)).ApplyAsync(new ShapingPlan([new(Second, Mbit)], []), cancellationToken);
        var (received, seconds) = await FloodAsync(cancellationToken);
        // The bucket, and what comes of 1 Mbit/s.
        Assert.That(received, Is.GreaterThan(Size).And.LessThan((BytesPerSecond * seconds) + (34 * 1024)));
    }

    [Test]
    public async Task Without_a_limit_everything_passes(CancellationToken cancellationToken)
    {
        await _lab.ApplyAsync(Host, cancellationToken);
        Assert.That((await FloodAsync(cancellationToken)).Received, Is.GreaterThan((long)Frames * Size / 2));
    }

    /// <summary>From the first guest to the second, as fast as it can.</summary>
    private async Task<(long Received, double Seconds)> FloodAsync(CancellationToken cancellationToken)
    {
        var frame = Frame.UdpOf(FilterHost.HardwareAddress(2), FilterHost.HardwareAddress(1), "10.0.0.1", "10.0.0.2", 5000, 5001, Size - 42);
        var before = await _lab.ReceivedAsync(Second);
        var watch = Stopwatch.StartNew();
        for (var i = 0; i < Frames; i++)
            await _lab.SendAsync(First, frame, cancellationToken);
        var received = await _lab.ReceivedAsync(Second) - before;
        return (received, watch.Elapsed.TotalSeconds);
    }
}
