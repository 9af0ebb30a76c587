using NUnit.Framework;
using PonyCloud.Shared.Entities;
using PonyCloud.TestKit.Processes;
using PonyCloud.TestKit.Storage;
using PonyCloud.Twilight.Storage;
using PonyCloud.Twilight.Storage.Logical;
using PonyCloud.Twilight.Tools;

namespace PonyCloud.Machine.Storage.Pools;

/// <summary>A volume group on two of the machine's disks.</summary>
public sealed class LogicalPoolTests : MachinePoolContract
{
    private const string Group = "pool";
    private const string Away = "elsewhere";

    // Nobody is to watch the group in the machine.
    private static readonly string[] Config = ["--config", "activation/monitoring=0"];
    private static readonly string[] Disks = [MachineDisks.Path(1), MachineDisks.Path(2)];

    [OneTimeSetUp]
    public Task MakeGroup() => ChildProcess.RunAsync("vgcreate", [.. Config, "--physicalextentsize", "1m", Group, .. Disks]);

    [OneTimeTearDown]
    public async Task RemoveGroup()
    {
        await ChildProcess.RunAsync("vgremove", [.. Config, "--force", "--yes", Group]);
        await ChildProcess.RunAsync("pvremove", Disks);
    }

    protected override Task<IStoragePool> OpenAsync(CancellationToken cancellationToken) => Task.FromResult(Open(Tools));

    protected override Task BreakAsync() => ChildProcess.RunAsync("vgrename", [.. Config, Group, Away]);

    protected override Task HealAsync() => ChildProcess.RunAsync("vgrename", [.. Config, Away, Group]);

    [Test]
    public async Task What_is_promised_is_never_more_than_there_is(CancellationToken cancellationToken)
    {
        var free = (await Pool.ScanAsync(cancellationToken)).Available;
        var most = await MakeAsync(NewVolume(free - Size), cancellationToken);

        var volume = await RefusalOfAsync(() => MakeAsync(NewVolume(Size + 1), cancellationToken));
        var snapshot = await RefusalOfAsync(() => Pool.SnapshotAsync(most, Guid.NewGuid(), cancellationToken));
        var larger = await RefusalOfAsync(() => Pool.GrowAsync(most with { Size = free + 1 }, cancellationToken));
        await MakeAsync(NewVolume(), cancellationToken);

        Assert.That(new[] { volume, snapshot, larger }.Select(refusal => refusal.Failure), Is.All.EqualTo(StorageFailure.Full));
        Assert.That(volume.Message, Is.EqualTo($"{Size + 1} MiB are needed, and {Size} MiB are free."));
        Assert.That((await Pool.ScanAsync(cancellationToken)).Available, Is.Zero);
    }

    [Test]
    public async Task A_group_that_misses_a_disk_is_broken_until_it_is_back(CancellationToken cancellationToken)
    {
        var volume = await MakeAsync(NewVolume(), cancellationToken);
        await WriteAsync(volume, 3, 0x41, cancellationToken);
        await Pool.ReleaseAsync(cancellationToken);

        StorageException scan, prepare;
        await using (await PulledDisk.PullAsync(2))
        {
            scan = await RefusalOfAsync(() => Pool.ScanAsync(cancellationToken));
            prepare = await RefusalOfAsync(() => Pool.PrepareAsync(cancellationToken));
        }

        Assert.That((scan.Failure, scan.Message), Is.EqualTo((StorageFailure.Unreachable, "The volume group misses 1 of its 2 disks.")));
        Assert.That(prepare.Failure, Is.EqualTo(StorageFailure.Unreachable));
        await Pool.PrepareAsync(cancellationToken);
        Assert.That(await HoldsAsync(volume, 3, 0x41, cancellationToken), Is.True);
    }

    [Test]
    public async Task What_somebody_has_open_is_neither_removed_nor_reverted(CancellationToken cancellationToken)
    {
        var volume = await MakeAsync(NewVolume(), cancellationToken);
        var snapshot = Guid.NewGuid();
        await Pool.SnapshotAsync(volume, snapshot, cancellationToken);
        StorageException remove, revert, release;
        await using (var lease = await Pool.OpenAsync(volume, writable: true, cancellationToken))
        await using (await OpenGuest.StartAsync(lease.Node))
        {
            remove = await RefusalOfAsync(() => Pool.RemoveAsync(volume, null, cancellationToken));
            revert = await RefusalOfAsync(() => Pool.RevertAsync(volume, snapshot, cancellationToken));
            release = await RefusalOfAsync(() => Pool.ReleaseAsync(cancellationToken));
        }

        Assert.That(new[] { remove, revert, release }.Select(refusal => refusal.Failure), Is.All.EqualTo(StorageFailure.InUse));
        Assert.That((await Pool.InspectAsync(volume, cancellationToken)).Snapshots.Single().Uuid, Is.EqualTo(snapshot));
    }

    [Test]
    public async Task A_revert_that_is_cut_off_anywhere_is_finished_by_the_next_one(CancellationToken cancellationToken)
    {
        var volume = await MakeAsync(NewVolume(), cancellationToken);
        await WriteAsync(volume, 1, 0x41, cancellationToken);
        var snapshot = Guid.NewGuid();
        await Pool.SnapshotAsync(volume, snapshot, cancellationToken);
        var taken = (await Pool.InspectAsync(volume, cancellationToken)).Snapshots.Single();

        // One command looks, and five change something.
        for (var commands = 1; commands < 6; commands++)
        {
            await WriteAsync(volume, 1, 0x42, cancellationToken);
            await using (var killed = Open(new FailingTools(Tools, commands)))
                await RefusalOfAsync(() => killed.RevertAsync(volume, snapshot, cancellationToken));

            var found = (await Pool.InspectAsync(volume, cancellationToken)).Snapshots.Single();
            Assert.That(found, Is.EqualTo(taken), $"after {commands} commands");
            await Pool.RevertAsync(volume, snapshot, cancellationToken);
            Assert.That(await HoldsAsync(volume, 1, 0x41, cancellationToken), Is.True, $"after {commands} commands");
        }
        Assert.That((await Pool.InspectAsync(volume, cancellationToken)).Snapshots.Single(), Is.EqualTo(taken));
    }

    [Test]
    public async Task Volumes_of_others_are_neither_seen_nor_touched(CancellationToken cancellationToken)
    {
        await ChildProcess.RunAsync(
            "lvcreate", [.. Config, "--virtualsize", "16m", "--thinpool", $"{Group}/ponycloud", "--name", "theirs"]);
        try
        {
            var scan = await Pool.ScanAsync(cancellationToken);

            Assert.That(scan.Objects, Is.Empty);
            Assert.That(scan.Available, Is.EqualTo(scan.Capacity - 16));
        }
        finally
        {
            await ChildProcess.RunAsync("lvremove", [.. Config, "--yes", $"{Group}/theirs"]);
        }
    }

    [TestCase("""{"name":".."}""")]
    [TestCase("""{"name":"-f"}""")]
    [TestCase("""{"name":"a/b"}""")]
    [TestCase("{}")]
    public async Task What_cannot_be_a_group_is_refused(string config) =>
        await RefusalOfAsync(() => Task.FromResult(
            new LogicalDriver(Tools, TimeProvider.System).Open(Definition(StoragePoolType.Logical, config))));

    private static IStoragePool Open(IToolRunner tools) =>
        new LogicalDriver(tools, TimeProvider.System).Open(Definition(StoragePoolType.Logical, $$"""{"name":"{{Group}}"}"""));
}
