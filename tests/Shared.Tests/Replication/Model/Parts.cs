using System.Runtime.CompilerServices;

namespace PonyCloud.Shared.Tests.Replication.Model;

// What states are made of. Every field is a byte, or made of bytes: no padding, and what is not in use is zero.

/// <summary>
/// What is known of one row: nothing, a version of it, or that it was removed by a version. Removals are numbered with
/// the versions, so that going back and disappearing can be told from what the source did.
/// </summary>
internal readonly record struct Row(byte Packed)
{
    public static readonly Row First = new(2);

    /// <summary>The highest version.</summary>
    public const int Last = byte.MaxValue >> 1;

    public int Version => Packed >> 1;

    public bool IsListed => Packed != 0;

    public bool IsThere => IsListed && (Packed & 1) == 0;

    public Row Next(bool gone) => new((byte)((Version + 1) << 1 | (gone ? 1 : 0)));

    public override string ToString() => !IsListed ? "·" : IsThere ? $"{Version}" : $"-{Version}";
}

/// <summary>The two rows of a source, of a copy, or of a message; a message lists none, one or both.</summary>
internal record struct Rows(Row A, Row B)
{
    public Row this[int index]
    {
        readonly get => index == 0 ? A : B;
        set
        {
            if (index == 0)
                A = value;
            else
                B = value;
        }
    }

    /// <summary>These rows, and those that the changes list instead of what they were.</summary>
    public readonly Rows With(Rows changes) => new(changes.A.IsListed ? changes.A : A, changes.B.IsListed ? changes.B : B);

    /// <summary>What is different from the rows before.</summary>
    public readonly Rows Since(Rows before) => new(A == before.A ? default : A, B == before.B ? default : B);

    public readonly Rows Only(int index) => index switch
    {
        0 => new Rows(A, default),
        1 => new Rows(default, B),
        _ => default,
    };

    /// <summary>Whether someone who sees only the rows that are there sees the same.</summary>
    public readonly bool LookLike(Rows other) => Same(A, other.A) && Same(B, other.B);

    public override readonly string ToString() => $"{A}{B}";

    private static bool Same(Row left, Row right) => left.IsThere ? left == right : !right.IsThere;
}

/// <summary>The name of a stream (R1): who made it, and a counter from 1. Zero is no stream.</summary>
internal readonly record struct Stream(byte Packed)
{
    private const int CounterBits = 4;

    public int Prefix => Packed >> CounterBits;

    public int Counter => Packed & ((1 << CounterBits) - 1);

    public bool IsNamed => Packed != 0;

    public static Stream Of(int prefix, int counter) =>
        counter < 1 << CounterBits && prefix < 1 << (8 - CounterBits)
            ? new Stream((byte)(prefix << CounterBits | counter))
            : throw new InvalidOperationException($"Stream {prefix}:{counter} is out of the model's bounds.");

    public bool IsOlderThan(Stream other) => IsNamed && other.IsNamed && Prefix == other.Prefix && Counter < other.Counter;

    public override string ToString() => IsNamed ? $"{(char)('a' + Prefix)}{Counter}" : "·";
}

internal enum UpdateKind : byte
{
    None,

    /// <summary>An empty update without a stream, to make the receiver ask.</summary>
    Announcement,
    Full,
    Partial,
    Chunk,

    /// <summary>Not of this direction: a peer asks for the other direction's full state.</summary>
    Question,
}

/// <summary>A message of the side that holds the state.</summary>
/// <param name="From">The epoch or the peer where there are several senders.</param>
/// <param name="Number">The seq, or the index of a chunk.</param>
internal readonly record struct Update(UpdateKind Kind, byte From, byte Incarnation, Stream Stream, byte Number, bool IsLast, Rows Rows)
{
    public override string ToString() => Kind switch
    {
        UpdateKind.Announcement => $"{Origin}hello",
        UpdateKind.Question => $"{Origin}question",
        UpdateKind.Full => $"{Origin}{Stream}.full[{Rows}]",
        UpdateKind.Chunk => $"{Origin}{Stream}.chunk{Number}{(IsLast ? "!" : "")}[{Rows}]",
        _ => $"{Origin}{Stream}.{Number}[{Rows}]",
    };

    private string Origin => From == 0 ? $"i{Incarnation}/" : $"{From}/i{Incarnation}/";
}

internal enum ReplyKind : byte
{
    None,
    Request,
    Ack,
    ChunkAck,
}

/// <summary>A message of the side that holds the copy.</summary>
/// <param name="To">The peer, where there are several.</param>
/// <param name="Number">The seq or the index that is acknowledged.</param>
internal readonly record struct Reply(ReplyKind Kind, byte To, Stream Stream, byte Number)
{
    public override string ToString() => $"{(To == 0 ? "" : $"{To}/")}{Stream}{Kind switch
    {
        ReplyKind.Request => "?",
        ReplyKind.Ack => $" ack {Number}",
        _ => $" ack chunk{Number}",
    }}";
}

/// <summary>Messages on their way, oldest first.</summary>
internal struct Channel<T>
    where T : unmanaged
{
    private Slots _slots;
    private byte _count;

    public readonly int Count => _count;

    public readonly T this[int index] => _slots[index];

    public void Send(T message)
    {
        if (_count == Slots.Size)
            throw new InvalidOperationException("A channel is shorter than the model needs.");
        _slots[_count++] = message;
    }

    public T Take(int index)
    {
        var message = _slots[index];
        for (var later = index + 1; later < _count; later++)
            _slots[later - 1] = _slots[later];
        _slots[--_count] = default;
        return message;
    }

    /// <summary>The oldest message comes twice, at once or after all others.</summary>
    public void Double(bool late)
    {
        Send(_slots[0]);
        if (late)
            return;
        for (var place = _count - 1; place > 0; place--)
            _slots[place] = _slots[place - 1];
    }

    public override readonly string ToString()
    {
        var slots = _slots;
        return string.Join(" ", Enumerable.Range(0, _count).Select(index => slots[index]));
    }

    [InlineArray(Size)]
    private struct Slots
    {
        public const int Size = 9;
        private T _first;
    }
}
