using Microsoft.Extensions.Logging.Abstractions;
using NUnit.Framework;
using PonyCloud.Shared.Reconciliation;
using PonyCloud.TestKit.Processes;
using PonyCloud.Twilight.Hypervisor.Libvirt;
using PonyCloud.Twilight.Storage;
using PonyCloud.Twilight.Storage.Pools;

namespace PonyCloud.Twilight.Tests.Storage.Pools;

/// <summary>libvirt with its real pools.</summary>
public sealed class LibvirtPoolTests : StorageHostContract
{
    private LibvirtStorage _libvirt = null!;

    protected override IStorageHost Host => _libvirt;

    private static PrivateLibvirtd Private => PrivateLibvirtFixture.Instance;

    [SetUp]
    public void Make() => _libvirt = NewHost(TimeSpan.FromSeconds(30));

    [TearDown]
    public async Task EndAsync()
    {
        await RemovePoolsAsync();
        await _libvirt.DisposeAsync();
    }

    [Test]
    public async Task Files_are_seen_at_the_next_refresh(CancellationToken cancellationToken)
    {
        await ConnectedAsync(cancellationToken);
        var pool = NewPool();
        var directory = new LibvirtDirectory(Host, pool, SourceOf(pool));
        await directory.ActivateAsync(cancellationToken);
        var path = Path.Combine(directory.Directory, "a file");
        await File.WriteAllBytesAsync(path, new byte[1 << 20], cancellationToken);

        Assert.That(await Host.ListVolumesAsync(pool, cancellationToken), Is.Empty);
        await Host.RefreshAsync(pool, cancellationToken);

        var volume = (await Host.ListVolumesAsync(pool, cancellationToken)).Single();
        Assert.That((volume.Name, volume.Key, volume.Path, volume.Capacity), Is.EqualTo(("a file", path, path, 1L << 20)));
    }

    [Test]
    public async Task A_directory_that_is_gone_is_unreachable_and_the_pool_comes_back_with_it(CancellationToken cancellationToken)
    {
        await ConnectedAsync(cancellationToken);
        var pool = NewPool();
        var directory = new LibvirtDirectory(Host, pool, SourceOf(pool));
        await directory.ActivateAsync(cancellationToken);
        Directory.Delete(directory.Directory);

        var refusal = await RefusalOfAsync(() => directory.CapacityAsync(cancellationToken));

        Assert.That(refusal.Failure, Is.EqualTo(StorageFailure.Unreachable));
        Assert.That(refusal.Message, Does.Contain(directory.Directory));
        await directory.ActivateAsync(cancellationToken);
        Assert.That((await directory.CapacityAsync(cancellationToken)).Size, Is.GreaterThan(0));
    }

    [Test]
    public async Task A_lost_daemon_is_found_again_and_knows_the_pool(CancellationToken cancellationToken)
    {
        await ConnectedAsync(cancellationToken);
        var pool = NewPool();
        await DefineAsync(pool, cancellationToken);

        await Private.KillDaemonAsync();
        await EventAsync(new StorageHostEvent(null, "disconnected"), cancellationToken);
        await EventAsync(new StorageHostEvent(null, "connected"), cancellationToken);

        Assert.That(await Host.FindAsync(pool, cancellationToken), Is.Not.Null);
        await Host.BuildAsync(pool, cancellationToken);
        await Host.StartAsync(pool, cancellationToken);
    }

    [Test]
    public async Task A_daemon_that_stands_still_holds_nobody_up(CancellationToken cancellationToken)
    {
        await ConnectedAsync(cancellationToken);
        var pool = NewPool();
        await DefineAsync(pool, cancellationToken);
        await using var impatient = NewHost(TimeSpan.FromSeconds(1));
        await Eventually.SeesAsync("its connection", _ => HasAsync(impatient, pool), isThere => isThere);

        StorageException late, second;
        await Private.SignalDaemonAsync(ProcessSignal.Stop);
        try
        {
            late = await RefusalOfAsync(() => impatient.FindAsync(pool, cancellationToken));
            // At once, since it would wait behind the first one.
            second = await RefusalOfAsync(() => impatient.StartAsync(pool, cancellationToken));
        }
        finally
        {
            await Private.SignalDaemonAsync(ProcessSignal.Continue);
        }

        Assert.That((late.Failure, second.Failure), Is.EqualTo((StorageFailure.Unreachable, StorageFailure.Unreachable)));
        Assert.That(late.Message, Is.EqualTo($"Cannot look at pool {pool}: libvirt did not answer within 1 s."));
        Assert.That(second.Message, Does.Contain("an earlier call on it has not come to its end"));
        while (await impatient.Events.ReadAsync(cancellationToken) != new StorageHostEvent(pool, "settled"))
        {
        }
        await impatient.BuildAsync(pool, cancellationToken);
        await impatient.StartAsync(pool, cancellationToken);
    }

    [Test]
    public async Task While_there_is_no_connection_pools_are_unreachable(CancellationToken cancellationToken)
    {
        await using var lost = new LibvirtStorage(
            new LibvirtOptions { Uri = "qemu+unix:///system?socket=/nonexistent/libvirt-sock" },
            TimeProvider.System, NullLogger<LibvirtStorage>.Instance);

        var refusal = await RefusalOfAsync(() => lost.FindAsync(Guid.NewGuid(), cancellationToken));

        Assert.That(refusal.Failure, Is.EqualTo(StorageFailure.Unreachable));
    }

    private static LibvirtStorage NewHost(TimeSpan patience) => new(
        new LibvirtOptions
        {
            Uri = Private.Uri,
            PoolTimeout = patience,
            ReconnectBackoff = new Backoff(TimeSpan.FromMilliseconds(50), TimeSpan.FromSeconds(1)),
        },
        TimeProvider.System,
        NullLogger<LibvirtStorage>.Instance);

    private static async Task<bool> HasAsync(LibvirtStorage host, Guid pool)
    {
        try
        {
            return await host.FindAsync(pool, CancellationToken.None) is not null;
        }
        catch (StorageException exception) when (exception.Failure == StorageFailure.Unreachable)
        {
            return false;
        }
    }
}
