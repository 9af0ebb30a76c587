using Microsoft.Extensions.Logging.Abstractions;
using NUnit.Framework;
using PonyCloud.Shared.Entities;
using PonyCloud.TestKit.Processes;
using PonyCloud.TestKit.Storage;
using PonyCloud.Twilight.Hypervisor.Libvirt;
using PonyCloud.Twilight.Storage;
using PonyCloud.Twilight.Storage.Iscsi;
using PonyCloud.Twilight.Storage.Pools;
using PonyCloud.Twilight.Tools;

namespace PonyCloud.Twilight.Tests.Storage.Iscsi;

/// <summary>A target of tgtd, with libvirt and QEMU as its initiators.</summary>
public sealed class IscsiPoolTests : StoragePoolContract
{
    private readonly ToolRunner _tools = new ToolRunner(Host, TimeProvider.System, NullLogger<ToolRunner>.Instance);
    private readonly Guid _uuid = Guid.NewGuid();
    private TgtServer _server = null!;
    private PrivateLibvirtd _libvirtd = null!;
    private LibvirtStorage _libvirt = null!;
    private TemporaryDirectory _home = null!;
    private SecretFiles _secrets = null!;

    [OneTimeSetUp]
    public async Task StartAsync()
    {
        _home = new TemporaryDirectory("iscsi");
        _secrets = new SecretFiles(_home["secrets"]);
        _server = await TgtServer.StartAsync();
        await _server.AddUnitAsync(1, 2 * Size);
        await _server.AddUnitAsync(2, Size, thin: false);
        // It must reach the loopback address of the test.
        _libvirtd = await PrivateLibvirtd.StartAsync();
        _libvirt = new LibvirtStorage(
            new LibvirtOptions { Uri = _libvirtd.Uri, PoolTimeout = TimeSpan.FromSeconds(5) },
            TimeProvider.System, NullLogger<LibvirtStorage>.Instance);
        await Eventually.SeesAsync("libvirt", stop => _libvirt.Events.ReadAsync(stop).AsTask(), happened => happened.What == "connected");
    }

    [OneTimeTearDown]
    public async Task StopAsync()
    {
        // In a setup that failed, what came later is not there.
        if (_libvirt is not null)
            await _libvirt.DisposeAsync();
        if (_libvirtd is not null)
            await _libvirtd.DisposeAsync();
        if (_server is not null)
            await _server.DisposeAsync();
        _home.Dispose();
    }

    protected override Task<IStoragePool> OpenAsync(CancellationToken cancellationToken) => Task.FromResult(Open(TgtServer.Password));

    protected override Task BreakAsync() => _server.KillAsync();

    protected override Task HealAsync() => _server.RestartAsync();

    protected override Task WriteAsync(BlockNode node, long mib, byte value, CancellationToken cancellationToken) =>
        new QemuIo(_tools).WriteAsync(node, mib, value, cancellationToken);

    protected override Task<bool> HoldsAsync(BlockNode node, long mib, byte value, CancellationToken cancellationToken) =>
        new QemuIo(_tools).HoldsAsync(node, mib, value, cancellationToken);

    // Tests have one volume at a time.
    protected override StorageObject Place(StorageObject target) => target with { Unit = 1 };

    [Test]
    public async Task A_scan_shows_the_units_that_can_be_volumes(CancellationToken cancellationToken)
    {
        var scan = await Pool.ScanAsync(cancellationToken);

        Assert.That(scan.Units, Is.EquivalentTo(new Dictionary<int, long> { [1] = 2 * Size, [2] = Size }));
        Assert.That((scan.Capacity, scan.Objects.Count), Is.EqualTo((3 * Size, 0)));
    }

    [Test]
    public async Task A_unit_is_offered_as_large_as_the_volume_and_wiped_as_a_whole(CancellationToken cancellationToken)
    {
        await _server.AddUnitAsync(4, 2 * Size);
        var volume = NewVolume() with { Unit = 4 };
        await Pool.CreateAsync(volume, cancellationToken);

        await using (var lease = await Pool.OpenAsync(volume, writable: true, cancellationToken))
        {
            var said = await _tools.RunAsync(
                new ToolCall("qemu-io", "--object", lease.Node.Secrets.Single().ToArgument(), "-c", "length", lease.Node.ToFileName()),
                cancellationToken);
            Assert.That(said.Output.Trim(), Is.EqualTo($"{Size} MiB"));
            await WriteAsync(lease.Node, Size - 1, 0x41, cancellationToken);
        }
        await Pool.RemoveAsync(volume, null, cancellationToken);

        Assert.That(await IsZeroAsync(4, cancellationToken), Is.True);
    }

    [Test]
    public async Task A_target_that_zeroes_nothing_by_itself_is_sent_zeros_and_progress_is_told(CancellationToken cancellationToken)
    {
        var told = new List<int>();

        await Pool.RemoveAsync(NewVolume() with { Unit = 2 }, new Told(told), cancellationToken);

        Assert.That(await IsZeroAsync(2, cancellationToken), Is.True);
        Assert.That(told, Is.Ordered);
        Assert.That(told[^1], Is.EqualTo(100));
    }

    [Test]
    public async Task A_unit_that_is_too_small_or_none_at_all_is_refused(CancellationToken cancellationToken)
    {
        var small = NewVolume() with { Unit = 1, Size = 3 * Size };

        Assert.That((await RefusalOfAsync(() => Pool.CreateAsync(small, cancellationToken))).Failure, Is.EqualTo(StorageFailure.Full));
        var refusal = await RefusalOfAsync(() => Pool.GrowAsync(small, cancellationToken));
        Assert.That(refusal.Failure, Is.EqualTo(StorageFailure.Full));
        Assert.That(refusal.Message, Is.EqualTo("Unit 1 has 32 MiB, less than the 48 MiB of the volume."));
        await IsMissingAsync(() => Pool.CreateAsync(small with { Unit = 9 }, cancellationToken));
        var without = await RefusalOfAsync(() => Pool.CreateAsync(small with { Unit = null }, cancellationToken));
        Assert.That(without.Failure, Is.EqualTo(StorageFailure.Failed));
    }

    [Test]
    public async Task A_unit_that_is_not_seen_is_not_taken_for_wiped(CancellationToken cancellationToken)
    {
        var refusal = await RefusalOfAsync(() => Pool.RemoveAsync(NewVolume() with { Unit = 9 }, null, cancellationToken));

        Assert.That(refusal.Failure, Is.EqualTo(StorageFailure.Unreachable));
        Assert.That(refusal.Message, Is.EqualTo("The target shows no unit 9, so it cannot be wiped."));
    }

    [Test]
    public async Task A_wrong_password_is_said_and_not_shown(CancellationToken cancellationToken)
    {
        const string Wrong = "not-the-password-at-all";
        await Pool.ReleaseAsync(cancellationToken);
        await using var other = Open(Wrong);

        var prepare = await RefusalOfAsync(() => other.PrepareAsync(cancellationToken));
        var open = await RefusalOfAsync(() => other.OpenAsync(NewVolume(), writable: true, cancellationToken));

        foreach (var refusal in new[] { prepare, open })
        {
            Assert.That(refusal.Failure, Is.EqualTo(StorageFailure.Unreachable));
            Assert.That(refusal.Message, Is.EqualTo("The target does not take this user with this password."));
            Assert.That(refusal.ToString(), Does.Not.Contain(Wrong));
        }
        // The right one is set where the wrong one was.
        await Pool.PrepareAsync(cancellationToken);
        await Pool.ScanAsync(cancellationToken);
    }

    [Test]
    public async Task The_file_with_the_password_is_private_and_goes_with_the_lease(CancellationToken cancellationToken)
    {
        var volume = await MakeAsync(NewVolume(), cancellationToken);

        var lease = await Pool.OpenAsync(volume, writable: true, cancellationToken);
        var file = lease.Node.Secrets.Single().File;
        Assert.That(File.GetUnixFileMode(file), Is.EqualTo(UnixFileMode.UserRead | UnixFileMode.UserWrite));
        Assert.That(lease.Node.ToFileName(), Does.Not.Contain(TgtServer.Password));
        await lease.DisposeAsync();

        Assert.That(Directory.EnumerateFiles(_home["secrets"]), Is.Empty);
    }

    [Test]
    public async Task A_target_that_stands_still_breaks_its_own_pool_only_and_heals(CancellationToken cancellationToken)
    {
        var volume = await MakeAsync(NewVolume(), cancellationToken);
        var directory = new LibvirtDirectory(
            _libvirt, Guid.NewGuid(), new PoolSource.Directory(_home["beside"]));

        StorageException scan, open;
        await _server.SignalAsync(ProcessSignal.Stop);
        try
        {
            scan = await RefusalOfAsync(() => Pool.ScanAsync(cancellationToken));
            open = await RefusalOfAsync(() => Pool.OpenAsync(volume, writable: true, cancellationToken));
            await directory.ActivateAsync(cancellationToken);
            await directory.CapacityAsync(cancellationToken);
            await directory.DeactivateAsync(cancellationToken);
        }
        finally
        {
            await _server.SignalAsync(ProcessSignal.Continue);
        }

        Assert.That((scan.Failure, open.Failure), Is.EqualTo((StorageFailure.Unreachable, StorageFailure.Unreachable)));
        Assert.That(scan.Message, Does.Contain("libvirt did not answer within 5 s"));
        await Eventually.SeesAsync("its end", stop => _libvirt.Events.ReadAsync(stop).AsTask(), happened => happened.What == "settled");
        Assert.That((await Pool.ScanAsync(cancellationToken)).Units, Is.Not.Empty);
    }

    [Test]
    public async Task A_libvirtd_that_lost_the_password_is_given_it_again(CancellationToken cancellationToken)
    {
        await _libvirtd.KillDaemonAsync();

        var scan = await Eventually.SeesAsync("the units", _ => TryScanAsync(cancellationToken), found => found is not null);

        Assert.That(scan!.Units, Is.Not.Empty);
    }

    [TestCase("""{"portal":"10.0.0.1"}""", "has no target")]
    [TestCase("""{"portal":"a b","target":"iqn.2026-01.a:b"}""", "has a portal that is no host with a port")]
    [TestCase("""{"portal":"10.0.0.1:99999","target":"iqn.2026-01.a:b"}""", "has a portal that is no host with a port")]
    [TestCase("""{"portal":7,"target":"iqn.2026-01.a:b"}""", "has a portal that is no text")]
    public async Task A_config_that_makes_no_sense_is_refused(string config, string why)
    {
        var refusal = await RefusalOfAsync(() => Task.FromResult(Open(TgtServer.Password, config)));

        Assert.That(refusal.Message, Is.EqualTo($"The pool units (Iscsi) {why}."));
    }

    private async Task<bool> IsZeroAsync(int unit, CancellationToken cancellationToken) =>
        (await File.ReadAllBytesAsync(_server.FileOf(unit), cancellationToken)).AsSpan().IndexOfAnyExcept((byte)0) < 0;

    private IStoragePool Open(string password, string? config = null) =>
        new IscsiDriver(Host, _libvirt, _tools, _secrets).Open(new PoolDefinition
        {
            Pool = new StoragePoolDesired
            {
                Uuid = _uuid,
                Name = "units",
                Type = StoragePoolType.Iscsi,
                Config = JsonText.Parse(config ?? $$"""{"portal":"{{_server.Portal}}","target":"{{TgtServer.Target}}"}"""),
                Secret = JsonText.Parse($$"""{"user":"{{TgtServer.User}}","password":"{{password}}"}"""),
            },
        });

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

    private sealed class Told(List<int> told) : IProgress<int>
    {
        public void Report(int value) => told.Add(value);
    }
}
