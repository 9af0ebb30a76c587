using System.Globalization;
using System.Text.Json.Nodes;

namespace PonyCloud.Twilight.Storage.Rbd;

/// <summary>A pool whose objects are images of Ceph, called as <see cref="ObjectName"/> says.</summary>
internal sealed class RbdPool : IStoragePool
{
    /// <summary>The snapshot of an image copy that volumes are cloned from.</summary>
    internal const string Base = "base";

    private readonly CephPool _pool;
    private readonly RbdTool _rbd;
    private readonly SecretFiles _secrets;
    private readonly RbdNames _names;
    private readonly RbdRemoval _removal;

    internal RbdPool(CephPool pool, RbdTool rbd, SecretFiles secrets, TimeProvider time)
    {
        _pool = pool;
        _rbd = rbd;
        _secrets = secrets;
        _names = new RbdNames(rbd, time);
        _removal = new RbdRemoval(rbd, _names, time);
    }

    public PoolAbilities Abilities { get; } = new()
    {
        Publishes = true,
        Clones = true,
        Snapshots = true,
        KeepsImages = true,
        WorksInUse = true,
    };

    /// <summary>Nothing on the host has to be made ready; whether the cluster lets it in shows when it is asked.</summary>
    public async Task PrepareAsync(CancellationToken cancellationToken) => await CapacityAsync(cancellationToken);

    public Task ReleaseAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public async Task<PoolScan> ScanAsync(CancellationToken cancellationToken)
    {
        var (capacity, available) = await CapacityAsync(cancellationToken);
        var names = await _names.ListAsync(cancellationToken);
        var ids = await IdsAsync(cancellationToken);
        var allocated = await AllocatedAsync(cancellationToken);
        return new PoolScan
        {
            Path = _pool.Name,
            Capacity = capacity,
            Available = available,
            Objects = [.. names.Select(ObjectName.Parse).OfType<ObjectName>().Select(name => new FoundObject(name, name.ToString())
            {
                Allocated = allocated.TryGetValue(name.ToString(), out var bytes) ? MiB.Of(bytes) : null,
                Version = ids.GetValueOrDefault(name.ToString()),
            })],
        };
    }

    public async Task<ObjectDetails> InspectAsync(StorageObject target, CancellationToken cancellationToken)
    {
        var info = await _rbd.AskAsync(cancellationToken, "info", _rbd.Spec(target.ToString()));
        var snapshots = (long?)info["snapshot_count"] > 0
            ? (await _rbd.AskAsync(cancellationToken, "snap", "ls", _rbd.Spec(target.ToString()))).AsArray()
            : [];
        return new ObjectDetails
        {
            Size = MiB.Of(SizeOf(info)),
            Snapshots = [.. snapshots.Select(SnapshotOf).OfType<FoundSnapshot>()],
            Backing = (string?)info["parent"]?["image"] is { } parent ? ObjectName.Parse(parent) : null,
        };
    }

    public Task CreateAsync(StorageObject target, CancellationToken cancellationToken) =>
        MakeAsync(target, cancellationToken, "create", "--size", SizeText(target.Size), _rbd.Spec(target.ToString()));

    public async Task CloneAsync(ObjectName image, StorageObject target, CancellationToken cancellationToken)
    {
        var size = await BaseAsync(image, cancellationToken);
        if (size > target.Size)
            throw new StorageException(StorageFailure.Failed, $"The image has {size} MiB, more than the {target.Size} MiB of the volume.");
        await MakeAsync(target, cancellationToken, "clone", _rbd.Spec(image.ToString(), Base), _rbd.Spec(target.ToString()));
        await GrowAsync(target, cancellationToken);
    }

    public Task<bool> PublishAsync(StorageObject partial, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        // Not killed when it is withdrawn, since that is what leaves an image with two names.
        return _names.PublishAsync(partial.Name, CancellationToken.None).WaitAsync(cancellationToken);
    }

    public async Task<IBlockLease> OpenAsync(StorageObject target, bool writable, CancellationToken cancellationToken)
    {
        // QEMU would wait for a cluster that is away for five minutes.
        await _rbd.RunAsync(cancellationToken, "info", _rbd.Spec(target.ToString()));
        var key = _pool.Key is null ? null : _secrets.Write(_pool.Key);
        return new Lease(_pool.ImageNode(target.ToString(), writable, key?.Path), key);
    }

    public async Task GrowAsync(StorageObject target, CancellationToken cancellationToken)
    {
        var spec = _rbd.Spec(target.ToString());
        if (SizeOf(await _rbd.AskAsync(cancellationToken, "info", spec)) < target.Size << 20)
            await _rbd.RunAsync(cancellationToken, "resize", "--no-progress", "--size", SizeText(target.Size), spec);
    }

    public Task RemoveAsync(StorageObject target, IProgress<int>? progress, CancellationToken cancellationToken) =>
        _removal.RemoveAsync(target.Name, cancellationToken);

    public Task SnapshotAsync(StorageObject target, Guid snapshot, CancellationToken cancellationToken) => _rbd.TryAsync(
        [RbdTool.Exists], cancellationToken, "snap", "create", "--no-progress", _rbd.Spec(target.ToString(), snapshot.ToString()));

    public Task RemoveSnapshotAsync(StorageObject target, Guid snapshot, CancellationToken cancellationToken) => _rbd.WorkAsync(
        [RbdTool.NotThere], cancellationToken, "snap", "rm", "--no-progress", _rbd.Spec(target.ToString(), snapshot.ToString()));

    public async Task RevertAsync(StorageObject target, Guid snapshot, CancellationToken cancellationToken)
    {
        // Whoever has it open would hand over its lock and go on with the past: a guest of another host, too.
        var status = await _rbd.AskAsync(cancellationToken, "status", _rbd.Spec(target.ToString()));
        if (status["watchers"] is JsonArray { Count: > 0 })
            throw new StorageException(StorageFailure.InUse, $"{target} is open somewhere, and is reverted when it is not.");
        await _rbd.WorkAsync([], cancellationToken, "snap", "rollback", "--no-progress", _rbd.Spec(target.ToString(), snapshot.ToString()));
    }

    public ValueTask DisposeAsync()
    {
        _rbd.Dispose();
        return ValueTask.CompletedTask;
    }

    private static string SizeText(long size) => $"{size.ToString(CultureInfo.InvariantCulture)}M";

    private static long SizeOf(JsonNode info) =>
        (long?)info["size"] ?? throw new StorageException(StorageFailure.Failed, "rbd info says no size.");

    private static FoundSnapshot? SnapshotOf(JsonNode? snapshot) => Guid.TryParseExact((string?)snapshot?["name"], "D", out var uuid)
        ? new FoundSnapshot(uuid, TimeOf((string?)snapshot["timestamp"]))
        : null;

    /// <summary>As C's ctime writes it, in the time of this machine.</summary>
    private static DateTimeOffset? TimeOf(string? text) => DateTimeOffset.TryParseExact(
        text, "ddd MMM d HH:mm:ss yyyy", CultureInfo.InvariantCulture, DateTimeStyles.AssumeLocal | DateTimeStyles.AllowInnerWhite,
        out var taken)
        ? taken
        : null;

    private async Task MakeAsync(StorageObject target, CancellationToken cancellationToken, params string[] call)
    {
        if (!target.Name.IsPartial)
            throw new ArgumentException($"{target} is no partial object.", nameof(target));
        if (await _rbd.TryAsync([RbdTool.Exists], cancellationToken, call) == 0)
            return;
        await _removal.RemoveAsync(target.Name, cancellationToken);
        await _rbd.RunAsync(cancellationToken, call);
    }

    /// <summary>Makes sure that an image copy can be cloned.</summary>
    /// <returns>Its size in MiB.</returns>
    private async Task<long> BaseAsync(ObjectName image, CancellationToken cancellationToken)
    {
        var spec = _rbd.Spec(image.ToString(), Base);
        await _rbd.TryAsync([RbdTool.Exists], cancellationToken, "snap", "create", "--no-progress", spec);
        // Busy is what it says of one that is protected already.
        await _rbd.TryAsync([RbdTool.Busy], cancellationToken, "snap", "protect", spec);
        return MiB.Of(SizeOf(await _rbd.AskAsync(cancellationToken, "info", spec)));
    }

    private async Task<(long Capacity, long Available)> CapacityAsync(CancellationToken cancellationToken)
    {
        var df = await _rbd.AskClusterAsync(cancellationToken, "df");
        var found = df["pools"]?.AsArray().SingleOrDefault(candidate => (string?)candidate?["name"] == _pool.Name)
            ?? throw new StorageException(StorageFailure.Unreachable, $"The cluster has no pool {_pool.Name}.");
        var available = (long?)found["stats"]?["max_avail"] ?? 0;
        return (((long?)found["stats"]?["stored"] ?? 0) + available >> 20, available >> 20);
    }

    /// <summary>The ids of images by name. One that is just being made, or was left half made, has none.</summary>
    private async Task<Dictionary<string, string?>> IdsAsync(CancellationToken cancellationToken)
    {
        // Snapshots are listed among the images.
        var listing = await _rbd.AskOfThoseThereAsync(cancellationToken, "ls", "-l", "--pool", _pool.Name);
        return listing.OfType<JsonObject>().Where(entry => !entry.ContainsKey("snapshot"))
            .ToDictionary(entry => (string?)entry["image"] ?? "", entry => (string?)entry["id"]);
    }

    /// <summary>What images take with their snapshots, in bytes, by name; nothing when it takes too long to find out.</summary>
    private async Task<Dictionary<string, long>> AllocatedAsync(CancellationToken cancellationToken)
    {
        try
        {
            var usage = await _rbd.AskAsync(cancellationToken, "du", "--pool", _pool.Name);
            return (usage["images"]?.AsArray() ?? [])
                .GroupBy(entry => (string?)entry?["name"] ?? "")
                .ToDictionary(entries => entries.Key, entries => entries.Sum(entry => (long?)entry?["used_size"] ?? 0));
        }
        catch (StorageException)
        {
            // Images that others made without fast-diff have to be read through. The pool can be used all the same.
            return [];
        }
    }

    private sealed class Lease(BlockNode node, SecretFile? key) : IBlockLease
    {
        public BlockNode Node => node;

        public ValueTask DisposeAsync()
        {
            key?.Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
