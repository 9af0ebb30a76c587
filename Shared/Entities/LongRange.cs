using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace PonyCloud.Shared.Entities;

/// <summary>
/// The whole numbers from <paramref name="Start"/> up to but not including <paramref name="End"/>, of which there is at
/// least one. Its text is <c>[start,end)</c>, in the database, in JSON and in keys alike (PostgreSQL <c>int8range</c>).
/// </summary>
[JsonConverter(typeof(Converter))]
public readonly record struct LongRange(long Start, long End)
{
    /// <summary>How many numbers there are.</summary>
    public long Length => End - Start;

    /// <summary>Reads the text; no other form of the same range is taken.</summary>
    public static bool TryParse([NotNullWhen(true)] string? text, out LongRange range)
    {
        range = default;
        if (text is not ['[', .. var inner, ')'] || inner.Split(',') is not [var first, var second])
            return false;
        if (!IsNumber(first, out var start) || !IsNumber(second, out var end) || start >= end)
            return false;
        range = new LongRange(start, end);
        return true;
    }

    /// <exception cref="FormatException">The text is no range of numbers with both ends.</exception>
    public static LongRange Parse(string text) => TryParse(text, out var range) ? range : throw new FormatException("It is no range.");

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"[{Start},{End})");

    private static bool IsNumber(string text, out long number) =>
        long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out number)
        && number.ToString(CultureInfo.InvariantCulture) == text;

    internal sealed class Converter : JsonConverter<LongRange>
    {
        public override LongRange Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
            reader.TokenType == JsonTokenType.String && TryParse(reader.GetString(), out var range) ? range : throw new JsonException();

        public override void Write(Utf8JsonWriter writer, LongRange value, JsonSerializerOptions options) =>
            writer.WriteStringValue(value.ToString());
    }
}
