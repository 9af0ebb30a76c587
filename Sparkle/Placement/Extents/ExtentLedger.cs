using PonyCloud.Shared.Entities;
using PonyCloud.Shared.State;

namespace PonyCloud.Sparkle.Placement.Extents;

/// <summary>
/// What of which pool is whose, exactly as the rows say, and which volumes lack space. One pass over all rows at the first
/// change set, which has them all; then only what changes.
/// </summary>
internal sealed class ExtentLedger(EntityCatalog catalog)
{
    private readonly Entity _disk = catalog["disk"];
    private readonly Entity _extent = catalog["extent"];
    private readonly Entity _pool = catalog["storage_pool"];
    private readonly Entity _volume = catalog["volume"];
    private readonly SortedDictionary<Guid, PoolSpace> _pools = [];
    private readonly Dictionary<Guid, Guid> _poolOfLacking = [];
    private readonly SortedSet<Guid> _ofNobody = [];

    /// <summary>Every pool of type shared-lvm.</summary>
    public IReadOnlyDictionary<Guid, PoolSpace> Pools => _pools;

    /// <summary>Whether something happened by which somebody may get space, or an extent may go.</summary>
    public bool IsWanted => _ofNobody.Count > 0 || _pools.Values.Any(pool => pool.IsWanted);

    /// <summary>Extents that neither a volume nor a tombstone has.</summary>
    public IReadOnlyCollection<Guid> OfNobody => _ofNobody;

    public bool IsLacking(Guid volume) => _poolOfLacking.ContainsKey(volume);

    /// <returns>The volumes that lack nothing and the extents that are somebody's or gone, among what changed.</returns>
    public IReadOnlyCollection<Guid> Apply(ChangeSet changes)
    {
        // What goes first, so that nothing is ever taken twice, in whatever order a transaction went about it.
        var extents = new List<RowTransition>();
        var disks = new List<RowTransition>();
        var volumes = new HashSet<Guid>();
        foreach (var transition in changes.Rows)
        {
            if (!transition.Changed(RowPart.Desired))
                continue;
            if (transition.Entity == _extent)
                extents.Add(transition);
            else if (transition.Entity == _disk)
                disks.Add(transition);
            else if (transition.Entity == _volume)
                volumes.Add(Guid.Parse(transition.Key.Text));
            else if (transition.Entity == _pool)
                SetPool(changes.After, transition);
        }
        foreach (var transition in extents)
            Remove(transition, volumes);
        foreach (var transition in disks)
            SetDisk(transition);
        foreach (var transition in extents)
            Put(transition, volumes);
        foreach (var volume in volumes)
            Consider(changes.After, volume);
        return
        [
            .. volumes.Where(volume => !IsLacking(volume)),
            .. extents.Select(extent => Guid.Parse(extent.Key.Text)).Where(extent => !_ofNobody.Contains(extent)),
        ];
    }

    private void SetPool(StateSnapshot state, RowTransition transition)
    {
        var uuid = Guid.Parse(transition.Key.Text);
        if (transition.After?.Desired is not StoragePoolDesired { Type: StoragePoolType.SharedLvm } desired)
        {
            // The schema keeps one that still has a volume or an extent.
            _pools.Remove(uuid);
            return;
        }
        if (!_pools.TryGetValue(uuid, out var pool))
        {
            _pools.Add(uuid, pool = new PoolSpace());
            foreach (var disk in state[_disk].Where("storage_pool", transition.Key))
                Offer(pool, disk.Desired);
        }
        pool.Allocator.Limit = desired.Size;
        pool.IsWanted = true;
    }

    private void SetDisk(RowTransition transition)
    {
        var (before, after) = (transition.Before?.Desired as DiskDesired, transition.After?.Desired as DiskDesired);
        if (before?.StoragePool is { } left && left != after?.StoragePool)
            _pools.GetValueOrDefault(left)?.Allocator.CloseDisk(before.Id);
        if (after?.StoragePool is { } has && _pools.TryGetValue(has, out var pool))
            Offer(pool, after);
    }

    private static void Offer(PoolSpace pool, object? desired)
    {
        if (desired is not DiskDesired disk)
            return;
        pool.Allocator.SetDisk(disk.Id, disk.Size ?? 0);
        pool.IsWanted = true;
    }

    private void Remove(RowTransition transition, HashSet<Guid> volumes)
    {
        if (transition.Before?.Desired is not ExtentDesired extent || !_pools.TryGetValue(extent.StoragePool, out var pool))
            return;
        pool.Allocator.Remove(extent.Volume, PieceOf(extent));
        pool.IsWanted = true;
        _ofNobody.Remove(extent.Uuid);
        if (extent.Volume is { } volume)
            volumes.Add(volume);
    }

    private void Put(RowTransition transition, HashSet<Guid> volumes)
    {
        if (transition.After?.Desired is not ExtentDesired extent || !_pools.TryGetValue(extent.StoragePool, out var pool))
            return;
        pool.Allocator.Put(extent.Volume, PieceOf(extent));
        if (extent.Volume is { } volume)
            volumes.Add(volume);
        else if (extent.Tombstone is null)
            _ofNobody.Add(extent.Uuid);
    }

    /// <summary>Whether the volume lacks space, from what is true now.</summary>
    private void Consider(StateSnapshot state, Guid uuid)
    {
        var volume = state[_volume].Find(uuid)?.Desired as VolumeDesired;
        if (_poolOfLacking.TryGetValue(uuid, out var old) && old != volume?.StoragePool)
            Settle(uuid, old);
        if (volume is null || !_pools.TryGetValue(volume.StoragePool, out var pool))
            return;
        var has = pool.Allocator.SizeOf(uuid);
        // One that is optional is kept where it is, and not made where it is not.
        var isLacking = has < volume.Size && (volume.State == VolumeState.Present || (volume.State == VolumeState.Optional && has > 0));
        if (!isLacking)
        {
            Settle(uuid, volume.StoragePool);
            return;
        }
        pool.Lacking.Add(uuid);
        pool.IsWanted = true;
        _poolOfLacking[uuid] = volume.StoragePool;
    }

    private void Settle(Guid volume, Guid pool)
    {
        _pools.GetValueOrDefault(pool)?.Lacking.Remove(volume);
        _poolOfLacking.Remove(volume);
    }

    private static PlacedPiece PieceOf(ExtentDesired extent) => new(extent.Order, new Piece(extent.Disk, extent.Range));
}

/// <summary>One pool: what is whose, and who waits for space of it.</summary>
internal sealed class PoolSpace
{
    public ExtentAllocator Allocator { get; } = new();

    /// <summary>The volumes that have less than their size.</summary>
    public SortedSet<Guid> Lacking { get; } = [];

    /// <summary>Something happened since they were last looked at, by which one of them may get what it lacks.</summary>
    public bool IsWanted { get; set; }
}
