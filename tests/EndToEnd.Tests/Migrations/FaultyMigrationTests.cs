using System.Globalization;
using NUnit.Framework;
using PonyCloud.EndToEnd.Tests.Networks;
using PonyCloud.TestKit.Processes;

namespace PonyCloud.EndToEnd.Tests.Migrations;

/// <summary>
/// Whatever dies while an instance moves with a volume that only its host has, afterwards exactly one copy of it runs, it is the one that
/// ran before, and all that it wrote is on the volume.
/// </summary>
public sealed class FaultyMigrationTests : MigrationFixture
{
    /// <summary>How many there are, for those who want more of them than a run of all tests has time for.</summary>
    private const string CountVariable = "PONYCLOUD_MIGRATIONS";

    // Each of what may happen once; at which moment differs from run to run.
    private const int CountByDefault = 7;

    private static int Count =>
        int.TryParse(Environment.GetEnvironmentVariable(CountVariable), CultureInfo.InvariantCulture, out var count) ? count : CountByDefault;

    /// <summary>What may happen, and how it ends.</summary>
    private IReadOnlyList<(string Name, Func<CloudHost, CloudHost, Task> Begin, Func<CloudHost, CloudHost, Task> End)> Faults =>
    [
        ("the agent of the source dies", (from, _) => from.KillTwilightAsync(), (from, _) => StartTwilightAsync(from)),
        ("the agent of the destination dies", (_, to) => to.KillTwilightAsync(), (_, to) => StartTwilightAsync(to)),
        ("the controller dies", (_, _) => Running.Sparkle.KillAsync(), (_, _) => Running.StartSparkleAsync()),
        ("libvirt of the source dies", (from, _) => from.KillLibvirtdAsync(), (_, _) => Task.CompletedTask),
        ("libvirt of the destination dies", (_, to) => to.KillLibvirtdAsync(), (_, _) => Task.CompletedTask),
        ("the link of the source is cut", (from, _) => SetLinkAsync(from, "down"), (from, _) => SetLinkAsync(from, "up")),
        ("the link of the destination is cut", (_, to) => SetLinkAsync(to, "down"), (_, to) => SetLinkAsync(to, "up")),
    ];

    [Test]
    public async Task Whatever_dies_on_the_way_one_copy_runs_and_none_is_lost()
    {
        var seed = Environment.TickCount;
        var chance = new Random(seed);
        TestContext.Out.WriteLine($"Seed {seed}");
        var faults = Faults;
        for (var i = 0; i < Count; i++)
        {
            var instance = await CounterAsync(Hosts[i % 2], $"guest-{i}");
            await using var counting = new Counting(instance, Hosts);
            var volume = await DiskAsync(instance, Hosts[i % 2]);
            var (from, to) = (Hosts[i % 2], Hosts[1 - (i % 2)]);
            var fault = faults[i < faults.Count ? i : chance.Next(faults.Count)];

            await OrderAsync(instance, to);
            var moment = counting.Last + chance.Next(0, 30);
            await Task.WhenAny(
                Eventually.HoldsAsync("the moment", () => counting.Last >= moment, Patience), IsSettledAsync(instance));
            TestContext.Out.WriteLine($"{i}: {fault.Name} at {counting.Last}");
            await fault.Begin(from, to);
            await fault.End(from, to);

            await IsSettledAsync(instance);
            await Eventually.SeesAsync(
                "it to run", _ => RowAsync(instance), row => row.SelectToken("current.status")?.ToString() == "running", Patience);
            await Eventually.HoldsAsync("one copy", () => HoldersOf(instance).Length == 1, Patience);
            var then = counting.Last;
            await Eventually.HoldsAsync($"it to count on after {fault.Name}", () => counting.Last > then, Patience);
            Assert.That(counting.BeganAnew, Is.False, fault.Name);
            await LostNothingAsync(instance, volume, counting);
            await Tenant.Api.DeleteAsync(PathOf(Tenant.Uuid, instance));
        }
    }

    private Task<string> SetLinkAsync(CloudHost host, string state) => Site.RunAsync("ip", "link", "set", $"{Core}{host.Number}", state);

    private static Task StartTwilightAsync(CloudHost host)
    {
        host.StartTwilight();
        return Task.CompletedTask;
    }
}
