using System.Text.Json.Nodes;
using PonyCloud.Twilight.Tools;

namespace PonyCloud.Twilight.Storage.SharedLvm;

/// <summary>A pool of extents; <c>README.md</c> says what it does with them.</summary>
internal sealed class SharedLvmPool : IStoragePool
{
    // Longer than a path to a disk takes to fail over to another.
    private static readonly TimeSpan AnswerLimit = TimeSpan.FromSeconds(20);

    private readonly PoolDefinition _definition;
    private readonly IToolRunner _tools;
    private readonly DeviceMapper _mapper;
    private readonly Zeroing _zeroing;

    // Names of maps, and how many leases each has. Held while a map is made or taken away.
    private readonly Dictionary<string, int> _leases = [];
    private readonly SemaphoreSlim _maps = new(1);

    internal SharedLvmPool(PoolDefinition definition, IToolRunner tools)
    {
        _definition = definition;
        _tools = tools;
        _mapper = new DeviceMapper(definition.Pool.Uuid, tools);
        _zeroing = new Zeroing(tools);
    }

    public PoolAbilities Abilities { get; } = new()
    {
        Publishes = false,
        Clones = false,
        Snapshots = false,
        KeepsImages = false,
        WorksInUse = true,
    };

    public Task PrepareAsync(CancellationToken cancellationToken) =>
        UnmapAsync(map => map.Open == 0 && !_leases.ContainsKey(map.Name), cancellationToken);

    public Task ReleaseAsync(CancellationToken cancellationToken) => UnmapAsync(_ => true, cancellationToken);

    public async Task<PoolScan> ScanAsync(CancellationToken cancellationToken)
    {
        var seen = (await Task.WhenAll(_definition.Disks.Select(disk => LookAsync(disk, cancellationToken)))).OfType<PoolDisk>().ToList();
        if (seen.Count == 0)
        {
            throw new StorageException(
                StorageFailure.Unreachable, $"None of the {_definition.Disks.Count} disks of the pool can be read on this host.");
        }
        var maps = await _mapper.ListAsync(cancellationToken);
        await _maps.WaitAsync(cancellationToken);
        try
        {
            var size = seen.Sum(disk => disk.Size ?? 0);
            return new PoolScan
            {
                Capacity = size,
                Available = size,
                Objects = [.. maps.Where(map => !_leases.ContainsKey(map.Name)).Select(map => new FoundObject(null, map.Name))],
            };
        }
        finally
        {
            _maps.Release();
        }
    }

    public async Task<ObjectDetails> InspectAsync(StorageObject target, CancellationToken cancellationToken)
    {
        var map = await _mapper.FindAsync(NameOf(target), cancellationToken);
        return new ObjectDetails { Size = map?.Size ?? TableOf(target).Size };
    }

    public async Task CreateAsync(StorageObject target, CancellationToken cancellationToken)
    {
        var table = ExtentsOf(target, target.Size);
        await UnmapAsync(map => map.Name == NameOf(target), cancellationToken);
        await ZeroAsync(target, table, null, cancellationToken);
    }

    public Task CloneAsync(ObjectName image, StorageObject target, CancellationToken cancellationToken) => throw Unsupported();

    public Task<bool> PublishAsync(StorageObject partial, CancellationToken cancellationToken) => throw Unsupported();

    public async Task<IBlockLease> OpenAsync(StorageObject target, bool writable, CancellationToken cancellationToken) =>
        await MapAsync(NameOf(target), TableOf(target), writable, cancellationToken);

    public async Task GrowAsync(StorageObject target, CancellationToken cancellationToken)
    {
        var table = TableOf(target);
        if (await _mapper.FindAsync(NameOf(target), cancellationToken) is { } map && map.Size < table.Size)
            await _mapper.ReplaceAsync(map.Name, table, cancellationToken);
    }

    public async Task ClearAsync(StorageObject target, IProgress<int>? progress, CancellationToken cancellationToken)
    {
        if (target.Offered < target.Size)
            await ZeroAsync(target, ExtentsOf(target, target.Size).To(target.Size).From(target.Offered), progress, cancellationToken);
    }

    public async Task RemoveAsync(StorageObject target, IProgress<int>? progress, CancellationToken cancellationToken)
    {
        // Whatever it has is handed on, were it less than the volume was to have; nothing at all is not known yet.
        var table = ExtentsOf(target, Math.Min(1, target.Size));
        await UnmapAsync(map => map.Name == NameOf(target), cancellationToken);
        await ZeroAsync(target, table, progress, cancellationToken);
    }

    public Task SnapshotAsync(StorageObject target, Guid snapshot, CancellationToken cancellationToken) => throw Unsupported();

    public Task RemoveSnapshotAsync(StorageObject target, Guid snapshot, CancellationToken cancellationToken) => throw Unsupported();

    public Task RevertAsync(StorageObject target, Guid snapshot, CancellationToken cancellationToken) => throw Unsupported();

    public ValueTask DisposeAsync()
    {
        _maps.Dispose();
        return ValueTask.CompletedTask;
    }

    private static StorageException Unsupported() =>
        new(StorageFailure.Unsupported, "A pool of extents keeps no images, names or snapshots.");

    /// <returns>The disk, if it answers.</returns>
    private async Task<PoolDisk?> LookAsync(PoolDisk disk, CancellationToken cancellationToken)
    {
        if (disk.Path is null)
            return null;
        try
        {
            string[] once = ["of=/dev/null", "bs=4096", "count=1", "iflag=direct", "status=none"];
            await _tools.RunAsync(new ToolCall("dd", [$"if={disk.Path}", .. once]) { Timeout = AnswerLimit }, cancellationToken);
            return disk;
        }
        catch (ToolException)
        {
            // Which disks a host misses stands in its rows of disks; the pool lives on the others.
            return null;
        }
    }

    private string NameOf(StorageObject target) => _mapper.NameOf(target.ToString());

    private ExtentTable ExtentsOf(StorageObject target, long needed) => ExtentTable.Of(target, needed, _definition.Disks);

    private ExtentTable TableOf(StorageObject target) => ExtentsOf(target, target.Offered).To(target.Offered);

    private async Task ZeroAsync(StorageObject target, ExtentTable table, IProgress<int>? progress, CancellationToken cancellationToken)
    {
        // As long as an earlier attempt still writes, nobody else does.
        var name = $"{NameOf(target)}.zeroing";
        await UnmapAsync(map => map.Name == name, cancellationToken);
        await using var map = await MapAsync(name, table, writable: true, cancellationToken);
        await _zeroing.RunAsync(map.Node.Path, table.Size, progress, cancellationToken);
    }

    private async Task<Lease> MapAsync(string name, ExtentTable table, bool writable, CancellationToken cancellationToken)
    {
        await _maps.WaitAsync(cancellationToken);
        try
        {
            // One that outlived the agent under a guest is taken over; its table is of the same rows.
            if (await _mapper.FindAsync(name, cancellationToken) is null)
                await _mapper.CreateAsync(name, table, cancellationToken);
            _leases[name] = _leases.GetValueOrDefault(name) + 1;
        }
        finally
        {
            _maps.Release();
        }
        return new Lease(this, name, writable);
    }

    private async Task UnmapAsync(Func<Map, bool> which, CancellationToken cancellationToken)
    {
        await _maps.WaitAsync(cancellationToken);
        try
        {
            foreach (var map in (await _mapper.ListAsync(cancellationToken)).Where(which))
            {
                await _mapper.RemoveAsync(map.Name, cancellationToken);
                _leases.Remove(map.Name);
            }
        }
        finally
        {
            _maps.Release();
        }
    }

    private async ValueTask EndLeaseAsync(string name)
    {
        await _maps.WaitAsync();
        try
        {
            if (!_leases.TryGetValue(name, out var leases))
                return;
            if (leases > 1)
            {
                _leases[name] = leases - 1;
                return;
            }
            _leases.Remove(name);
            await _mapper.RemoveAsync(name, CancellationToken.None);
        }
        catch (StorageException exception) when (exception.Failure == StorageFailure.InUse)
        {
            // A guest, or a tool that was withdrawn, still has it. It is an orphan now, and goes when the pool is prepared again.
        }
        finally
        {
            _maps.Release();
        }
    }

    private sealed class Lease(SharedLvmPool pool, string name, bool writable) : IBlockLease
    {
        private int _ended;

        public BlockNode Node { get; } = new(new JsonObject
        {
            ["driver"] = "raw",
            ["read-only"] = !writable,
            ["file"] = new JsonObject { ["driver"] = "host_device", ["filename"] = DeviceMapper.PathOf(name) },
        })
        {
            Path = DeviceMapper.PathOf(name),
        };

        public ValueTask DisposeAsync() => Interlocked.Exchange(ref _ended, 1) == 0 ? pool.EndLeaseAsync(name) : ValueTask.CompletedTask;
    }
}
