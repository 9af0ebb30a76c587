using System.Globalization;
using System.Net;
using NUnit.Framework;
using PonyCloud.EndToEnd.Tests.Platform;
using PonyCloud.TestKit.Processes;

namespace PonyCloud.EndToEnd.Tests;

/// <summary>Two controllers on one database: one is active, and who was replaced knows it.</summary>
public sealed class TakeoverTests : PlatformFixture
{
    [Test]
    public async Task A_frozen_Sparkle_is_replaced_and_stands_by_when_it_is_back()
    {
        var before = await EpochAsync();
        var (second, http) = Running.StartSecondSparkle();
        using var client = http;
        await using (second)
        {
            await second.WaitForLineAsync("that the second waits", line => line.Contains("Another controller is active", StringComparison.Ordinal));
            Assert.That(await ReadinessAsync(http), Is.EqualTo(HttpStatusCode.ServiceUnavailable));

            await Running.Sparkle.SignalAsync(ProcessSignal.Stop);
            await Eventually.SeesAsync("the second to be ready", _ => ReadinessAsync(http), status => status == HttpStatusCode.OK);
            Assert.That(await EpochAsync(), Is.EqualTo(before + 1));

            await Running.Sparkle.SignalAsync(ProcessSignal.Continue);
            await Running.Sparkle.WaitForLineAsync(
                "that the first knows", line => line.Contains("Another controller has taken over", StringComparison.Ordinal));
            Assert.That(await second.StopAsync(), Is.Zero);
        }

        using var first = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{Running.HttpPort}") };
        await Eventually.SeesAsync("the first to be active again", _ => ReadinessAsync(first), status => status == HttpStatusCode.OK);
        Assert.That(await EpochAsync(), Is.EqualTo(before + 2));
        var instance = await Running.CreateAsync();
        await instance.RunsAsync();
        await instance.DeleteAsync();
        await instance.HasNoDomainAsync();
    }

    private static async Task<HttpStatusCode> ReadinessAsync(HttpClient http)
    {
        using var answer = await http.GetAsync("/self/readiness");
        return answer.StatusCode;
    }

    private async Task<long> EpochAsync() =>
        long.Parse(await Running.PsqlAsync("\\pset tuples_only\nSELECT epoch FROM controller;"), CultureInfo.InvariantCulture);
}
