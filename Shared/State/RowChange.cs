using System.Text.Json;
using PonyCloud.Shared.Entities;

namespace PonyCloud.Shared.State;

/// <summary>One part of one row becomes <paramref name="Value"/>; null removes the part.</summary>
public readonly record struct RowChange(Entity Entity, RowKey Key, RowPart Part, object? Value)
{
    /// <summary>A change that sets a part, keyed by what the record itself says.</summary>
    public static RowChange Set(Entity entity, RowPart part, object value) => new(entity, entity.KeyOf(part, value), part, value);

    public static RowChange Remove(Entity entity, RowPart part, RowKey key) => new(entity, key, part, null);

    /// <summary>
    /// The change as JSON in a message between the daemons: <c>[table, key, part, row or null]</c>. It holds the secrets that
    /// hosts need, so it goes nowhere else.
    /// </summary>
    public void Write(Utf8JsonWriter writer)
    {
        writer.WriteStartArray();
        writer.WriteStringValue(Entity.Name);
        Key.Write(writer);
        writer.WriteStringValue(Part == RowPart.Desired ? "desired"u8 : "current"u8);
        if (Value is null)
            writer.WriteNullValue();
        else
            Entity.Part(Part)!.WriteToHost(writer, Value);
        writer.WriteEndArray();
    }
}
