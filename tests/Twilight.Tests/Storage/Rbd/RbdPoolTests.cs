using Microsoft.Extensions.Logging.Abstractions;
using NUnit.Framework;
using PonyCloud.Shared.Entities;
using PonyCloud.TestKit.Processes;
using PonyCloud.TestKit.Storage;
using PonyCloud.Twilight.Storage;
using PonyCloud.Twilight.Storage.Rbd;
using PonyCloud.Twilight.Tools;

namespace PonyCloud.Twilight.Tests.Storage.Rbd;

/// <summary>A Ceph cluster of one OSD, with cephx.</summary>
public sealed class RbdPoolTests : StoragePoolContract
{
    private readonly ToolRunner _tools = new ToolRunner(Host, TimeProvider.System, NullLogger<ToolRunner>.Instance);
    private CephCluster? _cluster;
    private TemporaryDirectory _home = null!;
    private SecretFiles _secrets = null!;

    private CephCluster Ceph => _cluster ?? throw new InvalidOperationException("Ceph is not running.");

    [OneTimeSetUp]
    public async Task StartAsync()
    {
        _home = new TemporaryDirectory("rbd");
        _secrets = new SecretFiles(_home["secrets"]);
        _cluster = await CephCluster.StartAsync();
    }

    [OneTimeTearDown]
    public async Task StopAsync()
    {
        if (_cluster is not null)
            await _cluster.DisposeAsync();
        _home.Dispose();
    }

    protected override Task<IStoragePool> OpenAsync(CancellationToken cancellationToken) => Task.FromResult(Open(Ceph.Key));

    protected override Task BreakAsync() => Ceph.MonitorProcess.SignalAsync(ProcessSignal.Stop);

    protected override Task HealAsync() => Ceph.MonitorProcess.SignalAsync(ProcessSignal.Continue);

    protected override Task WriteAsync(BlockNode node, long mib, byte value, CancellationToken cancellationToken) =>
        new QemuIo(_tools).WriteAsync(node, mib, value, cancellationToken);

    protected override Task<bool> HoldsAsync(BlockNode node, long mib, byte value, CancellationToken cancellationToken) =>
        new QemuIo(_tools).HoldsAsync(node, mib, value, cancellationToken);

    [Test]
    public async Task Images_that_the_platform_did_not_name_are_neither_seen_nor_touched(CancellationToken cancellationToken)
    {
        await Ceph.AdminAsync("rbd", "create", "--size", "1M", $"{CephCluster.Pool}/foreign");

        var scan = await Pool.ScanAsync(cancellationToken);

        Assert.That(scan.Objects.Select(found => found.Text), Does.Not.Contain("foreign"));
        Assert.That(await Ceph.AdminAsync("rbd", "ls", CephCluster.Pool), Does.Contain("foreign"));
    }

    [Test]
    public async Task A_scan_says_what_an_image_takes(CancellationToken cancellationToken)
    {
        var volume = await MakeAsync(NewVolume(), cancellationToken);
        Assert.That((await FindAsync(volume.Name, cancellationToken))!.Allocated, Is.Zero);

        await WriteAsync(volume, 5, 0x41, cancellationToken);

        // By the objects of 4 MiB that it is made of.
        Assert.That((await FindAsync(volume.Name, cancellationToken))!.Allocated, Is.InRange(1, 4));
    }

    [Test]
    public async Task An_image_with_two_names_loses_the_one_that_is_not_listed(
        [Values] bool publishAgain, [Values] bool isListedAsPublished, CancellationToken cancellationToken)
    {
        var volume = NewVolume();
        var partial = PartialOf(volume);
        await Pool.CreateAsync(partial, cancellationToken);
        await WriteAsync(partial, 1, 0x41, cancellationToken);
        var (from, to) = (partial.Name, volume.Name);
        if (isListedAsPublished)
        {
            await Pool.PublishAsync(partial, cancellationToken);
            (from, to) = (to, from);
        }
        // As a rename leaves it that was cut off before or behind the middle.
        await Ceph.AdminAsync("rados", "-p", CephCluster.Pool, "get", $"rbd_id.{from}", _home["id"]);
        await Ceph.AdminAsync("rados", "-p", CephCluster.Pool, "put", $"rbd_id.{to}", _home["id"]);

        if (publishAgain)
        {
            // What has the name already stays, even when that is what was to be given it.
            Assert.That(await Pool.PublishAsync(partial, cancellationToken), Is.EqualTo(!isListedAsPublished));
        }
        await Pool.RemoveAsync(partial, null, cancellationToken);

        if (publishAgain || isListedAsPublished)
            Assert.That(await HoldsAsync(volume, 1, 0x41, cancellationToken), Is.True);
        else
            await IsMissingAsync(() => Pool.InspectAsync(volume, cancellationToken));
        await MakeAsync(NewVolume() with { Name = volume.Name with { Generation = 2 } }, cancellationToken);
        Assert.That(await Ceph.AdminAsync("rados", "-p", CephCluster.Pool, "ls"), Does.Not.Contain($"rbd_id.{partial.Name}"));
    }

    [Test]
    public async Task What_somebody_has_open_is_not_removed_until_it_is_let_go(CancellationToken cancellationToken)
    {
        var volume = await MakeAsync(NewVolume(), cancellationToken);
        await using var lease = await Pool.OpenAsync(volume, writable: true, cancellationToken);
        await using var guest = ChildProcess.Start(
            "qemu-io", ["--object", lease.Node.Secrets.Single().ToArgument(), lease.Node.ToFileName()]);
        await guest.Input.WriteLineAsync("write -P 1 0 1M");
        await guest.WaitForLineAsync("that it wrote", line => line.Contains("wrote", StringComparison.Ordinal));

        var removing = Pool.RemoveAsync(volume, null, cancellationToken);
        await Assert.ThatAsync(() => HoldsAsync(volume, 0, 1, cancellationToken), Is.True);
        // It dies with the image open; the cluster forgets it in time.
        await guest.KillAsync();
        await removing;

        await IsMissingAsync(() => Pool.InspectAsync(volume, cancellationToken));
    }

    [Test]
    public async Task A_snapshot_tells_when_it_was_taken(CancellationToken cancellationToken)
    {
        var volume = await MakeAsync(NewVolume(), cancellationToken);
        await Pool.SnapshotAsync(volume, Guid.NewGuid(), cancellationToken);

        var taken = (await Pool.InspectAsync(volume, cancellationToken)).Snapshots.Single().Taken;

        Assert.That(taken, Is.EqualTo(DateTimeOffset.Now).Within(TimeSpan.FromMinutes(2)));
    }

    [Test]
    public async Task A_key_that_is_wrong_is_said_and_not_shown(CancellationToken cancellationToken)
    {
        const string Wrong = "AQDoq2FpAAAAABAAHmYr6QnRXoXKWWTpLd0BXg==";
        await using var other = Open(Wrong);

        var refusal = await RefusalOfAsync(() => other.ScanAsync(cancellationToken));

        Assert.That(refusal.Failure, Is.EqualTo(StorageFailure.Unreachable));
        Assert.That(refusal.Message, Is.EqualTo("The cluster does not take the user pony with this key."));
        Assert.That(refusal.ToString(), Does.Not.Contain(Wrong));
    }

    [Test]
    public async Task The_key_is_in_private_files_that_go_with_the_lease_and_the_pool(CancellationToken cancellationToken)
    {
        var volume = await MakeAsync(NewVolume(), cancellationToken);
        var other = Open(Ceph.Key);

        var lease = await other.OpenAsync(volume, writable: false, cancellationToken);
        var files = Directory.GetFiles(_home["secrets"]);
        Assert.That(files.Select(File.GetUnixFileMode), Is.All.EqualTo(UnixFileMode.UserRead | UnixFileMode.UserWrite));
        Assert.That(lease.Node.ToFileName(), Does.Not.Contain(Ceph.Key));
        await lease.DisposeAsync();
        await other.DisposeAsync();

        // The one that is left is of the pool that the test itself uses.
        Assert.That(Directory.GetFiles(_home["secrets"]), Has.Length.EqualTo(files.Length - 2));
    }

    [Test]
    public async Task An_OSD_that_stands_still_holds_nobody_up_and_heals(CancellationToken cancellationToken)
    {
        var volume = await MakeAsync(NewVolume(), cancellationToken);
        StorageException scan;
        await Ceph.Osd.SignalAsync(ProcessSignal.Stop);
        try
        {
            scan = await RefusalOfAsync(() => Pool.ScanAsync(cancellationToken));
            using var withdrawn = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            var growing = Pool.GrowAsync(volume with { Size = 2 * Size }, withdrawn.Token);
            await withdrawn.CancelAsync();
            await Assert.CatchAsync<OperationCanceledException>(() => growing);
        }
        finally
        {
            await Ceph.Osd.SignalAsync(ProcessSignal.Continue);
        }

        Assert.That(scan.Failure, Is.EqualTo(StorageFailure.Unreachable));
        await Pool.ScanAsync(cancellationToken);
        await Pool.GrowAsync(volume with { Size = 2 * Size }, cancellationToken);
        Assert.That((await Pool.InspectAsync(volume, cancellationToken)).Size, Is.EqualTo(2 * Size));
    }

    [TestCase("""{"pool":"a"}""", "has no monitors")]
    [TestCase("""{"pool":"a","monitors":[]}""", "has no monitors")]
    [TestCase("""{"pool":"a","monitors":[1]}""", "has monitors that are no texts")]
    [TestCase("""{"pool":"a","monitors":["a b"]}""", "has a monitor that is no host with a port")]
    [TestCase("""{"pool":"a/b","monitors":["a"]}""", "has a pool that is no name")]
    public async Task A_config_that_makes_no_sense_is_refused(string config, string why)
    {
        var refusal = await RefusalOfAsync(() => Task.FromResult(Open(Ceph.Key, config)));

        Assert.That(refusal.Message, Is.EqualTo($"The pool ceph (Rbd) {why}."));
    }

    private IStoragePool Open(string key, string? config = null) =>
        new RbdDriver(_tools, _secrets, TimeProvider.System).Open(new PoolDefinition
        {
            Pool = new StoragePoolDesired
            {
                Uuid = Guid.NewGuid(),
                Name = "ceph",
                Type = StoragePoolType.Rbd,
                Config = JsonText.Parse(
                    config ?? $$"""{"monitors":["{{Ceph.Monitor}}"],"pool":"{{CephCluster.Pool}}","user":"{{CephCluster.User}}"}"""),
                Secret = JsonText.Parse($$"""{"key":"{{key}}"}"""),
            },
        });
}
