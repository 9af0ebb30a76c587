using PonyCloud.Shared.Entities;
using PonyCloud.Shared.Messaging;
using PonyCloud.Shared.Replication;
using PonyCloud.Shared.State;

namespace PonyCloud.Sparkle.Hosts;

/// <summary>What is known of one declared host across restarts of its Twilight.</summary>
internal sealed class HostLink(Guid uuid, RowHasher hasher)
{
    // A host that is away for long while its places are taken from it; past this, the host's own guard takes over.
    private const int MaxReleased = 10_000;

    public Guid Uuid { get; } = uuid;

    /// <summary>The session whose full state was taken last; the only one that is sent anything but requests.</summary>
    public HostSession? Holder { get; set; }

    /// <summary>A process that claims to be this host too: it waits until the holder has shown that it lives, or not.</summary>
    public Contest? Contest { get; set; }

    /// <summary>Sessions of processes that are being asked for a full state while nobody holds the host.</summary>
    public List<HostSession> Claimants { get; } = [];

    /// <summary>Processes that were refused because the holder lives, and since when.</summary>
    public Dictionary<PeerId, TimeSpan> Refused { get; } = [];

    /// <summary>The host's own rows as it reported them, before the controller adds what only it knows.</summary>
    public Dictionary<(Entity Entity, RowKey Key), object> Reported { get; private set; } = [];

    /// <summary>Of the rows that were reported.</summary>
    public StateDigest Digest { get; private set; }

    /// <summary>Places that were taken from the host by a committed order and that it may not know of yet.</summary>
    public HashSet<RowKey> Released { get; } = [];

    /// <summary>When the host was last heard, for people; set while it is silent.</summary>
    public DateTimeOffset? SilentSince { get; set; }

    public TimeSpan LastHeard { get; set; }

    public Allowance Notifications { get; } = Notification.Allowance();

    public HostSession? SessionOf(PeerId peer) =>
        Holder?.Peer == peer ? Holder : Claimants.Find(session => session.Peer == peer);

    public void Release(RowKey place)
    {
        if (Released.Count < MaxReleased)
            Released.Add(place);
    }

    /// <summary>The rows that turn what was reported before into what is reported now.</summary>
    public List<RowChange> Replace(IEnumerable<RowChange> rows)
    {
        var old = Reported;
        var changes = new List<RowChange>();
        Reported = [];
        Digest = default;
        foreach (var row in rows)
        {
            if (row.Value is null)
                continue;
            Follow(row);
            old.Remove((row.Entity, row.Key));
            changes.Add(row);
        }
        changes.AddRange(old.Keys.Select(gone => RowChange.Remove(gone.Entity, RowPart.Current, gone.Key)));
        return changes;
    }

    /// <summary>Follows one change of a partial update.</summary>
    public void Follow(RowChange change)
    {
        var row = (change.Entity, change.Key);
        Digest = hasher.Follow(Digest, change.Entity, change.Key, RowPart.Current, Reported.GetValueOrDefault(row), change.Value);
        if (change.Value is null)
            Reported.Remove(row);
        else
            Reported[row] = change.Value;
    }
}

/// <summary>Two processes claim to be one host.</summary>
/// <param name="Newcomer">The one that came later.</param>
/// <param name="Probe">The stream that the holder was asked for; anything of it shows that the holder lives.</param>
/// <param name="Ends">When the holder counts as dead.</param>
internal sealed record Contest(PeerId Newcomer, StreamId Probe, TimeSpan Ends);
