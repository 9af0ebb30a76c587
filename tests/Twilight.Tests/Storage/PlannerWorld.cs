using PonyCloud.Shared.Entities;
using PonyCloud.Twilight.Storage;
using PonyCloud.Twilight.Storage.Planning;

namespace PonyCloud.Twilight.Tests.Storage;

/// <summary>A pool in which planned actions come about at once, without any tool: what a plan leads to.</summary>
internal sealed class PlannerWorld(PoolDefinition definition, PoolAbilities abilities, StorageOrders orders)
{
    private static readonly PoolDefinition Staging = new()
    {
        Pool = new StoragePoolDesired { Uuid = Guid.Empty, Name = "staging", Type = StoragePoolType.Dir, Config = JsonText.Parse("{}") },
    };

    private readonly Dictionary<Guid, VolumeRecord> _ledger = [];
    private bool _isPrepared;

    public Dictionary<ObjectName, WorldObject> Objects { get; } = [];

    /// <summary>What there is of a volume.</summary>
    public IEnumerable<ObjectName> Of(Guid volume) => Objects.Keys.Where(name => name.Kind == ObjectKind.Volume && name.Uuid == volume);

    public List<StorageAction> Actions { get; } = [];

    public StoragePlan Plan() => StoragePlanner.Plan(new StoragePlannerInput
    {
        Host = StorageOrderBook.Host,
        Orders = orders,
        Types = new HashSet<StoragePoolType> { StoragePoolType.Dir },
        Staging = Staging,
        Pools = _isPrepared ? new Dictionary<Guid, PoolView> { [definition.Pool.Uuid] = View() } : [],
        Ledger = _ledger,
        Now = TimeSpan.Zero,
    });

    /// <summary>Plans and carries out until nothing is left to do.</summary>
    /// <returns>The last plan.</returns>
    public StoragePlan Settle(int rounds)
    {
        for (var round = 0; round < rounds; round++)
        {
            var plan = Plan();
            if (plan.Actions.Count == 0)
                return plan;
            foreach (var action in plan.Actions)
                Do(action);
            Actions.AddRange(plan.Actions);
        }
        throw new InvalidOperationException($"It does not come to rest:\n{Plan()}");
    }

    private PoolView View() => new()
    {
        Definition = definition,
        Abilities = abilities,
        Scan = new PoolScan
        {
            Path = "/pool",
            Capacity = 1000,
            Available = 1000,
            Objects = [.. Objects.Select(found => new FoundObject(found.Key, found.Key.ToString()))],
        },
        Details = Objects.ToDictionary(found => found.Key, found => new ObjectDetails
        {
            Size = found.Value.Size,
            Snapshots = [.. found.Value.Snapshots.Select(snapshot => new FoundSnapshot(snapshot.Key, null))],
        }),
    };

    private void Do(StorageAction action)
    {
        switch (action)
        {
            case StorageAction.Prepare:
                _isPrepared = true;
                break;
            case StorageAction.Make make:
                Objects.TryAdd(make.Target.Name, new WorldObject { Size = make.Target.Size });
                break;
            case StorageAction.Fetch fetch:
                Objects.TryAdd(ObjectName.Image(fetch.Image.Uuid), new WorldObject { Size = 1 });
                break;
            case StorageAction.Grow grow:
                Objects[grow.Target.Name].Size = grow.Target.Size;
                break;
            case StorageAction.Snapshot take:
                Objects[take.Target.Name].Snapshots.Add(take.Uuid, Objects[take.Target.Name].Size);
                break;
            case StorageAction.RemoveSnapshot remove:
                Objects[remove.Target.Name].Snapshots.Remove(remove.Uuid);
                break;
            case StorageAction.Revert revert:
                Objects[revert.Target.Name].Size = Objects[revert.Target.Name].Snapshots[revert.Uuid];
                _ledger[revert.Target.Name.Uuid] = new VolumeRecord(0, revert.Count, false);
                break;
            case StorageAction.Remove remove:
                Objects.Remove(remove.Target.Name);
                break;
            default:
                throw new InvalidOperationException($"Nobody does {action}.");
        }
    }
}

internal sealed class WorldObject
{
    public required long Size { get; set; }

    /// <summary>With the sizes of then.</summary>
    public Dictionary<Guid, long> Snapshots { get; } = [];

    public override string ToString() => $"{Size} MiB, snapshots {string.Join(' ', Snapshots.Keys)}";
}
