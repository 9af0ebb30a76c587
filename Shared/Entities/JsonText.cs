using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace PonyCloud.Shared.Entities;

/// <summary>
/// A free-form JSON value of a row, kept as compact text: the platform stores and passes it on, and only the feature
/// that it belongs to parses it. Equality is that of the compact text.
/// </summary>
[JsonConverter(typeof(Converter))]
public sealed record JsonText
{
    private JsonText(string text) => Text = text;

    /// <summary>The compact JSON.</summary>
    public string Text { get; }

    /// <exception cref="JsonException">The text is not one JSON value.</exception>
    public static JsonText Parse(string text)
    {
        using var document = Document(text);
        return From(document.RootElement);
    }

    /// <exception cref="JsonException">A text in it is no Unicode: it has half a surrogate pair.</exception>
    public static JsonText From(JsonElement element)
    {
        using var stream = new MemoryStream();
        using (var writer = new Utf8JsonWriter(stream))
        {
            try
            {
                element.WriteTo(writer);
            }
            catch (InvalidOperationException e)
            {
                throw NoUnicode(e);
            }
        }
        return new JsonText(Encoding.UTF8.GetString(stream.GetBuffer(), 0, (int)stream.Length));
    }

    public override string ToString() => Text;

    private static JsonDocument Document(string text)
    {
        try
        {
            return JsonDocument.Parse(text);
        }
        catch (ArgumentException e)
        {
            throw NoUnicode(e);
        }
    }

    private static JsonException NoUnicode(Exception inner) => new("A text in the value is no Unicode.", inner);

    internal sealed class Converter : JsonConverter<JsonText>
    {
        public override JsonText Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
        {
            using var document = JsonDocument.ParseValue(ref reader);
            return From(document.RootElement);
        }

        public override void Write(Utf8JsonWriter writer, JsonText value, JsonSerializerOptions options) =>
            writer.WriteRawValue(value.Text, skipInputValidation: true);
    }
}
