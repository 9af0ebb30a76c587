using NUnit.Framework;
using PonyCloud.TestKit.Messaging;
using PonyCloud.TestKit.Processes;

namespace PonyCloud.EndToEnd.Tests.Faults;

/// <summary>Either side dies while a full state is on its way. What has come of it counts for nothing.</summary>
public sealed class LargeStateTests : BulkFixture
{
    private StallingProxy _proxy = null!;

    private string Direct => $"tcp://127.0.0.1:{Running.MessagingPort}";

    private string Proxied => $"tcp://127.0.0.1:{_proxy.Port}";

    [SetUp]
    public void OpenProxy() => _proxy = new StallingProxy(Running.MessagingPort);

    [TearDown]
    public async Task CloseProxyAsync() => await _proxy.DisposeAsync();

    [Test]
    public async Task Sparkle_dies_while_a_host_reports()
    {
        var identity = await LinkHost.DeclareAsync(Running);
        var middle = _proxy.StallAfter(Direction.ToServer, Middle);
        await using var host = LinkHost.Start(Running, identity, Proxied, places: Many);
        await middle.WaitAsync(Eventually.Patience);
        Assert.That(await ShownAsync(identity.Uuid), Is.Zero);

        await Running.Sparkle.KillAsync();
        _proxy.Release();
        await Running.StartSparkleAsync();

        await ShowsAsync(identity.Uuid, before: 0, after: Many);
    }

    [Test]
    public async Task Sparkle_dies_while_it_orders()
    {
        var identity = await LinkHost.DeclareAsync(Running);
        await OrderManyAsync(identity.Uuid);
        var middle = _proxy.StallAfter(Direction.ToClient, Middle);
        await using var host = LinkHost.Start(Running, identity, Proxied);
        await middle.WaitAsync(Eventually.Patience);
        Assert.That(host.EverOrdered, Is.Empty);

        await Running.Sparkle.KillAsync();
        _proxy.Release();
        await Running.StartSparkleAsync();

        await host.IsOrderedAsync(ManyOrdered);
        Assert.That(host.EverOrdered, Is.EqualTo(new[] { ManyOrdered }));
        await ForgetManyAsync();
        await host.IsOrderedAsync(1);
    }

    [Test]
    public async Task A_host_dies_while_it_reports_and_what_it_reported_before_stays()
    {
        const int few = Many / 2;
        var identity = await LinkHost.DeclareAsync(Running);
        await using (LinkHost.Start(Running, identity, Direct, places: few))
            await ShowsAsync(identity.Uuid, before: 0, after: few);

        var middle = _proxy.StallAfter(Direction.ToServer, Middle);
        await using (LinkHost.Start(Running, identity, Proxied, places: Many))
        {
            await middle.WaitAsync(Eventually.Patience);
            Assert.That(await ShownAsync(identity.Uuid), Is.EqualTo(few));
        }

        _proxy.Release();
        Assert.That(await ShownAsync(identity.Uuid), Is.EqualTo(few));
        await using var host = LinkHost.Start(Running, identity, Direct, places: Many);
        await ShowsAsync(identity.Uuid, before: few, after: Many);
    }

    [Test]
    public async Task Twilight_dies_while_it_is_ordered()
    {
        var (kept, pid) = await RunAsync();
        await Running.Twilight.KillAsync();
        // Few instances with much to say, as the host really makes them: half a megabyte each.
        await Running.PsqlAsync($"""
            INSERT INTO cpu_profile (name, model, features)
                SELECT 'bulk-' || number, 'qemu64', ARRAY(SELECT 'feature-' || lpad(feature::text, 50, '0') FROM generate_series(1, 9000) feature)
                FROM generate_series(1, 4) number;
            WITH made AS (
                INSERT INTO instance (tenant, name, mem, cpu_profile) SELECT '{Running.Tenant}', name, 16, uuid FROM cpu_profile WHERE name LIKE 'bulk-%'
                RETURNING uuid)
            INSERT INTO host_instance (host, instance) SELECT '{Running.Host}', uuid FROM made;
            """);
        var middle = _proxy.StallAfter(Direction.ToClient, Middle);
        Running.StartTwilight(port: _proxy.Port);
        await middle.WaitAsync(Eventually.Patience);

        await Running.Twilight.KillAsync();
        _proxy.Release();
        Assert.That(kept.GuestPid, Is.EqualTo(pid));
        Running.StartTwilight();

        await MakesAsync(5);
        await kept.IsAsync("running");
        Assert.That((kept.GuestPid, kept.Boots), Is.EqualTo((pid, 1)));
        await ForgetManyAsync();
        await MakesAsync(1);
        await DeleteAsync(kept);
    }

    /// <summary>The host shows each as soon as it has made it: one by one is no half of an order.</summary>
    private Task<int> MakesAsync(int count) =>
        Eventually.SeesAsync($"the host to have {count} instances", _ => ShownAsync(Running.Host), shown => shown == count);
}
