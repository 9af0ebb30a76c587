using System.Text.Json;

namespace PonyCloud.Shared.Entities;

/// <summary>
/// The primary key of a row, as text: one part for most entities, several for relations such as host × instance.
/// Kept as one string (parts joined by U+001F), since a fleet has millions of them and they are compared far more
/// often than taken apart. On the wire a key is a string, or an array of strings when it has several parts.
/// </summary>
public readonly struct RowKey : IEquatable<RowKey>, IComparable<RowKey>
{
    /// <summary>Joins the parts; no key column may contain it (nor any other control character).</summary>
    public const char Separator = '\u001f';

    private readonly string? _text;

    private RowKey(string text) => _text = text;

    /// <summary>The joined form; unique within a table.</summary>
    public string Text => _text ?? "";

    /// <summary>Whether this is <c>default</c>, which no row has.</summary>
    public bool IsEmpty => string.IsNullOrEmpty(_text);

    /// <summary>The parts in the order of the entity's key columns.</summary>
    public string[] Parts => Text.Split(Separator);

    /// <summary>How many parts the key has.</summary>
    public int Count => Text.AsSpan().Count(Separator) + 1;

    public static RowKey Of(string part)
    {
        Check(part);
        return new RowKey(part);
    }

    public static RowKey Of(Guid part) => new(part.ToString());

    public static RowKey Of(params ReadOnlySpan<string> parts)
    {
        foreach (var part in parts)
            Check(part);
        return parts.Length == 1 ? new RowKey(parts[0]) : new RowKey(string.Join(Separator, parts));
    }

    /// <summary>Whether a text can be a part of a key: not empty, at most 512 characters, none of them a control character.</summary>
    public static bool IsValidPart(string? part) =>
        !string.IsNullOrEmpty(part) && part.Length <= 512 && !part.AsSpan().ContainsAnyInRange('\0', Separator);

    public bool Equals(RowKey other) => string.Equals(_text, other._text, StringComparison.Ordinal);

    public override bool Equals(object? obj) => obj is RowKey other && Equals(other);

    public override int GetHashCode() => Text.GetHashCode(StringComparison.Ordinal);

    /// <summary>Ordinal order, which is the order of pages in the API.</summary>
    public int CompareTo(RowKey other) => string.CompareOrdinal(_text, other._text);

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
        if (!Text.Contains(Separator, StringComparison.Ordinal))
        {
            writer.WriteStringValue(Text);
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
            return Checked(reader.GetString());
        if (reader.TokenType != JsonTokenType.StartArray)
            throw new JsonException("A row key is a string or an array of strings.");
        var parts = new List<string>(2);
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            if (reader.TokenType != JsonTokenType.String || !IsValidPart(reader.GetString()))
                throw new JsonException("A part of a row key is a string without control characters.");
            parts.Add(reader.GetString()!);
        }
        return parts.Count > 0 ? Of([.. parts]) : throw new JsonException("A row key has at least one part.");
    }

    private static RowKey Checked(string? part) =>
        IsValidPart(part) ? new RowKey(part!) : throw new JsonException("A row key is a string without control characters.");

    private static void Check(string part)
    {
        if (!IsValidPart(part))
            throw new ArgumentException("A part of a row key must be 1 to 512 characters, none of them a control character.", nameof(part));
    }
}
