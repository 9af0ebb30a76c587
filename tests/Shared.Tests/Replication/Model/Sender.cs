using System.Runtime.CompilerServices;

namespace PonyCloud.Shared.Tests.Replication.Model;

internal enum SenderPhase : byte
{
    NotReady,
    NoStream,
    Sending,
    Streaming,
}

/// <summary>The side that holds the state.</summary>
/// <remarks>
/// <code>
/// NOT READY ──► NO STREAM ──► SENDING ──────────────► STREAMING
///                             (stream, chunks sent,   (stream, next seq,
///                              acknowledged)           acknowledged)
/// </code>
/// From every state but the first an accepted request leads to SENDING, or to STREAMING when one message is enough. SENDING
/// ends with the last chunk sent.
/// </remarks>
internal struct Sender
{
    public SenderPhase Phase;
    public byte Incarnation;
    public Stream Stream;

    /// <summary>The seq of the next partial update.</summary>
    public byte Next;

    /// <summary>The seq of the last partial update that the receiver said it took.</summary>
    public byte Acknowledged;

    public byte ChunksSent;
    public byte ChunksAcknowledged;

    /// <summary>What the source holds.</summary>
    public Rows Source;

    /// <summary>What the receiver holds once it took everything sent; kept only for a receiver that acknowledges.</summary>
    public Rows Sent;

    private LastRequests _lastRequests;

    public readonly int InFlight => Phase switch
    {
        SenderPhase.Sending => ChunksSent - ChunksAcknowledged,
        SenderPhase.Streaming => Next - 1 - Acknowledged,
        _ => 0,
    };

    public static Sender Ready(byte incarnation, Rows source) => new()
    {
        Phase = SenderPhase.NoStream,
        Incarnation = incarnation,
        Source = source,
    };

    /// <summary>A new process that has not loaded its state yet; what it replicates outlives it.</summary>
    public readonly Sender Restarted(int incarnation) => new() { Incarnation = (byte)incarnation, Source = Source };

    public void BecomeReady() => Phase = SenderPhase.NoStream;

    /// <summary>R13: the peer could not be reached, so the stream ends; or the sender's own state is no longer complete.</summary>
    public void DropStream(bool ready)
    {
        End();
        Phase = ready ? SenderPhase.NoStream : SenderPhase.NotReady;
    }

    public void Requested(Stream request, Rules rules, byte from, ref Channel<Update> updates)
    {
        if (Phase == SenderPhase.NotReady && !rules.Breaks(Broken.NotReadyAnswers))
            return; // R7
        if (request.Counter <= _lastRequests[request.Prefix] && !rules.Breaks(Broken.OldRequestsAnswered))
            return; // R6
        var known = Phase == SenderPhase.NotReady ? default : Source;
        End();
        _lastRequests[request.Prefix] = (byte)request.Counter;
        Stream = request;
        Sent = rules.Acknowledges ? known : default;
        if (rules.Chunks > 0)
        {
            Phase = SenderPhase.Sending;
            SendChunks(rules, from, ref updates);
            return;
        }
        Phase = SenderPhase.Streaming;
        Next = 1;
        updates.Send(new Update(UpdateKind.Full, from, Incarnation, Stream, 0, true, known));
    }

    /// <summary>The source changed.</summary>
    public void Changed(int row, bool gone, Rules rules, byte from, ref Channel<Update> updates)
    {
        Source[row] = Source[row].Next(gone);
        if (rules.Acknowledges)
            Flush(rules, from, ref updates);
        else if (Phase == SenderPhase.Streaming)
            SendPartial(Source.Only(row), rules, from, ref updates);
    }

    /// <summary>
    /// Past a closed window, too, but then without changes: it is how a receiver finds out that it missed something. While
    /// chunks are being sent it is for a receiver that started anew.
    /// </summary>
    public void KeepAlive(Rules rules, byte from, ref Channel<Update> updates)
    {
        if (Phase == SenderPhase.NoStream || (Phase == SenderPhase.Sending && !rules.Breaks(Broken.SilentWhileSending)))
            updates.Send(new Update(UpdateKind.Announcement, from, Incarnation, default, 0, false, default));
        else if (Phase == SenderPhase.Streaming && rules.Acknowledges && IsOpen(rules))
            SendPartial(Source.Since(Sent), rules, from, ref updates);
        else if (Phase == SenderPhase.Streaming && !rules.Breaks(Broken.WindowStaysClosed))
            updates.Send(new Update(UpdateKind.Partial, from, Incarnation, Stream, Next++, false, default));
    }

    public void Take(in Reply ack, Rules rules, byte from, ref Channel<Update> updates)
    {
        if (ack.Stream != Stream && !rules.Breaks(Broken.ForeignAckTaken))
            return;
        if (ack.Kind == ReplyKind.ChunkAck && Phase == SenderPhase.Sending && ack.Number >= ChunksAcknowledged && ack.Number < ChunksSent)
        {
            ChunksAcknowledged = (byte)(ack.Number + 1);
            SendChunks(rules, from, ref updates);
        }
        else if (ack.Kind == ReplyKind.Ack && Phase == SenderPhase.Streaming && ack.Number > Acknowledged && ack.Number < Next)
        {
            Acknowledged = ack.Number;
            Flush(rules, from, ref updates);
        }
    }

    private readonly bool IsOpen(Rules rules) => InFlight < rules.Window || rules.Breaks(Broken.WindowIgnored);

    private void Flush(Rules rules, byte from, ref Channel<Update> updates)
    {
        if (Phase != SenderPhase.Streaming || Sent == Source)
            return;
        if (IsOpen(rules))
            SendPartial(Source.Since(Sent), rules, from, ref updates);
        else if (rules.Breaks(Broken.WaitingChangesLost))
            Sent = Source;
    }

    private void SendPartial(Rows changes, Rules rules, byte from, ref Channel<Update> updates)
    {
        updates.Send(new Update(UpdateKind.Partial, from, Incarnation, Stream, Next++, false, changes));
        if (rules.Acknowledges)
            Sent = Source;
    }

    private void SendChunks(Rules rules, byte from, ref Channel<Update> updates)
    {
        while (ChunksSent < rules.Chunks && (InFlight < rules.ChunkWindow || rules.Breaks(Broken.ChunkWindowIgnored)))
        {
            var rows = Sent.Only(ChunksSent);
            updates.Send(new Update(UpdateKind.Chunk, from, Incarnation, Stream, ChunksSent, ChunksSent + 1 == rules.Chunks, rows));
            ChunksSent++;
        }
        if (ChunksSent < rules.Chunks)
            return;
        // The rest is the receiver's: partial updates queue up behind the last chunk.
        ChunksSent = 0;
        ChunksAcknowledged = 0;
        Phase = SenderPhase.Streaming;
        Next = 1;
        Flush(rules, from, ref updates);
    }

    private void End()
    {
        Stream = default;
        Next = 0;
        Acknowledged = 0;
        ChunksSent = 0;
        ChunksAcknowledged = 0;
        Sent = default;
    }

    public override readonly string ToString() => Phase switch
    {
        SenderPhase.Sending => $"i{Incarnation} sends {Stream} {ChunksAcknowledged}/{ChunksSent}",
        SenderPhase.Streaming => $"i{Incarnation} streams {Stream} next {Next}{(Acknowledged > 0 ? $" acked {Acknowledged}" : "")}",
        _ => $"i{Incarnation} {Phase}",
    } + $" has {Source}";

    /// <summary>The counter of the last request of each prefix.</summary>
    [InlineArray(16)]
    private struct LastRequests
    {
        private byte _first;
    }
}
