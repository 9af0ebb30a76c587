using Microsoft.Extensions.Logging;
using PonyCloud.Shared.Entities;
using PonyCloud.Shared.Messaging;
using PonyCloud.Shared.Replication;
using PonyCloud.Shared.State;
using PonyCloud.Sparkle.Control;
using PonyCloud.Sparkle.Database;
using PonyCloud.Sparkle.Events;
using PonyCloud.Sparkle.Placement;

namespace PonyCloud.Sparkle.Hosts;

/// <summary>
/// All Twilights: takes what they report into the state, sends each what it is to have, and notices who went silent.
/// Owned by the control loop.
/// </summary>
/// <remarks>
/// A host is spoken to only when its row exists. One process speaks for a host, its holder: the one whose full state was
/// taken last. <see cref="HostSessions"/> decides which it is, so a message that merely claims a uuid moves nothing (R9). A
/// host can report rows of its own name only, whatever its messages say (R10).
/// </remarks>
public sealed partial class HostRegistry : IControlFeature
{
    // Three keep-alive intervals of silence, as the protocol says.
    private const int MissedKeepAlives = 3;

    // Beyond it a look at everything that a host is to have is the cheaper way.
    private const int MaxLeaves = 1000;

    // How many hosts are logged in a minute as telling too much.
    private const int MaxNoisy = 100;

    private readonly Dictionary<Guid, HostLink> _links = [];
    private readonly OncePerMinute<Guid> _noisy = new(MaxNoisy);
    private readonly RowHasher _hasher = new();
    private readonly HostPost _post;
    private readonly HostSessions _sessions;
    private readonly Entity _host;
    private readonly Entity _place;
    private readonly Entity _instance;
    private readonly MessageCodec _codec;
    private readonly HostDoor _door;
    private readonly ScopeResolver _scopes;
    private readonly IEventSink _events;
    private readonly IEpochAuthority _authority;
    private readonly IEntropy _entropy;
    private readonly ControlOptions _options;
    private readonly TimeProvider _time;
    private readonly ILogger<HostRegistry> _logger;
    private StateSnapshot? _state;
    private long _malformed;

    public HostRegistry(
        EntityCatalog catalog,
        HostDoor door,
        IMessageTransport transport,
        ScopeResolver scopes,
        IEventSink events,
        IStateView view,
        IEpochAuthority authority,
        IEntropy entropy,
        ControlOptions options,
        TimeProvider time,
        ILogger<HostRegistry> logger)
    {
        _host = catalog["host"];
        _place = catalog["host_instance"];
        _instance = catalog["instance"];
        _codec = new MessageCodec(catalog);
        _door = door;
        _scopes = scopes;
        _events = events;
        _authority = authority;
        _entropy = entropy;
        _options = options;
        _time = time;
        _logger = logger;
        _post = new HostPost(_codec, transport, view, time);
        _sessions = new HostSessions(_post, scopes, _hasher, events, entropy, options, time, logger);
    }

    /// <summary>How many sessions are held in memory, those included that have not completed an exchange.</summary>
    internal int SessionCount => _sessions.Count;

    /// <summary>How many hosts are being asked for their full state.</summary>
    internal int AskedCount => _sessions.Asked;

    /// <summary>How often a host was asked for its full state.</summary>
    internal long ResyncCount => _sessions.Resyncs;

    private TimeSpan Now => _time.GetElapsedTime(0);

    private TimeSpan Silence => _options.KeepAlive * MissedKeepAlives;

    public IEnumerable<RowChange> Derive(ChangeSet changes)
    {
        foreach (var transition in changes.Rows)
        {
            if (transition.Entity != _host || !transition.Changed(RowPart.Desired)
                || !_links.TryGetValue(Guid.Parse(transition.Key.Text), out var link))
                continue;
            if (IsThere(transition.After))
            {
                if (KeyOf(transition.Before) != KeyOf(transition.After))
                    _sessions.EndAll(link);
                continue;
            }
            // An operator's word that a host is gone ends everything that was known from it, at once.
            if (IsThere(transition.Before))
                LogForgotten(link.Uuid);
            _sessions.EndAll(link);
            link.SilentSince = null;
            foreach (var change in link.Replace([]))
                yield return change;
            if (transition.After?.Desired is null)
                _links.Remove(link.Uuid);
        }
    }

    public void Settled(ChangeSet changes)
    {
        _state = changes.After;
        List<RowTransition> sent = [.. changes.Rows.Where(transition => transition.Entity.Scopes.Count > 0 && transition.Changed(RowPart.Desired))];
        if (sent.Count is > 0 and <= MaxLeaves && sent.TrueForAll(transition => _scopes.IsLeaf(transition.Entity)))
            SendLeaves(sent);
        else
            SendChanges(changes, sent);
    }

    public IEnumerable<RowChange> Receive(TransportEvent transportEvent)
    {
        switch (transportEvent)
        {
            case TransportEvent.Received(var peer, var body, var origin):
                return Received(peer, body, origin);
            case TransportEvent.Failed(var peer, var reason):
                _sessions.Failed(peer, reason);
                return [];
            default:
                return [];
        }
    }

    public IEnumerable<RowChange> Tick(TimeSpan now)
    {
        var changes = new List<RowChange>();
        foreach (var link in _links.Values)
        {
            _sessions.Tick(link, Silence, now);
            if (link.Holder is { } holder && now - holder.LastSent >= _options.KeepAlive)
                SendKeepAlive(holder);
            if (link.SilentSince is null && link.Reported.Count > 0 && now - link.LastHeard > Silence)
                changes.AddRange(Silenced(link, now));
        }
        _sessions.AskNext(now);
        return changes;
    }

    private List<RowChange> Silenced(HostLink link, TimeSpan now)
    {
        link.SilentSince = _time.GetUtcNow() - (now - link.LastHeard);
        LogSilent(link.Uuid, Silence);
        _events.Record(new PlatformEvent("host-unreachable", EventSeverity.Warning, link.Uuid, null, _time.GetUtcNow(), null));
        return HostRow(link) is { } row ? [row] : [];
    }

    private IEnumerable<RowChange> Received(PeerId peer, ReadOnlyMemory<byte> body, PeerOrigin? origin)
    {
        if (_state is null)
            return []; // Nobody is known before the database is; the peer's next keep-alive comes soon.
        Message message;
        try
        {
            message = _codec.Decode(body.Span);
        }
        catch (MalformedMessageException e)
        {
            if (_malformed++ % 1000 == 0)
                LogMalformed(_malformed, e.Message);
            return [];
        }
        if (message is not Message.FromTwilight claim)
            return []; // Not a Twilight's to say, or of a newer version.
        if (_door.Refuse(_state, origin, claim) is not { } refusal)
            return Admitted(peer, claim);
        if (refusal.Answer is { } answer)
            _post.Send(peer, answer); // Best effort: the machine greets again.
        return refusal.Rows;
    }

    private List<RowChange> Admitted(PeerId peer, Message.FromTwilight message)
    {
        var link = LinkOf(message.Uuid);
        if (_sessions.Find(link, peer) is not { } session)
            return [];
        session.LastHeard = Now;
        if (message.Epoch is { } epoch)
            _authority.Heard(epoch);
        // Whatever the holder says, and be it late or said twice, is a sign of life.
        var heard = session.IsHolder ? Heard(link) : [];
        switch (message)
        {
            case Message.TwilightUpdate(_, var update) { Taken: var taken }:
                return [.. heard, .. Updated(session, update, taken)];
            case Message.TwilightChunk(_, var chunk):
                return [.. heard, .. Updated(session, chunk, null)];
            case Message.TwilightResync(_, var stream, var window) when session.IsHolder && session.Feed.Accepts(stream):
                LogSnapshot(link.Uuid);
                _post.Send(session, session.Feed.Snapshot(_state!, stream, window, Withdrawn(link)));
                break;
            case Message.TwilightAck(_, var taken) when session.IsHolder:
                Taken(session, taken);
                break;
            case Message.TwilightNotify(_, var notification) when session.IsHolder && MaySpeakOf(link.Uuid, notification.Instance):
                Notified(link, notification);
                break;
        }
        return heard;
    }

    private List<RowChange> Updated(HostSession session, StateMessage message, Acknowledgement? taken)
    {
        var link = session.Link;
        var outcome = session.Receiver.Receive(message, session.LastHeard, _entropy.NextDouble());
        List<RowChange> changes = [];
        switch (outcome)
        {
            case ReceiveOutcome.Request:
                _sessions.Ask(session);
                break;
            case ReceiveOutcome.Replace(var rows):
                changes = [.. Hold(session), .. link.Replace(Own(link, rows)).Select(row => Completed(link, row))];
                link.Released.RemoveWhere(place => !link.Reported.ContainsKey((_place, place)));
                break;
            case ReceiveOutcome.Apply(var updates) when session.IsHolder:
                changes = Follow(link, updates);
                if (message.Digest is { } digest && digest != link.Digest)
                    Distrust(session);
                break;
            default:
                _sessions.Progress(session);
                break;
        }
        _sessions.Defend(session, message);
        if (outcome.Acknowledge is { } acknowledge)
            _post.Send(session, new Message.SparkleAck(acknowledge));
        if (taken is not null && session.IsHolder)
            Taken(session, taken);
        return changes;
    }

    /// <summary>The session completed an exchange: from now on it speaks for the host.</summary>
    private List<RowChange> Hold(HostSession session)
    {
        if (_sessions.Hold(session))
        {
            LogInStep(session.Link.Uuid);
            SendKeepAlive(session); // Makes the host ask for its desired state now instead of after a keep-alive interval.
        }
        _sessions.AskNext(session.LastHeard);
        return Heard(session.Link);
    }

    private List<RowChange> Follow(HostLink link, IReadOnlyList<RowChange> updates)
    {
        var changes = new List<RowChange>(updates.Count);
        foreach (var change in Own(link, updates))
        {
            link.Follow(change);
            if (change.Value is null && change.Entity == _place)
                link.Released.Remove(change.Key);
            changes.Add(Completed(link, change));
        }
        return changes;
    }

    private void Taken(HostSession session, Acknowledgement taken)
    {
        _post.Send(session, session.Feed.Acknowledged(taken));
        if (session.Feed.IsBehind)
            SendChanges(session);
    }

    private void Notified(HostLink link, Notification notification)
    {
        if (link.Notifications.Take(link.LastHeard))
            _events.Record(PlatformEvent.Of(link.Uuid, notification));
        else if (_noisy.Passes(link.Uuid, link.LastHeard))
            LogTooManyNotifications(link.Uuid);
    }

    /// <summary>The holder was heard: if the host was silent, its row says so no more.</summary>
    private List<RowChange> Heard(HostLink link)
    {
        link.LastHeard = Now;
        if (link.SilentSince is null)
            return [];
        link.SilentSince = null;
        LogBack(link.Uuid);
        _events.Record(new PlatformEvent("host-returned", EventSeverity.Info, link.Uuid, null, _time.GetUtcNow(), null));
        return HostRow(link) is { } row ? [row] : [];
    }

    /// <summary>What the host reports is not what it says that it reports (R17).</summary>
    private void Distrust(HostSession session)
    {
        LogDiverged(session.Link.Uuid);
        _events.Record(new PlatformEvent("replica-diverged", EventSeverity.Error, session.Link.Uuid, null, _time.GetUtcNow(), null));
        _sessions.AskAnew(session);
    }

    /// <summary>Remembers that a place was taken from a host by an order; one that is missing after a reload was not.</summary>
    private void NoteRelease(RowTransition transition, bool isReload)
    {
        var host = Guid.Parse(transition.Key.Parts[0]);
        if (transition.After?.Desired is not null)
        {
            _links.GetValueOrDefault(host)?.Released.Remove(transition.Key);
            return;
        }
        if (!isReload && _state![_host].Find(host)?.Desired is not null)
            LinkOf(host).Release(transition.Key);
    }

    /// <summary>What is known of a declared host, which may be nothing yet.</summary>
    private HostLink LinkOf(Guid host)
    {
        if (!_links.TryGetValue(host, out var link))
            _links.Add(host, link = new HostLink(host, _hasher) { LastHeard = Now });
        return link;
    }

    /// <summary>Places that the host still has and that an order took from it.</summary>
    private IEnumerable<RowChange> Withdrawn(HostLink link)
    {
        var wasOrdered = WasOrdered(link);
        return link.Reported.Keys
            .Where(row => row.Entity == _place && wasOrdered(row.Entity, row.Key))
            .Select(row => RowChange.Remove(row.Entity, RowPart.Desired, row.Key));
    }

    /// <summary>
    /// Whether it was an order that took a row from the host: its place was, or the instance is known and is elsewhere now.
    /// </summary>
    private Func<Entity, RowKey, bool> WasOrdered(HostLink link) => (entity, key) =>
        entity != _place || link.Released.Contains(key) || _state![_instance].Find(RowKey.Of(key.Parts[1]))?.Desired is not null;

    /// <summary>A host tells about instances that it has or is to have, not about those of others.</summary>
    private bool MaySpeakOf(Guid host, Guid? instance) =>
        instance is null || _state![_place].Find(RowKey.Of(host.ToString(), instance.Value.ToString())) is not null;

    /// <summary>Only what the host may say: rows of its own name, in the part that hosts report.</summary>
    private IEnumerable<RowChange> Own(HostLink link, IReadOnlyList<RowChange> changes)
    {
        var host = link.Uuid.ToString();
        foreach (var change in changes)
        {
            if (change.Part == RowPart.Current && change.Entity.ReporterOf(change.Key) == host)
                yield return change;
            else
                LogNotItsOwn(link.Uuid, change.Entity.Name);
        }
    }

    /// <summary>Adds to a host's own row what only the controller knows.</summary>
    private RowChange Completed(HostLink link, RowChange change) =>
        change.Entity == _host && change.Value is HostCurrent host
            ? change with
            {
                Value = host with
                {
                    Status = link.SilentSince is null ? HostStatus.Present : HostStatus.Unreachable,
                    LastSeen = link.SilentSince,
                },
            }
            : change;

    private RowChange? HostRow(HostLink link)
    {
        var key = RowKey.Of(link.Uuid);
        return link.Reported.TryGetValue((_host, key), out var reported)
            ? Completed(link, new RowChange(_host, key, RowPart.Current, reported))
            : null;
    }

    private static string? KeyOf(Row? host) => (host?.Desired as HostDesired)?.AgentKey;

    private static bool IsThere(Row? host) => host?.Desired is HostDesired { State: not HostState.Gone };

    /// <summary>To those that need what changed, each the difference between what it has and what it is to have.</summary>
    private void SendChanges(ChangeSet changes, List<RowTransition> sent)
    {
        var hosts = new HashSet<string>(StringComparer.Ordinal);
        var seenBefore = new HashSet<(Entity, RowKey)>();
        var seenAfter = new HashSet<(Entity, RowKey)>();
        foreach (var transition in sent)
        {
            if (transition.Entity == _place)
                NoteRelease(transition, changes.IsReload);
            if (transition.Before is { } before)
                _scopes.AddHostsOf(changes.Before, transition.Entity, before, hosts, seenBefore);
            if (transition.After is { } after)
                _scopes.AddHostsOf(changes.After, transition.Entity, after, hosts, seenAfter);
        }
        foreach (var host in hosts)
        {
            if (_links.GetValueOrDefault(Guid.Parse(host))?.Holder is { } holder)
                SendChanges(holder);
        }
    }

    /// <summary>A port of a switch with thousands on hundreds of hosts is one row to each of them, and costs no more.</summary>
    private void SendLeaves(List<RowTransition> leaves)
    {
        foreach (var link in _links.Values)
        {
            if (link.Holder is { } holder && holder.Feed.Leaves(leaves) is { } update)
                _post.Send(holder, update);
        }
    }

    private void SendChanges(HostSession session)
    {
        if (session.Feed.Changes(_state!, WasOrdered(session.Link)) is { } update)
            _post.Send(session, update);
    }

    private void SendKeepAlive(HostSession session)
    {
        if (session.Feed.KeepAlive(_state!, WasOrdered(session.Link)) is { } update)
            _post.Send(session, update);
    }

    [LoggerMessage(1101, LogLevel.Information, "Host {Host} is in step.")]
    private partial void LogInStep(Guid host);

    [LoggerMessage(1102, LogLevel.Warning, "Host {Host} has been silent for {Silence}; what it reported is kept and shown with its age.")]
    private partial void LogSilent(Guid host, TimeSpan silence);

    [LoggerMessage(1103, LogLevel.Information, "Host {Host} is heard again.")]
    private partial void LogBack(Guid host);

    [LoggerMessage(1104, LogLevel.Information, "Host {Host} is gone by an operator's word; what it reported is forgotten.")]
    private partial void LogForgotten(Guid host);

    [LoggerMessage(1107, LogLevel.Warning, "Host {Host} reported a row of {Entity} that is not its own; ignored.")]
    private partial void LogNotItsOwn(Guid host, string entity);

    [LoggerMessage(1108, LogLevel.Warning, "Malformed messages so far: {Count}; the last: {Why}.")]
    private partial void LogMalformed(long count, string why);

    [LoggerMessage(1109, LogLevel.Information, "Host {Host} is sent its desired state.")]
    private partial void LogSnapshot(Guid host);

    [LoggerMessage(1111, LogLevel.Error, "What host {Host} reports differs from what it says that it reported; it is asked for all of it.")]
    private partial void LogDiverged(Guid host);

    [LoggerMessage(1112, LogLevel.Warning, "Host {Host} notifies faster than is taken; what is too much is dropped.")]
    private partial void LogTooManyNotifications(Guid host);
}
