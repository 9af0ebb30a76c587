using System.Net;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging.Abstractions;
using NUnit.Framework;
using PonyCloud.Shared.Entities;
using PonyCloud.Twilight.Http;

namespace PonyCloud.Sparkle.Tests.Api;

/// <summary>What Sparkle tells of instances, from the real server of a host.</summary>
public sealed class InstanceMetricsTests : ApiFixture, IHostRoute
{
    private readonly TaskCompletionSource _never = new();
    private HostServer _server = null!;
    private int _asked;
    private Func<HttpContext, Task> _answer = null!;

    string IHostRoute.Name => "metrics";

    async Task IHostRoute.AnswerAsync(HttpContext context, string rest, CancellationToken stopping)
    {
        Interlocked.Increment(ref _asked);
        await _answer(context).WaitAsync(context.RequestAborted);
    }

    [SetUp]
    public async Task StartHostAsync()
    {
        _asked = 0;
        _answer = context => context.Response.WriteAsync(
            $$"""
            # TYPE ponycloud_instance_cpu_seconds counter
            # HELP ponycloud_instance_cpu_seconds Processor time.
            ponycloud_instance_cpu_seconds_total{instance="{{InstanceA}}"} 1.5
            ponycloud_instance_cpu_seconds_total{instance="{{InstanceB}}"} 9
            ponycloud_instance_cpu_seconds_total{instance="nobody"} 9
            sparkle_up{instance="{{InstanceA}}"} 9
            # TYPE ponycloud_instance_memory_bytes gauge
            ponycloud_instance_memory_bytes{instance="{{InstanceA}}"} 67108864
            # EOF

            """);
        _server = new HostServer(
            new HostServerOptions { Listen = new IPEndPoint(IPAddress.Loopback, 0), Advertised = "127.0.0.1" },
            [this], TimeProvider.System, NullLoggerFactory.Instance);
        await _server.StartAsync(CancellationToken.None);
        Database.Put(new HostInstanceDesired { Host = Host, Instance = InstanceA });
        Database.Report(new HostCurrent
        {
            Uuid = Host,
            AgentVersion = "1",
            BootId = "1",
            Kernel = "6",
            CpuModel = "fake",
            TransferEndpoint = _server.Identity!.Endpoint,
            TransferFingerprint = _server.Identity.Fingerprint,
            TransferToken = _server.Identity.Token,
        });
    }

    [TearDown]
    public async Task StopHostAsync()
    {
        Assert.That(Log.Lines, Has.None.Contains(_server.Identity!.Token));
        await _server.DisposeAsync();
    }

    [Test]
    public async Task A_host_is_believed_of_the_instances_that_are_placed_on_it_and_of_nothing_else()
    {
        var lines = await OfInstancesAsync();

        Assert.That(lines, Is.EqualTo((string[])
        [
            "# TYPE ponycloud_instance_cpu_seconds_total counter",
            $"ponycloud_instance_cpu_seconds_total{{tenant=\"{TenantA}\",instance=\"{InstanceA}\"}} 1.5",
            "# TYPE ponycloud_instance_memory_bytes gauge",
            $"ponycloud_instance_memory_bytes{{tenant=\"{TenantA}\",instance=\"{InstanceA}\"}} 67108864",
        ]));
    }

    [Test]
    public async Task What_was_fetched_is_told_again_for_a_moment()
    {
        await OfInstancesAsync();
        Assert.That(await OfInstancesAsync(), Is.Not.Empty);
        Assert.That(_asked, Is.EqualTo(1));
    }

    [Test]
    public async Task A_host_that_refuses_or_says_nothing_is_left_out_and_everything_else_is_told()
    {
        _answer = _ => _never.Task;
        Assert.That(await OfInstancesAsync(), Is.Empty);
    }

    private async Task<string[]> OfInstancesAsync()
    {
        var answer = await GetAsync("/metrics", Token(Alicorn));
        Assert.That(answer.Status, Is.EqualTo(HttpStatusCode.OK), answer.Text);
        Assert.That(answer.Text, Does.Contain("sparkle_rows"));
        return [.. answer.Text.Split('\n').Where(line => line.Contains("ponycloud_instance", StringComparison.Ordinal) || line.Contains("sparkle_up", StringComparison.Ordinal))];
    }
}
