using System.Buffers;
using System.Runtime.InteropServices;
using System.Text.Json;

namespace PonyCloud.Shared.Entities;

/// <summary>
/// The primary key of a row, as text: one part for most entities, several for relations such as host × instance. On
/// the wire a key is a string, or an array of strings when it has several parts.
/// </summary>
/// <remarks>
/// A fleet has millions of keys, and most are uuids: those are kept in 16 bytes instead of as a string of 96. All
/// others are one string, parts joined by U+001F. The two forms never mean the same key.
/// </remarks>
public readonly struct RowKey : IEquatable<RowKey>, IComparable<RowKey>
{
    /// <summary>Joins the parts; no key column may contain it (nor any other control character).</summary>
    public const char Separator = '\u001f';

    private const int UuidLength = 36;

    // The parser of uuids also takes upper case, a sign and 0x, and would give back another text than it was given.
    private static readonly SearchValues<char> UuidChars = SearchValues.Create("0123456789abcdef-");

    // Null for a key that is one uuid in its usual form, which is then in _uuid; the nil uuid is kept as text, so that
    // it is not mistaken for the default value.
    private readonly string? _text;
    private readonly Guid _uuid;

    private RowKey(string text)
    {
        if (text.Length == UuidLength && !text.AsSpan().ContainsAnyExcept(UuidChars)
            && Guid.TryParseExact(text, "D", out var uuid) && uuid != Guid.Empty)
            _uuid = uuid;
        else
            _text = text;
    }

    private RowKey(Guid uuid)
    {
        if (uuid == Guid.Empty)
            _text = uuid.ToString();
        else
            _uuid = uuid;
    }

    /// <summary>The joined form; unique within a table.</summary>
    public string Text => _text ?? (_uuid == Guid.Empty ? "" : _uuid.ToString());

    /// <summary>Whether this is <c>default</c>, which no row has.</summary>
    public bool IsEmpty => string.IsNullOrEmpty(_text) && _uuid == Guid.Empty;

    /// <summary>The parts in the order of the entity's key columns.</summary>
    public string[] Parts => Text.Split(Separator);

    /// <summary>How many parts the key has.</summary>
    public int Count => _text is null ? 1 : _text.AsSpan().Count(Separator) + 1;

    /// <summary>The same in every process, so that what is ordered by it is the same in every run.</summary>
    internal uint StableHash
    {
        get
        {
            // FNV-1a, then the finalizer of MurmurHash3, so that similar keys part at the first levels of a trie.
            var hash = 2166136261u;
            if (_text is null)
            {
                var uuid = _uuid;
                foreach (var word in MemoryMarshal.Cast<Guid, uint>(new ReadOnlySpan<Guid>(in uuid)))
                    hash = (hash ^ word) * 16777619u;
            }
            else
            {
                foreach (var unit in _text)
                    hash = (hash ^ unit) * 16777619u;
            }
            hash = (hash ^ (hash >> 16)) * 0x85ebca6bu;
            hash = (hash ^ (hash >> 13)) * 0xc2b2ae35u;
            return hash ^ (hash >> 16);
        }
    }

    public static RowKey Of(string part)
    {
        Check(part);
        return new RowKey(part);
    }

    public static RowKey Of(Guid part) => new(part);

    public static RowKey Of(params ReadOnlySpan<string> parts)
    {
        foreach (var part in parts)
            Check(part);
        return parts.Length == 1 ? new RowKey(parts[0]) : new RowKey(string.Join(Separator, parts));
    }

    /// <summary>Any text as a key of a map other than a table, such as the value of an indexed column.</summary>
    internal static RowKey OfValue(string value) => new(value);

    /// <summary>Whether a text can be a part of a key: not empty, at most 512 characters, none of them a control character.</summary>
    public static bool IsValidPart(string? part) =>
        !string.IsNullOrEmpty(part) && part.Length <= 512 && !part.AsSpan().ContainsAnyInRange('\0', Separator);

    public bool Equals(RowKey other) => _uuid == other._uuid && string.Equals(_text, other._text, StringComparison.Ordinal);

    public override bool Equals(object? obj) => obj is RowKey other && Equals(other);

    public override int GetHashCode() => _text is null ? _uuid.GetHashCode() : _text.GetHashCode(StringComparison.Ordinal);

    /// <summary>Ordinal order, which is the order of pages in the API.</summary>
    public int CompareTo(RowKey other) =>
        _text is null && other._text is null ? _uuid.CompareTo(other._uuid) : string.CompareOrdinal(Text, other.Text);

    public override string ToString() => Text.Replace(Separator, '/');

    public static bool operator ==(RowKey left, RowKey right) => left.Equals(right);

    public static bool operator !=(RowKey left, RowKey right) => !left.Equals(right);

    public static bool operator <(RowKey left, RowKey right) => left.CompareTo(right) < 0;

    public static bool operator >(RowKey left, RowKey right) => left.CompareTo(right) > 0;

    public static bool operator <=(RowKey left, RowKey right) => left.CompareTo(right) <= 0;

    public static bool operator >=(RowKey left, RowKey right) => left.CompareTo(right) >= 0;

    /// <summary>Writes the wire form.</summary>
    public void Write(Utf8JsonWriter writer)
    {
        if (_text is null)
        {
            writer.WriteStringValue(_uuid);
            return;
        }
        if (!_text.Contains(Separator, StringComparison.Ordinal))
        {
            writer.WriteStringValue(_text);
            return;
        }
        writer.WriteStartArray();
        foreach (var part in Parts)
            writer.WriteStringValue(part);
        writer.WriteEndArray();
    }

    /// <summary>Reads the wire form; the reader stands on the string or on the start of the array.</summary>
    /// <exception cref="JsonException">It is neither, or a part is not valid.</exception>
    public static RowKey Read(ref Utf8JsonReader reader)
    {
        if (reader.TokenType == JsonTokenType.String)
            return new RowKey(ReadPart(ref reader));
        if (reader.TokenType != JsonTokenType.StartArray)
            throw new JsonException("A row key is a string or an array of strings.");
        var parts = new List<string>(2);
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            if (reader.TokenType != JsonTokenType.String)
                throw new JsonException("A part of a row key is a string.");
            parts.Add(ReadPart(ref reader));
        }
        return parts.Count > 0 ? new RowKey(string.Join(Separator, parts)) : throw new JsonException("A row key has at least one part.");
    }

    private static string ReadPart(ref Utf8JsonReader reader)
    {
        string? part;
        try
        {
            part = reader.GetString();
        }
        catch (InvalidOperationException e)
        {
            // The reader's way to say that bytes or escapes, such as half a surrogate pair, are no Unicode text.
            throw new JsonException("A part of a row key is Unicode text.", e);
        }
        return IsValidPart(part)
            ? part!
            : throw new JsonException("A part of a row key has 1 to 512 characters, none of them a control character.");
    }

    private static void Check(string part)
    {
        if (!IsValidPart(part))
            throw new ArgumentException("A part of a row key must be 1 to 512 characters, none of them a control character.", nameof(part));
    }
}
