using NUnit.Framework;
using PonyCloud.EndToEnd.Tests.Networks;
using PonyCloud.TestKit.Processes;

namespace PonyCloud.EndToEnd.Tests.Migrations;

/// <summary>An instance moves with a volume that only its host has, on or off, and no write is lost.</summary>
public sealed class DiskMigrationTests : MigrationFixture
{
    [Test]
    public async Task A_guest_that_writes_moves_there_and_back_with_its_volume()
    {
        var instance = await CounterAsync(Hosts[0], "writer");
        await using var counting = new Counting(instance, Hosts);
        var volume = await DiskAsync(instance, Hosts[0]);

        foreach (var (from, to) in new[] { (Hosts[0], Hosts[1]), (Hosts[1], Hosts[0]) })
        {
            await OrderAsync(instance, to);
            await IsSettledAsync(instance);
            Assert.That(HoldersOf(instance), Is.EqualTo(new[] { to }));
            var then = counting.Last;
            await Eventually.HoldsAsync("it to count on", () => counting.Last > then + 5, Patience);
            await IsOnlyAtAsync(volume, from, to);
        }

        Assert.That(counting.BeganAnew, Is.False);
        await LostNothingAsync(instance, volume, counting);
        await Tenant.Api.DeleteAsync(PathOf(Tenant.Uuid, instance));
    }

    [Test]
    public async Task An_instance_that_is_off_moves_with_its_volume_and_starts_there()
    {
        var instance = await CounterAsync(Hosts[0], "sleeper");
        await using var counting = new Counting(instance, Hosts);
        var volume = await DiskAsync(instance, Hosts[0]);
        await LostNothingAsync(instance, volume, counting);
        var before = await LoggedAsync(volume);

        await OrderAsync(instance, Hosts[1]);
        await IsSettledAsync(instance);

        await IsOnlyAtAsync(volume, Hosts[0], Hosts[1]);
        Assert.That(await LoggedAsync(volume), Is.EqualTo(before));
        await Tenant.Api.ReplaceAsync(PathOf(Tenant.Uuid, instance), "state", "running");
        await Eventually.HoldsAsync("it to start", () => HoldersOf(instance) is [var holder] && holder == Hosts[1], Patience);

        // With its snapshots a volume is more than a copy of it would be.
        await Tenant.Api.CreateAsync($"/tenant/{Tenant.Uuid}/volume/{volume}/snapshot", new { name = "kept" });
        await OrderAsync(instance, Hosts[0]);
        await Eventually.SeesAsync(
            "why it stays", _ => Alicorn.GetAsync($"/migration/{instance}"),
            row => row.SelectToken("current.why")?.ToString().Contains("snapshot", StringComparison.Ordinal) == true, Patience);
        await WithdrawAsync(instance);
        await IsSettledAsync(instance);
        Assert.That(HoldersOf(instance), Is.EqualTo(new[] { Hosts[1] }));
        await Tenant.Api.DeleteAsync(PathOf(Tenant.Uuid, instance));
    }

    [Test]
    public async Task Withdrawn_at_any_moment_the_guest_goes_on_writing_and_no_copy_stays()
    {
        var instance = await CounterAsync(Hosts[0], "hesitant");
        await using var counting = new Counting(instance, Hosts);
        var volume = await DiskAsync(instance, Hosts[0]);
        var chance = new Random(17);
        for (var i = 0; i < 4; i++)
        {
            var (from, to) = HoldersOf(instance).Single() == Hosts[0] ? (Hosts[0], Hosts[1]) : (Hosts[1], Hosts[0]);
            await OrderAsync(instance, to);
            var until = counting.Last + chance.Next(0, 30);
            await Eventually.HoldsAsync("the moment", () => counting.Last >= until, Patience);
            // It may have been carried out by then.
            await Alicorn.SendAsync(HttpMethod.Delete, $"/migration/{instance}");
            await IsSettledAsync(instance);
            await Eventually.HoldsAsync("one copy", () => HoldersOf(instance).Length == 1, Patience);
            var holder = HoldersOf(instance).Single();
            await IsOnlyAtAsync(volume, holder == from ? to : from, holder);
        }
        Assert.That(counting.BeganAnew, Is.False);
        await LostNothingAsync(instance, volume, counting);
        await Tenant.Api.DeleteAsync(PathOf(Tenant.Uuid, instance));
    }

    private async Task IsOnlyAtAsync(Guid volume, CloudHost not, CloudHost at)
    {
        await Eventually.HoldsAsync($"host {not.Number} to have nothing of it", () => FilesOf(volume, not).Length == 0, Patience);
        Assert.That(FilesOf(volume, at), Has.Length.EqualTo(1), string.Join(", ", FilesOf(volume, at)));
        await Eventually.SeesAsync(
            "its keeper", _ => Alicorn.GetAsync($"/host/{at.Uuid}/volume/{volume}"), row => row.SelectToken("current.status")?.ToString() == "ready", Patience);
    }
}
