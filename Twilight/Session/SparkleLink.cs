using System.Collections.Immutable;
using PonyCloud.Shared.Entities;
using PonyCloud.Shared.Messaging;
using PonyCloud.Shared.Replication;
using PonyCloud.Shared.State;

namespace PonyCloud.Twilight.Session;

/// <summary>
/// The exchange with Sparkle, without I/O: what to send about what happened. Holds the host's replica: desired rows as
/// Sparkle sent them, current rows as the host's own loops found them. Owned by the session loop.
/// </summary>
/// <remarks>
/// Losing Sparkle changes nothing here: the replica stands, and the host goes on with it. Nothing is said before the
/// host's own state is complete (R7), nothing is desired before the first full state came, and nothing that a Sparkle of
/// an earlier epoch says is looked at (R16).
/// </remarks>
public sealed class SparkleLink
{
    private static readonly TimeSpan FirstRetry = TimeSpan.FromMilliseconds(100);

    private readonly EntityCatalog _catalog;
    private readonly Entity _place;
    private readonly Guid _uuid;
    private readonly IEntropy _entropy;
    private readonly TimeSpan _keepAlive;
    private readonly ReplicationLimits _limits;
    private readonly MessageCodec _codec;
    private readonly StateStore _replica;
    private readonly ReplicationSender _sender;
    private readonly ReplicationReceiver _receiver;
    private readonly RowHasher _hasher = new();
    private readonly string? _enrolmentToken;

    // Changed since it was last told, while there is a stream to tell it in; only the newest of a row will be.
    private readonly HashSet<(Entity Entity, RowKey Key)> _untold = [];
    private readonly Allowance _notifications = Notification.Allowance();
    private StateDigest _desired;
    private StateDigest _current;
    private TimeSpan _nextUpdate;
    private TimeSpan _nextIntroduction;
    private int _failures;

    /// <param name="uuid">The host's own uuid, carried by every message.</param>
    /// <param name="keepAlive">How often an empty update is sent when there is nothing else to say.</param>
    /// <param name="enrolmentToken">The secret that makes this machine a host, if it was given one.</param>
    /// <param name="epoch">The highest epoch that the host has heard before; null for none.</param>
    public SparkleLink(
        EntityCatalog catalog,
        Guid uuid,
        IEntropy entropy,
        TimeSpan keepAlive,
        ReplicationLimits? limits = null,
        string? enrolmentToken = null,
        long? epoch = null)
    {
        _enrolmentToken = enrolmentToken;
        Epoch = epoch;
        _catalog = catalog;
        _place = catalog["host_instance"];
        _uuid = uuid;
        _entropy = entropy;
        _keepAlive = keepAlive;
        _limits = limits ?? new ReplicationLimits();
        _codec = new MessageCodec(catalog);
        _replica = new StateStore(catalog);
        _sender = new ReplicationSender(entropy.NextId());
        _receiver = new ReplicationReceiver(entropy.NextId());
    }

    /// <summary>The host's rows, desired and current.</summary>
    public StateSnapshot Replica => _replica.Snapshot;

    /// <summary>Whether Sparkle has told everything at least once; before that, absence means nothing.</summary>
    public bool IsDesiredKnown { get; private set; }

    /// <summary>Counts the changes of desired rows, the first full state included.</summary>
    public long DesiredVersion { get; private set; }

    /// <summary>
    /// Instances that were taken from this host by an order, rather than missing from what Sparkle knows. Kept until the
    /// host has nothing of them any more.
    /// </summary>
    public ImmutableHashSet<Guid> Released { get; private set; } = [];

    /// <summary>The highest epoch that the host has heard; null before the first.</summary>
    public long? Epoch { get; private set; }

    /// <summary>Why Sparkle tells this host nothing, in its own word; null while it does.</summary>
    public string? Refusal { get; private set; }

    /// <summary>Messages that were not understood.</summary>
    public long Malformed { get; private set; }

    /// <summary>Notifications that were dropped.</summary>
    public long Unnotified { get; private set; }

    /// <summary>Messages of a Sparkle that another has taken over from.</summary>
    public long Outdated { get; private set; }

    /// <summary>Takes a message; returns what to send back.</summary>
    public IReadOnlyList<Message> Receive(ReadOnlySpan<byte> body, TimeSpan now)
    {
        Message message;
        try
        {
            message = _codec.Decode(body);
        }
        catch (MalformedMessageException)
        {
            Malformed++;
            return [];
        }
        if (Epoch is { } known && !(message.Epoch >= known))
        {
            Outdated++;
            return [];
        }
        Epoch = message.Epoch;
        switch (message)
        {
            case Message.SparkleUpdate(var update) { Taken: var taken }:
                return [.. Taken(taken, now), .. Updated(update, now)];
            case Message.SparkleChunk(var chunk):
                return Updated(chunk, now);
            case Message.SparkleAck(var taken):
                return Taken(taken, now);
            case Message.SparkleResync(var stream, var window) when _sender.Accepts(stream):
                return Resync(stream, window, now);
            case Message.SparkleRefused(var reason):
                return Refused(reason, now);
            default:
                return [];
        }
    }

    /// <summary>
    /// The host's own state changed. The first call must hold all of it: from then on the host's state is complete and
    /// is told.
    /// </summary>
    public IReadOnlyList<Message> CurrentChanged(IEnumerable<RowChange> changes, TimeSpan now)
    {
        var set = _replica.Apply(changes);
        foreach (var row in set.Rows)
        {
            if (!row.Changed(RowPart.Current))
                continue;
            _current = _hasher.Follow(_current, row.Entity, row.Key, RowPart.Current, row.Before?.Current, row.After?.Current);
            if (_sender.State is SenderState.Sending or SenderState.Streaming)
                _untold.Add((row.Entity, row.Key));
            if (row.Entity == _place && row.After?.Current is null)
                Released = Released.Remove(InstanceOf(row.Key));
        }
        if (_sender.State is SenderState.NotReady)
        {
            _sender.BecomeReady();
            return Update([], now);
        }
        return TellChanges(now);
    }

    /// <summary>Time passes: keep-alives and repeated requests.</summary>
    public IReadOnlyList<Message> Tick(TimeSpan now)
    {
        var messages = new List<Message>();
        if (_receiver.Tick(now, _entropy.NextDouble()) is { } request)
            messages.Add(Request(request));
        if (now >= _nextUpdate)
            messages.AddRange(Update([], now));
        return messages;
    }

    /// <summary>
    /// A message could not be handed over: the stream is broken, and Sparkle is greeted again after a while that doubles
    /// up to the keep-alive interval, at random so that a thousand hosts do not come back at once.
    /// </summary>
    public void Undelivered(TimeSpan now)
    {
        if (_sender.State is not SenderState.NotReady)
            DropStream();
        var bound = Math.Min(_keepAlive.TotalSeconds, FirstRetry.TotalSeconds * Math.Pow(2, Math.Min(_failures++, 20)));
        _nextUpdate = now + TimeSpan.FromSeconds(bound * (0.5 + _entropy.NextDouble() / 2));
    }

    /// <summary>Something to tell once, outside of replication: dropped when there is too much of it, or nobody to tell it to.</summary>
    public IReadOnlyList<Message> Notify(Notification notification, TimeSpan now)
    {
        if (_sender.State is SenderState.Sending or SenderState.Streaming && _notifications.Take(now))
            return [new Message.TwilightNotify(_uuid, notification) { Epoch = Epoch }];
        Unnotified++;
        return [];
    }

    /// <summary>
    /// Sparkle tells this host nothing. It is greeted again as after a failure, for whenever an operator has decided
    /// otherwise; meanwhile a machine that is not taken for the host introduces itself, once in a keep-alive interval.
    /// </summary>
    private Message[] Refused(string reason, TimeSpan now)
    {
        Refusal = reason;
        if (reason == Message.SparkleRefused.Taken)
            return [];
        Undelivered(now);
        if (now < _nextIntroduction || HostRow() is not { } host)
            return [];
        _nextIntroduction = now + _keepAlive;
        return [new Message.TwilightEnrol(_uuid, _enrolmentToken, host) { Epoch = Epoch }];
    }

    // What else is on the machine is no business of a Sparkle that does not know it.
    private HostCurrent? HostRow() =>
        _replica.Snapshot[_catalog["host"]].Find(_uuid)?.Current is HostCurrent host ? host with { ForeignDomains = null } : null;

    private List<Message> Updated(StateMessage message, TimeSpan now)
    {
        var outcome = _receiver.Receive(message, now, _entropy.NextDouble());
        var answers = new List<Message>();
        switch (outcome)
        {
            case ReceiveOutcome.Request(var stream):
                return [Request(stream)];
            case ReceiveOutcome.Replace(var rows):
                Refusal = null;
                Replace(rows);
                break;
            case ReceiveOutcome.Apply(var changes):
                Desire(changes);
                if (message.Digest is { } digest && digest != _desired)
                {
                    // R17. What is held stands until the full state is there.
                    answers.Add(Request(_receiver.AskAnew(now, _entropy.NextDouble())));
                    return answers;
                }
                break;
        }
        if (outcome.Acknowledge is { } taken)
            answers.Add(new Message.TwilightAck(_uuid, taken) { Epoch = Epoch });
        return answers;
    }

    private List<Message> Resync(StreamId? stream, int window, TimeSpan now)
    {
        _failures = 0;
        Refusal = null;
        _nextUpdate = now + _keepAlive;
        _untold.Clear();
        var full = FullState.Cut(CurrentRows(), _hasher, _limits);
        return Wrap(_sender.Snapshot(stream, window, full.Chunks, full.Digest));
    }

    private List<Message> Taken(Acknowledgement? taken, TimeSpan now) =>
        taken is null ? [] : [.. Wrap(_sender.Acknowledged(taken)), .. TellChanges(now)];

    private void Replace(IReadOnlyList<RowChange> rows)
    {
        var kept = rows.Where(row => row.Value is not null).Select(row => (row.Entity, row.Key)).ToHashSet();
        var gone = _catalog.All.SelectMany(entity => _replica.Snapshot[entity].Rows
            .Where(row => row.Desired is not null && !kept.Contains((entity, row.Key)))
            .Select(row => RowChange.Remove(entity, RowPart.Desired, row.Key)));
        var isFirst = !IsDesiredKnown;
        IsDesiredKnown = true;
        Desire(rows, gone, isFirst);
    }

    /// <param name="told">What Sparkle said: a row that it says is gone was taken away by an order.</param>
    /// <param name="missing">What it did not say.</param>
    private void Desire(IReadOnlyList<RowChange> told, IEnumerable<RowChange>? missing = null, bool isFirst = false)
    {
        var released = Released;
        foreach (var change in told)
        {
            if (change.Entity == _place && change.Part == RowPart.Desired)
                released = change.Value is null ? released.Add(InstanceOf(change.Key)) : released.Remove(InstanceOf(change.Key));
        }
        var set = _replica.Apply([.. missing ?? [], .. told.Where(change => change.Part == RowPart.Desired)]);
        foreach (var row in set.Rows)
        {
            if (row.Changed(RowPart.Desired))
                _desired = _hasher.Follow(_desired, row.Entity, row.Key, RowPart.Desired, row.Before?.Desired, row.After?.Desired);
        }
        if (!set.IsEmpty || isFirst || !released.SetEquals(Released))
            DesiredVersion++;
        Released = released;
    }

    /// <summary>Tells what changed since it was last told, unless Sparkle has too much of it unread.</summary>
    private List<Message> TellChanges(TimeSpan now)
    {
        if (_untold.Count == 0 || !_sender.TakesChanges)
            return [];
        var changes = _untold
            .Select(row => new RowChange(row.Entity, row.Key, RowPart.Current, _replica.Snapshot[row.Entity].Find(row.Key)?.Current))
            .ToArray();
        if (changes.Length > 1 && changes.Sum(change => change.Value is null ? 0L : _hasher.Hash(change).Bytes) > _limits.MessageBytes)
        {
            DropStream(); // Too much for a message: Sparkle asks for all of it, which goes in chunks.
            return Update([], now);
        }
        _untold.Clear();
        return Update(changes, now);
    }

    private List<Message> Update(IReadOnlyList<RowChange> changes, TimeSpan now)
    {
        if (_sender.Partial(changes, _untold.Count == 0 ? _current : null) is not { } update)
            return [];
        _nextUpdate = now + _keepAlive;
        return Wrap([update]);
    }

    private void DropStream()
    {
        _sender.DropStream(ready: true);
        _untold.Clear();
    }

    private Message.TwilightResync Request(StreamId stream) => new(_uuid, stream) { Epoch = Epoch };

    private List<Message> Wrap(IReadOnlyList<StateMessage> messages)
    {
        var wrapped = new List<Message>(messages.Count);
        foreach (var message in messages)
        {
            wrapped.Add(message switch
            {
                StateUpdate update => new Message.TwilightUpdate(_uuid, update) { Epoch = Epoch, Taken = _receiver.Taken },
                StateChunk chunk => new Message.TwilightChunk(_uuid, chunk) { Epoch = Epoch },
                _ => throw new InvalidOperationException($"{message.GetType().Name} is not sent."),
            });
        }
        return wrapped;
    }

    private IEnumerable<RowChange> CurrentRows() => _catalog.All.SelectMany(entity => _replica.Snapshot[entity].Rows
        .Where(row => row.Current is not null)
        .Select(row => new RowChange(entity, row.Key, RowPart.Current, row.Current)));

    private static Guid InstanceOf(RowKey place) => Guid.Parse(place.Parts[1]);
}
