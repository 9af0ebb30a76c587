using PonyCloud.Shared.Entities;
using PonyCloud.Shared.Replication;
using PonyCloud.Shared.State;

namespace PonyCloud.Shared.Tests.Replication.Model;

/// <summary>
/// The product's own sender and receiver over the model's channels: it takes the same steps as <see cref="LinkModel"/>
/// and does around them what the owners of the two halves do.
/// </summary>
internal sealed class RealLink
{
    private static readonly Entity Config = EntityCatalog.Load()["config"];

    // A removal whose version is not told.
    private static readonly Row Removal = new(1);

    private readonly Rules _rules;
    private readonly List<StateMessage> _updates = [];

    // A request is a stream, anything else an acknowledgement.
    private readonly List<(StreamId? Request, Acknowledgement? Taken)> _replies = [];

    private ReplicationSender _sender = new(IncarnationOf(1));
    private ReplicationReceiver _receiver = new(PrefixOf(0));
    private Rows _source = new(Row.First, Row.First);
    private Rows _sent;
    private int _senders = 1;
    private int _receivers = 1;
    private TimeSpan _now;

    public RealLink(Rules rules)
    {
        _rules = rules;
        _sender.BecomeReady();
    }

    /// <summary>What the source holds.</summary>
    public Rows Source => _source;

    /// <summary>Versions of what the copy holds; a row that it does not hold is not listed.</summary>
    public Rows Copy { get; private set; }

    /// <summary>The last version of each row by which the source removed it.</summary>
    public Rows Removed { get; private set; }

    /// <summary>Whether more was sent without an acknowledgement than the windows allow.</summary>
    public bool IsCrowded { get; private set; }

    /// <summary>Whether both halves are at the same place of the same stream, with everything sent and nothing on its way.</summary>
    public bool IsQuietAndInStep =>
        _updates.Count == 0
        && _replies.Count == 0
        && (!_rules.Acknowledges || _sent == _source)
        && _sender.State is SenderState.Streaming sender
        && _receiver.State is ReceiverState.Synced receiver
        && (receiver.Incarnation, receiver.Stream, receiver.Next) == (_sender.Incarnation, sender.Stream, sender.Next);

    private bool AwaitsFull => _receiver.State is ReceiverState.Waiting or ReceiverState.Assembling;

    private bool CanTell => _rules.Acknowledges && _receiver.Taken is { Seq: > 0 };

    /// <summary>Whether a step is possible.</summary>
    public bool CanTake(Step step) => step.What switch
    {
        LinkStep.Change => _source[step.Index].Version < Row.Last,
        LinkStep.Remove => _source[step.Index].Version < Row.Last && _source[step.Index].IsThere,
        LinkStep.KeepAlive => _sender.State is not SenderState.NotReady,
        LinkStep.BecomeReady => _sender.State is SenderState.NotReady,
        LinkStep.DropStream or LinkStep.LoseReadiness => _sender.State is SenderState.Sending or SenderState.Streaming,
        LinkStep.DeliverUpdate => step.Index < _updates.Count,
        LinkStep.DeliverReply => step.Index < _replies.Count,
        LinkStep.LoseUpdate or LinkStep.DoubleUpdate or LinkStep.DoubleUpdateLate => _updates.Count > 0,
        LinkStep.LoseReply or LinkStep.DoubleReply or LinkStep.DoubleReplyLate => _replies.Count > 0,
        LinkStep.Retry => AwaitsFull,
        LinkStep.AskAnew => _receiver.State is ReceiverState.Synced,
        LinkStep.Tell => CanTell,
        _ => true,
    };

    /// <summary>No faults any more: whether the copy is what the source is after this many keep-alives.</summary>
    public bool AgreesWithin(int keepAlives)
    {
        for (var round = 0; ; round++)
        {
            while (_updates.Count + _replies.Count > 0)
                Take(new Step(_updates.Count > 0 ? LinkStep.DeliverUpdate : LinkStep.DeliverReply, 0));
            if (IsQuietAndInStep && Copy.LookLike(_source))
                return true;
            if (round == keepAlives)
                return false;
            if (AwaitsFull)
                Retry();
            if (CanTell)
                Take(new Step(LinkStep.Tell));
            _sender.BecomeReady();
            Take(new Step(LinkStep.KeepAlive));
        }
    }

    /// <summary>Does one step that is possible; what it did to the receiver, as the model says it.</summary>
    public Outcome Take(Step step)
    {
        switch (step.What)
        {
            case LinkStep.Change:
            case LinkStep.Remove:
                Change(step.Index, gone: step.What == LinkStep.Remove);
                break;
            case LinkStep.KeepAlive:
                Send(_sender.Partial(_rules.Acknowledges && _sender.TakesChanges ? Unsent() : []));
                break;
            case LinkStep.DeliverUpdate:
                return Deliver(TakeOut(_updates, step.Index));
            case LinkStep.DeliverReply:
                Answer(TakeOut(_replies, step.Index));
                break;
            case LinkStep.LoseUpdate:
                TakeOut(_updates, 0);
                break;
            case LinkStep.LoseReply:
                TakeOut(_replies, 0);
                break;
            case LinkStep.DoubleUpdate:
                _updates.Insert(0, _updates[0]);
                break;
            case LinkStep.DoubleUpdateLate:
                _updates.Add(_updates[0]);
                break;
            case LinkStep.DoubleReply:
                _replies.Insert(0, _replies[0]);
                break;
            case LinkStep.DoubleReplyLate:
                _replies.Add(_replies[0]);
                break;
            case LinkStep.Retry:
                Retry();
                break;
            case LinkStep.AskAnew:
                _replies.Add((_receiver.AskAnew(_now, 0.5), null));
                break;
            case LinkStep.Tell:
                _replies.Add((null, _receiver.Taken));
                break;
            case LinkStep.RestartSender:
                _sender = new ReplicationSender(IncarnationOf(++_senders));
                _sent = default;
                break;
            case LinkStep.RestartReceiver:
                _receiver = new ReplicationReceiver(PrefixOf(_receivers++));
                Copy = default;
                break;
            case LinkStep.BecomeReady:
                _sender.BecomeReady();
                break;
            case LinkStep.DropStream:
            case LinkStep.LoseReadiness:
                _sender.DropStream(ready: step.What == LinkStep.DropStream);
                _sent = default;
                break;
            default:
                throw new InvalidOperationException($"No step is called {step.What}.");
        }
        return Outcome.Ignored;
    }

    /// <summary>
    /// The state in the model's terms. What the two halves keep to themselves is taken from the expected state: it shows in
    /// what they do next.
    /// </summary>
    public Link Picture(in Link expected)
    {
        var link = expected;
        DrawSender(ref link.Sender);
        DrawReceiver(ref link.Receiver);
        link.Copy = Copy;
        link.Updates = default;
        foreach (var update in _updates)
            link.Updates.Send(PictureOf(update));
        link.Replies = default;
        foreach (var reply in _replies)
            link.Replies.Send(PictureOf(reply));
        return link;
    }

    /// <summary>A state of the model without what no message says: which version removed a row.</summary>
    public static Link Visible(in Link link)
    {
        var visible = link;
        visible.Copy = WithoutRemoved(link.Copy);
        visible.Updates = default;
        for (var index = 0; index < link.Updates.Count; index++)
        {
            var update = link.Updates[index];
            var rows = update.Kind == UpdateKind.Partial ? WithRemovals(update.Rows) : WithoutRemoved(update.Rows);
            visible.Updates.Send(update with { Rows = rows, IsLast = update.IsLast && update.Kind == UpdateKind.Chunk });
        }
        return visible;
    }

    private static string IncarnationOf(int number) => $"i{number}";

    private static string PrefixOf(int number) => $"{(char)('a' + number)}";

    private static T TakeOut<T>(List<T> messages, int index)
    {
        var message = messages[index];
        messages.RemoveAt(index);
        return message;
    }

    private void Change(int row, bool gone)
    {
        _source[row] = _source[row].Next(gone);
        if (gone)
            Removed = Removed.With(_source.Only(row));
        if (_rules.Acknowledges)
            Flush();
        else if (_sender.State is SenderState.Streaming)
            Send(_sender.Partial([ChangeOf(row)]));
    }

    private void Flush()
    {
        if (_sender.TakesChanges && Unsent() is { Count: > 0 } changes)
            Send(_sender.Partial(changes));
    }

    private void Send(StateUpdate? update)
    {
        if (update is null)
            return;
        _updates.Add(update);
        if (update.Changes.Count == 0)
            return;
        _sent = _source;
        IsCrowded |= _rules.Acknowledges && _sender.State is SenderState.Streaming streaming
            && streaming.Next - 1 - streaming.Acknowledged > _rules.Window;
    }

    private List<RowChange> Unsent() =>
        [.. Enumerable.Range(0, 2).Where(row => _source[row] != _sent[row]).Select(ChangeOf)];

    private void Retry()
    {
        _now = _receiver.State switch
        {
            ReceiverState.Waiting waiting => waiting.RetryAt,
            ReceiverState.Assembling assembling => assembling.RetryAt,
            _ => throw new InvalidOperationException("Nothing is awaited."),
        };
        _replies.Add((_receiver.Tick(_now, 0.5), null));
    }

    private void Answer((StreamId? Request, Acknowledgement? Taken) reply)
    {
        if (reply.Taken is not null)
            _updates.AddRange(_sender.Acknowledged(reply.Taken));
        else if (_sender.Accepts(reply.Request))
        {
            _updates.AddRange(_sender.Snapshot(reply.Request, _rules.Window, Whole()));
            _sent = _source;
        }
        IsCrowded |= _sender.State is SenderState.Sending sending && sending.Sent - sending.Acknowledged > _rules.ChunkWindow;
        if (_rules.Acknowledges)
            Flush();
    }

    private List<IReadOnlyList<RowChange>> Whole()
    {
        if (_rules.Chunks == 0)
            return [[.. Enumerable.Range(0, 2).Where(row => _source[row].IsThere).Select(ChangeOf)]];
        return
        [
            .. Enumerable.Range(0, _rules.Chunks)
                .Select(row => row < 2 && _source[row].IsThere ? new[] { ChangeOf(row) } : []),
        ];
    }

    private Outcome Deliver(StateMessage update)
    {
        var outcome = _receiver.Receive(update, _now, 0.5);
        switch (outcome)
        {
            case ReceiveOutcome.Request(var request):
                _replies.Add((request, null));
                return Outcome.Requested;
            case ReceiveOutcome.Replace(var rows):
                Copy = Applied(default, rows);
                Acknowledge(outcome);
                return Outcome.Replaced;
            case ReceiveOutcome.Apply(var changes):
                Copy = Applied(Copy, changes);
                Acknowledge(outcome);
                return Outcome.Applied;
            default:
                Acknowledge(outcome);
                return outcome.Acknowledge is null ? Outcome.Ignored : Outcome.Noted;
        }
    }

    private void Acknowledge(ReceiveOutcome outcome)
    {
        if (_rules.Acknowledges && outcome.Acknowledge is { } taken)
            _replies.Add((null, taken));
    }

    private static Rows Applied(Rows rows, IReadOnlyList<RowChange> changes)
    {
        foreach (var change in changes)
            rows[RowOf(change)] = change.Value is null ? default : VersionOf(change);
        return rows;
    }

    private RowChange ChangeOf(int row)
    {
        var key = $"k{row}";
        return _source[row].IsThere
            ? RowChange.Set(Config, RowPart.Desired, new ConfigDesired { Key = key, Value = JsonText.Parse($"{_source[row].Version}") })
            : RowChange.Remove(Config, RowPart.Desired, RowKey.Of(key));
    }

    private static int RowOf(RowChange change) => change.Key.Text[1] - '0';

    private static Row VersionOf(RowChange change) => new((byte)(int.Parse(((ConfigDesired)change.Value!).Value.Text) << 1));

    private void DrawSender(ref Sender sender)
    {
        sender.Source = _source;
        sender.Incarnation = byte.Parse(_sender.Incarnation[1..]);
        sender.Stream = default;
        sender.Next = 0;
        sender.Acknowledged = 0;
        sender.ChunksSent = 0;
        sender.ChunksAcknowledged = 0;
        sender.Sent = _rules.Acknowledges ? _sent : default;
        switch (_sender.State)
        {
            case SenderState.NotReady:
                sender.Phase = SenderPhase.NotReady;
                break;
            case SenderState.NoStream:
                sender.Phase = SenderPhase.NoStream;
                break;
            case SenderState.Sending sending:
                sender.Phase = SenderPhase.Sending;
                sender.Stream = PictureOf(sending.Stream);
                sender.ChunksSent = (byte)sending.Sent;
                sender.ChunksAcknowledged = (byte)sending.Acknowledged;
                break;
            case SenderState.Streaming streaming:
                sender.Phase = SenderPhase.Streaming;
                sender.Stream = PictureOf(streaming.Stream);
                sender.Next = (byte)streaming.Next;
                sender.Acknowledged = (byte)streaming.Acknowledged;
                break;
        }
    }

    private void DrawReceiver(ref Receiver receiver)
    {
        receiver.Stream = default;
        receiver.Incarnation = 0;
        receiver.Next = 0;
        switch (_receiver.State)
        {
            case ReceiverState.New:
                receiver.Phase = ReceiverPhase.New;
                break;
            case ReceiverState.Waiting waiting:
                receiver.Phase = ReceiverPhase.Waiting;
                receiver.Stream = PictureOf(waiting.Request);
                break;
            case ReceiverState.Assembling assembling:
                receiver.Phase = ReceiverPhase.Assembling;
                receiver.Stream = PictureOf(assembling.Request);
                receiver.Incarnation = byte.Parse(assembling.Incarnation[1..]);
                receiver.Next = (byte)assembling.Next;
                break;
            case ReceiverState.Synced synced:
                receiver.Phase = ReceiverPhase.Synced;
                receiver.Stream = PictureOf(synced.Stream);
                receiver.Incarnation = byte.Parse(synced.Incarnation[1..]);
                receiver.Next = (byte)synced.Next;
                break;
        }
    }

    private static Stream PictureOf(StreamId? stream) =>
        stream is null ? default : Stream.Of(stream.Prefix[0] - 'a', (int)stream.Counter);

    private static Update PictureOf(StateMessage message)
    {
        var incarnation = byte.Parse(message.Incarnation[1..]);
        var stream = PictureOf(message.Stream);
        return message switch
        {
            StateChunk chunk => Drawn(UpdateKind.Chunk, chunk.Index, chunk.Rows) with { IsLast = chunk.IsLast },
            StateUpdate { Seq: 0 } full => Drawn(UpdateKind.Full, 0, full.Changes),
            StateUpdate { Stream: null } => Drawn(UpdateKind.Announcement, 0, []),
            StateUpdate update => Drawn(UpdateKind.Partial, update.Seq, update.Changes),
            _ => throw new InvalidOperationException($"No picture of {message}."),
        };

        Update Drawn(UpdateKind kind, long number, IReadOnlyList<RowChange> rows) =>
            new(kind, 0, incarnation, stream, (byte)number, false, PictureOf(rows));
    }

    private static Reply PictureOf((StreamId? Request, Acknowledgement? Taken) reply) => reply.Taken switch
    {
        null => new Reply(ReplyKind.Request, 0, PictureOf(reply.Request), 0),
        { Chunk: { } chunk } taken => new Reply(ReplyKind.ChunkAck, 0, PictureOf(taken.Stream), (byte)chunk),
        var taken => new Reply(ReplyKind.Ack, 0, PictureOf(taken.Stream), (byte)taken.Seq),
    };

    private static Rows PictureOf(IReadOnlyList<RowChange> changes)
    {
        var rows = new Rows();
        foreach (var change in changes)
            rows[RowOf(change)] = change.Value is null ? Removal : VersionOf(change);
        return rows;
    }

    private static Rows WithRemovals(Rows rows) =>
        new(rows.A.IsListed && !rows.A.IsThere ? Removal : rows.A, rows.B.IsListed && !rows.B.IsThere ? Removal : rows.B);

    private static Rows WithoutRemoved(Rows rows) => new(rows.A.IsThere ? rows.A : default, rows.B.IsThere ? rows.B : default);
}
