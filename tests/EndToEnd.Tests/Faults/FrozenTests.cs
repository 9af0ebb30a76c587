using NUnit.Framework;
using PonyCloud.EndToEnd.Tests.Platform;
using PonyCloud.TestKit.Processes;

namespace PonyCloud.EndToEnd.Tests.Faults;

/// <summary>A daemon that is stopped for a while and goes on, as on a machine that was paused or is short of memory.</summary>
public sealed class FrozenTests : FaultFixture
{
    [Test]
    public async Task A_frozen_Twilight_is_shown_with_its_age_and_catches_up_when_it_thaws()
    {
        var (kept, pid) = await RunAsync();
        var (stopped, _) = await RunAsync();
        var report = ReportOf(await HostIsAsync("present"));

        await Running.Twilight.SignalAsync(ProcessSignal.Stop);
        var host = await HostIsAsync("unreachable");
        Assert.That(host.SelectToken("current.last_seen")?.ToString(), Is.Not.Null.And.Not.Empty);
        Assert.That(ReportOf(host), Is.EqualTo(report));
        var old = await kept.GetAsync();
        Assert.That(RunningInstance.Status(old), Is.EqualTo("running"));
        Assert.That(old.SelectToken("current.stale_since")?.ToString(), Is.Not.Null.And.Not.Empty);
        await stopped.OrderAsync("stopped");
        var made = await Running.CreateAsync();

        await Running.Twilight.SignalAsync(ProcessSignal.Continue);

        await stopped.IsAsync("stopped");
        await made.RunsAsync();
        await HostIsAsync("present");
        Assert.That((await kept.IsAsync("running")).SelectToken("current.stale_since")?.ToString(), Is.Null.Or.Empty);
        Assert.That((kept.GuestPid, kept.Boots), Is.EqualTo((pid, 1)));
        await DeleteAsync(kept, stopped, made);
    }

    [Test]
    public async Task A_Sparkle_that_was_frozen_until_its_lease_ended_goes_on_where_nobody_has_replaced_it()
    {
        var (kept, pid) = await RunAsync();
        var (stopped, _) = await RunAsync();
        var epoch = await EpochAsync();

        await Running.Sparkle.SignalAsync(ProcessSignal.Stop);
        await Eventually.SeesAsync(
            "the lease to end",
            _ => NumberAsync("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted;"),
            locks => locks == 0);
        await Running.PsqlAsync($"UPDATE instance SET state = 'stopped' WHERE uuid = '{stopped.Uuid}';");
        Assert.That(stopped.GuestPid, Is.Not.Null);

        await Running.Sparkle.SignalAsync(ProcessSignal.Continue);

        await stopped.IsAsync("stopped");
        await HostIsAsync("present");
        await kept.IsAsync("running");
        Assert.That((kept.GuestPid, kept.Boots), Is.EqualTo((pid, 1)));
        Assert.That(await EpochAsync(), Is.EqualTo(epoch));
        // Writes are taken again, and reach the host.
        await Eventually.SeesAsync(
            "a write to be taken",
            _ => Running.Owner.TryReplaceAsync(stopped.Path, "state", "running"),
            answer => (int)answer.Status is >= 200 and < 300);
        await stopped.IsAsync("running");
        await DeleteAsync(kept, stopped);
    }
}
