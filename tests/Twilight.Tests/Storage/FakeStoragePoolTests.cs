using PonyCloud.TestKit.Storage;
using PonyCloud.Twilight.Storage;

namespace PonyCloud.Twilight.Tests.Storage;

/// <summary>The fake, with names and everything a pool can do.</summary>
public sealed class FakeStoragePoolTests : FakeStoragePoolSuite
{
    protected override FakeStorage Storage { get; } = new();
}

/// <summary>The fake as a pool of logical units, which can do none of it.</summary>
public sealed class FakeUnitPoolTests : FakeStoragePoolSuite
{
    private readonly Dictionary<Guid, int> _units = [];

    protected override FakeStorage Storage { get; } = new()
    {
        Abilities = new PoolAbilities { Publishes = false, Clones = false, Snapshots = false, KeepsImages = false },
        Units = [],
    };

    protected override StorageObject Place(StorageObject target)
    {
        if (!_units.TryGetValue(target.Name.Uuid, out var unit))
            _units[target.Name.Uuid] = unit = _units.Count;
        Storage.Units![unit] = Math.Max(target.Size, Storage.Units.GetValueOrDefault(unit));
        return target with { Unit = unit };
    }
}

public abstract class FakeStoragePoolSuite : StoragePoolContract
{
    protected abstract FakeStorage Storage { get; }

    protected override Task<IStoragePool> OpenAsync(CancellationToken cancellationToken) =>
        Task.FromResult<IStoragePool>(new FakeStoragePool(Storage));

    protected override Task BreakAsync()
    {
        Storage.Away = "The server is down.";
        return Task.CompletedTask;
    }

    protected override Task HealAsync()
    {
        Storage.Away = null;
        return Task.CompletedTask;
    }

    protected override Task WriteAsync(BlockNode node, long mib, byte value, CancellationToken cancellationToken)
    {
        Storage.Write(FakeStoragePool.ObjectOf(node), mib, value);
        return Task.CompletedTask;
    }

    protected override Task<bool> HoldsAsync(BlockNode node, long mib, byte value, CancellationToken cancellationToken) =>
        Task.FromResult(Storage.Read(FakeStoragePool.ObjectOf(node), mib) == value);
}
