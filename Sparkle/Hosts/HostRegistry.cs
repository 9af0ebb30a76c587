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
/// taken last. Another that claims the host waits until the holder turned out to be dead, so a message that merely claims a
/// uuid moves nothing (R9). A host can report rows of its own name only, whatever its messages say (R10).
/// </remarks>
public sealed partial class HostRegistry : IControlFeature
{
    // A restarting Twilight has one process that ends and one that begins; more than a few at once is a fault.
    private const int MaxClaimants = 4;

    // Three keep-alive intervals of silence, as the protocol says.
    private const int MissedKeepAlives = 3;

    private readonly Dictionary<Guid, HostLink> _links = [];
    private readonly Dictionary<PeerId, HostSession> _sessions = [];
    private readonly RowHasher _hasher = new();
    private readonly ResyncTurns _turns;
    private readonly Entity _host;
    private readonly Entity _place;
    private readonly Entity _instance;
    private readonly MessageCodec _codec;
    private readonly HostDoor _door;
    private readonly IMessageTransport _transport;
    private readonly ScopeResolver _scopes;
    private readonly IEventSink _events;
    private readonly IStateView _view;
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
        _transport = transport;
        _scopes = scopes;
        _events = events;
        _view = view;
        _authority = authority;
        _entropy = entropy;
        _options = options;
        _time = time;
        _logger = logger;
        _turns = new ResyncTurns(options.ResyncsAtOnce);
    }

    /// <summary>How many sessions are held in memory, those included that have not completed an exchange.</summary>
    internal int SessionCount => _sessions.Count;

    /// <summary>How many hosts are being asked for their full state.</summary>
    internal int AskedCount => _turns.Asked;

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
                    EndSessions(link);
                continue;
            }
            // An operator's word that a host is gone ends everything that was known from it, at once.
            if (IsThere(transition.Before))
                LogForgotten(link.Uuid);
            EndSessions(link);
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
        var hosts = new HashSet<string>(StringComparer.Ordinal);
        foreach (var transition in changes.Rows)
        {
            if (!transition.Changed(RowPart.Desired) || transition.Entity.Scopes.Count == 0)
                continue;
            if (transition.Entity == _place)
                NoteRelease(transition, changes.IsReload);
            if (transition.Before is { } before)
                _scopes.AddHostsOf(changes.Before, transition.Entity, before, hosts);
            if (transition.After is { } after)
                _scopes.AddHostsOf(changes.After, transition.Entity, after, hosts);
        }
        foreach (var host in hosts)
        {
            if (_links.GetValueOrDefault(Guid.Parse(host)) is { Holder: { } holder } link)
                SendChanges(link, holder);
        }
    }

    public IEnumerable<RowChange> Receive(TransportEvent transportEvent) => transportEvent switch
    {
        TransportEvent.Received(var peer, var body, var origin) => Received(peer, body, origin),
        TransportEvent.Failed(var peer, var reason) => Failed(peer, reason),
        _ => [],
    };

    public IEnumerable<RowChange> Tick(TimeSpan now)
    {
        var changes = new List<RowChange>();
        foreach (var link in _links.Values)
        {
            if (link.Holder is { } holder)
                Tick(link, holder, now);
            if (link.SilentSince is null && link.Reported.Count > 0 && now - link.LastHeard > Silence)
                changes.AddRange(Silenced(link, now));
            for (var i = link.Claimants.Count - 1; i >= 0; i--)
            {
                var claimant = link.Claimants[i];
                TickReceiver(claimant, now);
                if (now - claimant.LastHeard <= Silence)
                    continue;
                link.Claimants.RemoveAt(i);
                End(claimant);
            }
        }
        AskNext(now);
        return changes;
    }

    private void Tick(HostLink link, HostSession holder, TimeSpan now)
    {
        TickReceiver(holder, now);
        if (now - holder.LastSent >= _options.KeepAlive && holder.Feed.KeepAlive(_state!, WasOrdered(link)) is { } update)
            SendUpdate(holder, update);
        if (link.Contest is { } contest && now >= contest.Ends)
            Concede(link, contest);
    }

    private List<RowChange> Silenced(HostLink link, TimeSpan now)
    {
        link.SilentSince = _time.GetUtcNow() - (now - link.LastHeard);
        LogSilent(link.Uuid, Silence);
        _events.Record(new PlatformEvent("host-unreachable", EventSeverity.Warning, link.Uuid, null, _time.GetUtcNow(), null));
        return HostRow(link) is { } row ? [row] : [];
    }

    private void TickReceiver(HostSession session, TimeSpan now)
    {
        if (session.TurnEnds <= now)
            _turns.End(session);
        if (session.Receiver.Tick(now, _entropy.NextDouble()) is not null)
            Ask(session);
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
        if (message is Message.FromTwilight claim && _door.Refuse(_state, origin, claim) is { } refusal)
        {
            if (refusal.Answer is { } answer)
                Send(peer, answer); // Best effort: the machine greets again.
            return refusal.Rows;
        }
        return message switch
        {
            Message.TwilightUpdate(var uuid, var update) { Taken: var taken } => From(uuid, peer, message, (link, session) => Updated(link, session, update, taken)),
            Message.TwilightChunk(var uuid, var chunk) => From(uuid, peer, message, (link, session) => Updated(link, session, chunk, null)),
            Message.TwilightResync(var uuid, var stream, var window) => From(uuid, peer, message, (link, session) => Requested(link, session, stream, window)),
            Message.TwilightAck(var uuid, var taken) => From(uuid, peer, message, (link, session) => Taken(link, session, taken)),
            Message.TwilightNotify(var uuid, var notification) => From(uuid, peer, message, (link, session) => Notified(link, session, notification)),
            _ => [], // Not a Twilight's to say, or of a newer version.
        };
    }

    private List<RowChange> From(Guid uuid, PeerId peer, Message message, Func<HostLink, HostSession, List<RowChange>> handle)
    {
        if (!_links.TryGetValue(uuid, out var link))
            _links.Add(uuid, link = new HostLink(uuid, _hasher) { LastHeard = Now });
        if (SessionOf(link, peer) is not { } session)
            return [];
        session.LastHeard = Now;
        if (message.Epoch is { } epoch)
            _authority.Heard(epoch);
        // Whatever the holder says, and be it late or said twice, is a sign of life.
        var heard = session == link.Holder ? Heard(link) : [];
        var changes = handle(link, session);
        return heard.Count == 0 ? changes : [.. heard, .. changes];
    }

    private List<RowChange> Updated(HostLink link, HostSession session, StateMessage message, Acknowledgement? taken)
    {
        var outcome = session.Receiver.Receive(message, session.LastHeard, _entropy.NextDouble());
        List<RowChange> changes = [];
        switch (outcome)
        {
            case ReceiveOutcome.Request:
                Ask(session);
                return [];
            case ReceiveOutcome.Replace(var rows):
                _turns.End(session);
                changes = [.. Hold(link, session), .. link.Replace(Own(link, rows)).Select(row => Completed(link, row))];
                link.Released.RemoveWhere(place => !link.Reported.ContainsKey((_place, place)));
                AskNext(session.LastHeard);
                break;
            case ReceiveOutcome.Apply(var updates) when session == link.Holder:
                changes = Follow(link, updates);
                if (message.Digest is { } digest && digest != link.Digest)
                    Distrust(link, session);
                break;
            default:
                _turns.Progress(session, session.LastHeard);
                break;
        }
        Defend(link, session, message);
        if (outcome.Acknowledge is { } acknowledge)
            Send(session, new Message.SparkleAck(acknowledge));
        if (taken is not null)
            Taken(link, session, taken);
        return changes;
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

    private List<RowChange> Requested(HostLink link, HostSession session, StreamId? stream, int window)
    {
        if (session != link.Holder || !session.Feed.Accepts(stream))
            return [];
        var wasOrdered = WasOrdered(link);
        var withdrawn = link.Reported.Keys
            .Where(row => row.Entity == _place && wasOrdered(row.Entity, row.Key))
            .Select(row => RowChange.Remove(row.Entity, RowPart.Desired, row.Key));
        LogSnapshot(link.Uuid);
        SendAll(session, session.Feed.Snapshot(_state!, stream, window, withdrawn));
        return [];
    }

    private List<RowChange> Taken(HostLink link, HostSession session, Acknowledgement taken)
    {
        if (session != link.Holder)
            return [];
        SendAll(session, session.Feed.Acknowledged(taken));
        if (session.Feed.IsBehind)
            SendChanges(link, session);
        return [];
    }

    private List<RowChange> Notified(HostLink link, HostSession session, Notification notification)
    {
        if (session != link.Holder || !MaySpeakOf(link.Uuid, notification.Instance))
            return [];
        if (link.Notifications.Take(session.LastHeard))
            _events.Record(PlatformEvent.Of(link.Uuid, notification));
        else if (link.Notifications.Refused == 1)
            LogTooManyNotifications(link.Uuid);
        return [];
    }

    /// <summary>The session completed an exchange: from now on it speaks for the host.</summary>
    private List<RowChange> Hold(HostLink link, HostSession session)
    {
        var heard = Heard(link);
        if (link.Holder == session)
            return heard;
        if (link.Holder is { } former)
            End(former);
        // Who claimed to be this host before is most likely dead, and its full state may still be on its way: it would put
        // what was in the place of what is. If it lives, it greets again and begins anew.
        foreach (var earlier in link.Claimants.Take(link.Claimants.IndexOf(session)).ToArray())
            End(earlier);
        link.Claimants.RemoveRange(0, link.Claimants.IndexOf(session) + 1);
        link.Holder = session;
        link.Contest = null;
        LogInStep(link.Uuid);
        session.Feed.Open();
        if (session.Feed.KeepAlive(_state!, WasOrdered(link)) is { } greeting)
            SendUpdate(session, greeting); // Makes the host ask for its desired state now instead of after a keep-alive interval.
        return heard;
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

    private IEnumerable<RowChange> Failed(PeerId peer, Undelivered reason)
    {
        if (!_sessions.TryGetValue(peer, out var session))
            return [];
        // The stream is broken: what was to be sent is in the next full state. The peer notices the gap and asks, or it is
        // gone and its successor does.
        session.Feed.Break();
        if (reason != Undelivered.Unreachable || _links.GetValueOrDefault(session.Host) is not { } link)
            return [];
        _turns.End(session);
        if (link.Holder == session)
        {
            if (link.Contest is { } contest)
                Concede(link, contest);
        }
        else if (link.Claimants.Remove(session))
        {
            End(session);
        }
        return [];
    }

    /// <summary>The session of the peer, or null while somebody else speaks for the host.</summary>
    private HostSession? SessionOf(HostLink link, PeerId peer)
    {
        if (link.SessionOf(peer) is { } known)
            return known;
        if (link.Holder is { } holder && link.SilentSince is null)
        {
            Challenge(link, holder, peer);
            return null;
        }
        return Claim(link, peer);
    }

    private HostSession? Claim(HostLink link, PeerId peer)
    {
        if (link.Claimants.Count == MaxClaimants)
        {
            LogCrowded(link.Uuid, MaxClaimants);
            return null;
        }
        var feed = new DesiredFeed(link.Uuid.ToString(), _entropy.NextId(), _scopes, _hasher, _options.Limits);
        var session = new HostSession(link.Uuid, peer, feed, new ReplicationReceiver(_entropy.NextId())) { LastHeard = Now };
        link.Claimants.Add(session);
        _sessions[peer] = session;
        return session;
    }

    /// <summary>
    /// Somebody else claims the host. Most often its Twilight was started anew and the holder is dead: then the next message
    /// to it fails at once. So the holder is asked for something that only a living process answers.
    /// </summary>
    private void Challenge(HostLink link, HostSession holder, PeerId newcomer)
    {
        if (link.Contest is not null)
            return;
        var now = Now;
        var probe = holder.Receiver.AskAnew(now, _entropy.NextDouble());
        link.Contest = new Contest(newcomer, probe, now + _options.KeepAlive);
        Send(holder, new Message.SparkleResync(probe));
    }

    /// <summary>A message of the holder decides a contest if only a process that lives can have sent it.</summary>
    private void Defend(HostLink link, HostSession session, StateMessage message)
    {
        if (link.Contest is not { } contest || session != link.Holder || message.Stream is null || message.Stream.Prefix != contest.Probe.Prefix
            || message.Stream.Counter < contest.Probe.Counter)
            return;
        link.Contest = null;
        Send(contest.Newcomer, new Message.SparkleRefused(Message.SparkleRefused.Taken));
        var now = Now;
        if (!link.Refused.TryGetValue(contest.Newcomer, out var since))
        {
            if (link.Refused.Count >= MaxClaimants)
                link.Refused.Clear();
            link.Refused.Add(contest.Newcomer, now);
        }
        else if (now - since >= _options.KeepAlive / 2)
        {
            // Not the last words of a dead process, then.
            link.Refused[contest.Newcomer] = now;
            LogContested(link.Uuid);
            _events.Record(new PlatformEvent("host-contested", EventSeverity.Error, link.Uuid, null, _time.GetUtcNow(), null));
        }
    }

    /// <summary>The holder does not answer: whoever waits may complete an exchange in its place.</summary>
    private void Concede(HostLink link, Contest contest)
    {
        link.Contest = null;
        if (link.SessionOf(contest.Newcomer) is not null || Claim(link, contest.Newcomer) is not { } session)
            return;
        session.Receiver.AskAnew(Now, _entropy.NextDouble());
        Ask(session);
    }

    private void End(HostSession session)
    {
        session.IsOver = true;
        _turns.End(session);
        if (_sessions.GetValueOrDefault(session.Peer) == session)
            _sessions.Remove(session.Peer);
    }

    /// <summary>
    /// Nobody who spoke for the host may go on. What was reported stays, until a new session replaces it or silence makes
    /// it old.
    /// </summary>
    private void EndSessions(HostLink link)
    {
        foreach (var session in link.Claimants.Append(link.Holder).OfType<HostSession>())
            End(session);
        link.Claimants.Clear();
        link.Refused.Clear();
        link.Holder = null;
        link.Contest = null;
    }

    /// <summary>What the host reports is not what it says that it reports (R17).</summary>
    private void Distrust(HostLink link, HostSession session)
    {
        LogDiverged(link.Uuid);
        _events.Record(new PlatformEvent("replica-diverged", EventSeverity.Error, link.Uuid, null, _time.GetUtcNow(), null));
        session.Receiver.AskAnew(session.LastHeard, _entropy.NextDouble());
        Ask(session);
    }

    /// <summary>Sends the request that the session's receiver waits for, when it is its turn.</summary>
    private void Ask(HostSession session)
    {
        if (session.Receiver.State is not ReceiverState.Waiting(var request, _, _))
            return;
        if (_turns.Ask(session, Now))
            Send(session, new Message.SparkleResync(request));
        else
            AskNext(Now);
    }

    private void AskNext(TimeSpan now)
    {
        while (_turns.Next(now) is { } session)
        {
            if (session.Receiver.State is ReceiverState.Waiting(var request, _, _))
                Send(session, new Message.SparkleResync(request));
            else
                _turns.End(session);
        }
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
        if (isReload || _state![_host].Find(host)?.Desired is null)
            return;
        if (!_links.TryGetValue(host, out var link))
            _links.Add(host, link = new HostLink(host, _hasher) { LastHeard = Now });
        link.Release(transition.Key);
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

    private void SendChanges(HostLink link, HostSession session)
    {
        if (session.Feed.Changes(_state!, WasOrdered(link)) is { } update)
            SendUpdate(session, update);
    }

    private void SendUpdate(HostSession session, StateUpdate update) =>
        Send(session, new Message.SparkleUpdate(update) { Taken = session.Receiver.Taken });

    private void SendAll(HostSession session, IReadOnlyList<StateMessage> messages)
    {
        foreach (var message in messages)
        {
            if (message is StateChunk chunk)
                Send(session, new Message.SparkleChunk(chunk));
            else if (message is StateUpdate update)
                SendUpdate(session, update);
        }
    }

    private void Send(HostSession session, Message message)
    {
        session.LastSent = Now;
        if (!Send(session.Peer, message))
            session.Feed.Break();
    }

    /// <summary>Says it in the name of this controller's epoch; a controller that has none, or no longer, says nothing (R16).</summary>
    private bool Send(PeerId peer, Message message) =>
        _view.Epoch is not { } epoch || _transport.TrySend(peer, _codec.Encode(message with { Epoch = epoch }));

    [LoggerMessage(1101, LogLevel.Information, "Host {Host} is in step.")]
    private partial void LogInStep(Guid host);

    [LoggerMessage(1102, LogLevel.Warning, "Host {Host} has been silent for {Silence}; what it reported is kept and shown with its age.")]
    private partial void LogSilent(Guid host, TimeSpan silence);

    [LoggerMessage(1103, LogLevel.Information, "Host {Host} is heard again.")]
    private partial void LogBack(Guid host);

    [LoggerMessage(1104, LogLevel.Information, "Host {Host} is gone by an operator's word; what it reported is forgotten.")]
    private partial void LogForgotten(Guid host);

    [LoggerMessage(1106, LogLevel.Warning, "More than {Count} processes claim to be host {Host}; the newest is not answered.")]
    private partial void LogCrowded(Guid host, int count);

    [LoggerMessage(1107, LogLevel.Warning, "Host {Host} reported a row of {Entity} that is not its own; ignored.")]
    private partial void LogNotItsOwn(Guid host, string entity);

    [LoggerMessage(1108, LogLevel.Warning, "Malformed messages so far: {Count}; the last: {Why}.")]
    private partial void LogMalformed(long count, string why);

    [LoggerMessage(1109, LogLevel.Information, "Host {Host} is sent its desired state.")]
    private partial void LogSnapshot(Guid host);

    [LoggerMessage(1110, LogLevel.Error, "Two machines claim to be host {Host}. The one that was there first stays; the other is told nothing.")]
    private partial void LogContested(Guid host);

    [LoggerMessage(1111, LogLevel.Error, "What host {Host} reports differs from what it says that it reported; it is asked for all of it.")]
    private partial void LogDiverged(Guid host);

    [LoggerMessage(1112, LogLevel.Warning, "Host {Host} notifies faster than is taken; what is too much is dropped.")]
    private partial void LogTooManyNotifications(Guid host);
}
