using Microsoft.Extensions.Logging.Abstractions;
using PonyCloud.Shared.Entities;
using PonyCloud.Shared.State;
using PonyCloud.Sparkle.Control;
using PonyCloud.Sparkle.Placement.Extents;
using PonyCloud.Sparkle.Storage;
using PonyCloud.TestKit.Control;

namespace PonyCloud.Sparkle.Tests.Storage;

/// <summary>The room's rules over a database in memory, on one thread, with a clock that is moved by hand.</summary>
internal sealed class StorageInMemory : IControlQueue
{
    private static readonly EntityCatalog Catalog = EntityCatalog.Load();

    private readonly Queue<Action> _posted = [];
    private readonly StorageDesk _desk;
    private readonly ExtentPlacement _extents;
    private readonly IControlFeature[] _views;
    private readonly StateStore _shown = new(Catalog);
    private readonly List<IControlFeature> _others = [];
    private TimeSpan _now = TimeSpan.FromSeconds(1);
    private int _uuids = 9_000;

    public StorageInMemory()
    {
        var rows = new StorageRows(Catalog);
        Places = new VolumePlaces(rows, () => Number(_uuids++));
        _desk = new StorageDesk(
            [new VolumeOrders(rows), new TombstoneOrders(rows), new Stewards(rows), Places], Database, this, Database, NullLogger<StorageDesk>.Instance);
        _extents = new ExtentPlacement(Catalog, Database, this, Database, Guid.NewGuid, NullLogger<ExtentPlacement>.Instance);
        _views =
        [
            new VolumeView(rows, Places, _extents), new ImageView(Catalog, rows), new SnapshotView(Catalog, rows), new PoolView(rows),
            new OrphanView(Catalog, rows),
        ];
        Database.Settled = changes =>
        {
            Show(changes.Rows.SelectMany(PartsOf));
            _extents.Settled(changes);
            _desk.Settled(changes);
            foreach (var other in _others)
                other.Settled(changes);
        };
    }

    public MemoryDatabase Database { get; } = new(Catalog);

    public VolumePlaces Places { get; }

    public static Guid Number(int number) => new(number, 0, 0, new byte[8]);

    public static StoragePoolDesired Pool(int number, StoragePoolType type = StoragePoolType.Dir, bool shareable = false) => new()
    {
        Uuid = Number(number),
        Name = $"pool {number}",
        Type = type,
        Config = JsonText.Parse("{}"),
        Shareable = shareable,
    };

    public static VolumeDesired Volume(int number, StoragePoolDesired pool, long size = 10) => new()
    {
        Uuid = Number(number),
        Name = $"volume {number}",
        Size = size,
        StoragePool = pool.Uuid,
    };

    public static HostCurrent Heard(Guid host, HostStatus status) => new()
    {
        Uuid = host,
        Status = status,
        AgentVersion = "1",
        BootId = "boot",
        Kernel = "6.1",
        CpuModel = "cpu",
        MemoryTotal = 4096,
        Hypervisor = "QEMU 7.2.0",
    };

    /// <summary>A host that is heard of, with pools that are ready and have so many MiB free.</summary>
    public Guid AddHost(int number, params (StoragePoolDesired Pool, long Available)[] pools)
    {
        var host = Number(number);
        Database.Put(new HostDesired { Uuid = host, Name = $"host {number}" });
        Hear(host, HostStatus.Present);
        foreach (var (pool, available) in pools)
        {
            Database.Put(new HostStoragePoolDesired { Host = host, StoragePool = pool.Uuid });
            Report(host, pool, available);
        }
        return host;
    }

    public void Hear(Guid host, HostStatus status)
    {
        Database.Report(Heard(host, status));
        Run();
    }

    public void Report(Guid host, StoragePoolDesired pool, long? available, StorageStatus status = StorageStatus.Ready, string? units = null)
    {
        Database.Report(new HostStoragePoolCurrent
        {
            Host = host,
            StoragePool = pool.Uuid,
            Status = status,
            Available = available,
            Units = units is null ? null : JsonText.Parse(units),
        });
        Run();
    }

    public void Keeps(Guid host, VolumeDesired volume, int? generation = null, int? reverts = null, long? cleared = null)
    {
        Database.Report(new HostVolumeCurrent
        {
            Host = host,
            Volume = volume.Uuid,
            Status = StorageStatus.Ready,
            Generation = generation,
            Reverts = reverts,
            Cleared = cleared,
        });
        Run();
    }

    /// <summary>The host and all that the schema takes along.</summary>
    public void Lose(Guid host)
    {
        foreach (var kept in All<HostVolumeDesired>().Where(kept => kept.Host == host))
            Database.Remove("host_volume", RowKey.Of(kept.Host.ToString(), kept.Volume.ToString()));
        foreach (var pool in All<HostStoragePoolDesired>().Where(pool => pool.Host == host))
            Database.Remove("host_storage_pool", RowKey.Of(pool.Host.ToString(), pool.StoragePool.ToString()));
        Database.Remove("host", RowKey.Of(host));
        Run();
    }

    /// <summary>Lets a part of another room see the same changes.</summary>
    public void Add(IControlFeature other) => _others.Add(other);

    public void Put(params object[] rows)
    {
        Database.Put(rows);
        Run();
    }

    /// <summary>Lets time pass, and what follows happen.</summary>
    public void Run(TimeSpan time = default)
    {
        _now += time;
        _desk.Tick(_now);
        _extents.Tick(_now);
        foreach (var other in _others)
            _ = other.Tick(_now).ToList();
        while (_posted.TryDequeue(out var action))
            action();
        Show(_views.SelectMany(view => view.Tick(_now)).ToList());
    }

    public IReadOnlyList<T> All<T>() =>
        [.. Database.Snapshot!.Tables.Where(table => table.Entity.Desired?.Type == typeof(T)).SelectMany(table => table.Rows).Select(row => row.Desired).OfType<T>()];

    /// <summary>The only current part of this kind that users are shown.</summary>
    public T? Shown<T>()
        where T : class =>
        _shown.Snapshot.Tables.Where(table => table.Entity.Current?.Type == typeof(T)).SelectMany(table => table.Rows).Select(row => row.Current).OfType<T>().SingleOrDefault();

    public VolumeDesired Find(VolumeDesired volume) => All<VolumeDesired>().Single(found => found.Uuid == volume.Uuid);

    public HostVolumeDesired? KeptOf(VolumeDesired volume) => All<HostVolumeDesired>().SingleOrDefault(kept => kept.Volume == volume.Uuid);

    public Guid? KeeperOf(VolumeDesired volume) => KeptOf(volume)?.Host;

    public string? WhyNot(VolumeDesired volume) => Places.WhyNot(volume.Uuid);

    // As the controller does it: until nothing more follows.
    private void Show(IEnumerable<RowChange> changes)
    {
        for (var set = _shown.Apply(changes); !set.IsEmpty; set = _shown.Apply([.. _views.SelectMany(view => view.Derive(set))]))
        {
            foreach (var view in _views)
                view.Settled(set);
        }
    }

    private static IEnumerable<RowChange> PartsOf(RowTransition transition) => ((RowPart[])[RowPart.Desired, RowPart.Current])
        .Where(transition.Changed)
        .Select(part => new RowChange(transition.Entity, transition.Key, part, transition.After?.Part(part)));

    void IControlQueue.Post(Action action) => _posted.Enqueue(action);
}
