using System.Text.Json;
using PonyCloud.Shared.Entities;
using PonyCloud.Shared.State;
using PonyCloud.Sparkle.Api.Json;
using PonyCloud.Sparkle.Api.Security;

namespace PonyCloud.Sparkle.Api.Reading;

/// <summary>How the rows of one answer are written: which columns, and which other rows inline.</summary>
internal sealed class RowForm(RowParts parts, AccessPolicy policy, StateSnapshot snapshot, Caller caller, ResourceNode node, ReadQuery query)
{
    /// <summary>What is shown beside the row of an answer to a change; its tag is not about that.</summary>
    public IReadOnlyDictionary<string, string>? Uuids { get; init; }

    /// <summary>Writes the row as a JSON object.</summary>
    public void Write(Utf8JsonWriter json, Row row)
    {
        json.WriteStartObject();
        if (query.Fields is { } fields)
        {
            WriteSelected(json, row, fields);
        }
        else
        {
            RowParts.WriteDesired(json, node, row);
            parts.WriteCurrent(json, snapshot, node, row);
        }
        WriteJoins(json, row);
        if (Uuids is { Count: > 0 })
        {
            json.WritePropertyName("uuids"u8);
            JsonSerializer.Serialize(json, Uuids);
        }
        json.WriteEndObject();
    }

    /// <summary>
    /// Writes the row into the empty buffer, and returns its tag. That is always the whole row's, so that one who has read
    /// a single field can make a change that depends on what the row is.
    /// </summary>
    public RowTag WriteTagged(JsonBuffer buffer, Row row)
    {
        var json = buffer.Json;
        json.WriteStartObject();
        RowParts.WriteDesired(json, node, row);
        json.Flush();
        var split = buffer.Bytes.WrittenCount;
        parts.WriteCurrent(json, snapshot, node, row);
        WriteJoins(json, row);
        json.WriteEndObject();
        json.Flush();
        var tag = RowTag.Of(buffer.Bytes.WrittenSpan, split);
        if (query.Fields is not null || Uuids is { Count: > 0 })
        {
            buffer.Reset();
            Write(json, row);
            json.Flush();
        }
        return tag;
    }

    /// <summary>Writes the desired part into the empty buffer, and returns its half of the tag.</summary>
    public static string DesiredTag(JsonBuffer buffer, ResourceNode node, Row row)
    {
        buffer.Json.WriteStartObject();
        RowParts.WriteDesired(buffer.Json, node, row);
        buffer.Json.Flush();
        return RowTag.Hash(buffer.Bytes.WrittenSpan);
    }

    private void WriteSelected(Utf8JsonWriter json, Row row, FieldSelection fields)
    {
        if (row.Desired is { } desired && fields.Shows(RowPart.Desired))
        {
            json.WritePropertyName("desired"u8);
            fields.Write(json, RowPart.Desired, desired);
        }
        if (row.Current is not { } current || !fields.Shows(RowPart.Current))
            return;
        json.WritePropertyName("current"u8);
        fields.Write(json, RowPart.Current, current);
        parts.WriteStaleness(json, snapshot, node, row);
    }

    private void WriteJoins(Utf8JsonWriter json, Row row)
    {
        if (query.Joins.Count == 0)
            return;
        json.WriteStartObject("join"u8);
        foreach (var join in query.Joins)
        {
            var entity = policy.Catalog[join.Entity];
            if (join.KeyIn(row) is not { } key || snapshot[entity].Find(key) is not { } other
                || policy.FindView(caller, snapshot, entity, other) is not { } view)
            {
                continue;
            }
            json.WriteStartObject(join.Name);
            RowParts.WriteDesired(json, view, other);
            parts.WriteCurrent(json, snapshot, view, other);
            json.WriteEndObject();
        }
        json.WriteEndObject();
    }
}
