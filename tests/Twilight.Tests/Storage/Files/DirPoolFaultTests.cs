using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging.Abstractions;
using NUnit.Framework;
using PonyCloud.Shared.Entities;
using PonyCloud.TestKit.Processes;
using PonyCloud.TestKit.Storage;
using PonyCloud.Twilight.Storage;
using PonyCloud.Twilight.Storage.Copying;
using PonyCloud.Twilight.Storage.Files;
using PonyCloud.Twilight.Tools;

namespace PonyCloud.Twilight.Tests.Storage.Files;

/// <summary>The reconciler on a directory of this machine, while agents are killed and others meddle.</summary>
[CancelAfter(300_000)]
public sealed class DirPoolFaultTests
{
    private const int MomentsPerWork = 9;
    private const int CallsMax = 9;

    private readonly Guid _host = Guid.NewGuid();
    private TemporaryDirectory _home = null!;
    private ToolRunner _tools = null!;
    private QemuIo _io = null!;

    public enum Work
    {
        Fill,
        Clone,
        Grow,
        Snapshot,
        Revert,
        Delete,
    }

    private string Directory => _home["pool"];

    [SetUp]
    public void Make()
    {
        _home = new TemporaryDirectory("dir-faults");
        System.IO.Directory.CreateDirectory(Directory);
        _tools = new ToolRunner(_host, TimeProvider.System, NullLogger<ToolRunner>.Instance);
        _io = new QemuIo(_tools);
    }

    [TearDown]
    public void Remove()
    {
        new LeftoverTools(_host, NullLogger<LeftoverTools>.Instance).End();
        _home.Dispose();
    }

    [Test]
    public async Task Whenever_an_agent_is_killed_the_next_one_finishes_its_work([Values] Work work, CancellationToken cancellationToken)
    {
        var random = new Random((int)work);
        for (var moment = 0; moment < MomentsPerWork; moment++)
        {
            var call = 1 + (moment * CallsMax / MomentsPerWork) + random.Next(2);
            var death = (Death)(moment % 3);
            var mortal = new MortalTools(_tools, call, death);
            IToolRunner current = mortal;
            await using var bench = new StorageBench(() => PartsOf(current), _host);
            var pool = bench.Orders.Pool(config: $$"""{"path":"{{Directory}}"}""");
            var volume = await OrderAsync(bench, pool, work, cancellationToken);
            await bench.UntilAsync("the death of the agent, or the end of its work", () => mortal.Died.IsCompleted || IsDone(bench, work, volume));
            bench.Abandon();

            new LeftoverTools(_host, NullLogger<LeftoverTools>.Instance).End();
            current = _tools;
            bench.Begin();
            await bench.UntilAsync($"{work} after a death at call {call} ({death})", () => IsDone(bench, work, volume));
            await Eventually.HoldsAsync("no partial", () => NamesOf(volume).All(name => !name.Contains("partial", StringComparison.Ordinal)));

            await VerifyAsync(work, volume, cancellationToken);
        }
    }

    private static StorageParts PartsOf(IToolRunner tools) => new([new DirDriver(tools)], new VolumeCopier(tools, TimeProvider.System));

    /// <summary>Orders the work, on volumes that are there as far as it needs such.</summary>
    private async Task<VolumeDesired> OrderAsync(StorageBench bench, Guid pool, Work work, CancellationToken cancellationToken)
    {
        var orders = bench.Orders;
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
                await _io.WriteAsync(NodeOf(changed), 2, 0x42, cancellationToken);
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
        Assert.That(NamesOf(volume), Is.EqualTo(new[] { Path.GetFileName(PathOf(volume)) }));
        Assert.That(await _io.HoldsAsync(NodeOf(volume), 2, 0x41, cancellationToken), Is.True);
        Assert.That(await _io.HoldsAsync(NodeOf(volume), volume.Size - 1, 0, cancellationToken), Is.True);
        // 3 is that some of the space is not used by anything: harmless.
        await _tools.RunAsync(new ToolCall("qemu-img", "check", "-q", "-f", "qcow2", PathOf(volume)) { Accepted = [0, 3] }, cancellationToken);
        if (work is Work.Snapshot or Work.Revert)
        {
            var snapshots = await _tools.RunAsync(new ToolCall("qemu-img", "snapshot", "-l", PathOf(volume)), cancellationToken);
            Assert.That(snapshots.Output.Split(volume.Uuid.ToString()), Has.Length.EqualTo(2), "once");
        }
    }

    /// <summary>A volume of 16 MiB with 0x41 in its third.</summary>
    private async Task<VolumeDesired> PutAsync(StorageOrderBook orders, Guid pool, CancellationToken cancellationToken)
    {
        var volume = orders.Volume(pool, content: VolumeContent.Made);
        await PutAsync(ObjectName.Volume(volume.Uuid, 1), cancellationToken);
        return volume;
    }

    private async Task PutAsync(ObjectName name, CancellationToken cancellationToken)
    {
        var template = _home["template"];
        if (!File.Exists(template))
        {
            await ToolAsync("qemu-img", ["create", "-q", "-f", "qcow2", template, "16M"], cancellationToken);
            await _io.WriteAsync(NodeOf(template), 2, 0x41, cancellationToken);
        }
        File.Copy(template, Path.Combine(Directory, name.ToString()));
    }

    private Task<ToolResult> ToolAsync(string tool, string[] arguments, CancellationToken cancellationToken) =>
        _tools.RunAsync(new ToolCall(tool, arguments), cancellationToken);

    private string[] NamesOf(VolumeDesired volume) =>
        [.. System.IO.Directory.EnumerateFiles(Directory, $"volume-{volume.Uuid}*").Select(path => Path.GetFileName(path))];

    private string PathOf(VolumeDesired volume) => Path.Combine(Directory, ObjectName.Volume(volume.Uuid, volume.Generation).ToString());

    private BlockNode NodeOf(VolumeDesired volume) => NodeOf(PathOf(volume));

    private static BlockNode NodeOf(string path) => new(new JsonObject
    {
        ["driver"] = "qcow2",
        ["file"] = new JsonObject { ["driver"] = "file", ["filename"] = path },
    })
    {
        Path = path,
    };
}
