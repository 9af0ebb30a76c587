using System.Diagnostics;
using NUnit.Framework;
using PonyCloud.Shared.Entities;
using PonyCloud.TestKit.Processes;
using PonyCloud.TestKit.Storage;
using PonyCloud.Twilight.Storage;
using PonyCloud.Twilight.Storage.Mounts;

namespace PonyCloud.Machine.Storage.Pools;

/// <summary>The kernel's NFS server and client of one machine. That the server is frozen is done by dropping all its packets.</summary>
public sealed class NetfsPoolTests : MachinePoolContract
{
    // A scan has ten seconds; the rest is for a machine that is busy.
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(25);

    private static readonly Guid PoolUuid = Guid.NewGuid();

    private TemporaryDirectory _home = null!;
    private NfsServer _server = null!;

    private string Mountpoint => _home[PoolUuid.ToString()];

    [OneTimeSetUp]
    public async Task Serve()
    {
        _home = new TemporaryDirectory("pools");
        _server = await NfsServer.StartAsync();
    }

    [OneTimeTearDown]
    public async Task End()
    {
        await using (var pool = Open())
            await pool.ReleaseAsync(CancellationToken.None);
        await _server.DisposeAsync();
        _home.Dispose();
    }

    protected override Task<IStoragePool> OpenAsync(CancellationToken cancellationToken) => Task.FromResult(Open());

    protected override Task BreakAsync() => NfsServer.FreezeAsync();

    protected override Task HealAsync() => NfsServer.ThawAsync();

    [Test]
    public async Task A_frozen_server_breaks_the_pool_soon_and_a_guest_goes_on_when_it_is_back(CancellationToken cancellationToken)
    {
        var volume = await MakeAsync(NewVolume(), cancellationToken);
        await using (var lease = await Pool.OpenAsync(volume, writable: true, cancellationToken))
        await using (var guest = await OpenGuest.StartAsync(lease.Node))
        {
            var time = Stopwatch.StartNew();
            await NfsServer.FreezeAsync();
            try
            {
                await guest.BeginWriteAsync(3, 0x41);
                var scan = await RefusalOfAsync(() => Pool.ScanAsync(cancellationToken));
                var prepare = await RefusalOfAsync(() => Pool.PrepareAsync(cancellationToken));
                Assert.That((scan.Failure, prepare.Failure), Is.EqualTo((StorageFailure.Unreachable, StorageFailure.Unreachable)));
                Assert.That(time.Elapsed, Is.LessThan(2 * Soon));
            }
            finally
            {
                await NfsServer.ThawAsync();
            }

            time.Restart();
            await guest.HasWrittenAsync();
            await Pool.PrepareAsync(cancellationToken);
            await Pool.ScanAsync(cancellationToken);
            await TestContext.Out.WriteLineAsync($"The server was heard again after {time.Elapsed.TotalSeconds:0.0} s.");
        }
        Assert.That(await HoldsAsync(volume, 3, 0x41, cancellationToken), Is.True);
    }

    [Test]
    public async Task What_is_withdrawn_while_the_server_is_frozen_ends_at_once(CancellationToken cancellationToken)
    {
        var volume = await MakeAsync(NewVolume(), cancellationToken);
        using var withdrawn = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);

        await NfsServer.FreezeAsync();
        try
        {
            var growing = Pool.GrowAsync(volume with { Size = 2 * Size }, withdrawn.Token);
            await withdrawn.CancelAsync();
            await Assert.ThatAsync(() => growing, Throws.InstanceOf<OperationCanceledException>());
        }
        finally
        {
            await NfsServer.ThawAsync();
        }
    }

    [Test]
    public async Task A_frozen_server_is_let_go_and_one_that_somebody_uses_is_not(CancellationToken cancellationToken)
    {
        var volume = await MakeAsync(NewVolume(), cancellationToken);
        await using (var lease = await Pool.OpenAsync(volume, writable: true, cancellationToken))
        await using (await OpenGuest.StartAsync(lease.Node))
            Assert.That((await RefusalOfAsync(() => Pool.ReleaseAsync(cancellationToken))).Failure, Is.EqualTo(StorageFailure.InUse));

        await NfsServer.FreezeAsync();
        try
        {
            await Pool.ReleaseAsync(cancellationToken);
            Assert.That(Mounts(), Is.Zero);
        }
        finally
        {
            await NfsServer.ThawAsync();
        }

        Assert.That((await RefusalOfAsync(() => Pool.ScanAsync(cancellationToken))).Failure, Is.EqualTo(StorageFailure.Unreachable));
        await Pool.PrepareAsync(cancellationToken);
        Assert.That(await HoldsAsync(volume, 3, 0, cancellationToken), Is.True);
    }

    [Test]
    public async Task A_full_file_system_takes_nothing_until_there_is_room(CancellationToken cancellationToken)
    {
        var partial = PartialOf(NewVolume());
        // Ends when there is no room.
        await ChildProcess.RunAsync("sh", ["-c", $"! dd if=/dev/zero of={_server["filler"]} bs=1M status=none"]);
        StorageException refusal;
        try
        {
            refusal = await RefusalOfAsync(() => Pool.CreateAsync(partial, cancellationToken));
        }
        finally
        {
            File.Delete(_server["filler"]);
        }

        // Over NFS qemu-img comes upon what it could not write, and not upon the reason.
        Assert.That(refusal.Failure, Is.EqualTo(StorageFailure.Full).Or.EqualTo(StorageFailure.Failed));
        await Pool.CreateAsync(partial, cancellationToken);
    }

    [Test]
    public async Task It_is_mounted_once_and_without_programs_and_devices(CancellationToken cancellationToken)
    {
        await Pool.PrepareAsync(cancellationToken);

        var options = File.ReadLines("/proc/self/mounts").Single(line => line.Contains(Mountpoint, StringComparison.Ordinal)).Split(' ')[3];
        Assert.That(options.Split(','), Is.SupersetOf(new[] { "nosuid", "nodev", "noexec", "hard" }));
    }

    [TestCase("""{"host":"127.0.0.1"}""")]
    [TestCase("""{"path":"/"}""")]
    [TestCase("""{"host":"-o","path":"/"}""")]
    [TestCase("""{"host":"a","path":"b"}""")]
    [TestCase("[]")]
    public async Task A_pool_without_host_and_path_is_refused(string config) => await RefusalOfAsync(
        () => Task.FromResult(new NetfsDriver(_home.Path, Tools).Open(Definition(StoragePoolType.Netfs, config))));

    private IStoragePool Open() =>
        new NetfsDriver(_home.Path, Tools).Open(Definition(StoragePoolType.Netfs, """{"host":"127.0.0.1","path":"/"}""", PoolUuid));

    private int Mounts() => File.ReadLines("/proc/self/mounts").Count(line => line.Contains(Mountpoint, StringComparison.Ordinal));
}
