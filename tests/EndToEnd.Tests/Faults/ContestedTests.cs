using Newtonsoft.Json.Linq;
using NUnit.Framework;
using PonyCloud.TestKit.Processes;

namespace PonyCloud.EndToEnd.Tests.Faults;

/// <summary>Two processes with one uuid and one key, such as of a machine that was cloned: who was there first stays.</summary>
public sealed class ContestedTests : FaultFixture
{
    [Test]
    public async Task A_second_Twilight_is_refused_as_long_as_the_first_lives_and_takes_over_when_it_dies()
    {
        var (kept, pid) = await RunAsync();
        var (other, _) = await RunAsync();
        var report = ReportOf(await HostIsAsync("present"));

        await using (var second = Running.StartAnotherTwilight())
        {
            await second.WaitForLineAsync("that it is refused", line => line.Contains("(taken)", StringComparison.Ordinal));
            await Eventually.SeesAsync("the event", _ => EventsAsync("host-contested"), count => count > 0);
            Assert.That(ReportOf(await HostIsAsync("present")), Is.EqualTo(report));
            await other.OrderAsync("stopped");
            await other.IsAsync("stopped");

            await Running.Twilight.KillAsync();
            await other.OrderAsync("running");
            await other.RunsAsync();
            await second.WaitForLineAsync("that it is taken", line => line.Contains("Sparkle takes this machine for the host", StringComparison.Ordinal));
            Assert.That((kept.GuestPid, kept.Boots), Is.EqualTo((pid, 1)));
        }

        Running.StartTwilight();
        await DeleteAsync(kept, other);
    }

    [Test]
    public async Task What_the_second_would_report_is_never_shown_before_the_first_is_dead()
    {
        var identity = await LinkHost.DeclareAsync(Running);
        var endpoint = $"tcp://127.0.0.1:{Running.MessagingPort}";
        await using var first = LinkHost.Start(Running, identity, endpoint, "first");
        await HostIsAsync("present", identity.Uuid);
        await using var second = LinkHost.Start(Running, identity, endpoint, "second");
        await Eventually.SeesAsync(
            "the second to be refused, and refused again",
            async _ =>
            {
                Assert.That(await KernelAsync(identity.Uuid), Is.EqualTo("first"));
                return second.Refusal == "taken" && await EventsAsync("host-contested", identity.Uuid) > 1;
            },
            refused => refused);

        await first.DisposeAsync();
        await Eventually.SeesAsync("the second to be heard", _ => KernelAsync(identity.Uuid), kernel => kernel == "second");
        Assert.That(second.Refusal, Is.Null);
    }

    private async Task<string?> KernelAsync(Guid host) =>
        (await Running.Alicorn.GetAsync($"/host/{host}")).SelectToken("current.kernel")?.Value<string>();
}
