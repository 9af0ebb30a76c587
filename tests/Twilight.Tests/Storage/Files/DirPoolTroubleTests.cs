using Microsoft.Extensions.Logging.Abstractions;
using NUnit.Framework;
using PonyCloud.Shared.Entities;
using PonyCloud.TestKit.Processes;
using PonyCloud.Twilight.Tools;

namespace PonyCloud.Twilight.Tests.Storage.Files;

/// <summary>What goes wrong with a real directory: it is full, others meddle, orders change while tools run.</summary>
public sealed class DirPoolTroubleTests : DirPoolFixture
{
    [Test]
    public async Task A_deletion_during_a_copy_is_obeyed_within_seconds(CancellationToken cancellationToken)
    {
        var slow = new SlowTools(Tools);
        await using var bench = new StorageBench(() => PartsOf(slow), Host);
        var pool = bench.Orders.Pool(config: Config);
        var from = await PutAsync(bench.Orders, pool, cancellationToken);
        var volume = bench.Orders.Volume(pool, baseVolume: from.Uuid);
        await bench.UntilAsync("the copy", () => slow.IsCopying);

        var tombstone = bench.Orders.Delete(volume);
        await bench.UntilAsync(
            "the removal", () => bench.Tombstone(tombstone)?.Status == RemovalStatus.Removed, within: TimeSpan.FromSeconds(5));

        Assert.That(NamesOf(volume), Is.Empty);
        await IsWholeAsync(from, cancellationToken);
    }

    [Test]
    public async Task Two_hosts_that_fill_the_same_volume_make_one_of_it(CancellationToken cancellationToken)
    {
        var otherHost = Guid.NewGuid();
        var otherTools = new ToolRunner(otherHost, TimeProvider.System, NullLogger<ToolRunner>.Instance);
        await using var one = new StorageBench(() => PartsOf(Tools), Host);
        await using var other = new StorageBench(() => PartsOf(otherTools), otherHost);
        var pool = one.Orders.Pool(config: Config, shareable: true);
        other.Orders.Pool(config: Config, shareable: true, uuid: pool);
        var from = await PutAsync(one.Orders, pool, cancellationToken);
        other.Orders.Volume(pool, content: VolumeContent.Made, uuid: from.Uuid);
        for (var round = 0; round < 5; round++)
        {
            var volume = one.Orders.Volume(pool, baseVolume: from.Uuid);
            other.Orders.Volume(pool, baseVolume: from.Uuid, uuid: volume.Uuid);

            await Task.WhenAll(one.ReadyAsync(volume), other.ReadyAsync(volume));

            await IsWholeAsync(volume, cancellationToken);
        }
    }

    [TestCase(128, "create")]
    [TestCase(512, "the tables of the source")]
    [TestCase(2048, "the first data")]
    [TestCase(12288, "the last data")]
    public async Task A_pool_that_gets_full_says_so_and_the_work_is_done_when_there_is_room(
        int kib, string during, CancellationToken cancellationToken)
    {
        using var tight = new TemporaryDirectory("tight-pool");
        await ToolAsync("mount", ["-t", "tmpfs", "-o", $"size={kib}k", "tmpfs", tight.Path], cancellationToken);
        try
        {
            await using var bench = new StorageBench(() => PartsOf(Tools), Host);
            var roomy = bench.Orders.Pool(config: Config);
            var pool = bench.Orders.Pool(config: $$"""{"path":"{{tight.Path}}"}""");
            var from = await PutAsync(bench.Orders, roomy, cancellationToken);
            for (var mib = 3; mib < 15; mib++)
                await Io.WriteAsync(NodeOf(from), mib, 0x41, cancellationToken);
            var volume = bench.Orders.Volume(pool, baseVolume: from.Uuid);
            await bench.UntilAsync($"a reason during {during}", () => bench.Volume(volume)?.Status == StorageStatus.Broken);
            Assert.That(bench.Volume(volume)!.Why, Does.Contain("No space left on device"));
            Assert.That(bench.Volume(volume)!.Generation, Is.Null);

            await ToolAsync("mount", ["-o", "remount,size=64M", tight.Path], cancellationToken);
            await bench.ReadyAsync(volume);

            Assert.That(System.IO.Directory.EnumerateFiles(tight.Path).Count(), Is.EqualTo(1));
            var copy = Path.Combine(tight.Path, Path.GetFileName(PathOf(volume)));
            var compared = await ToolAsync("qemu-img", ["compare", "-q", PathOf(from), copy], cancellationToken);
            Assert.That(compared.ExitCode, Is.Zero);
        }
        finally
        {
            await ToolAsync("umount", [tight.Path], CancellationToken.None);
        }
    }

    [Test]
    public async Task A_file_that_somebody_deletes_is_lost_and_not_made_anew(CancellationToken cancellationToken)
    {
        await using var bench = new StorageBench(() => PartsOf(Tools), Host);
        var pool = bench.Orders.Pool(config: Config);
        var volume = await bench.MadeAsync(pool);
        await bench.UntilAsync("the volume", () => bench.Volume(volume)?.Status == StorageStatus.Ready);
        await bench.EndAsync();

        File.Delete(PathOf(volume));
        bench.Begin();
        await bench.UntilAsync("the loss", () => bench.Volume(volume)?.Status == StorageStatus.Broken);
        var next = await bench.MadeAsync(pool);

        Assert.That(NamesOf(volume), Is.Empty);
        Assert.That(NamesOf(next), Has.Length.EqualTo(1));
    }

    [Test]
    public async Task An_image_is_fetched_looked_at_and_cloned(CancellationToken cancellationToken)
    {
        await using var bench = new StorageBench(() => PartsOf(Tools), Host);
        var pool = bench.Orders.Pool(config: Config);
        var (image, copy) = bench.Orders.Image(pool);
        var volume = bench.Orders.Volume(pool, size: 32, baseImage: image);

        await bench.ReadyAsync(volume);

        Assert.That(bench.Image(copy)!.Size, Is.EqualTo(16));
        Assert.That(await Io.HoldsAsync(NodeOf(volume), 15, FakeImages.Value, cancellationToken), Is.True);
        Assert.That(await Io.HoldsAsync(NodeOf(volume), 16, 0, cancellationToken), Is.True);
    }
}
