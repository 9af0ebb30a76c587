using System.Reflection;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace PonyCloud.Shared.Entities;

/// <summary>One part of an entity: its record type, the record's columns, and its JSON form.</summary>
public sealed class PartDeclaration
{
    private readonly Dictionary<string, Column> _byName;
    private readonly JsonTypeInfo _json;
    private readonly JsonTypeInfo _hostJson;

    internal PartDeclaration(Type type)
    {
        Type = type;
        Columns = [.. type.GetProperties(BindingFlags.Public | BindingFlags.Instance | BindingFlags.DeclaredOnly)
            .Where(property => property.CanWrite)
            .Select(property => new Column(property))];
        _byName = Columns.ToDictionary(column => column.Name, StringComparer.Ordinal);
        _json = RowJson.Options.GetTypeInfo(type);
        _hostJson = RowJson.HostOptions.GetTypeInfo(type);
        CanLetGo = Columns.Any(column => column.CanLetGo);
        // Such orders are kept as JSON, in which a secret is left out.
        if (CanLetGo && Columns.Any(column => column.IsSecret))
            throw new NotSupportedException($"{type.Name} has a secret, so no order to let go can be kept of it.");
    }

    public Type Type { get; }

    /// <summary>The columns in the order in which the record declares them.</summary>
    public IReadOnlyList<Column> Columns { get; }

    /// <summary>Whether there are orders to let go of such a row.</summary>
    public bool CanLetGo { get; }

    public Column? Column(string name) => _byName.GetValueOrDefault(name);

    /// <summary>A record with every column at its default, to be filled before it is shared.</summary>
    public object New() => Activator.CreateInstance(Type)!;

    /// <summary>Whether the second record differs from the first by nothing but orders to let go, and by one at least.</summary>
    public bool LetsGo(object before, object after)
    {
        var letsGo = false;
        foreach (var column in Columns)
        {
            if (Equals(column.Get(before), column.Get(after)))
                continue;
            if (!column.LetsGo(before, after))
                return false;
            letsGo = true;
        }
        return letsGo;
    }

    /// <summary>Writes the record as a JSON object: nulls and secret columns are left out.</summary>
    public void Write(Utf8JsonWriter writer, object record) => JsonSerializer.Serialize(writer, record, _json);

    /// <summary>Writes the record as hosts get it: as <see cref="Write"/> does, and with the secrets that hosts need.</summary>
    public void WriteToHost(Utf8JsonWriter writer, object record) => JsonSerializer.Serialize(writer, record, _hostJson);

    /// <summary>Reads what <see cref="WriteToHost"/> wrote; the reader stands on its start. Fields that the record does not know are ignored.</summary>
    /// <exception cref="JsonException">It is no such object: a wrong type, an unknown enumeration text, a missing required field.</exception>
    public object Read(ref Utf8JsonReader reader) =>
        JsonSerializer.Deserialize(ref reader, _hostJson) ?? throw new JsonException($"A {Type.Name} cannot be null.");
}
