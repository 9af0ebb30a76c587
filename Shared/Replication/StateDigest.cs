using System.Buffers;
using System.Buffers.Binary;
using System.Globalization;
using System.Security.Cryptography;
using System.Text.Encodings.Web;
using System.Text.Json;
using PonyCloud.Shared.Entities;
using PonyCloud.Shared.State;

namespace PonyCloud.Shared.Replication;

/// <summary>
/// How many rows a side holds, and the sum of their hashes modulo 2^64, whatever their order (R17). Either side keeps its
/// own as rows come and go; where they differ although nothing is in flight, the copies have diverged.
/// </summary>
/// <remarks>
/// The hash of a row is the first eight bytes, big-endian, of the SHA-256 of its change as JSON without white space. It
/// finds mistakes, not malice: who can write rows can also make a sum come out.
/// </remarks>
public readonly record struct StateDigest(long Rows, ulong Sum)
{
    /// <summary>The sum as 16 hexadecimal digits.</summary>
    public string SumText => Sum.ToString("x16", CultureInfo.InvariantCulture);

    public StateDigest With(in RowHash row) => new(Rows + 1, unchecked(Sum + row.Value));

    public StateDigest Without(in RowHash row) => new(Rows - 1, unchecked(Sum - row.Value));

    /// <summary>The sum of a text of 16 hexadecimal digits; null when it is none.</summary>
    public static ulong? ParseSum(string? text) =>
        text is { Length: 16 } && ulong.TryParse(text, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var sum) ? sum : null;
}

/// <summary>The hash of one part of one row, and how many bytes the row takes in a message.</summary>
public readonly record struct RowHash(ulong Value, int Bytes);

/// <summary>Hashes rows. Keeps its buffers, so it has one owner.</summary>
#pragma warning disable CA1001 // The writer holds memory only, and this lives as long as the session that owns it.
public sealed class RowHasher
#pragma warning restore CA1001
{
    private readonly ArrayBufferWriter<byte> _buffer = new(512);
    private readonly Utf8JsonWriter _writer;

    public RowHasher()
    {
        _writer = new Utf8JsonWriter(_buffer, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, SkipValidation = true });
    }

    /// <param name="change">A change that sets a part.</param>
    public RowHash Hash(in RowChange change)
    {
        _buffer.ResetWrittenCount();
        _writer.Reset();
        change.Write(_writer);
        _writer.Flush();
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(_buffer.WrittenSpan, hash);
        return new RowHash(BinaryPrimitives.ReadUInt64BigEndian(hash), _buffer.WrittenCount);
    }

    /// <summary>The digest after a part of a row has become another.</summary>
    /// <param name="before">What the part was; null when it was not there.</param>
    /// <param name="after">What it is; null when it is gone.</param>
    public StateDigest Follow(StateDigest digest, Entity entity, RowKey key, RowPart part, object? before, object? after)
    {
        if (before is not null)
            digest = digest.Without(Hash(new RowChange(entity, key, part, before)));
        return after is null ? digest : digest.With(Hash(new RowChange(entity, key, part, after)));
    }
}
