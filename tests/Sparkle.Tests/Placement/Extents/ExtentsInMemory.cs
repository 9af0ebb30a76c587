using Microsoft.Extensions.Logging.Abstractions;
using NUnit.Framework;
using PonyCloud.Shared.Entities;
using PonyCloud.Shared.State;
using PonyCloud.Sparkle.Control;
using PonyCloud.Sparkle.Placement.Extents;
using PonyCloud.TestKit.Control;

namespace PonyCloud.Sparkle.Tests.Placement.Extents;

/// <summary>The placement of extents over a database in memory, on one thread, with a clock that is moved by hand.</summary>
internal sealed class ExtentsInMemory : IControlQueue
{
    private static readonly EntityCatalog Catalog = EntityCatalog.Load();

    private readonly Queue<Action> _posted = [];
    private ExtentLedger _ledger = new(Catalog);
    private TimeSpan _now = TimeSpan.FromSeconds(1);
    private int _uuids;

    public ExtentsInMemory()
    {
        Placement = Start();
        Database.Settled = changes =>
        {
            _ledger.Apply(changes);
            Placement.Settled(changes);
        };
        Database.Put(Pool);
    }

    public static StoragePoolDesired Pool { get; } = new()
    {
        Uuid = Number(1_000_000),
        Name = "san",
        Type = StoragePoolType.SharedLvm,
        Config = JsonText.Parse("""{"name":"san"}"""),
        Shareable = true,
    };

    public MemoryDatabase Database { get; } = new(Catalog);

    public ExtentPlacement Placement { get; private set; }

    public IReadOnlyList<ExtentDesired> Extents =>
        [.. All<ExtentDesired>("extent").OrderBy(extent => extent.Volume).ThenBy(extent => extent.Order)];

    public static DiskDesired Disk(string id, long? size) => new()
    {
        Id = id,
        Type = DiskType.Iscsi,
        StoragePool = Pool.Uuid,
        Size = size,
    };

    public static VolumeDesired Volume(int number, long size) => new()
    {
        Uuid = Number(number),
        Name = $"v{number}",
        Size = size,
        StoragePool = Pool.Uuid,
    };

    public static ExtentDesired Extent(int number, string disk, long start, long end, VolumeDesired? volume = null) => new()
    {
        Uuid = Number(2_000_000 + number),
        StoragePool = Pool.Uuid,
        Disk = disk,
        Range = new LongRange(start, end),
        Volume = volume?.Uuid,
    };

    /// <summary>The parts of disks that a volume has, in order.</summary>
    public IEnumerable<string> Of(VolumeDesired volume) =>
        Extents.Where(extent => extent.Volume == volume.Uuid).Select(extent => $"{extent.Disk}{extent.Range}");

    /// <summary>Puts rows there, past all checks, and lets what follows happen.</summary>
    public void Put(params object[] rows)
    {
        Database.Put(rows);
        Run();
    }

    /// <summary>Removes a row, past all checks, and lets what follows happen.</summary>
    public void Remove(string entity, Guid uuid)
    {
        Database.Remove(entity, RowKey.Of(uuid));
        Run();
    }

    /// <summary>Lets time pass, then all that is posted happen.</summary>
    public void Run(TimeSpan time = default)
    {
        _now += time;
        Placement.Tick(_now);
        while (_posted.TryDequeue(out var action))
            action();
        CheckRows();
        CheckLedger();
    }

    /// <summary>Another controller that knows only the database.</summary>
    public void Restart()
    {
        Placement = Start();
        _ledger = new ExtentLedger(Catalog);
        var all = AllRows();
        _ledger.Apply(all);
        Placement.Settled(all);
        Run();
    }

    void IControlQueue.Post(Action action) => _posted.Enqueue(action);

    private static Guid Number(int number) => new(number, 0, 0, new byte[8]);

    private ExtentPlacement Start() =>
        new(Catalog, Database, this, Database, () => Number(3_000_000 + _uuids++), NullLogger<ExtentPlacement>.Instance);

    private IEnumerable<T> All<T>(string entity) => Database.Snapshot![Catalog[entity]].Rows.Select(row => row.Desired).OfType<T>();

    /// <summary>All rows as a load brings them.</summary>
    private ChangeSet AllRows() => new StateStore(Catalog).Apply(Database.Snapshot!.Tables.SelectMany(table => table.Rows
        .Where(row => row.Desired is not null)
        .Select(row => new RowChange(table.Entity, row.Key, RowPart.Desired, row.Desired)))) with
    { IsReload = true };

    /// <summary>What the schema would refuse.</summary>
    private void CheckRows()
    {
        foreach (var disk in Extents.GroupBy(extent => extent.Disk))
        {
            var ordered = disk.OrderBy(extent => extent.Range.Start).ToList();
            var overlaps = ordered.Zip(ordered.Skip(1)).Where(pair => pair.First.Range.End > pair.Second.Range.Start);
            Assert.That(overlaps, Is.Empty);
        }
        Assert.That(Extents.Where(extent => extent.Volume is not null).Select(extent => (extent.Volume, extent.Order)), Is.Unique);
    }

    /// <summary>What was kept in step is what a pass over all rows gives.</summary>
    private void CheckLedger()
    {
        var anew = new ExtentLedger(Catalog);
        anew.Apply(AllRows());
        Assert.That(_ledger.OfNobody, Is.EqualTo(anew.OfNobody));
        Assert.That(_ledger.Pools.Keys, Is.EqualTo(anew.Pools.Keys));
        foreach (var (uuid, pool) in anew.Pools)
        {
            var kept = _ledger.Pools[uuid];
            Assert.That(kept.Lacking, Is.EqualTo(pool.Lacking));
            Assert.That(kept.Lacking.All(_ledger.IsLacking));
            Assert.That(kept.Allocator.Limit, Is.EqualTo(pool.Allocator.Limit));
            Assert.That(kept.Allocator.Fragmentation, Is.EqualTo(pool.Allocator.Fragmentation));
            Assert.That(kept.Allocator.FreeRuns, Is.EqualTo(pool.Allocator.FreeRuns));
            Assert.That(Placement.FragmentationOf(uuid), Is.EqualTo(pool.Allocator.Fragmentation));
            foreach (var volume in All<VolumeDesired>("volume"))
                Assert.That(kept.Allocator.PiecesOf(volume.Uuid), Is.EqualTo(pool.Allocator.PiecesOf(volume.Uuid)));
        }
    }
}
