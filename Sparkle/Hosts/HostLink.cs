using PonyCloud.Shared.Entities;
using PonyCloud.Shared.State;

namespace PonyCloud.Sparkle.Hosts;

/// <summary>What is known of one declared host across restarts of its Twilight.</summary>
internal sealed class HostLink(Guid uuid)
{
    public Guid Uuid { get; } = uuid;

    /// <summary>The session whose snapshot was taken last; the only one that is sent anything but requests.</summary>
    public HostSession? Active { get; set; }

    /// <summary>Sessions of processes that claim to be this host and have not completed an exchange yet.</summary>
    public List<HostSession> Candidates { get; } = [];

    /// <summary>The host's own rows as it reported them, before the controller adds what only it knows.</summary>
    public Dictionary<(Entity Entity, RowKey Key), object> Reported { get; set; } = [];

    /// <summary>When the host was last heard, for people; set while it is silent.</summary>
    public DateTimeOffset? SilentSince { get; set; }

    public HostSession? SessionOf(Shared.Messaging.PeerId peer) =>
        Active?.Peer == peer ? Active : Candidates.Find(session => session.Peer == peer);

    /// <summary>The rows that turn what was reported before into what is reported now.</summary>
    public IEnumerable<RowChange> Replace(IEnumerable<RowChange> rows)
    {
        var old = Reported;
        Reported = [];
        foreach (var row in rows)
        {
            if (row.Value is null)
                continue;
            Reported[(row.Entity, row.Key)] = row.Value;
            old.Remove((row.Entity, row.Key));
            yield return row;
        }
        foreach (var (entity, key) in old.Keys)
            yield return RowChange.Remove(entity, RowPart.Current, key);
    }

    /// <summary>Follows a partial update.</summary>
    public void Apply(RowChange change)
    {
        if (change.Value is null)
            Reported.Remove((change.Entity, change.Key));
        else
            Reported[(change.Entity, change.Key)] = change.Value;
    }
}
