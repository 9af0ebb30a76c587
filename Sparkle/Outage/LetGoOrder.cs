using System.Text.Json;
using PonyCloud.Shared.Entities;

namespace PonyCloud.Sparkle.Outage;

/// <summary>An order to let go of a row that has not reached the database yet.</summary>
/// <param name="Id">Tells it from every other, and marks in the database that it was carried out.</param>
/// <param name="Basis">The row as the database last had it.</param>
/// <param name="Record">The row as it is ordered to be.</param>
/// <param name="User">The email address of whoever gave it.</param>
/// <param name="Tenant">The tenant of the token that it came with.</param>
/// <param name="At">When it was taken.</param>
public sealed record LetGoOrder(Guid Id, Entity Entity, RowKey Key, object Basis, object Record, string User, string? Tenant, DateTimeOffset At)
{
    /// <summary>Older orders of the row that this one replaced and that may stand in the database nevertheless.</summary>
    public IReadOnlyList<object> Through { get; init; } = [];

    /// <summary>A write of it was begun, so the database may hold it.</summary>
    public bool MayStand { get; init; }

    /// <summary>What may be in the database for the order to be carried out.</summary>
    public IEnumerable<object> Expected => Through.Prepend(Basis);

    /// <summary>Whether it was given about this row of the database.</summary>
    public bool IsBasedOn(object row) => Expected.Contains(row);

    internal void Write(Utf8JsonWriter json)
    {
        var part = Entity.Desired!;
        json.WriteStartObject();
        json.WriteString("id", Id);
        json.WriteString("at", At.UtcDateTime);
        json.WriteString("user", User);
        if (Tenant is not null)
            json.WriteString("tenant", Tenant);
        json.WriteString("table", Entity.Name);
        json.WritePropertyName("key");
        Key.Write(json);
        json.WritePropertyName("basis");
        part.Write(json, Basis);
        json.WriteStartArray("through");
        foreach (var record in Through)
            part.Write(json, record);
        json.WriteEndArray();
        json.WritePropertyName("record");
        part.Write(json, Record);
        json.WriteEndObject();
    }

    /// <exception cref="JsonException">It is no such order, or of a table that this version does not know.</exception>
    internal static LetGoOrder Read(JsonElement json, EntityCatalog catalog)
    {
        try
        {
            var name = json.GetProperty("table").GetString();
            var entity = catalog.All.FirstOrDefault(entity => entity.Name == name && entity.Desired is not null)
                ?? throw new JsonException($"There is no table {name}.");
            return new LetGoOrder(
                json.GetProperty("id").GetGuid(), entity, ReadKey(json.GetProperty("key")),
                ReadRecord(entity, json.GetProperty("basis")), ReadRecord(entity, json.GetProperty("record")),
                json.GetProperty("user").GetString() ?? throw new JsonException("There is no user."),
                json.TryGetProperty("tenant", out var tenant) ? tenant.GetString() : null,
                json.GetProperty("at").GetDateTimeOffset())
            {
                Through = [.. json.GetProperty("through").EnumerateArray().Select(record => ReadRecord(entity, record))],
                // Whether the process that ended had begun to write it is not known.
                MayStand = true,
            };
        }
        catch (Exception e) when (e is KeyNotFoundException or InvalidOperationException or FormatException)
        {
            throw new JsonException("It is no order.", e);
        }
    }

    private static RowKey ReadKey(JsonElement json)
    {
        var reader = Reader(json);
        return RowKey.Read(ref reader);
    }

    private static object ReadRecord(Entity entity, JsonElement json)
    {
        var reader = Reader(json);
        return entity.Desired!.Read(ref reader);
    }

    private static Utf8JsonReader Reader(JsonElement json)
    {
        var reader = new Utf8JsonReader(System.Text.Encoding.UTF8.GetBytes(json.GetRawText()));
        reader.Read();
        return reader;
    }
}
