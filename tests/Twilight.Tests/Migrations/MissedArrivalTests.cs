using NUnit.Framework;
using PonyCloud.Shared.Entities;
using PonyCloud.TestKit.Processes;
using PonyCloud.Twilight.Tests.Reconciliation;

namespace PonyCloud.Twilight.Tests.Migrations;

/// <summary>What was made for an instance that was to come is kept while it may come, and goes when it does not.</summary>
public sealed class MissedArrivalTests
{
    private static readonly Guid One = Guid.Parse("00000000-0000-0000-0000-000000000001");

    [Test]
    public async Task What_was_made_for_one_that_does_not_come_goes()
    {
        await using var bench = new ReconcilerBench();
        bench.OrderElsewhere(One);
        bench.OrderMove(One, MigrationRole.Receive);
        await bench.UntilAsync("a ticket", () => bench.MoveOf(One)?.Ticket is not null);
        Assert.That(bench.Forgotten.Instances, Is.Empty, "it may yet come");

        bench.WithdrawMove(One);
        await Eventually.HoldsAsync("it is forgotten", () => bench.Forgotten.Instances.Contains(One));
        Assert.That(bench.Migrations.Expected, Is.Empty, "nobody can come in any more who would have it made again");
    }

    /// <summary>From then on it goes with the instance.</summary>
    [Test]
    public async Task What_was_made_for_one_that_has_its_place_here_stays()
    {
        await using var bench = new ReconcilerBench();
        bench.OrderElsewhere(One);
        bench.OrderMove(One, MigrationRole.Receive);
        await bench.UntilAsync("a ticket", () => bench.MoveOf(One)?.Ticket is not null);

        bench.Order(One, InstanceState.Stopped);
        bench.WithdrawMove(One);
        await bench.UntilAsync(One, InstanceStatus.Stopped);
        Assert.That(bench.Forgotten.Instances, Is.Empty);

        bench.Order(One, null);
        await Eventually.HoldsAsync("it is forgotten", () => bench.Forgotten.Instances.Contains(One));
    }
}
