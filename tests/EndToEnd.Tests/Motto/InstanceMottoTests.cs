using System.Net;
using Newtonsoft.Json.Linq;
using NUnit.Framework;
using PonyCloud.TestKit.Processes;

namespace PonyCloud.EndToEnd.Tests.Motto;

/// <summary>Virtual infrastructure behaves like a real one: orders, hosts that are silent or dead, and what is shown of them.</summary>
public sealed class InstanceMottoTests : MottoFixture
{
    [Test, Behaviour(1)]
    public async Task Deleting_is_always_accepted_and_frees_view_and_quota_at_once()
    {
        var quota = await Alicorn.CreateAsync($"/tenant/{Tenant.Uuid}/quota", new { tenant = Tenant.Uuid, type = "instances", limit = 1 });
        var guest = await RunAsync(Ill, "doomed");
        await CutAsync(Ill);
        await IsAsync(Ill, "unreachable");

        await guest.DeleteAsync();

        Assert.That((await Tenant.Api.SendAsync(HttpMethod.Get, guest.Path)).Status, Is.EqualTo(HttpStatusCode.NotFound));
        Assert.That(await UsedAsync("instances"), Is.Zero);
        var next = await OrderAsync("next");
        await next.RunsOnAsync(Well);
        var leftover = await Alicorn.GetAsync($"/host/{Ill.Uuid}/instance");
        Assert.That(leftover.Properties().Select(row => row.Name), Is.EqualTo(new[] { guest.Uuid.ToString() }), "Operators see what is still to be cleaned up.");
        Assert.That(Ill.GuestPid(guest.Uuid), Is.Not.Null);

        await MendAsync(Ill);
        await guest.HasNoProcessAsync(Ill);
        await Alicorn.DeleteAsync($"/tenant/{Tenant.Uuid}/quota/{quota}");
    }

    [Test, Behaviour(2)]
    public async Task A_stop_is_obeyed_whatever_the_state()
    {
        var guest = await OrderAsync("restless");
        // Before it has a place, while it starts, while it has crashed and is about to be started again.
        await guest.OrderAsync("stopped");
        await guest.IsAsync("stopped", "unplaced", "defined");
        await guest.HasNoProcessAsync(Hosts);
        await guest.OrderAsync("running");
        await guest.IsAsync("starting", "running");
        await guest.OrderAsync("stopped");
        await guest.IsAsync("stopped");
        await guest.HasNoProcessAsync(Hosts);
        await guest.OrderAsync("running");
        await guest.IsAsync("running");
        var host = Hosts.Single(one => one.GuestPid(guest.Uuid) is not null);
        await ChildProcess.SendAsync(host.GuestPid(guest.Uuid)!.Value, ProcessSignal.Kill);
        await guest.OrderAsync("stopped");
        await guest.IsAsync("stopped");
        await guest.HasNoProcessAsync(Hosts);
        await guest.OrderAsync("paused");
        await guest.IsAsync("paused");
        await guest.OrderAsync("stopped");
        await guest.IsAsync("stopped");
        await guest.HasNoProcessAsync(Hosts);
    }

    [Test, Behaviour(3)]
    public async Task A_dead_host_is_given_up_by_one_word_and_all_else_goes_on()
    {
        var guest = await RunAsync(Ill, "survivor");
        await Ill.CutPowerAsync();
        await IsAsync(Ill, "unreachable");

        await Alicorn.ReplaceAsync($"/host/{Ill.Uuid}", "state", "gone");

        await guest.RunsOnAsync(Well);
    }

    [Test, Behaviour(4)]
    public async Task A_dead_host_blocks_nothing_that_has_no_need_of_it()
    {
        await CutAsync(Ill);
        await IsAsync(Ill, "unreachable");

        var guest = await OrderAsync("unrelated");
        await guest.RunsOnAsync(Well);
        await guest.OrderAsync("stopped");
        await guest.IsAsync("stopped");
        await guest.DeleteAsync();
    }

    [Test, Behaviour(5)]
    public async Task No_instance_runs_twice_and_a_host_that_returns_lets_go_of_what_is_no_longer_its_own()
    {
        var guest = await RunAsync(Ill, "only");
        await CutAsync(Ill);
        await IsAsync(Ill, "unreachable");

        // Whoever gives places is at work, and gives it none.
        var witness = await OrderAsync("witness");
        await witness.RunsOnAsync(Well);
        Assert.That(Well.GuestPid(guest.Uuid), Is.Null);
        Assert.That(Ill.GuestPid(guest.Uuid), Is.Not.Null);

        await guest.DeleteAsync();
        await MendAsync(Ill);
        await guest.HasNoProcessAsync(Hosts);
    }

    [Test, Behaviour(6)]
    public async Task Of_a_silent_host_nothing_is_known_and_nothing_is_done_about_it()
    {
        var guest = await RunAsync(Ill, "calm");
        var pid = Ill.GuestPid(guest.Uuid);
        await CutAsync(Ill);

        await IsAsync(Ill, "unreachable");
        var shown = await guest.RowAsync();

        Assert.That(shown.SelectToken("current.stale_since"), Is.Not.Null);
        Assert.That(Ill.GuestPid(guest.Uuid), Is.EqualTo(pid));
        await MendAsync(Ill);
        await IsAsync(Ill, "present");
        await Eventually.SeesAsync("the row to be fresh", _ => guest.RowAsync(), row => row.SelectToken("current.stale_since") is null);
        Assert.That(Ill.GuestPid(guest.Uuid), Is.EqualTo(pid), "It was neither fenced nor restarted.");
    }

    [Test, Behaviour(7)]
    public async Task What_is_shown_has_an_age_and_absent_is_not_stopped()
    {
        var guest = await RunAsync(Ill, "aged");
        await Ill.CutPowerAsync();

        var row = await Eventually.SeesAsync(
            "the age", _ => guest.RowAsync(), shown => shown.SelectToken("current.stale_since") is not null);
        Assert.That(row.SelectToken("current.status")!.Value<string>(), Is.EqualTo("running"), "The last that was heard, and how old that is.");
        var host = await Alicorn.GetAsync($"/host/{Ill.Uuid}");
        Assert.That(host.SelectToken("current.last_seen"), Is.Not.Null);

        Ill.StartTwilight();
        // What its host finds when it is back is told as it is: the guest had gone, and is started again.
        await Eventually.SeesAsync("the row to be fresh", _ => guest.RowAsync(), shown => shown.SelectToken("current.stale_since") is null);
        await guest.RunsOnAsync(Ill);
    }

    [Test, Behaviour(8)]
    public async Task Nothing_follows_from_a_reconnect_by_itself()
    {
        var guest = await RunAsync(Ill, "steady");
        var pid = Ill.GuestPid(guest.Uuid);
        await Running.Sparkle.KillAsync();
        await Running.StartSparkleAsync();
        await Ill.KillTwilightAsync();
        Ill.StartTwilight();
        await IsAsync(Ill, "present");
        await IsAsync(Well, "present");

        var witness = await RunAsync(Ill, "proof");

        await guest.IsAsync("running");
        Assert.That(Ill.GuestPid(guest.Uuid), Is.EqualTo(pid));
        await witness.DeleteAsync();
    }

    [Test, Behaviour(9)]
    public async Task Without_the_database_reads_are_answered_and_orders_to_let_go_are_obeyed()
    {
        var guest = await RunAsync(Ill, "obedient");
        await Running.Postgres.StopAsync("immediate");
        try
        {
            var answer = await Eventually.SeesAsync(
                "the order to be taken", _ => guest.TryOrderAsync("stopped"), answer => answer.Status == HttpStatusCode.Accepted);
            Assert.That(answer.Text, Does.Contain("journal"));
            await guest.IsAsync("stopped");
            await guest.HasNoProcessAsync(Hosts);
            var other = await Tenant.Api.SendAsync(HttpMethod.Post, $"/tenant/{Tenant.Uuid}/instance", new { desired = new { name = "late", mem = 96 } });
            Assert.That(other.Status, Is.EqualTo(HttpStatusCode.ServiceUnavailable));
        }
        finally
        {
            await Running.Postgres.StartAsync();
        }
        await Eventually.SeesAsync(
            "the order in the database", _ => Running.PsqlAsync($"SELECT state FROM instance WHERE uuid = '{guest.Uuid}';"),
            text => text.Contains("stopped", StringComparison.Ordinal));
    }

    [Test, Behaviour(12)]
    public async Task That_an_instance_runs_again_follows_from_the_difference_and_not_from_a_task()
    {
        var guest = await RunAsync(Ill, "phoenix");
        var first = Ill.GuestPid(guest.Uuid)!.Value;
        // Nobody is there who could note that something is to be done.
        await Running.Sparkle.KillAsync();
        await Ill.CutPowerAsync();
        Ill.StartTwilight();
        await Running.StartSparkleAsync();

        var second = await guest.RunsOnAsync(Ill);

        Assert.That(second, Is.Not.EqualTo(first));
    }

    [Test, Behaviour(14)]
    public async Task Usage_is_what_the_rows_add_up_to()
    {
        var quota = await Alicorn.CreateAsync($"/tenant/{Tenant.Uuid}/quota", new { tenant = Tenant.Uuid, type = "instances", limit = 5 });
        var path = $"/tenant/{Tenant.Uuid}/instance";
        // More at once than there is room for.
        var answers = await Task.WhenAll(Enumerable.Range(0, 12).Select(number =>
            Tenant.Api.SendAsync(HttpMethod.Post, path, new { desired = new { name = $"crowd-{number}", mem = 96 } })));
        Assert.That(answers.Count(answer => answer.Status == HttpStatusCode.Created), Is.EqualTo(5));
        Assert.That(await UsedAsync("instances"), Is.EqualTo(5));

        // Somebody with psql counts as well, and so do deletions that come twice.
        var names = (await Tenant.Api.GetAsync(path)).Properties().Select(row => row.Name).ToArray();
        await Running.PsqlAsync($"DELETE FROM instance WHERE uuid = '{names[0]}';");
        await Task.WhenAll(names.Skip(1).Concat(names.Skip(1)).Select(name => Tenant.Api.SendAsync(HttpMethod.Delete, $"{path}/{name}")));

        await Eventually.SeesAsync("usage", _ => UsedAsync("instances"), used => used == 0);
        await Tenant.Api.PostAsync(path, new { desired = new { name = "again", mem = 96 } });
        await Alicorn.DeleteAsync($"/tenant/{Tenant.Uuid}/quota/{quota}");
    }

    [Test, Behaviour(15)]
    public async Task Lists_are_answered_from_memory_and_changes_come_by_a_stream()
    {
        var guest = await OrderAsync("watched", "stopped");
        await using var watch = await Tenant.Api.WatchAsync();
        await guest.OrderAsync("running");

        var told = await watch.FindAsync(row => row["key"]?.ToString().Contains(guest.Uuid.ToString(), StringComparison.Ordinal) == true
            && row.SelectToken("current.status")?.Value<string>() == "running");
        Assert.That(told.SelectToken("desired.state")!.Value<string>(), Is.EqualTo("running"));

        await Running.Postgres.FreezeAsync();
        try
        {
            var list = await Tenant.Api.GetAsync($"/tenant/{Tenant.Uuid}/instance");
            Assert.That(list.Properties().Select(row => row.Name), Does.Contain(guest.Uuid.ToString()), "A database that hangs holds up nobody who reads.");
        }
        finally
        {
            await Running.Postgres.ThawAsync();
        }
    }
}
