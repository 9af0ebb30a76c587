using Microsoft.Extensions.Logging.Abstractions;
using PonyCloud.Shared.Entities;
using PonyCloud.Sparkle.Control;
using PonyCloud.Sparkle.Storage;
using PonyCloud.TestKit.Control;

namespace PonyCloud.Sparkle.Tests.Storage;

/// <summary>The room's rules over a database in memory, on one thread, with a clock that is moved by hand.</summary>
internal sealed class StorageInMemory : IControlQueue
{
    private static readonly EntityCatalog Catalog = EntityCatalog.Load();

    private readonly Queue<Action> _posted = [];
    private readonly StorageDesk _desk;
    private TimeSpan _now = TimeSpan.FromSeconds(1);
    private int _uuids = 9_000;

    public StorageInMemory()
    {
        var rows = new StorageRows(Catalog);
        Places = new VolumePlaces(rows, () => Number(_uuids++));
        _desk = new StorageDesk(
            [new VolumeOrders(rows), new TombstoneOrders(rows), new Stewards(rows), Places], Database, this, Database, NullLogger<StorageDesk>.Instance);
        Database.Settled = _desk.Settled;
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
        Database.Report(new HostCurrent
        {
            Uuid = host,
            Status = status,
            AgentVersion = "1",
            BootId = "boot",
            Kernel = "6.1",
            CpuModel = "cpu",
        });
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

    public void Keeps(Guid host, VolumeDesired volume, int? generation = null, int? reverts = null)
    {
        Database.Report(new HostVolumeCurrent
        {
            Host = host,
            Volume = volume.Uuid,
            Status = StorageStatus.Ready,
            Generation = generation,
            Reverts = reverts,
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
        while (_posted.TryDequeue(out var action))
            action();
    }

    public IReadOnlyList<T> All<T>() =>
        [.. Database.Snapshot!.Tables.Where(table => table.Entity.Desired?.Type == typeof(T)).SelectMany(table => table.Rows).Select(row => row.Desired).OfType<T>()];

    public VolumeDesired Find(VolumeDesired volume) => All<VolumeDesired>().Single(found => found.Uuid == volume.Uuid);

    public HostVolumeDesired? KeptOf(VolumeDesired volume) => All<HostVolumeDesired>().SingleOrDefault(kept => kept.Volume == volume.Uuid);

    public Guid? KeeperOf(VolumeDesired volume) => KeptOf(volume)?.Host;

    public string? WhyNot(VolumeDesired volume) => Places.WhyNot(volume.Uuid);

    void IControlQueue.Post(Action action) => _posted.Enqueue(action);
}
