using Microsoft.Extensions.Logging;
using PonyCloud.Shared.Entities;
using PonyCloud.Shared.Messaging;
using PonyCloud.Shared.Replication;
using PonyCloud.Shared.State;
using PonyCloud.Sparkle.Control;
using PonyCloud.Sparkle.Events;
using PonyCloud.Sparkle.Placement;

namespace PonyCloud.Sparkle.Hosts;

/// <summary>
/// All Twilights: takes what they report into the state, sends each what it is to have, and notices who went silent.
/// Owned by the control loop.
/// </summary>
/// <remarks>
/// A host is spoken to only when its row exists. Which process speaks for a host changes only when another one has
/// completed an exchange (its snapshot was taken), so a message that merely claims a uuid moves nothing. A host can
/// report rows of its own name only, whatever its messages say.
/// </remarks>
public sealed partial class HostRegistry : IControlFeature
{
    // A restarting Twilight has one process that ends and one that begins; more than a few at once is a fault.
    private const int MaxCandidates = 4;

    // Three keep-alive intervals of silence, as the protocol says.
    private const int MissedKeepAlives = 3;

    private readonly Dictionary<Guid, HostLink> _links = [];
    private readonly Dictionary<Guid, TimeSpan> _strangers = [];
    private readonly Entity _host;
    private readonly Entity _place;
    private readonly MessageCodec _codec;
    private readonly IMessageTransport _transport;
    private readonly ScopeResolver _scopes;
    private readonly IEventSink _events;
    private readonly IEntropy _entropy;
    private readonly ControlOptions _options;
    private readonly TimeProvider _time;
    private readonly ILogger<HostRegistry> _logger;
    private StateSnapshot? _state;
    private long _malformed;

    public HostRegistry(
        EntityCatalog catalog,
        IMessageTransport transport,
        ScopeResolver scopes,
        IEventSink events,
        IEntropy entropy,
        ControlOptions options,
        TimeProvider time,
        ILogger<HostRegistry> logger)
    {
        _host = catalog["host"];
        _place = catalog["host_instance"];
        _codec = new MessageCodec(catalog);
        _transport = transport;
        _scopes = scopes;
        _events = events;
        _entropy = entropy;
        _options = options;
        _time = time;
        _logger = logger;
    }

    /// <summary>How many sessions are held in memory, those included that have not completed an exchange.</summary>
    internal int SessionCount => _links.Values.Sum(link => link.Candidates.Count + (link.Active is null ? 0 : 1));

    private TimeSpan Now => _time.GetElapsedTime(0);

    private TimeSpan Silence => _options.KeepAlive * MissedKeepAlives;

    public IEnumerable<RowChange> Derive(ChangeSet changes)
    {
        // An operator's word that a host is gone ends everything that was known from it, at once.
        foreach (var transition in changes.Rows)
        {
            if (transition.Entity != _host || !IsThere(transition.Before) || IsThere(transition.After))
                continue;
            if (_links.Remove(Guid.Parse(transition.Key.Text), out var link))
            {
                LogForgotten(link.Uuid);
                foreach (var (entity, key) in link.Reported.Keys)
                    yield return RowChange.Remove(entity, RowPart.Current, key);
            }
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
            if (transition.Before is { } before)
                _scopes.AddHostsOf(changes.Before, transition.Entity, before, hosts);
            if (transition.After is { } after)
                _scopes.AddHostsOf(changes.After, transition.Entity, after, hosts);
        }
        foreach (var host in hosts)
        {
            if (_links.GetValueOrDefault(Guid.Parse(host))?.Active is { } session)
                SendChanges(session);
        }
    }

    public IEnumerable<RowChange> Receive(TransportEvent transportEvent) => transportEvent switch
    {
        TransportEvent.Received(var peer, var body, _) => Received(peer, body),
        TransportEvent.Failed(var peer, _) => Failed(peer),
        _ => [],
    };

    public IEnumerable<RowChange> Tick(TimeSpan now)
    {
        foreach (var link in _links.Values)
        {
            foreach (var session in link.Candidates.Append(link.Active).OfType<HostSession>().ToArray())
            {
                if (session.Receiver.Tick(now, _entropy.NextDouble()) is { } request)
                    Send(session, new Message.SparkleResync(request));
                if (session != link.Active && now - session.LastHeard > Silence)
                    link.Candidates.Remove(session);
            }
            if (link.Active is not { } active)
                continue;
            if (now - active.LastSent >= _options.KeepAlive)
                SendUpdate(active, []);
            if (link.SilentSince is null && now - active.LastHeard > Silence)
            {
                link.SilentSince = _time.GetUtcNow() - (now - active.LastHeard);
                LogSilent(link.Uuid, Silence);
                _events.Record(new PlatformEvent("host-unreachable", EventSeverity.Warning, link.Uuid, null, _time.GetUtcNow(), null));
                if (HostRow(link) is { } row)
                    yield return row;
            }
        }
    }

    private List<RowChange> Received(PeerId peer, ReadOnlyMemory<byte> body)
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
        switch (message)
        {
            case Message.TwilightUpdate(var uuid, var update):
                return SessionOf(uuid, peer) is var (link, session) ? Updated(link, session, update) : [];
            case Message.TwilightResync(var uuid, var stream):
                return SessionOf(uuid, peer) is var (resyncLink, resyncSession) ? Requested(resyncLink, resyncSession, stream) : [];
            case Message.TwilightNotify(var uuid, var notification):
                if (_links.GetValueOrDefault(uuid)?.Active?.Peer == peer && MaySpeakOf(uuid, notification.Instance))
                    _events.Record(PlatformEvent.Of(uuid, notification));
                return [];
            default:
                return []; // Not a Twilight's to say, or of a newer version.
        }
    }

    private List<RowChange> Updated(HostLink link, HostSession session, StateUpdate update)
    {
        session.LastHeard = Now;
        switch (session.Receiver.Receive(update, session.LastHeard, _entropy.NextDouble()))
        {
            case ReceiveOutcome.Request(var request):
                Send(session, new Message.SparkleResync(request));
                return [];
            case ReceiveOutcome.Replace(var rows):
                return [.. Activate(link, session), .. link.Replace(Own(link, rows)).Select(row => Completed(link, row))];
            case ReceiveOutcome.Apply(var changes) when session == link.Active:
                return [.. Heard(link), .. Own(link, changes).Select(change =>
                {
                    link.Apply(change);
                    return Completed(link, change);
                })];
            default:
                return session == link.Active ? Heard(link) : [];
        }
    }

    private List<RowChange> Requested(HostLink link, HostSession session, StreamId? stream)
    {
        session.LastHeard = Now;
        if (session != link.Active || !session.Sender.Accepts(stream))
            return [];
        session.Sent = _scopes.RowsOf(_state!, link.Uuid.ToString());
        var rows = session.Sent.Select(row => new RowChange(row.Key.Entity, row.Key.Key, RowPart.Desired, row.Value)).ToArray();
        LogSnapshot(link.Uuid, rows.Length);
        Send(session, new Message.SparkleUpdate(session.Sender.Snapshot(stream, rows)));
        return Heard(link);
    }

    /// <summary>The session completed an exchange: from now on it speaks for the host.</summary>
    private List<RowChange> Activate(HostLink link, HostSession session)
    {
        var heard = Heard(link);
        if (link.Active == session)
            return heard;
        // Who claimed to be this host before is most likely dead, and its snapshot may still be on its way: it would put
        // what was in the place of what is. If it lives, it greets again and begins anew.
        link.Candidates.RemoveRange(0, link.Candidates.IndexOf(session) + 1);
        link.Active = session;
        LogInStep(link.Uuid);
        session.Sender.BecomeReady();
        SendUpdate(session, []); // Makes the host ask for its desired state now instead of after a keep-alive interval.
        return heard;
    }

    /// <summary>The host was heard: if it was silent, its row says so no more.</summary>
    private List<RowChange> Heard(HostLink link)
    {
        if (link.SilentSince is null)
            return [];
        link.SilentSince = null;
        LogBack(link.Uuid);
        _events.Record(new PlatformEvent("host-returned", EventSeverity.Info, link.Uuid, null, _time.GetUtcNow(), null));
        return HostRow(link) is { } row ? [row] : [];
    }

    private IEnumerable<RowChange> Failed(PeerId peer)
    {
        // The stream is broken: what was to be sent is in the next snapshot. The peer notices the gap and asks, or it is
        // gone and its successor does.
        foreach (var link in _links.Values)
        {
            if (link.Active is { } active && active.Peer == peer)
                active.Sender.DropStream(ready: true);
        }
        return [];
    }

    /// <summary>A host tells about instances that it has or is to have, not about those of others.</summary>
    private bool MaySpeakOf(Guid host, Guid? instance) =>
        instance is null || _state![_place].Find(RowKey.Of(host.ToString(), instance.Value.ToString())) is not null;

    /// <summary>Only what the host may say: rows of its own name, in the part that hosts report.</summary>
    private IEnumerable<RowChange> Own(HostLink link, IReadOnlyList<RowChange> changes)
    {
        foreach (var change in changes)
        {
            if (change.Part == RowPart.Current && change.Entity.ReporterOf(change.Key) == link.Uuid.ToString())
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

    private (HostLink Link, HostSession Session)? SessionOf(Guid uuid, PeerId peer)
    {
        if (!IsThere(_state![_host].Find(uuid)))
        {
            Stranger(uuid);
            return null;
        }
        if (!_links.TryGetValue(uuid, out var link))
            _links.Add(uuid, link = new HostLink(uuid));
        if (link.SessionOf(peer) is { } known)
            return (link, known);
        if (link.Candidates.Count == MaxCandidates)
        {
            LogCrowded(uuid, MaxCandidates);
            return null;
        }
        var session = new HostSession(uuid, peer, _entropy) { LastHeard = Now };
        link.Candidates.Add(session);
        return (link, session);
    }

    private static bool IsThere(Row? host) => host?.Desired is HostDesired { State: not HostState.Gone };

    private void Stranger(Guid uuid)
    {
        // Once a minute and stranger, and never more of them than memory is meant for.
        if (_strangers.Count > 1000)
            _strangers.Clear();
        if (_strangers.TryGetValue(uuid, out var last) && Now - last < TimeSpan.FromMinutes(1))
            return;
        _strangers[uuid] = Now;
        LogStranger(uuid);
    }

    private void SendChanges(HostSession session)
    {
        if (session.Sender.State is not SenderState.Streaming)
            return;
        var rows = _scopes.RowsOf(_state!, session.Host.ToString());
        var changes = new List<RowChange>();
        foreach (var ((entity, key), row) in rows)
        {
            if (!session.Sent.Remove((entity, key), out var sent) || !Equals(sent, row))
                changes.Add(new RowChange(entity, key, RowPart.Desired, row));
        }
        changes.AddRange(session.Sent.Keys.Select(gone => RowChange.Remove(gone.Entity, RowPart.Desired, gone.Key)));
        session.Sent = rows;
        if (changes.Count > 0)
            SendUpdate(session, changes);
    }

    private void SendUpdate(HostSession session, IReadOnlyList<RowChange> changes)
    {
        if (session.Sender.Partial(changes) is { } update)
            Send(session, new Message.SparkleUpdate(update));
    }

    private void Send(HostSession session, Message message)
    {
        session.LastSent = Now;
        if (!_transport.TrySend(session.Peer, MessageCodec.Encode(message)) && session.Sender.State is SenderState.Streaming)
            session.Sender.DropStream(ready: true);
    }

    [LoggerMessage(1101, LogLevel.Information, "Host {Host} is in step.")]
    private partial void LogInStep(Guid host);

    [LoggerMessage(1102, LogLevel.Warning, "Host {Host} has been silent for {Silence}; what it reported is kept and shown with its age.")]
    private partial void LogSilent(Guid host, TimeSpan silence);

    [LoggerMessage(1103, LogLevel.Information, "Host {Host} is heard again.")]
    private partial void LogBack(Guid host);

    [LoggerMessage(1104, LogLevel.Information, "Host {Host} is gone by an operator's word; what it reported is forgotten.")]
    private partial void LogForgotten(Guid host);

    [LoggerMessage(1105, LogLevel.Warning, "A machine that nobody has declared speaks as host {Host}; it is not answered.")]
    private partial void LogStranger(Guid host);

    [LoggerMessage(1106, LogLevel.Warning, "More than {Count} processes claim to be host {Host}; the newest is not answered.")]
    private partial void LogCrowded(Guid host, int count);

    [LoggerMessage(1107, LogLevel.Warning, "Host {Host} reported a row of {Entity} that is not its own; ignored.")]
    private partial void LogNotItsOwn(Guid host, string entity);

    [LoggerMessage(1108, LogLevel.Warning, "Malformed messages so far: {Count}; the last: {Why}.")]
    private partial void LogMalformed(long count, string why);

    [LoggerMessage(1109, LogLevel.Information, "Host {Host} was sent its desired state: {Rows} rows.")]
    private partial void LogSnapshot(Guid host, int rows);
}
