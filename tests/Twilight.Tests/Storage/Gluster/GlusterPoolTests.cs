using System.Diagnostics;
using Microsoft.Extensions.Logging.Abstractions;
using NUnit.Framework;
using PonyCloud.Shared.Entities;
using PonyCloud.TestKit.Network;
using PonyCloud.TestKit.Processes;
using PonyCloud.TestKit.Storage;
using PonyCloud.Twilight.Instances;
using PonyCloud.Twilight.Storage;
using PonyCloud.Twilight.Storage.Copying;
using PonyCloud.Twilight.Storage.Files;
using PonyCloud.Twilight.Storage.Gluster;
using PonyCloud.Twilight.Storage.Guests;
using PonyCloud.Twilight.Tools;

namespace PonyCloud.Twilight.Tests.Storage.Gluster;

/// <summary>A server of Gluster in a network of the test's own, with the clients of this host there too.</summary>
public sealed class GlusterPoolTests : StoragePoolContract
{
    private const string Config = $$"""{"host":"{{GlusterServer.Address}}","volume":"{{GlusterServer.Volume}}"}""";

    private readonly ToolRunner _tools = new(Host, TimeProvider.System, NullLogger<ToolRunner>.Instance);
    private readonly Guid _uuid = Guid.NewGuid();
    private TemporaryDirectory _home = null!;
    private NetworkNamespace _network = null!;
    private GlusterServer _server = null!;

    private GlusterDriver Driver => new(_home["mounts"], _home["logs"], _network.Tools(_tools), TimeProvider.System);

    [OneTimeSetUp]
    public async Task StartAsync()
    {
        _home = new TemporaryDirectory("gluster-pools");
        Directory.CreateDirectory(_home["logs"]);
        _network = await NetworkNamespace.StartAsync();
        _server = await GlusterServer.StartAsync(_network);
    }

    [OneTimeTearDown]
    public async Task StopAsync()
    {
        // In a setup that failed, what came later is not there.
        if (_server is not null)
        {
            await using (var pool = Open(_uuid))
                await pool.ReleaseAsync(CancellationToken.None);
            await _server.DisposeAsync();
        }
        if (_network is not null)
            await _network.DisposeAsync();
        _home.Dispose();
    }

    protected override Task<IStoragePool> OpenAsync(CancellationToken cancellationToken) => Task.FromResult(Open(_uuid));

    protected override Task BreakAsync() => _server.KillAsync();

    protected override async Task HealAsync()
    {
        await _server.RestartAsync();
        await Eventually.SeesAsync("the volume", TryScanAsync, scan => scan is not null);
    }

    protected override Task WriteAsync(BlockNode node, long mib, byte value, CancellationToken cancellationToken) =>
        new QemuIo(_tools).WriteAsync(node, mib, value, cancellationToken);

    protected override Task<bool> HoldsAsync(BlockNode node, long mib, byte value, CancellationToken cancellationToken) =>
        new QemuIo(_tools).HoldsAsync(node, mib, value, cancellationToken);

    [Test]
    public async Task A_guest_waits_for_a_frozen_server_and_what_is_withdrawn_meanwhile_ends_at_once(CancellationToken cancellationToken)
    {
        var volume = await MakeAsync(NewVolume(), cancellationToken);
        await using (var lease = await Pool.OpenAsync(volume, writable: true, cancellationToken))
        await using (var guest = await OpenGuest.StartAsync(lease.Node))
        {
            using var withdrawn = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            await _server.SignalAsync(ProcessSignal.Stop);
            try
            {
                await guest.BeginWriteAsync(3, 0x41);
                var growing = Pool.GrowAsync(volume with { Size = 2 * Size }, withdrawn.Token);
                await withdrawn.CancelAsync();
                await Assert.CatchAsync<OperationCanceledException>(() => growing);
            }
            finally
            {
                await _server.SignalAsync(ProcessSignal.Continue);
            }
            await guest.HasWrittenAsync();
        }

        Assert.That(await HoldsAsync(volume, 3, 0x41, cancellationToken), Is.True);
    }

    [Test]
    public async Task A_frozen_server_breaks_its_own_pool_only_and_heals_and_nothing_is_left_of_a_pool_that_is_let_go()
    {
        var home = Directory.CreateDirectory(_home[$"{Guid.NewGuid()}"]).FullName;
        var host = Guid.NewGuid();
        await using var bench = new StorageBench(
            () => new StorageParts([Driver, new DirDriver(_tools)], new VolumeCopier(_tools, TimeProvider.System)), host);
        var beside = bench.Orders.Pool(config: $$"""{"path":"{{home}}"}""");
        var pool = bench.Orders.Pool(StoragePoolType.Gluster, shareable: true, config: Config);
        var first = await bench.MadeAsync(pool);
        VolumeDesired other;
        await _server.SignalAsync(ProcessSignal.Stop);
        try
        {
            // The next agent looks at once, and not when it is time for a look again.
            await bench.EndAsync();
            bench.Begin();
            other = await bench.MadeAsync(beside);
            await bench.UntilAsync("the reason", () => bench.Pool(pool)?.Status == StorageStatus.Broken);
            Assert.That(bench.Pool(pool)!.Why, Does.Contain("did not end within 10 s"));
        }
        finally
        {
            await _server.SignalAsync(ProcessSignal.Continue);
        }

        await bench.ReadyAsync(first);
        Assert.That(bench.Pool(pool)!.Status, Is.EqualTo(StorageStatus.Ready));
        foreach (var volume in new[] { first, other })
        {
            var tombstone = bench.Orders.Delete(volume);
            await bench.UntilAsync("the removal", () => bench.Tombstone(tombstone)?.Status == RemovalStatus.Removed);
        }
        bench.Orders.LeavePool(pool);
        bench.Orders.Remove("storage_pool", RowKey.Of(pool));
        await bench.UntilAsync("the end of the mount", () => !IsThere(pool));
    }

    [Test]
    public async Task What_somebody_has_open_is_not_let_go_and_then_nothing_is_left(CancellationToken cancellationToken)
    {
        var uuid = Guid.NewGuid();
        await using var pool = Open(uuid);
        await pool.PrepareAsync(cancellationToken);
        var volume = await MakeAsync(NewVolume(), cancellationToken);
        await using (var lease = await pool.OpenAsync(volume, writable: true, cancellationToken))
        {
            Assert.That(DiskSources.Of(lease.Node, Guid.Empty), Is.EqualTo(new DiskSource.Qcow2($"{MountOf(uuid)}/{volume.Name}")));
            await using var guest = await OpenGuest.StartAsync(lease.Node);
            Assert.That((await RefusalOfAsync(() => pool.ReleaseAsync(cancellationToken))).Failure, Is.EqualTo(StorageFailure.InUse));
            Assert.That(OptionsOf(uuid), Is.SupersetOf(new[] { "nosuid", "nodev", "noexec" }));
        }

        await pool.ReleaseAsync(cancellationToken);

        Assert.That((IsThere(uuid), Directory.Exists(MountOf(uuid))), Is.EqualTo((false, false)));
        await pool.PrepareAsync(cancellationToken);
        await pool.ScanAsync(cancellationToken);
        await pool.ReleaseAsync(cancellationToken);
    }

    [Test]
    public async Task A_client_that_died_is_replaced(CancellationToken cancellationToken)
    {
        var uuid = Guid.NewGuid();
        await using var pool = Open(uuid);
        await pool.PrepareAsync(cancellationToken);
        var volume = await MakeAsync(NewVolume(), cancellationToken);
        using (var client = Process.GetProcessById(ClientsOf(uuid).Single()))
        {
            client.Kill();
            await client.WaitForExitAsync(cancellationToken);
        }

        var refusal = await RefusalOfAsync(() => pool.ScanAsync(cancellationToken));
        await pool.PrepareAsync(cancellationToken);

        Assert.That(refusal.Failure, Is.EqualTo(StorageFailure.Unreachable));
        Assert.That(refusal.Message, Does.StartWith("The process has ended that had mounted the Gluster volume guests"));
        Assert.That((await pool.InspectAsync(volume, cancellationToken)).Size, Is.EqualTo(Size));
        await pool.ReleaseAsync(cancellationToken);
        Assert.That(IsThere(uuid), Is.False);
    }

    [Test]
    public async Task A_mount_that_is_withdrawn_leaves_nothing(CancellationToken cancellationToken)
    {
        var uuid = Guid.NewGuid();
        await using var pool = Open(uuid);
        using var withdrawn = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        await _server.SignalAsync(ProcessSignal.Stop);
        try
        {
            var preparing = pool.PrepareAsync(withdrawn.Token);
            await Eventually.HoldsAsync("its process", () => ClientsOf(uuid).Count > 0);
            await withdrawn.CancelAsync();
            await Assert.CatchAsync<OperationCanceledException>(() => preparing);
        }
        finally
        {
            await _server.SignalAsync(ProcessSignal.Continue);
        }

        Assert.That(IsThere(uuid), Is.False);
    }

    [Test]
    public async Task A_pool_can_be_a_directory_of_the_volume(CancellationToken cancellationToken)
    {
        var name = $"of-{Guid.NewGuid()}";
        Directory.CreateDirectory(Path.Combine(MountOf(_uuid), name));
        var uuid = Guid.NewGuid();
        await using var pool = Open(uuid, $$"""{"host":"{{GlusterServer.Address}}:24007","volume":"{{GlusterServer.Volume}}","path":"/{{name}}/"}""");
        await pool.PrepareAsync(cancellationToken);
        var partial = new StorageObject(ObjectName.Volume(Guid.NewGuid(), 1) with { Worker = ObjectName.WorkerOf(Host, Guid.NewGuid()) }, Size);

        await pool.CreateAsync(partial, cancellationToken);

        Assert.That((await pool.ScanAsync(cancellationToken)).Objects.Select(found => found.Name), Is.EqualTo(new[] { partial.Name }));
        Assert.That(File.Exists(Path.Combine(MountOf(_uuid), name, partial.Name.ToString())), Is.True);
        await pool.RemoveAsync(partial, null, cancellationToken);
        await pool.ReleaseAsync(cancellationToken);
        Directory.Delete(Path.Combine(MountOf(_uuid), name));
    }

    [TestCase($$"""{"host":"{{GlusterServer.Address}}","volume":"none"}""", "the Gluster volume none of 192.0.2.1 could not be mounted: ", "(key:none)")]
    [TestCase($$"""{"host":"{{GlusterServer.Address}}","volume":"{{GlusterServer.Volume}}","path":"/none"}""", "", "subdirectory for mount \"/none\" is not found")]
    [TestCase($$"""{"host":"{{GlusterServer.Address}}:9","volume":"{{GlusterServer.Volume}}"}""", "", "no server of Gluster is there")]
    [TestCase($$"""{"host":"198.51.100.1","volume":"{{GlusterServer.Volume}}"}""", "", "Network is unreachable")]
    [TestCase($$"""{"host":"nobody.invalid","volume":"{{GlusterServer.Volume}}"}""", "", "DNS resolution failed on host nobody.invalid")]
    public async Task What_cannot_be_mounted_says_why_and_leaves_nothing(string config, string begin, string why)
    {
        var uuid = Guid.NewGuid();
        await using var pool = Open(uuid, config);

        var refusal = await RefusalOfAsync(() => pool.PrepareAsync(CancellationToken.None));

        Assert.That(refusal.Failure, Is.EqualTo(StorageFailure.Unreachable));
        Assert.That(refusal.Message, Does.StartWith(begin).And.Contain(why));
        Assert.That(IsThere(uuid), Is.False);
    }

    [TestCase("""{"volume":"a"}""", "has no host")]
    [TestCase("""{"host":"a"}""", "has no volume")]
    [TestCase("""{"host":"a b","volume":"a"}""", "has a host that is no host with a port")]
    [TestCase("""{"host":7,"volume":"a"}""", "has a host that is no text")]
    [TestCase("""{"host":"a","volume":"a/b"}""", "has a volume that is no name of letters, digits, - and _")]
    [TestCase("""{"host":"a","volume":"a","path":"b"}""", "has a path that is not absolute")]
    [TestCase("""{"host":"a","volume":"a","path":"/b/../c"}""", "has a path that is not absolute")]
    public async Task A_config_that_makes_no_sense_is_refused(string config, string why)
    {
        var refusal = await RefusalOfAsync(() => Task.FromResult(Open(_uuid, config)));

        Assert.That(refusal.Message, Is.EqualTo($"The pool files (Gluster) {why}."));
    }

    private IStoragePool Open(Guid uuid, string config = Config) => Driver.Open(new PoolDefinition
    {
        Pool = new StoragePoolDesired
        {
            Uuid = uuid,
            Name = "files",
            Type = StoragePoolType.Gluster,
            Config = JsonText.Parse(config),
        },
    });

    private string MountOf(Guid uuid) => Path.Combine(_home["mounts"], uuid.ToString());

    /// <summary>Whether there is a mount, or a process of one.</summary>
    private bool IsThere(Guid uuid) => LineOf(uuid) is not null || ClientsOf(uuid).Count > 0;

    private string? LineOf(Guid uuid) =>
        File.ReadLines("/proc/self/mounts").FirstOrDefault(line => line.Contains(MountOf(uuid), StringComparison.Ordinal));

    private string[] OptionsOf(Guid uuid) => LineOf(uuid)!.Split(' ')[3].Split(',');

    private List<int> ClientsOf(Guid uuid)
    {
        List<int> found = [];
        foreach (var process in Process.GetProcessesByName("glusterfs"))
        {
            using (process)
            {
                try
                {
                    if (File.ReadAllText($"/proc/{process.Id}/cmdline").Contains(MountOf(uuid), StringComparison.Ordinal))
                        found.Add(process.Id);
                }
                catch (IOException exception)
                {
                    TestContext.Out.WriteLine($"It has ended just now: {exception.Message}");
                }
            }
        }
        return found;
    }

    private async Task<PoolScan?> TryScanAsync(CancellationToken cancellationToken)
    {
        try
        {
            return await Pool.ScanAsync(cancellationToken);
        }
        catch (StorageException exception) when (exception.Failure == StorageFailure.Unreachable)
        {
            return null;
        }
    }
}
