using NUnit.Framework;
using PonyCloud.EndToEnd.Tests.Platform;
using PonyCloud.TestKit.Processes;

namespace PonyCloud.EndToEnd.Tests;

/// <summary>Parts that are killed come back and find everything as it was; the instances never notice.</summary>
public sealed class CrashTests : PlatformFixture
{
    private RunningInstance _instance = null!;
    private int _pid;

    [SetUp]
    public async Task RunAnInstanceAsync()
    {
        _instance = await Running.CreateAsync();
        await _instance.RunsAsync();
        _pid = _instance.GuestPid!.Value;
    }

    [TearDown]
    public async Task DeleteItAsync()
    {
        await _instance.DeleteAsync();
        await _instance.HasNoDomainAsync();
    }

    [Test]
    public async Task A_killed_Twilight_finds_its_instances_running_and_restarts_none()
    {
        await Running.Twilight.KillAsync();
        Assert.That(_instance.GuestPid, Is.EqualTo(_pid));

        Running.StartTwilight();

        // An order that only the new Twilight can have carried out shows that it is at work.
        await ProveAtWorkAsync();
        await _instance.IsAsync("running");
        AssertUntouched();
    }

    [Test]
    public async Task What_was_ordered_while_Twilight_was_dead_is_carried_out_when_it_is_back()
    {
        await Running.Twilight.KillAsync();
        await _instance.OrderAsync("stopped");
        Assert.That(_instance.GuestPid, Is.EqualTo(_pid));

        Running.StartTwilight();

        await _instance.IsAsync("stopped");
        Assert.That(_instance.GuestPid, Is.Null);
    }

    [Test]
    public async Task A_killed_Sparkle_has_both_states_again_and_no_instance_was_touched()
    {
        await Running.Sparkle.KillAsync();
        Assert.That(_instance.GuestPid, Is.EqualTo(_pid));

        await Running.StartSparkleAsync();

        var row = await _instance.IsAsync("running");
        Assert.That(row.SelectToken("desired.state")?.ToString(), Is.EqualTo("running"));
        await Running.HostIsPresentAsync();
        await ProveAtWorkAsync();
        AssertUntouched();
    }

    [Test]
    public async Task Both_killed_at_once_come_back_without_touching_an_instance()
    {
        await Task.WhenAll(Running.Sparkle.KillAsync(), Running.Twilight.KillAsync());

        Running.StartTwilight();
        await Running.StartSparkleAsync();

        await ProveAtWorkAsync();
        await _instance.IsAsync("running");
        AssertUntouched();
    }

    [Test]
    public async Task A_killed_libvirtd_is_found_again_and_no_instance_was_touched()
    {
        await Running.Libvirtd.KillDaemonAsync();

        await ProveAtWorkAsync();
        await _instance.IsAsync("running");
        AssertUntouched();
    }

    [Test]
    public async Task A_guest_that_is_killed_is_not_shown_as_running_any_more()
    {
        // Ordered to run, it is started anew or shown as crashed; what it must not be is the same and running.
        await ChildProcess.SendAsync(_pid, ProcessSignal.Kill);
        await Eventually.SeesAsync(
            "the crash to show", _ => _instance.GetAsync(), row => RunningInstance.Status(row) != "running" || _instance.GuestPid is { } pid && pid != _pid);
    }

    [Test]
    public async Task Both_daemons_end_cleanly_when_asked_and_leave_instances_alone()
    {
        Assert.That(await Running.Twilight.StopAsync(), Is.Zero);
        Assert.That(await Running.Sparkle.StopAsync(), Is.Zero);
        Assert.That(_instance.GuestPid, Is.EqualTo(_pid));

        await Running.StartSparkleAsync();
        Running.StartTwilight();
        await ProveAtWorkAsync();
        AssertUntouched();
    }

    private async Task ProveAtWorkAsync()
    {
        var witness = await Running.CreateAsync();
        await witness.RunsAsync();
        await witness.DeleteAsync();
        await witness.HasNoDomainAsync();
    }

    private void AssertUntouched()
    {
        Assert.That(_instance.GuestPid, Is.EqualTo(_pid));
        Assert.That(_instance.Boots, Is.EqualTo(1));
    }
}
