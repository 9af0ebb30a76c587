using System.Text;
using NUnit.Framework;
using PonyCloud.TestKit.Processes;
using PonyCloud.Twilight.Storage;
using PonyCloud.Twilight.Storage.Files;
using PonyCloud.Twilight.Storage.Pools;

namespace PonyCloud.Twilight.Tests.Storage.Pools;

/// <summary>What everything does that activates pools, the fake as the real ones.</summary>
[CancelAfter(120_000)]
public abstract class StorageHostContract
{
    private readonly List<Guid> _made = [];
    private TemporaryDirectory _home = null!;

    protected abstract IStorageHost Host { get; }

    /// <summary>Whether it keeps secrets, which not every driver of libvirt does.</summary>
    protected virtual bool KeepsSecrets => true;

    [SetUp]
    public void MakeHome() => _home = new TemporaryDirectory("pools");

    [TearDown]
    public void RemoveHome() => _home.Dispose();

    /// <summary>To be called behind each test, as long as the host is there.</summary>
    protected async Task RemovePoolsAsync()
    {
        foreach (var pool in _made)
            await new LibvirtDirectory(Host, pool, SourceOf(pool)).DeactivateAsync(CancellationToken.None);
        _made.Clear();
    }

    [Test]
    public async Task A_pool_goes_through_its_life(CancellationToken cancellationToken)
    {
        await ConnectedAsync(cancellationToken);
        var pool = NewPool();

        Assert.That(await Host.FindAsync(pool, cancellationToken), Is.Null);
        await DefineAsync(pool, cancellationToken);
        Assert.That((await Host.FindAsync(pool, cancellationToken))!.IsActive, Is.False);
        await Host.BuildAsync(pool, cancellationToken);
        await Host.StartAsync(pool, cancellationToken);
        await Host.RefreshAsync(pool, cancellationToken);

        var active = (await Host.FindAsync(pool, cancellationToken))!;
        Assert.That(active.IsActive, Is.True);
        Assert.That(active.Capacity, Is.GreaterThan(0));
        Assert.That(active.Capacity, Is.EqualTo(active.Allocation + active.Available));
        Assert.That(await Host.ListVolumesAsync(pool, cancellationToken), Is.Empty);
        await Host.StopAsync(pool, cancellationToken);
        Assert.That((await Host.FindAsync(pool, cancellationToken))!.IsActive, Is.False);
        await Host.UndefineAsync(pool, cancellationToken);
        Assert.That(await Host.FindAsync(pool, cancellationToken), Is.Null);
    }

    [Test]
    public async Task A_pool_that_is_not_defined_is_missing(CancellationToken cancellationToken)
    {
        await ConnectedAsync(cancellationToken);
        var pool = Guid.NewGuid();

        foreach (var call in (Func<Task>[])
        [
            () => Host.BuildAsync(pool, cancellationToken),
            () => Host.StartAsync(pool, cancellationToken),
            () => Host.RefreshAsync(pool, cancellationToken),
            () => Host.ListVolumesAsync(pool, cancellationToken),
            () => Host.StopAsync(pool, cancellationToken),
            () => Host.UndefineAsync(pool, cancellationToken),
        ])
        {
            Assert.That((await RefusalOfAsync(call)).Failure, Is.EqualTo(StorageFailure.Missing));
        }
    }

    [Test]
    public async Task What_a_pool_is_already_is_refused(CancellationToken cancellationToken)
    {
        await ConnectedAsync(cancellationToken);
        var pool = NewPool();
        await DefineAsync(pool, cancellationToken);

        var refresh = await RefusalOfAsync(() => Host.RefreshAsync(pool, cancellationToken));
        var stop = await RefusalOfAsync(() => Host.StopAsync(pool, cancellationToken));
        await Host.BuildAsync(pool, cancellationToken);
        await Host.StartAsync(pool, cancellationToken);
        var start = await RefusalOfAsync(() => Host.StartAsync(pool, cancellationToken));
        var undefine = await RefusalOfAsync(() => Host.UndefineAsync(pool, cancellationToken));

        Assert.That(new[] { refresh, stop, start, undefine }.Select(refusal => refusal.Failure), Is.All.EqualTo(StorageFailure.Failed));
    }

    [Test]
    public async Task A_definition_that_cannot_be_read_is_refused(CancellationToken cancellationToken)
    {
        await ConnectedAsync(cancellationToken);
        var pool = NewPool();

        var refusal = await RefusalOfAsync(() => Host.DefineAsync(pool, "<pool", cancellationToken));

        Assert.That(refusal.Failure, Is.EqualTo(StorageFailure.Failed));
        Assert.That(await Host.FindAsync(pool, cancellationToken), Is.Null);
    }

    [Test]
    public async Task Events_tell_of_a_pool(CancellationToken cancellationToken)
    {
        await ConnectedAsync(cancellationToken);
        var pool = NewPool();

        await DefineAsync(pool, cancellationToken);
        await EventAsync(new StorageHostEvent(pool, "defined"), cancellationToken);
        await Host.BuildAsync(pool, cancellationToken);
        await Host.StartAsync(pool, cancellationToken);
        await EventAsync(new StorageHostEvent(pool, "started"), cancellationToken);
        await Host.StopAsync(pool, cancellationToken);
        await EventAsync(new StorageHostEvent(pool, "stopped"), cancellationToken);
        await Host.UndefineAsync(pool, cancellationToken);
        await EventAsync(new StorageHostEvent(pool, "undefined"), cancellationToken);
    }

    [Test]
    public async Task A_directory_is_activated_and_let_go_again_and_again(CancellationToken cancellationToken)
    {
        await ConnectedAsync(cancellationToken);
        var pool = NewPool();
        var directory = new LibvirtDirectory(Host, pool, SourceOf(pool));

        await directory.ActivateAsync(cancellationToken);
        await directory.ActivateAsync(cancellationToken);
        var capacity = await directory.CapacityAsync(cancellationToken);
        await directory.DeactivateAsync(cancellationToken);
        await directory.DeactivateAsync(cancellationToken);

        Assert.That(capacity.Available, Is.InRange(1, capacity.Size));
        var refusal = await RefusalOfAsync(() => directory.CapacityAsync(cancellationToken));
        Assert.That(refusal.Failure, Is.EqualTo(StorageFailure.Unreachable));
        await directory.ActivateAsync(cancellationToken);
        Assert.That(await directory.CapacityAsync(cancellationToken), Is.Not.EqualTo(default(PoolCapacity)));
    }

    [Test]
    public async Task A_secret_is_set_again_and_removed_again(CancellationToken cancellationToken)
    {
        await ConnectedAsync(cancellationToken);
        var secret = Guid.NewGuid();
        Task SetAsync(string value) =>
            Host.SetSecretAsync(secret, SecretXml.Chap(secret), Encoding.UTF8.GetBytes(value), cancellationToken);
        if (!KeepsSecrets)
        {
            Assert.That((await RefusalOfAsync(() => SetAsync("first"))).Failure, Is.EqualTo(StorageFailure.Unsupported));
            return;
        }

        await SetAsync("first");
        await SetAsync("second");
        await Host.RemoveSecretAsync(secret, cancellationToken);
        await Host.RemoveSecretAsync(secret, cancellationToken);
    }

    [Test]
    public async Task A_cancelled_call_returns(CancellationToken cancellationToken)
    {
        await ConnectedAsync(cancellationToken);
        using var cancelled = new CancellationTokenSource();
        await cancelled.CancelAsync();

        await Assert.CatchAsync<OperationCanceledException>(() => Host.FindAsync(Guid.NewGuid(), cancelled.Token));
    }

    protected static async Task<StorageException> RefusalOfAsync(Func<Task> call) =>
        (await Assert.ThrowsAsync<StorageException>(() => call()))!;

    protected Guid NewPool()
    {
        var pool = Guid.NewGuid();
        _made.Add(pool);
        return pool;
    }

    protected PoolSource SourceOf(Guid pool) => new PoolSource.Directory(_home[$"{pool}"]);

    protected Task DefineAsync(Guid pool, CancellationToken cancellationToken) =>
        Host.DefineAsync(pool, PoolXml.For(pool, SourceOf(pool)), cancellationToken);

    /// <summary>Waits until it answers.</summary>
    protected Task ConnectedAsync(CancellationToken cancellationToken) => Eventually.SeesAsync(
        "a connection",
        async _ =>
        {
            try
            {
                await Host.FindAsync(Guid.Empty, cancellationToken);
                return "";
            }
            catch (StorageException exception) when (exception.Failure == StorageFailure.Unreachable)
            {
                return exception.Message;
            }
        },
        why => why.Length == 0);

    protected async Task EventAsync(StorageHostEvent awaited, CancellationToken cancellationToken)
    {
        while (await Host.Events.ReadAsync(cancellationToken) != awaited)
        {
        }
    }
}
