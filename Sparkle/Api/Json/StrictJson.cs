using System.Globalization;
using System.Text;
using System.Text.Json;
using Newtonsoft.Json.Linq;

namespace PonyCloud.Sparkle.Api.Json;

/// <summary>
/// Reads JSON exactly as RFC 8259 says, into Newtonsoft's tokens: no comments, no trailing commas, nothing after the
/// value, no member twice, no lone surrogates. Newtonsoft's own reader takes much more than JSON, and makes dates of
/// texts.
/// </summary>
public static class StrictJson
{
    /// <summary>How deep objects and arrays may nest.</summary>
    public const int MaxDepth = 32;

    private const int MaxStoredDepth = 256;

    /// <exception cref="MalformedJsonException">It is not JSON, or more than the platform takes.</exception>
    public static JToken Parse(ReadOnlySpan<byte> utf8) => Parse(utf8, MaxDepth, isStored: false);

    /// <summary>
    /// Reads what the platform itself holds. Values that came by another way than the API may nest deeper, and have a
    /// member twice; then the last one counts.
    /// </summary>
    public static JToken ParseStored(ReadOnlySpan<byte> utf8) => Parse(utf8, MaxStoredDepth, isStored: true);

    private static JToken Parse(ReadOnlySpan<byte> utf8, int maxDepth, bool isStored)
    {
        var reader = new Utf8JsonReader(utf8, new JsonReaderOptions { MaxDepth = maxDepth });
        try
        {
            if (!reader.Read())
                throw new MalformedJsonException("There is no value.", utf8, reader.TokenStartIndex);
            var value = Value(ref reader, utf8, isStored);
            if (reader.Read())
                throw new MalformedJsonException("There is something after the value.", utf8, reader.TokenStartIndex);
            return value;
        }
        catch (JsonException exception)
        {
            throw new MalformedJsonException(
                reader.CurrentDepth >= maxDepth ? $"It nests deeper than {maxDepth} levels." : "It is no JSON from there on.",
                (exception.LineNumber ?? 0) + 1,
                (exception.BytePositionInLine ?? 0) + 1);
        }
    }

    private static JToken Value(ref Utf8JsonReader reader, ReadOnlySpan<byte> utf8, bool isStored)
    {
        switch (reader.TokenType)
        {
            case JsonTokenType.StartObject:
                return Object(ref reader, utf8, isStored);
            case JsonTokenType.StartArray:
                var array = new JArray();
                while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
                    array.Add(Value(ref reader, utf8, isStored));
                return array;
            case JsonTokenType.String:
                return new JValue(Text(ref reader, utf8, isStored));
            case JsonTokenType.Number:
                return Number(ref reader, utf8);
            case JsonTokenType.True:
                return new JValue(true);
            case JsonTokenType.False:
                return new JValue(false);
            default:
                return JValue.CreateNull();
        }
    }

    private static JObject Object(ref Utf8JsonReader reader, ReadOnlySpan<byte> utf8, bool isStored)
    {
        var result = new JObject();
        while (reader.Read() && reader.TokenType != JsonTokenType.EndObject)
        {
            var start = reader.TokenStartIndex;
            var name = Text(ref reader, utf8, isStored);
            if (!isStored && result.ContainsKey(name))
                throw new MalformedJsonException("An object has the same member twice.", utf8, start);
            reader.Read();
            result[name] = Value(ref reader, utf8, isStored);
        }
        return result;
    }

    private static string Text(ref Utf8JsonReader reader, ReadOnlySpan<byte> utf8, bool isStored)
    {
        string text;
        try
        {
            text = reader.GetString()!;
        }
        catch (InvalidOperationException)
        {
            // The framework's way to say that escapes or bytes make no Unicode text.
            throw new MalformedJsonException("A text is not valid Unicode.", utf8, reader.TokenStartIndex);
        }
        // The database has no such text.
        if (!isStored && text.Contains('\0', StringComparison.Ordinal))
            throw new MalformedJsonException("A text contains U+0000.", utf8, reader.TokenStartIndex);
        return text;
    }

    private static JValue Number(ref Utf8JsonReader reader, ReadOnlySpan<byte> utf8)
    {
        if (reader.TryGetInt64(out var integer))
            return new JValue(integer);
        var raw = reader.ValueSpan.Length <= 64 ? Encoding.ASCII.GetString(reader.ValueSpan) : null;
        if (raw is not null && decimal.TryParse(raw, NumberStyles.Float, CultureInfo.InvariantCulture, out var exact) && IsExact(exact, raw))
            return new JValue(exact);
        if (reader.TryGetDouble(out var real) && double.IsFinite(real))
            return new JValue(real);
        throw new MalformedJsonException("A number is too large.", utf8, reader.TokenStartIndex);
    }

    // Very small numbers become zero as decimals, and are better kept as doubles.
    private static bool IsExact(decimal value, string raw) => value != 0 || !raw.AsSpan().ContainsAnyInRange('1', '9');
}

/// <summary>A text is not JSON. The message says what and where, and never quotes the text.</summary>
public sealed class MalformedJsonException : Exception
{
    public MalformedJsonException(string what, long line, long column)
        : base($"{what} Line {line}, byte {column}.")
    {
    }

    internal MalformedJsonException(string what, ReadOnlySpan<byte> utf8, long position)
        : this(what, Line(utf8, position), Column(utf8, position))
    {
    }

    private static long Line(ReadOnlySpan<byte> utf8, long position) => utf8[..(int)position].Count((byte)'\n') + 1;

    private static long Column(ReadOnlySpan<byte> utf8, long position) => position - utf8[..(int)position].LastIndexOf((byte)'\n');
}
