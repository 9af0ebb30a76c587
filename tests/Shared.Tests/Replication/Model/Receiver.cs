namespace PonyCloud.Shared.Tests.Replication.Model;

internal enum ReceiverPhase : byte
{
    New,
    Waiting,
    Assembling,
    Synced,
}

internal enum Outcome : byte
{
    Ignored,

    /// <summary>Acknowledged, but nothing changes in the copy.</summary>
    Noted,
    Requested,
    Applied,
    Replaced,
}

/// <summary>The side that holds a copy.</summary>
/// <remarks>
/// <code>
/// NEW ──► WAITING ──► ASSEMBLING ──────────────────► SYNCED
///         (request)   (request, incarnation,         (incarnation, stream, next seq)
///                      next index, rows so far)
/// </code>
/// A full state in one message skips ASSEMBLING. Something unexpected while SYNCED leads back to WAITING, and so does no
/// progress.
/// </remarks>
internal struct Receiver
{
    public ReceiverPhase Phase;
    public byte Prefix;

    /// <summary>How many requests were made.</summary>
    public byte Requests;

    /// <summary>The stream that is awaited, or followed when synced.</summary>
    public Stream Stream;

    public byte Incarnation;

    /// <summary>The index or the seq that comes next.</summary>
    public byte Next;

    public Rows Assembled;

    /// <summary>The seq that was acknowledged last without being asked.</summary>
    public byte Acknowledged;

    public static Receiver New(int prefix) => new() { Prefix = (byte)prefix };

    public readonly bool AwaitsFull => Phase is ReceiverPhase.Waiting or ReceiverPhase.Assembling;

    /// <summary>Takes an update; what it does to the copy is done to <paramref name="copy"/>.</summary>
    public Outcome Receive(in Update update, Rules rules, byte to, ref Rows copy, ref Channel<Reply> replies) => Phase switch
    {
        ReceiverPhase.Waiting => AwaitFull(update, rules, to, ref copy, ref replies),
        ReceiverPhase.Assembling when update.Kind == UpdateKind.Chunk => Assemble(update, rules, to, ref copy, ref replies),
        ReceiverPhase.Assembling when update.Kind == UpdateKind.Full => AwaitFull(update, rules, to, ref copy, ref replies),
        ReceiverPhase.Assembling => Outcome.Ignored, // R5
        ReceiverPhase.Synced => Follow(update, rules, to, ref copy, ref replies),
        _ => Request(rules, to, ref replies),
    };

    /// <summary>
    /// A fresh request: no full state came, no progress was made with one, or the copy turned out not to be what the
    /// sender holds (R17).
    /// </summary>
    public void Ask(Rules rules, byte to, ref Channel<Reply> replies) => Request(rules, to, ref replies);

    /// <summary>What was taken, told once more along with a keep-alive of the other direction.</summary>
    public readonly void Tell(byte to, ref Channel<Reply> replies) =>
        replies.Send(new Reply(ReplyKind.Ack, to, Stream, (byte)(Next - 1)));

    private Outcome AwaitFull(in Update update, Rules rules, byte to, ref Rows copy, ref Channel<Reply> replies)
    {
        var awaited = update.Stream == Stream
            || rules.Breaks(Broken.StreamNotChecked)
            || (update.Kind == UpdateKind.Chunk && rules.Breaks(Broken.ForeignChunkTaken));
        if (rules.Breaks(Broken.AnythingIsFullWhileWaiting))
            return Replace(update, update.Rows, (byte)(update.Number + 1), rules, to, ref copy, ref replies);
        if (update.Kind == UpdateKind.Full && awaited)
            return Replace(update, update.Rows, 1, rules, to, ref copy, ref replies); // R2
        if (update.Kind != UpdateKind.Chunk || update.Number != 0 || !awaited)
            return Outcome.Ignored; // R5
        Phase = ReceiverPhase.Assembling;
        Incarnation = update.Incarnation;
        Next = 0;
        return Assemble(update, rules, to, ref copy, ref replies);
    }

    private Outcome Assemble(in Update chunk, Rules rules, byte to, ref Rows copy, ref Channel<Reply> replies)
    {
        if (chunk.Stream != Stream && !rules.Breaks(Broken.ForeignChunkTaken))
            return Outcome.Ignored;
        if (chunk.Number < Next)
        {
            replies.Send(new Reply(ReplyKind.ChunkAck, to, Stream, (byte)(Next - 1)));
            return Outcome.Noted;
        }
        if (chunk.Number > Next && !rules.Breaks(Broken.ChunkSkipped))
            return Outcome.Ignored;
        if (chunk.Incarnation != Incarnation && !rules.Breaks(Broken.ForeignChunkTaken))
            return Outcome.Ignored;
        Assembled = Assembled.With(chunk.Rows);
        Next = (byte)(chunk.Number + 1);
        if (rules.Breaks(Broken.HalfBuiltApplied))
            copy = Assembled;
        if (chunk.IsLast)
            return Replace(chunk, Assembled, 1, rules, to, ref copy, ref replies);
        replies.Send(new Reply(ReplyKind.ChunkAck, to, chunk.Stream, chunk.Number));
        return Outcome.Noted;
    }

    private Outcome Replace(in Update last, Rows rows, byte next, Rules rules, byte to, ref Rows copy, ref Channel<Reply> replies)
    {
        copy = rows;
        Assembled = default;
        Phase = ReceiverPhase.Synced;
        Incarnation = last.Incarnation;
        Stream = last.Stream;
        Next = next;
        Acknowledged = 0;
        if (last.Kind == UpdateKind.Chunk)
            Tell(to, ref replies);
        return Outcome.Replaced;
    }

    private Outcome Follow(in Update update, Rules rules, byte to, ref Rows copy, ref Channel<Reply> replies)
    {
        var sameSender = update.Incarnation == Incarnation || rules.Breaks(Broken.IncarnationNotChecked);
        var sameStream = update.Stream == Stream || rules.Breaks(Broken.StreamNotChecked);
        if (rules.Breaks(Broken.StreamNotChecked) && update.Kind == UpdateKind.Full)
            return Replace(update, update.Rows, 1, rules, to, ref copy, ref replies);
        if (sameSender && sameStream && update.Kind == UpdateKind.Chunk)
        {
            Tell(to, ref replies); // R4; what told it before may have been lost
            return Outcome.Noted;
        }
        if (sameSender && sameStream && update.Kind == UpdateKind.Partial && (update.Number == Next || rules.Breaks(Broken.SeqNotChecked)))
        {
            copy = copy.With(update.Rows); // R3
            Incarnation = update.Incarnation;
            Next = (byte)(update.Number + 1);
            if (!rules.Acknowledges || update.Number - Acknowledged < rules.AcknowledgeEvery)
                return Outcome.Applied;
            Acknowledged = update.Number;
            Tell(to, ref replies);
            return Outcome.Applied;
        }
        if (sameSender && sameStream && update.Kind is UpdateKind.Partial or UpdateKind.Full && update.Number < Next)
            return Outcome.Ignored; // R4
        return sameSender && update.Stream.IsOlderThan(Stream)
            ? Outcome.Ignored // R4
            : Request(rules, to, ref replies);
    }

    private Outcome Request(Rules rules, byte to, ref Channel<Reply> replies)
    {
        if (!(AwaitsFull && rules.Breaks(Broken.StreamReused)))
            Stream = Stream.Of(Prefix, ++Requests); // R1
        Phase = ReceiverPhase.Waiting;
        Incarnation = 0;
        Next = 0;
        Acknowledged = 0;
        Assembled = default;
        replies.Send(new Reply(ReplyKind.Request, to, Stream, 0));
        return Outcome.Requested;
    }

    public override readonly string ToString() => Phase switch
    {
        ReceiverPhase.Waiting => $"waits {Stream}",
        ReceiverPhase.Assembling => $"assembles {Stream} of i{Incarnation} next {Next} [{Assembled}]",
        ReceiverPhase.Synced => $"follows {Stream} of i{Incarnation} next {Next}",
        _ => "new",
    };
}
