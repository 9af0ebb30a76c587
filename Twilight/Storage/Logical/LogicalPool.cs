using System.Text.Json.Nodes;
using PonyCloud.Twilight.Storage.Files;
using PonyCloud.Twilight.Tools;

namespace PonyCloud.Twilight.Storage.Logical;

/// <summary>A pool in a volume group; <c>README.md</c> says how it is used.</summary>
internal sealed class LogicalPool(VolumeGroup group, PoolTools tools, TimeProvider time) : IStoragePool
{
    // Whoever takes room first sees how much there is, and nobody takes any in between.
    private readonly SemaphoreSlim _room = new(1);
    private readonly ThinPool _thin = new(group);

    public PoolAbilities Abilities { get; } = new()
    {
        Publishes = true,
        Clones = true,
        Snapshots = true,
        KeepsImages = true,
        WorksInUse = true,
    };

    public Task PrepareAsync(CancellationToken cancellationToken) => _thin.PrepareAsync(cancellationToken);

    public Task ReleaseAsync(CancellationToken cancellationToken) => _thin.ReleaseAsync(cancellationToken);

    public async Task<PoolScan> ScanAsync(CancellationToken cancellationToken)
    {
        var content = await _thin.ReadAsync(cancellationToken);
        return new PoolScan
        {
            Path = group.Name,
            Capacity = content.Capacity,
            Available = content.Available,
            Objects = [.. content.Volumes.Values.Select(volume => Found(content, volume)).OfType<FoundObject>()],
        };
    }

    public async Task<ObjectDetails> InspectAsync(StorageObject target, CancellationToken cancellationToken)
    {
        var content = await _thin.ReadAsync(cancellationToken);
        var volume = content.Get(target.Name);
        return new ObjectDetails
        {
            Size = volume.Size,
            Snapshots = content.SnapshotsOf(target.Name),
            Backing = volume.Origin is { } origin ? ObjectName.Parse(origin) : null,
        };
    }

    public Task CreateAsync(StorageObject target, CancellationToken cancellationToken) =>
        TakeRoomAsync(target, _ => group.ChangeAsync(
            "lvcreate", cancellationToken,
            "--virtualsize", $"{target.Size}m", "--thinpool", group.Path(ThinPool.Name), "--name", target.ToString(),
            "--wipesignatures", "n"),
            cancellationToken);

    public Task CloneAsync(ObjectName image, StorageObject target, CancellationToken cancellationToken) =>
        TakeRoomAsync(target, async content =>
        {
            var source = content.Get(image);
            if (source.Size > target.Size)
            {
                throw new StorageException(
                    StorageFailure.Failed, $"The image has {source.Size} MiB, more than the {target.Size} MiB of the volume.");
            }
            await group.ChangeAsync(
                "lvcreate", cancellationToken,
                "--snapshot", "--name", target.Name.ToString(), "--setactivationskip", "n", group.Path(source.Name));
            await ExtendAsync(target, source.Size, cancellationToken);
        }, cancellationToken);

    public async Task<bool> PublishAsync(StorageObject partial, CancellationToken cancellationToken)
    {
        var published = partial.Name.Published.ToString();
        await tools.RunAsync(
            new ToolCall("sync", "--", DeviceOf(partial)) { Timeout = FilePool.WorkLimit }, StorageFailure.Missing, cancellationToken);
        try
        {
            await group.ChangeAsync("lvrename", cancellationToken, group.Name, partial.ToString(), published);
            return true;
        }
        catch (StorageException)
        {
            var content = await _thin.ReadAsync(cancellationToken);
            if (content.Volumes.ContainsKey(published))
                return false;
            _ = content.Get(partial.Name);
            throw;
        }
    }

    public async Task<IBlockLease> OpenAsync(StorageObject target, bool writable, CancellationToken cancellationToken)
    {
        _ = (await _thin.ReadAsync(cancellationToken)).Get(target.Name);
        await group.ChangeAsync("lvchange", cancellationToken, "--activate", "y", group.Path(target.ToString()));
        var path = DeviceOf(target);
        return new LogicalLease(new BlockNode(new JsonObject
        {
            ["driver"] = "raw",
            ["read-only"] = !writable,
            ["file"] = new JsonObject { ["driver"] = "host_device", ["filename"] = path },
        })
        {
            Path = path,
        });
    }

    public async Task GrowAsync(StorageObject target, CancellationToken cancellationToken)
    {
        using var held = await Held.TakeAsync(_room, cancellationToken);
        var content = await _thin.ReadAsync(cancellationToken);
        var size = content.Get(target.Name).Size;
        content.ThrowIfNoRoom(target.Size - size);
        await ExtendAsync(target, size, cancellationToken);
    }

    public async Task RemoveAsync(StorageObject target, IProgress<int>? progress, CancellationToken cancellationToken)
    {
        var content = await _thin.ReadAsync(cancellationToken);
        if (content.Volumes.Values.Any(volume => volume.Origin == target.ToString() && ObjectName.TryParse(volume.Name, out _)))
            throw new StorageException(StorageFailure.HasDependents, "Volumes in the pool are made from it.");
        // The object first: when it is in use, its snapshots stay as well.
        if (content.Volumes.ContainsKey(target.ToString()))
            await group.ChangeAsync("lvremove", cancellationToken, group.Path(target.ToString()));
        await RemoveAsync(content.PartsOf(target.Name), cancellationToken);
    }

    public async Task SnapshotAsync(StorageObject target, Guid snapshot, CancellationToken cancellationToken)
    {
        using var held = await Held.TakeAsync(_room, cancellationToken);
        var content = await _thin.ReadAsync(cancellationToken);
        var volume = content.Get(target.Name);
        if (content.Volumes.ContainsKey(LogicalNames.Snapshot(target.Name, snapshot)))
            return;
        content.ThrowIfNoRoom(volume.Size);
        await group.ChangeAsync(
            "lvcreate", cancellationToken,
            "--snapshot", "--name", LogicalNames.Snapshot(target.Name, snapshot),
            "--addtag", $"{LogicalContent.TakenTag}{time.GetUtcNow():yyyy-MM-dd'T'HH:mm:ss'Z'}", group.Path(volume.Name));
    }

    public async Task RemoveSnapshotAsync(StorageObject target, Guid snapshot, CancellationToken cancellationToken)
    {
        var content = await _thin.ReadAsync(cancellationToken);
        if (content.Volumes.TryGetValue(LogicalNames.Snapshot(target.Name, snapshot), out var volume))
            await RemoveAsync([volume], cancellationToken);
    }

    public Task RevertAsync(StorageObject target, Guid snapshot, CancellationToken cancellationToken) =>
        _thin.RevertAsync(target.Name, snapshot, cancellationToken);

    public ValueTask DisposeAsync()
    {
        _room.Dispose();
        _thin.Dispose();
        group.Dispose();
        return ValueTask.CompletedTask;
    }

    private static FoundObject? Found(LogicalContent content, LogicalVolume volume)
    {
        var allocated = volume.Filled is { } filled ? (long)Math.Ceiling(volume.Size * filled / 100) : (long?)null;
        if (ObjectName.TryParse(volume.Name, out var name))
            return new FoundObject(name, volume.Name) { Allocated = allocated, Version = volume.Uuid };
        // What was a part of something that is gone.
        return LogicalNames.ObjectOf(volume.Name) is { } target && !content.Volumes.ContainsKey(target)
            ? new FoundObject(null, volume.Name) { Allocated = allocated }
            : null;
    }

    private async Task TakeRoomAsync(
        StorageObject target, Func<LogicalContent, Task> makeAsync, CancellationToken cancellationToken)
    {
        if (!target.Name.IsPartial)
            throw new ArgumentException($"{target} is no partial object.", nameof(target));
        using var held = await Held.TakeAsync(_room, cancellationToken);
        var content = await _thin.ReadAsync(cancellationToken);
        if (content.Volumes.TryGetValue(target.ToString(), out var there))
        {
            await group.ChangeAsync("lvremove", cancellationToken, group.Path(there.Name));
            content = await _thin.ReadAsync(cancellationToken);
        }
        content.ThrowIfNoRoom(target.Size);
        await makeAsync(content);
    }

    private string DeviceOf(StorageObject target) => $"/dev/{group.Name}/{target}";

    private async Task ExtendAsync(StorageObject target, long size, CancellationToken cancellationToken)
    {
        if (target.Size > size)
            await group.ChangeAsync("lvextend", cancellationToken, "--size", $"{target.Size}m", group.Path(target.ToString()));
    }

    private async Task RemoveAsync(IEnumerable<LogicalVolume> volumes, CancellationToken cancellationToken)
    {
        if (volumes.Select(volume => group.Path(volume.Name)).ToArray() is { Length: > 0 } paths)
            await group.ChangeAsync("lvremove", cancellationToken, paths);
    }

    // A logical volume stays active: it is this host's alone.
    private sealed class LogicalLease(BlockNode node) : IBlockLease
    {
        public BlockNode Node => node;

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }
}
