using NUnit.Framework;
using PonyCloud.Shared.Entities;
using PonyCloud.Twilight.Storage;
using PonyCloud.Twilight.Tools;

namespace PonyCloud.Twilight.Tests.Storage.Files;

/// <summary>Agents that are killed at any moment of their work.</summary>
public sealed class DirPoolFaultTests : DirPoolFixture
{
    private const int MomentsPerWork = 9;
    private const int CallsMax = 9;

    public enum Work
    {
        Fill,
        Clone,
        Grow,
        Snapshot,
        Revert,
        Delete,
    }

    [Test]
    public async Task Whenever_an_agent_is_killed_the_next_one_finishes_its_work([Values] Work work, CancellationToken cancellationToken)
    {
        var random = new Random((int)work);
        for (var moment = 0; moment < MomentsPerWork; moment++)
        {
            var call = 1 + (moment * CallsMax / MomentsPerWork) + random.Next(2);
            var death = (Death)(moment % 3);
            var mortal = new MortalTools(Tools, call, death);
            IToolRunner current = mortal;
            await using var bench = new StorageBench(() => PartsOf(current), Host);
            var volume = await OrderAsync(bench.Orders, work, cancellationToken);
            await bench.UntilAsync(
                "the death of the agent, or the end of its work", () => mortal.Died.IsCompleted || IsDone(bench, work, volume));
            bench.Abandon();

            EndLeftovers();
            current = Tools;
            bench.Begin();
            await bench.UntilAsync($"{work} after a death at call {call} ({death})", () => IsDone(bench, work, volume));

            await VerifyAsync(work, volume, cancellationToken);
        }
    }

    /// <summary>Orders the work, on volumes that are there as far as it needs such.</summary>
    private async Task<VolumeDesired> OrderAsync(StorageOrderBook orders, Work work, CancellationToken cancellationToken)
    {
        var pool = orders.Pool(config: Config);
        switch (work)
        {
            case Work.Fill:
                return orders.Volume(pool, size: 32, baseVolume: (await PutAsync(orders, pool, cancellationToken)).Uuid);
            case Work.Clone:
                var (image, _) = orders.Image(pool);
                await PutAsync(ObjectName.Image(image), cancellationToken);
                return orders.Volume(pool, size: 32, baseImage: image);
            case Work.Grow:
                var small = await PutAsync(orders, pool, cancellationToken);
                return orders.Change(small with { Size = 64 });
            case Work.Snapshot:
                var whole = await PutAsync(orders, pool, cancellationToken);
                orders.Snap(whole, uuid: whole.Uuid);
                return whole;
            case Work.Revert:
                var changed = await PutAsync(orders, pool, cancellationToken);
                orders.Snap(changed, uuid: changed.Uuid);
                await ToolAsync("qemu-img", ["snapshot", "-c", changed.Uuid.ToString(), PathOf(changed)], cancellationToken);
                await Io.WriteAsync(NodeOf(changed), 2, 0x42, cancellationToken);
                return orders.Change(changed with { Revert = changed.Uuid, Reverts = 1 });
            default:
                var unwanted = await PutAsync(orders, pool, cancellationToken);
                orders.Delete(unwanted);
                return unwanted;
        }
    }

    private static bool IsDone(StorageBench bench, Work work, VolumeDesired volume) => work switch
    {
        Work.Delete => bench.Orders.Snapshot[bench.Orders.Store.Catalog["tombstone"]].Rows
            .All(row => bench.Tombstone(((TombstoneDesired)row.Desired!).Uuid)?.Status == RemovalStatus.Removed),
        Work.Snapshot => bench.Snapshot(new SnapshotDesired { Uuid = volume.Uuid, Name = "" })?.Status == StorageStatus.Ready,
        _ => bench.Volume(volume) is { Status: StorageStatus.Ready } row && row.Reverts == volume.Reverts && row.Size >= volume.Size,
    };

    private async Task VerifyAsync(Work work, VolumeDesired volume, CancellationToken cancellationToken)
    {
        if (work == Work.Delete)
        {
            Assert.That(NamesOf(volume), Is.Empty);
            return;
        }
        await IsWholeAsync(volume, cancellationToken);
        if (work is Work.Snapshot or Work.Revert)
        {
            var snapshots = await ToolAsync("qemu-img", ["snapshot", "-l", PathOf(volume)], cancellationToken);
            Assert.That(snapshots.Output.Split(volume.Uuid.ToString()), Has.Length.EqualTo(2), "once");
        }
    }
}
