using NUnit.Framework;
using PonyCloud.Twilight.Storage;

namespace PonyCloud.TestKit.Storage;

/// <summary>A pool under test, and what tests do with it. Names are new for each test, so a storage may outlive many.</summary>
[CancelAfter(300_000)]
public abstract class StoragePoolSuite
{
    /// <summary>MiB of a volume in these tests.</summary>
    protected const long Size = 16;

    protected static readonly Guid Host = Guid.Parse("9ece4546-1199-42b0-acf5-1b68f393683a");

    private readonly List<StorageObject> _made = [];

    /// <summary>The pool, prepared.</summary>
    protected IStoragePool Pool { get; private set; } = null!;

    /// <summary>Whether a scan names what is in the pool.</summary>
    protected virtual bool Lists => Pool.Abilities.Publishes;

    /// <summary>The pool under test: each time a new one on the same storage, as two hosts or two starts of an agent have it.</summary>
    protected abstract Task<IStoragePool> OpenAsync(CancellationToken cancellationToken);

    /// <summary>Lets the storage be away, until <see cref="HealAsync"/>.</summary>
    protected abstract Task BreakAsync();

    protected abstract Task HealAsync();

    /// <summary>Fills one MiB.</summary>
    protected abstract Task WriteAsync(BlockNode node, long mib, byte value, CancellationToken cancellationToken);

    /// <summary>Whether one MiB is nothing but this value.</summary>
    protected abstract Task<bool> HoldsAsync(BlockNode node, long mib, byte value, CancellationToken cancellationToken);

    /// <summary>Gives an object its place, in a pool of units or extents; the same one each time.</summary>
    protected virtual StorageObject Place(StorageObject target) => target;

    [SetUp]
    public async Task PrepareAsync()
    {
        Pool = await OpenAsync(CancellationToken.None);
        await Pool.PrepareAsync(CancellationToken.None);
    }

    [TearDown]
    public async Task CleanAsync()
    {
        foreach (var target in _made.AsEnumerable().Reverse())
            await Pool.RemoveAsync(target, null, CancellationToken.None);
        _made.Clear();
        await Pool.DisposeAsync();
    }

    /// <summary>What is called so, and removed when the test has ended. Those that are made from it are to be named after it.</summary>
    protected StorageObject Named(ObjectName name, long size = Size)
    {
        var target = Place(new StorageObject(name, size));
        _made.Add(target);
        return target;
    }

    protected StorageObject NewVolume(long size = Size) => Named(ObjectName.Volume(Guid.NewGuid(), 1), size);

    /// <summary>The name under which a worker makes it; the thing itself where the pool does not publish.</summary>
    protected StorageObject PartialOf(StorageObject target) => Pool.Abilities.Publishes
        ? Named(target.Name with { Worker = ObjectName.WorkerOf(Host, Guid.NewGuid()) }, target.Size)
        : target;

    /// <summary>Makes an object of zeros.</summary>
    protected async Task<StorageObject> MakeAsync(StorageObject target, CancellationToken cancellationToken)
    {
        var partial = PartialOf(target);
        await Pool.CreateAsync(partial, cancellationToken);
        await FinishAsync(partial, cancellationToken);
        return target;
    }

    protected async Task FinishAsync(StorageObject partial, CancellationToken cancellationToken)
    {
        if (Pool.Abilities.Publishes)
            Assert.That(await Pool.PublishAsync(partial, cancellationToken), Is.True);
    }

    protected async Task WriteAsync(StorageObject target, long mib, byte value, CancellationToken cancellationToken)
    {
        await using var lease = await Pool.OpenAsync(target, writable: true, cancellationToken);
        await WriteAsync(lease.Node, mib, value, cancellationToken);
    }

    protected async Task<bool> HoldsAsync(StorageObject target, long mib, byte value, CancellationToken cancellationToken)
    {
        await using var lease = await Pool.OpenAsync(target, writable: false, cancellationToken);
        return await HoldsAsync(lease.Node, mib, value, cancellationToken);
    }

    protected async Task<FoundObject?> FindAsync(ObjectName name, CancellationToken cancellationToken) =>
        (await Pool.ScanAsync(cancellationToken)).Objects.SingleOrDefault(found => found.Name == name);

    protected static async Task<StorageException> RefusalOfAsync(Func<Task> call) =>
        (await Assert.ThrowsAsync<StorageException>(() => call()))!;

    protected static async Task IsUnsupportedAsync(Func<Task> call) =>
        Assert.That((await RefusalOfAsync(call)).Failure, Is.EqualTo(StorageFailure.Unsupported));
}
