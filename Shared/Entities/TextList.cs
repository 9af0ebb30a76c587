using System.Collections;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace PonyCloud.Shared.Entities;

/// <summary>An immutable list of texts that compares by value, so that records holding one do as well.</summary>
[JsonConverter(typeof(Converter))]
public sealed class TextList : IReadOnlyList<string>, IEquatable<TextList>
{
    public static readonly TextList Empty = new([]);

    private readonly string[] _items;

    private TextList(string[] items) => _items = items;

    public int Count => _items.Length;

    public string this[int index] => _items[index];

    public static TextList Of(IEnumerable<string> items)
    {
        var array = items.ToArray();
        return array.Length == 0 ? Empty : new TextList(array);
    }

    public bool Equals(TextList? other) => other is not null && _items.AsSpan().SequenceEqual(other._items);

    public override bool Equals(object? obj) => Equals(obj as TextList);

    public override int GetHashCode()
    {
        var hash = new HashCode();
        foreach (var item in _items)
            hash.Add(item, StringComparer.Ordinal);
        return hash.ToHashCode();
    }

    public override string ToString() => string.Join(", ", _items);

    public IEnumerator<string> GetEnumerator() => ((IEnumerable<string>)_items).GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => _items.GetEnumerator();

    internal sealed class Converter : JsonConverter<TextList>
    {
        public override TextList Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
        {
            if (reader.TokenType != JsonTokenType.StartArray)
                throw new JsonException();
            var items = new List<string>();
            while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
                items.Add(reader.TokenType == JsonTokenType.String ? reader.GetString()! : throw new JsonException());
            return Of(items);
        }

        public override void Write(Utf8JsonWriter writer, TextList value, JsonSerializerOptions options)
        {
            writer.WriteStartArray();
            foreach (var item in value._items)
                writer.WriteStringValue(item);
            writer.WriteEndArray();
        }
    }
}
