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
/// host's own state is complete (R7), and nothing is desired before the first full state came.
/// </remarks>
public sealed class SparkleLink
{
    private static readonly TimeSpan FirstRetry = TimeSpan.FromMilliseconds(100);

    private readonly EntityCatalog _catalog;
    private readonly Guid _uuid;
    private readonly IEntropy _entropy;
    private readonly TimeSpan _keepAlive;
    private readonly MessageCodec _codec;
    private readonly StateStore _replica;
    private readonly ReplicationSender _sender;
    private readonly ReplicationReceiver _receiver;
    private TimeSpan _nextUpdate;
    private int _failures;

    /// <param name="uuid">The host's own uuid, carried by every message.</param>
    /// <param name="keepAlive">How often an empty update is sent when there is nothing else to say.</param>
    public SparkleLink(EntityCatalog catalog, Guid uuid, IEntropy entropy, TimeSpan keepAlive)
    {
        _catalog = catalog;
        _uuid = uuid;
        _entropy = entropy;
        _keepAlive = keepAlive;
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

    /// <summary>Messages that were not understood.</summary>
    public long Malformed { get; private set; }

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
        switch (message)
        {
            case Message.SparkleUpdate(var update):
                return Updated(update, now);
            case Message.SparkleResync(var stream) when _sender.Accepts(stream):
                _failures = 0;
                _nextUpdate = now + _keepAlive;
                return [new Message.TwilightUpdate(_uuid, _sender.Snapshot(stream, CurrentRows()))];
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
        var first = _sender.State is SenderState.NotReady;
        _sender.BecomeReady();
        var told = set.Rows
            .Where(row => row.Changed(RowPart.Current))
            .Select(row => new RowChange(row.Entity, row.Key, RowPart.Current, row.After?.Current))
            .ToArray();
        return first || told.Length > 0 ? Update(told, now) : [];
    }

    /// <summary>Time passes: keep-alives and repeated requests.</summary>
    public IReadOnlyList<Message> Tick(TimeSpan now)
    {
        var messages = new List<Message>();
        if (_receiver.Tick(now, _entropy.NextDouble()) is { } request)
            messages.Add(new Message.TwilightResync(_uuid, request));
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
            _sender.DropStream(ready: true);
        var bound = Math.Min(_keepAlive.TotalSeconds, FirstRetry.TotalSeconds * Math.Pow(2, Math.Min(_failures++, 20)));
        _nextUpdate = now + TimeSpan.FromSeconds(bound * (0.5 + _entropy.NextDouble() / 2));
    }

    /// <summary>Something to tell once, outside of replication.</summary>
    public Message Notify(Notification notification) => new Message.TwilightNotify(_uuid, notification);

    private IReadOnlyList<Message> Updated(StateUpdate update, TimeSpan now)
    {
        switch (_receiver.Receive(update, now, _entropy.NextDouble()))
        {
            case ReceiveOutcome.Request(var stream):
                return [new Message.TwilightResync(_uuid, stream)];
            case ReceiveOutcome.Replace(var rows):
                var kept = rows.Select(row => (row.Entity, row.Key)).ToHashSet();
                var gone = _catalog.All.SelectMany(entity => _replica.Snapshot[entity].Rows
                    .Where(row => row.Desired is not null && !kept.Contains((entity, row.Key)))
                    .Select(row => RowChange.Remove(entity, RowPart.Desired, row.Key)));
                Desire([.. gone, .. rows]);
                IsDesiredKnown = true;
                return [];
            case ReceiveOutcome.Apply(var changes):
                Desire(changes);
                return [];
            default:
                return [];
        }
    }

    private void Desire(IReadOnlyList<RowChange> changes)
    {
        var set = _replica.Apply(changes.Where(change => change.Part == RowPart.Desired));
        if (!set.IsEmpty || !IsDesiredKnown)
            DesiredVersion++;
    }

    private List<Message> Update(IReadOnlyList<RowChange> changes, TimeSpan now)
    {
        if (_sender.Partial(changes) is not { } update)
            return [];
        _nextUpdate = now + _keepAlive;
        return [new Message.TwilightUpdate(_uuid, update)];
    }

    private RowChange[] CurrentRows() =>
    [
        .. _catalog.All.SelectMany(entity => _replica.Snapshot[entity].Rows
            .Where(row => row.Current is not null)
            .Select(row => new RowChange(entity, row.Key, RowPart.Current, row.Current))),
    ];
}
