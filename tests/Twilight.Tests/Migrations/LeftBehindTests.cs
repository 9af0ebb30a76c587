using NUnit.Framework;
using PonyCloud.Shared.Entities;
using PonyCloud.TestKit.Processes;
using PonyCloud.Twilight.Tests.Reconciliation;

namespace PonyCloud.Twilight.Tests.Migrations;

/// <summary>What an instance that has left leaves behind may be read by the host to which it goes, and by nobody once it is kept.</summary>
public sealed class LeftBehindTests
{
    private static readonly Guid One = Guid.Parse("00000000-0000-0000-0000-000000000001");

    [Test]
    public async Task A_ticket_is_made_when_it_has_left_and_is_gone_before_anything_is_started()
    {
        await using var bench = new ReconcilerBench();
        bench.Order(One, InstanceState.Stopped);
        await bench.UntilAsync(One, InstanceStatus.Stopped);
        Assert.That(bench.Migrations.Readable, Is.Empty);

        bench.OrderMove(One, MigrationRole.Send);
        await bench.UntilAsync("a ticket", () => bench.MoveOf(One) is { Status: HostMigrationStatus.Left, Ticket: not null });
        Assert.That(bench.Migrations.Readable, Is.EquivalentTo([One]));

        // Somebody reads, and does not end at once when that is cut.
        bench.Migrations.Read(One);
        var before = bench.Hypervisor.Calls.Count;
        bench.Order(One, InstanceState.Running);
        bench.OrderMove(One, MigrationRole.Keep);
        await bench.UntilAsync("it waits", () => bench.RowOf(One)?.Why?.Contains("reads") == true);
        Assert.That(bench.Migrations.Readable, Is.Empty, "cut");
        Assert.That(bench.MoveOf(One)!.Ticket, Is.Null);
        Assert.That(bench.Hypervisor.Calls.Skip(before).Where(IsChange), Is.Empty);

        bench.Migrations.Read();
        await bench.UntilAsync(One, InstanceStatus.Running);
    }

    [Test]
    public async Task Whoever_reads_is_cut_while_the_hypervisor_is_away()
    {
        await using var bench = new ReconcilerBench();
        bench.Order(One, InstanceState.Stopped);
        bench.OrderMove(One, MigrationRole.Send);
        await bench.UntilAsync("a ticket", () => bench.MoveOf(One) is { Status: HostMigrationStatus.Left, Ticket: not null });

        bench.Hypervisor.Disconnect("it was killed");
        bench.OrderMove(One, MigrationRole.Keep);

        await Eventually.HoldsAsync("cut", () => bench.Migrations.Readable.Count == 0);
    }

    private static bool IsChange(string call) =>
        call.StartsWith("start", StringComparison.Ordinal) || call.StartsWith("define", StringComparison.Ordinal) || call.StartsWith("mark", StringComparison.Ordinal);
}
