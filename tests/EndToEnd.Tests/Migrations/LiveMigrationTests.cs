using NUnit.Framework;
using PonyCloud.TestKit.Processes;

namespace PonyCloud.EndToEnd.Tests.Migrations;

/// <summary>An instance goes on counting while it moves from host to host.</summary>
public sealed class LiveMigrationTests : MigrationFixture
{
    [Test]
    public async Task A_guest_counts_on_without_a_gap_while_it_moves()
    {
        var instance = await CounterAsync(Hosts[0], "mover");
        await using var counting = new Counting(instance, Hosts);
        await Eventually.HoldsAsync("it to count", () => counting.Last > 5);

        await OrderAsync(instance, Hosts[1]);
        await IsSettledAsync(instance);

        Assert.That(HoldersOf(instance), Is.EqualTo(new[] { Hosts[1] }));
        var then = counting.Last;
        await Eventually.HoldsAsync("it to count on", () => counting.Last > then + 5);
        // What it wrote before came with it.
        var numbers = counting.Numbers(Hosts[1]);
        Assert.That(numbers, Is.EqualTo(Enumerable.Range(0, numbers.Count)), "one after the other, none twice and none left out");
        Assert.That(counting.BeganAnew, Is.False);
        Assert.That((await RowAsync(instance)).SelectToken("current.status")!.ToString(), Is.EqualTo("running"));
        await Eventually.SeesAsync(
            "the event", _ => Tenant.Api.GetAsync($"{PathOf(Tenant.Uuid, instance)}/event"),
            rows => rows.Properties().Any(row => row.Value.SelectToken("desired.type")!.ToString() == "instance-migrated"));
        await Tenant.Api.DeleteAsync(PathOf(Tenant.Uuid, instance));
    }

    [Test]
    public async Task A_migration_is_withdrawn_at_any_moment_and_the_guest_goes_on()
    {
        var instance = await CounterAsync(Hosts[0], "hesitant");
        await using var counting = new Counting(instance, Hosts);
        await Eventually.HoldsAsync("it to count", () => counting.Last > 5);
        var chance = new Random(16);
        for (var i = 0; i < 5; i++)
        {
            var to = HoldersOf(instance).Single() == Hosts[0] ? Hosts[1] : Hosts[0];
            await OrderAsync(instance, to);
            // The moment is what differs: nothing of the order is waited for.
            var until = counting.Last + chance.Next(0, 20);
            await Eventually.HoldsAsync("the moment", () => counting.Last >= until);
            // It may have been carried out by then.
            await Alicorn.SendAsync(HttpMethod.Delete, $"/migration/{instance}");
            await IsSettledAsync(instance);
            await Eventually.HoldsAsync("one copy", () => HoldersOf(instance).Length == 1);
            var then = counting.Last;
            await Eventually.HoldsAsync("it to count on", () => counting.Last > then);
        }
        Assert.That(counting.BeganAnew, Is.False);
        await Tenant.Api.DeleteAsync(PathOf(Tenant.Uuid, instance));
    }
}
