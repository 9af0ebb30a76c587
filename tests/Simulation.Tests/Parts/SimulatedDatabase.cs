using PonyCloud.Shared.Entities;
using PonyCloud.Shared.State;
using PonyCloud.Simulation.Tests.Kernel;
using PonyCloud.Sparkle.Database;

namespace PonyCloud.Simulation.Tests.Parts;

/// <summary>
/// The committed states, one after another, with what the schema enforces of places: their references, their cascades,
/// and one place for each instance. It can be away for Sparkle and goes on taking commits from elsewhere.
/// </summary>
internal sealed class SimulatedDatabase(EntityCatalog catalog, Agenda agenda, Trace trace, Chance chance)
{
    private readonly StateStore _store = new(catalog);
    private readonly List<Follower> _followers = [];

    public bool IsUp { get; private set; } = true;

    public StateSnapshot Newest => _store.Snapshot;

    /// <summary>Every committed state; the index is the version.</summary>
    public List<StateSnapshot> History { get; } = [new StateStore(catalog).Snapshot];

    public int Version => History.Count - 1;

    /// <summary>What the newest Sparkle was given.</summary>
    public long Epoch { get; private set; }

    /// <summary>Whether a write may fail or lose its answer.</summary>
    public bool WritesFail { get; set; }

    /// <summary>Instances that once lost their place, or never had it there: by host and instance.</summary>
    public HashSet<(Guid Host, Guid Instance)> Withdrawn { get; } = [];

    /// <summary>A transaction was committed; nobody has been told of it yet.</summary>
    public Action<IReadOnlyList<DatabaseChange>>? Committed { get; set; }

    public bool Has(string entity, Guid key) => Newest[catalog[entity]].Find(key)?.Desired is not null;

    /// <summary>Whether the host is declared and was not given up.</summary>
    public bool IsThere(Guid host) => IsThere(Newest[catalog["host"]].Find(host));

    /// <inheritdoc cref="IsThere(Guid)"/>
    public static bool IsThere(Row? host) => host?.Desired is HostDesired { State: not HostState.Gone };

    /// <summary>Whether the host's key may speak for it.</summary>
    public static bool IsListenedTo(Row? host) => IsThere(host) && host!.Desired is HostDesired { AgentKey: not null };

    /// <summary>A transaction from anywhere.</summary>
    public void Commit(IReadOnlyList<DatabaseChange> steps)
    {
        var rows = new List<RowChange>();
        foreach (var step in steps)
        {
            switch (step)
            {
                case DatabaseChange.OfRow(var row):
                    rows.Add(row);
                    break;
                case DatabaseChange.Truncated(var entity):
                    rows.AddRange(Newest[entity].Rows.Select(row => RowChange.Remove(entity, RowPart.Desired, row.Key)));
                    break;
            }
        }
        foreach (var transition in _store.Apply(rows).Rows)
        {
            if (transition is { Entity.Name: "host_instance", After: null })
                Withdrawn.Add((Guid.Parse(transition.Key.Parts[0]), Guid.Parse(transition.Key.Parts[1])));
        }
        History.Add(_store.Snapshot);
        Committed?.Invoke(steps);
        trace.Say($"database: version {Version}, {string.Join(", ", steps.Select(Name))}");
        foreach (var follower in _followers)
            follower.Committed(Version, steps);
    }

    /// <summary>Removes a row and what the schema's cascades remove with it.</summary>
    public IReadOnlyList<DatabaseChange> Deletion(string entity, Guid key)
    {
        return [.. LosePlaces(entity, key), new DatabaseChange.OfRow(RowChange.Remove(catalog[entity], RowPart.Desired, RowKey.Of(key)))];
    }

    /// <summary>Gives a host up, with what the schema's trigger removes.</summary>
    public IReadOnlyList<DatabaseChange> GivingUp(HostDesired host) =>
    [
        .. LosePlaces("host", host.Uuid),
        new DatabaseChange.OfRow(RowChange.Set(catalog["host"], RowPart.Desired, host with { State = HostState.Gone })),
    ];

    /// <summary>Commits what the scheduler asks for, unless the schema or a fault is against it.</summary>
    /// <returns>The version.</returns>
    public int Insert(IReadOnlyList<RowWrite> writes)
    {
        if (!IsUp || (WritesFail && chance.Hits(0.15)))
            throw new DatabaseUnavailableException("away");
        if (WritesFail && chance.Hits(0.1))
            throw new UnconfirmedCommitException("lost before the commit");
        var places = catalog["host_instance"];
        var taken = new HashSet<Guid>();
        for (var i = 0; i < writes.Count; i++)
        {
            var place = (HostInstanceDesired)((RowWrite.Insert)writes[i]).Record;
            if (!taken.Add(place.Instance) || Newest[places].Where("instance", place.Instance.ToString()).Any(row => row.Desired is not null))
                throw Refused(Refusal.Duplicate, i, "host_instance_instance_key");
            if (!Has("host", place.Host) || !Has("instance", place.Instance))
                throw Refused(Refusal.MissingReference, i, "host_instance_fkey");
            if (!IsThere(place.Host))
                throw Refused(Refusal.Rule, i, "host_instance_host_gone");
        }
        Commit([.. writes.Cast<RowWrite.Insert>().Select(write => new DatabaseChange.OfRow(RowChange.Set(places, RowPart.Desired, write.Record)))]);
        if (WritesFail && chance.Hits(0.15))
            throw new UnconfirmedCommitException("committed, and the answer was lost");
        return Version;
    }

    /// <summary>A Sparkle becomes active.</summary>
    public long TakeEpoch() => ++Epoch;

    public void Follow(Follower follower) => _followers.Add(follower);

    public void Unfollow(Follower follower) => _followers.Remove(follower);

    public void GoAway()
    {
        IsUp = false;
        trace.Say($"database: away");
        foreach (var follower in _followers)
            follower.Lost();
    }

    public void Return()
    {
        IsUp = true;
        trace.Say($"database: back");
    }

    public TimeSpan Delay() => chance.Hits(0.05) ? chance.Seconds(0.1, 4) : chance.Seconds(0.0005, 0.02);

    public void Later(TimeSpan delay, Action action) => agenda.After(delay, action);

    private IEnumerable<DatabaseChange> LosePlaces(string entity, Guid key) => Newest[catalog["host_instance"]].Rows
        .Where(place => entity is "host" or "instance" && place.Key.Parts.Contains(key.ToString()))
        .Select(place => new DatabaseChange.OfRow(RowChange.Remove(catalog["host_instance"], RowPart.Desired, place.Key)));

    private static WriteRefusedException Refused(Refusal refusal, int index, string constraint) =>
        new(refusal, index, constraint, [], "refused", new InvalidOperationException(constraint));

    private static string Name(DatabaseChange change) => change switch
    {
        DatabaseChange.OfRow(var row) => $"{row.Entity} {row.Key.Text} {(row.Value is null ? "removed" : "set")}",
        DatabaseChange.Truncated(var entity) => $"{entity} truncated",
        _ => "?",
    };
}
