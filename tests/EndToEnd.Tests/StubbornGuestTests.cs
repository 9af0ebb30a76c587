using NUnit.Framework;
using PonyCloud.EndToEnd.Tests.Platform;
using PonyCloud.TestKit.Guests;

namespace PonyCloud.EndToEnd.Tests;

/// <summary>A guest that does not react to its power button is still only a guest.</summary>
public sealed class StubbornGuestTests() : PlatformFixture(PowerButton.Ignored)
{
    [Test]
    public async Task A_delete_is_obeyed_while_the_guest_is_stopping()
    {
        // An hour to shut down, which nobody waits for.
        var instance = await Running.CreateAsync();
        await instance.RunsAsync();
        await instance.OrderAsync("stopped");
        await instance.IsAsync("stopping");
        Assert.That(instance.GuestPid, Is.Not.Null);

        await instance.DeleteAsync();

        Assert.That(await instance.IsShownAsync(), Is.False);
        await instance.HasNoDomainAsync();
    }

    [Test]
    public async Task The_power_is_cut_when_the_time_to_shut_down_is_over()
    {
        var instance = await Running.CreateAsync(stopTimeout: 1);
        await instance.RunsAsync();

        await instance.OrderAsync("stopped");

        await instance.IsAsync("stopped");
        Assert.That(instance.GuestPid, Is.Null);
        await instance.DeleteAsync();
        await instance.HasNoDomainAsync();
    }

    [Test]
    public async Task A_start_withdraws_a_stop_and_the_guest_goes_on()
    {
        var instance = await Running.CreateAsync();
        await instance.RunsAsync();
        var pid = instance.GuestPid;
        await instance.OrderAsync("stopped");
        await instance.IsAsync("stopping");

        await instance.OrderAsync("running");

        await instance.IsAsync("running");
        Assert.That(instance.GuestPid, Is.EqualTo(pid), "the guest never powered off, so nothing had to be started");
        await instance.DeleteAsync();
        await instance.HasNoDomainAsync();
    }
}
