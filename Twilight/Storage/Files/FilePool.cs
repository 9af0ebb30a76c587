using System.Globalization;
using System.Text.Json.Nodes;
using PonyCloud.Twilight.Tools;

namespace PonyCloud.Twilight.Storage.Files;

/// <summary>
/// A pool whose objects are qcow2 files in a directory, called as <see cref="ObjectName"/> says. A volume that was cloned has its
/// image copy as backing file; snapshots are inside of the file.
/// </summary>
/// <remarks>Nothing here touches the directory but tools do: a call on a dead file system never returns.</remarks>
public sealed class FilePool : IStoragePool
{
    // More than a header of qcow2 with the name of its backing file takes; what a guest wrote begins behind it.
    private const int HeaderBytes = 1024;

    private readonly IPoolActivation _activation;
    private readonly PoolTools _tools;
    private readonly Qcow2Files _files;

    public FilePool(IPoolActivation activation, IToolRunner tools)
    {
        _activation = activation;
        _tools = new PoolTools(tools);
        _files = new Qcow2Files(_tools, WorkLimit);
    }

    /// <summary>How long work on one file may take that grows with its size, such as a snapshot of a large one.</summary>
    public static TimeSpan WorkLimit { get; } = TimeSpan.FromMinutes(10);

    public PoolAbilities Abilities { get; } = new() { Publishes = true, Clones = true, Snapshots = true, KeepsImages = true };

    public Task PrepareAsync(CancellationToken cancellationToken) => _activation.ActivateAsync(cancellationToken);

    public Task ReleaseAsync(CancellationToken cancellationToken) => _activation.DeactivateAsync(cancellationToken);

    public async Task<PoolScan> ScanAsync(CancellationToken cancellationToken)
    {
        var capacity = await _activation.CapacityAsync(cancellationToken);
        string[] names = ["(", "-name", "volume-*", "-o", "-name", "image-*", ")"];
        var listing = await FindAsync([.. names, "-printf", @"%f\t%b\t%i\n"], cancellationToken);
        return new PoolScan
        {
            Path = _activation.Directory,
            Capacity = capacity.Size,
            Available = capacity.Available,
            Objects = [.. listing.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(ObjectOf).OfType<FoundObject>()],
        };
    }

    public Task<ObjectDetails> InspectAsync(StorageObject target, CancellationToken cancellationToken) =>
        _files.InspectAsync(PathOf(target.Name), cancellationToken);

    public async Task CreateAsync(StorageObject target, CancellationToken cancellationToken)
    {
        var path = await FreeAsync(target, cancellationToken);
        await _files.CreateAsync(path, target.Size, cancellationToken);
    }

    public async Task CloneAsync(ObjectName image, StorageObject target, CancellationToken cancellationToken)
    {
        var from = await _files.InspectAsync(PathOf(image), cancellationToken);
        if (from.Size > target.Size)
            throw new StorageException(
                StorageFailure.Failed, $"The image has {from.Size} MiB, more than the {target.Size} MiB of the volume.");
        var path = await FreeAsync(target, cancellationToken);
        await _files.CloneAsync(image.ToString(), path, target.Size, cancellationToken);
    }

    public async Task<bool> PublishAsync(StorageObject partial, CancellationToken cancellationToken)
    {
        var path = PathOf(partial.Name);
        await RunAsync(new ToolCall("sync", "--", path) { Timeout = WorkLimit }, cancellationToken);
        try
        {
            // A hard link, unlike a rename, is never made over what is there.
            await RunAsync(new ToolCall("ln", "-T", "--", path, PathOf(partial.Name.Published)), cancellationToken);
        }
        catch (StorageException exception) when (exception.Message.EndsWith("File exists", StringComparison.Ordinal))
        {
            return false;
        }
        await RunAsync(new ToolCall("rm", "-f", "--", path), cancellationToken);
        await RunAsync(new ToolCall("sync", "--", _activation.Directory), cancellationToken);
        return true;
    }

    public async Task<IBlockLease> OpenAsync(StorageObject target, bool writable, CancellationToken cancellationToken)
    {
        var path = PathOf(target.Name);
        await RunAsync(new ToolCall("stat", "-c", "%i", "--", path), cancellationToken);
        return new Lease(new BlockNode(new JsonObject
        {
            ["driver"] = Qcow2Files.Format,
            ["read-only"] = !writable,
            ["file"] = new JsonObject { ["driver"] = "file", ["filename"] = path },
        })
        {
            Path = path,
        });
    }

    public async Task GrowAsync(StorageObject target, CancellationToken cancellationToken)
    {
        var path = PathOf(target.Name);
        if ((await _files.InspectAsync(path, cancellationToken)).Size < target.Size)
            await _files.GrowAsync(path, target.Size, cancellationToken);
    }

    public async Task RemoveAsync(StorageObject target, IProgress<int>? progress, CancellationToken cancellationToken)
    {
        if (target.Name is { Kind: ObjectKind.Image, IsPartial: false } && await IsBackingAsync(target.Name, cancellationToken))
            throw new StorageException(StorageFailure.HasDependents, "Volumes in the pool are made from it.");
        await RunAsync(new ToolCall("rm", "-f", "--", PathOf(target.Name)) { Timeout = WorkLimit }, cancellationToken);
    }

    public async Task SnapshotAsync(StorageObject target, Guid snapshot, CancellationToken cancellationToken)
    {
        // qemu-img would take a second one of the same name.
        if (!await HasAsync(target, snapshot, cancellationToken))
            await _files.SnapshotAsync(PathOf(target.Name), snapshot, cancellationToken);
    }

    public async Task RemoveSnapshotAsync(StorageObject target, Guid snapshot, CancellationToken cancellationToken)
    {
        try
        {
            if (await HasAsync(target, snapshot, cancellationToken))
                await _files.RemoveSnapshotAsync(PathOf(target.Name), snapshot, cancellationToken);
        }
        catch (StorageException exception) when (exception.Failure == StorageFailure.Missing)
        {
            // It went with the object that it was in. A directory that is not there has not lost it, though.
            await _activation.CapacityAsync(cancellationToken);
        }
    }

    public async Task RevertAsync(StorageObject target, Guid snapshot, CancellationToken cancellationToken)
    {
        if (!await HasAsync(target, snapshot, cancellationToken))
            throw new StorageException(StorageFailure.Missing, "There is no such snapshot in the volume.");
        await _files.RevertAsync(PathOf(target.Name), snapshot, cancellationToken);
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private static FoundObject? ObjectOf(string line) =>
        line.Split('\t') is [var text, var blocks, var inode] && ObjectName.TryParse(text, out var name)
            ? new FoundObject(name, text) { Allocated = MiB.Of(512 * long.Parse(blocks, CultureInfo.InvariantCulture)), Version = inode }
            : null;

    private string PathOf(ObjectName name) => Path.Combine(_activation.Directory, name.ToString());

    /// <summary>A file that is made anew, not cut down: whoever has the old one open must not write into the new one.</summary>
    private async Task<string> FreeAsync(StorageObject target, CancellationToken cancellationToken)
    {
        if (!target.Name.IsPartial)
            throw new ArgumentException($"{target} is no partial object.", nameof(target));
        var path = PathOf(target.Name);
        await RunAsync(new ToolCall("rm", "-f", "--", path), cancellationToken);
        return path;
    }

    private async Task<bool> HasAsync(StorageObject target, Guid snapshot, CancellationToken cancellationToken) =>
        (await InspectAsync(target, cancellationToken)).Snapshots.Any(found => found.Uuid == snapshot);

    /// <summary>Looks at the headers only, in one go: the files may be many, and open.</summary>
    private async Task<bool> IsBackingAsync(ObjectName image, CancellationToken cancellationToken)
    {
        string[] headers = ["-exec", "head", "-q", "-c", HeaderBytes.ToString(CultureInfo.InvariantCulture), "--", "{}", "+"];
        return (await FindAsync(["-name", "volume-*", .. headers], cancellationToken)).Contains(image.ToString(), StringComparison.Ordinal);
    }

    private Task<string> FindAsync(string[] what, CancellationToken cancellationToken) => _tools.RunAsync(
        new ToolCall("find", [_activation.Directory, "-ignore_readdir_race", "-mindepth", "1", "-maxdepth", "1", "-type", "f", .. what]),
        StorageFailure.Unreachable, cancellationToken);

    private Task<string> RunAsync(ToolCall call, CancellationToken cancellationToken) =>
        _tools.RunAsync(call, StorageFailure.Missing, cancellationToken);

    private sealed class Lease(BlockNode node) : IBlockLease
    {
        public BlockNode Node => node;

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }
}
