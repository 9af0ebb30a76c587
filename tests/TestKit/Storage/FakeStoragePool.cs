using System.Text.Json.Nodes;
using PonyCloud.Shared.Entities;
using PonyCloud.Twilight.Storage;

namespace PonyCloud.TestKit.Storage;

/// <summary>A pool in memory that behaves as the contract suite says.</summary>
public sealed class FakeStoragePool(FakeStorage storage) : IStoragePool
{
    public PoolAbilities Abilities => storage.Abilities;

    /// <summary>The node of an object, which only <see cref="FakeStorage"/> can open.</summary>
    public static string ObjectOf(BlockNode node) => (string)node.Options["object"]!;

    public Task PrepareAsync(CancellationToken cancellationToken) => ChangeAsync("prepare", "", () => true, cancellationToken);

    public Task ReleaseAsync(CancellationToken cancellationToken) => ChangeAsync("release", "", () => true, cancellationToken);

    public Task<PoolScan> ScanAsync(CancellationToken cancellationToken) => LookAsync("scan", "", () => new PoolScan
    {
        Path = "/fake",
        Capacity = storage.Capacity,
        Available = storage.Capacity - storage.Used,
        Objects = storage.Units is null ? [.. storage.Objects.Select(found => Describe(found.Key, found.Value)).OfType<FoundObject>()] : [],
        Units = storage.Units?.ToDictionary(),
    }, cancellationToken);

    public Task<ObjectDetails> InspectAsync(StorageObject target, CancellationToken cancellationToken) =>
        LookAsync("inspect", Text(target), () =>
    {
        var found = Find(target);
        return new ObjectDetails
        {
            Size = storage.Units is null ? found.Size : Math.Min(found.Size, target.Offered),
            Snapshots = [.. found.Snapshots.Select(snapshot => new FoundSnapshot(snapshot.Uuid, DateTimeOffset.UnixEpoch))],
            Backing = found.Backing is { } backing ? ObjectName.Parse(backing) : null,
        };
    }, cancellationToken);

    public Task CreateAsync(StorageObject target, CancellationToken cancellationToken) =>
        ChangeAsync(
            "create", Text(target), () => Put(target, new FakeObject { Size = SizeOf(target), Version = storage.NextVersion() }),
            cancellationToken);

    public Task CloneAsync(ObjectName image, StorageObject target, CancellationToken cancellationToken)
    {
        Require(Abilities.Clones, "clone");
        return ChangeAsync("clone", Text(target), () =>
        {
            var from = storage.Find(image.ToString());
            if (from.Size > target.Size)
                throw new StorageException(StorageFailure.Failed, "The image is larger than the volume.");
            return Put(target, new FakeObject
            {
                Size = target.Size,
                Version = storage.NextVersion(),
                Backing = image.ToString(),
                Content = from.Content.ToDictionary(),
            });
        }, cancellationToken);
    }

    public Task<bool> PublishAsync(StorageObject partial, CancellationToken cancellationToken)
    {
        Require(Abilities.Publishes, "publish");
        return ChangeAsync("publish", Text(partial), () =>
        {
            var found = storage.Find(partial.Name.ToString());
            if (!storage.Objects.TryAdd(partial.Name.Published.ToString(), found))
                return false;
            storage.Objects.Remove(partial.Name.ToString());
            return true;
        }, cancellationToken);
    }

    public Task<IBlockLease> OpenAsync(StorageObject target, bool writable, CancellationToken cancellationToken) =>
        LookAsync<IBlockLease>("open", Text(target), () =>
        {
            if (Find(target).Size < target.Offered)
                throw new StorageException(StorageFailure.Full, $"{Text(target)} has less than {target.Offered} MiB.");
            var options = new JsonObject
            {
                ["driver"] = "raw",
                ["storage"] = storage.Id.ToString(),
                ["object"] = Text(target),
                ["file"] = new JsonObject { ["driver"] = "file", ["filename"] = $"/fake/{Text(target)}" },
            };
            return new Lease(new BlockNode(options) { Path = $"/fake/{Text(target)}" });
        }, cancellationToken);

    public Task GrowAsync(StorageObject target, CancellationToken cancellationToken) => ChangeAsync("grow", Text(target), () =>
    {
        var found = Find(target);
        if (storage.Units is not null)
            return found.Size >= target.Offered;
        found.Size = Math.Max(found.Size, target.Offered);
        return true;
    }, cancellationToken);

    public Task ClearAsync(StorageObject target, IProgress<int>? progress, CancellationToken cancellationToken)
    {
        Require(!Abilities.Publishes, "clear space");
        return ChangeAsync("clear", Text(target), () =>
        {
            var found = Find(target);
            if (found.Size < target.Size)
                throw new StorageException(StorageFailure.Full, $"{Text(target)} has less than {target.Size} MiB.");
            for (var mib = target.Offered; mib < target.Size; mib++)
                found.Content.Remove(mib);
            return true;
        }, cancellationToken);
    }

    public Task RemoveAsync(StorageObject target, IProgress<int>? progress, CancellationToken cancellationToken) =>
        ChangeAsync("remove", Text(target), () =>
        {
            if (storage.Objects.Values.Any(other => other.Backing == Text(target)))
                throw new StorageException(StorageFailure.HasDependents, "Volumes in the pool are made from it.");
            progress?.Report(100);
            return storage.Objects.Remove(Text(target));
        }, cancellationToken);

    public Task SnapshotAsync(StorageObject target, Guid snapshot, CancellationToken cancellationToken)
    {
        Require(Abilities.Snapshots, "take snapshots");
        return ChangeAsync("snapshot", Text(target), () =>
        {
            var found = Find(target);
            if (!found.Snapshots.Exists(other => other.Uuid == snapshot))
                found.Snapshots.Add(new FakeSnapshot(snapshot, found.Size, found.Content.ToDictionary()));
            return true;
        }, cancellationToken);
    }

    public Task RemoveSnapshotAsync(StorageObject target, Guid snapshot, CancellationToken cancellationToken)
    {
        Require(Abilities.Snapshots, "take snapshots");
        return ChangeAsync("unsnapshot", Text(target), () =>
            storage.Objects.TryGetValue(Text(target), out var found)
                ? found.Snapshots.RemoveAll(other => other.Uuid == snapshot)
                : 0, cancellationToken);
    }

    public Task RevertAsync(StorageObject target, Guid snapshot, CancellationToken cancellationToken)
    {
        Require(Abilities.Snapshots, "take snapshots");
        return ChangeAsync("revert", Text(target), () =>
        {
            var found = Find(target);
            var then = found.Snapshots.Find(other => other.Uuid == snapshot)
                ?? throw new StorageException(StorageFailure.Missing, "There is no such snapshot in the volume.");
            (found.Size, found.Content) = (then.Size, then.Content.ToDictionary());
            return true;
        }, cancellationToken);
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private static FoundObject? Describe(string text, FakeObject found) => ObjectName.TryParse(text, out var name)
        ? new FoundObject(name, text) { Allocated = found.Content.Count, Version = $"{found.Version}" }
        : null;

    private static void Require(bool can, string what)
    {
        if (!can)
            throw new StorageException(StorageFailure.Unsupported, $"The pool does not {what}.");
    }

    // What a unit holds is in no name.
    private string Text(StorageObject target) => storage.Units is null ? target.Name.ToString() : $"unit-{target.Unit}";

    private long SizeOf(StorageObject target) => storage.Units is { } units ? units[target.Unit!.Value] : target.Size;

    private FakeObject Find(StorageObject target)
    {
        if (storage.Units is { } units && !storage.Objects.ContainsKey(Text(target)))
            storage.Objects[Text(target)] = new FakeObject { Size = units[target.Unit!.Value], Version = storage.NextVersion() };
        var found = storage.Find(Text(target));
        // A target may make a unit larger.
        if (storage.Units?.TryGetValue(target.Unit!.Value, out var size) == true)
            found.Size = size;
        return found;
    }

    private bool Put(StorageObject target, FakeObject made)
    {
        if (Abilities.Publishes && !target.Name.IsPartial)
            throw new ArgumentException($"{target} is no partial object.", nameof(target));
        storage.Objects[Text(target)] = made;
        return storage.Full();
    }

    private Task<T> ChangeAsync<T>(string call, string target, Func<T> act, CancellationToken cancellationToken) =>
        storage.CallAsync(call, target, isChange: true, act, cancellationToken);

    private Task<T> LookAsync<T>(string call, string target, Func<T> act, CancellationToken cancellationToken) =>
        storage.CallAsync(call, target, isChange: false, act, cancellationToken);

    private sealed class Lease(BlockNode node) : IBlockLease
    {
        public BlockNode Node => node;

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }
}

/// <summary>Makes fake pools, one storage for each pool.</summary>
public sealed class FakeStorageDriver(StoragePoolType type = StoragePoolType.Dir) : IStoragePoolDriver
{
    private readonly Dictionary<Guid, FakeStorage> _storages = [];

    public StoragePoolType Type => type;

    internal IEnumerable<FakeStorage> Storages => _storages.Values;

    /// <summary>What stands behind a pool; made when it is first asked for.</summary>
    public FakeStorage this[Guid pool]
    {
        get => _storages.TryGetValue(pool, out var found) ? found : _storages[pool] = new FakeStorage();
        set => _storages[pool] = value;
    }

    public IStoragePool Open(PoolDefinition definition) => new FakeStoragePool(this[definition.Pool.Uuid]);
}
