using System.Text;
using System.Text.Json;
using PonyCloud.Shared.Entities;

namespace PonyCloud.Sparkle.Outage;

/// <summary>Says in an event who ordered what and when, and what was found instead.</summary>
internal static class OrderReport
{
    public static JsonText Of(LetGoOrder order, object found, string? constraint)
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream))
        {
            json.WriteStartObject();
            json.WriteString("user", order.User);
            if (order.Tenant is not null)
                json.WriteString("tenant", order.Tenant);
            json.WriteString("ordered_at", order.At.UtcDateTime);
            json.WriteString("table", order.Entity.Name);
            json.WritePropertyName("key");
            order.Key.Write(json);
            Difference(json, "ordered", order.Entity.Desired!, order.Basis, order.Record);
            Difference(json, "found", order.Entity.Desired!, order.Basis, found);
            if (constraint is not null)
                json.WriteString("constraint", constraint);
            json.WriteEndObject();
        }
        return JsonText.Parse(Encoding.UTF8.GetString(stream.ToArray()));
    }

    /// <summary>The row of that entity which the order is about, if it is or refers to one.</summary>
    public static Guid? KeyOf(this LetGoOrder order, string entity)
    {
        var column = order.Entity.Name == entity
            ? order.Entity.Desired!.Column(order.Entity.KeyColumns[0])
            : order.Entity.Desired!.Columns.FirstOrDefault(column => column.References == entity);
        return column?.Get(order.Record) as Guid?;
    }

    private static void Difference(Utf8JsonWriter json, string name, PartDeclaration part, object before, object after)
    {
        json.WriteStartObject(name);
        foreach (var column in part.Columns.Where(column => !Equals(column.Get(before), column.Get(after))))
            json.WriteString(column.Name, column.IndexText(after));
        json.WriteEndObject();
    }
}
