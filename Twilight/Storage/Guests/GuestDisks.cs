using PonyCloud.Twilight.Instances;
using PonyCloud.Twilight.Storage.Planning;

namespace PonyCloud.Twilight.Storage.Guests;

/// <summary>
/// What the storage of this host has for the disks of its instances, and what their guests have open; <c>README.md</c> says who may
/// touch what when. The storage loop says what there is and asks before it works on something; the instances' loop says what guests
/// have and asks before it gives them something. Each asks before it acts, so never do both.
/// </summary>
public sealed class GuestDisks : IInstanceDisks
{
    private readonly Lock _gate = new();
    private IReadOnlyDictionary<Guid, DiskState> _states = new Dictionary<Guid, DiskState>();
    private HashSet<(Guid Content, ObjectName? Object)> _reserved = [];
    private HashSet<DiskUse> _held = [];
    private GuestUses _uses = GuestUses.Unknown;

    public event Action? Changed;

    /// <summary>Called on any thread when guests have something else.</summary>
    internal Action? Used { get; set; }

    /// <summary>What guests have open, or may have.</summary>
    internal GuestUses Uses
    {
        get
        {
            lock (_gate)
                return _uses;
        }
    }

    public DiskState Of(Guid vdisk)
    {
        lock (_gate)
            return _states.GetValueOrDefault(vdisk, DiskState.Unknown);
    }

    public IReadOnlyCollection<DiskUse> Use(IReadOnlyCollection<DiskUse> held, IReadOnlyCollection<DiskUse> wanted)
    {
        List<DiskUse> refused;
        lock (_gate)
        {
            refused = [.. wanted.Where(use => ObjectName.In(use.Source) is { } name && IsReserved(name))];
            var now = held.Concat(wanted.Except(refused)).ToHashSet();
            if (_uses.IsKnown && now.SetEquals(_held))
                return refused;
            _held = now;
            _uses = new GuestUses(now);
        }
        Used?.Invoke();
        return refused;
    }

    /// <summary>Takes what the storage is about to work on, so that no guest gets it.</summary>
    /// <param name="plan">What is to be done.</param>
    /// <param name="isExclusive">Whether a guest must not have it meanwhile.</param>
    /// <param name="inFlight">What is done already.</param>
    /// <param name="hasNames">Whether each content in a pool is an object of its own, which can be removed while a guest has another.</param>
    /// <returns>What may be done now.</returns>
    internal IReadOnlyList<StorageAction> Reserve(
        IEnumerable<StorageAction> plan, IReadOnlyCollection<StorageAction> inFlight, Func<StorageAction, bool> isExclusive, Func<Guid, bool> hasNames)
    {
        lock (_gate)
        {
            var going = inFlight.ToHashSet();
            StorageAction[] admitted = [.. plan.Where(action => going.Contains(action) || !isExclusive(action) || ObjectsOf(action).All(IsFree))];
            _reserved = [.. admitted.Concat(going).Where(isExclusive).SelectMany(ObjectsOf)];
            return admitted;
        }

        IEnumerable<(Guid Content, ObjectName? Object)> ObjectsOf(StorageAction action) =>
            action is StorageAction.Remove { Target.Name: { IsPartial: false } name } remove && hasNames(remove.Pool)
                ? [(name.Uuid, name)]
                : ContentsOf(action).Select(content => (content, (ObjectName?)null));
    }

    /// <summary>What there is now. By the storage loop.</summary>
    internal void Become(IReadOnlyDictionary<Guid, DiskState> states)
    {
        lock (_gate)
        {
            if (states.Count == _states.Count && states.All(state => _states.GetValueOrDefault(state.Key) == state.Value))
                return;
            _states = states;
        }
        Changed?.Invoke();
    }

    private bool IsFree((Guid Content, ObjectName? Object) found) =>
        found.Object is { } name ? !_uses.MayHave(name) : !_uses.MayHave(found.Content);

    private bool IsReserved(ObjectName name) => _reserved.Contains((name.Uuid, null)) || _reserved.Contains((name.Uuid, name));

    /// <summary>The volumes and images that an action works on or reads from.</summary>
    private static IEnumerable<Guid> ContentsOf(StorageAction action) => action switch
    {
        StorageAction.Make { Source: VolumeSource.Volume source } make => [make.Target.Name.Uuid, source.From.Name.Uuid],
        StorageAction.Make make => [make.Target.Name.Uuid],
        StorageAction.Grow grow => [grow.Target.Name.Uuid],
        StorageAction.Clear clear => [clear.Target.Name.Uuid],
        StorageAction.Snapshot take => [take.Target.Name.Uuid],
        StorageAction.RemoveSnapshot remove => [remove.Target.Name.Uuid],
        StorageAction.Revert revert => [revert.Target.Name.Uuid],
        StorageAction.Remove { Target.Name.IsPartial: false } remove => [remove.Target.Name.Uuid],
        _ => [],
    };
}
