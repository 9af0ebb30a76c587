using System.Text.Json;
using Microsoft.AspNetCore.Http;
using PonyCloud.Shared.State;
using PonyCloud.Sparkle.Api.Json;
using PonyCloud.Sparkle.Api.Reading;
using PonyCloud.Sparkle.Api.Security;

namespace PonyCloud.Sparkle.Api;

/// <summary>
/// Answers reads: rows go from their records straight to the wire, since reading is what the API does most.
/// </summary>
public sealed class RowReader(RowParts parts, JsonBuffers buffers)
{
    private const int FlushAt = 32 * 1024;

    /// <summary>Answers with the row and its tag.</summary>
    public async Task WriteRowAsync(
        HttpContext context, StateSnapshot snapshot, ResourceNode node, Row row, Precondition? precondition = null)
    {
        var buffer = buffers.Get();
        try
        {
            var tag = WriteTagged(buffer, snapshot, node, row);
            var isKnown = precondition is not null && precondition.IsAnswered(tag);
            context.Response.Headers.ETag = tag.ToString();
            if (isKnown)
                context.Response.StatusCode = StatusCodes.Status304NotModified;
            else
                await SendAsync(context, buffer);
        }
        finally
        {
            buffers.Return(buffer);
        }
    }

    /// <summary>Writes the collection as an object, in the order of the keys; a large one goes out while it is being written.</summary>
    public async Task WriteCollectionAsync(HttpContext context, StateSnapshot snapshot, Caller caller, ResourcePath path)
    {
        var node = path.Node;
        var rows = Sorted(node.Rows(snapshot, path.ParentKey));
        var listsAll = AccessPolicy.ListsAll(caller, node);
        var buffer = buffers.Get();
        try
        {
            buffer.Json.WriteStartObject();
            foreach (var row in rows)
            {
                if (!listsAll && !AccessPolicy.Lists(caller, node, row.Key))
                    continue;
                buffer.Json.WritePropertyName(node.SegmentOf(row.Key));
                Write(buffer.Json, snapshot, node, row);
                if (buffer.Bytes.WrittenCount + buffer.Json.BytesPending < FlushAt)
                    continue;
                buffer.Json.Flush();
                if (!context.Response.HasStarted)
                    context.Response.ContentType = "application/json";
                await context.Response.BodyWriter.WriteAsync(buffer.Bytes.WrittenMemory, context.RequestAborted);
                buffer.Bytes.ResetWrittenCount();
            }
            buffer.Json.WriteEndObject();
            buffer.Json.Flush();
            await SendAsync(context, buffer);
        }
        finally
        {
            buffers.Return(buffer);
        }
    }

    /// <summary>Sends what the buffer holds, as all of the answer or as its end.</summary>
    public static async Task SendAsync(HttpContext context, JsonBuffer buffer)
    {
        var response = context.Response;
        if (!response.HasStarted)
        {
            response.ContentType = "application/json";
            response.ContentLength = buffer.Bytes.WrittenCount;
        }
        await response.BodyWriter.WriteAsync(buffer.Bytes.WrittenMemory, context.RequestAborted);
    }

    /// <summary>The half of the row's tag that stands for its desired part.</summary>
    public string DesiredTag(ResourceNode node, Row row)
    {
        var buffer = buffers.Get();
        try
        {
            WriteDesired(buffer.Json, node, row);
            buffer.Json.Flush();
            return RowTag.Hash(buffer.Bytes.WrittenSpan);
        }
        finally
        {
            buffers.Return(buffer);
        }
    }

    private RowTag WriteTagged(JsonBuffer buffer, StateSnapshot snapshot, ResourceNode node, Row row)
    {
        WriteDesired(buffer.Json, node, row);
        buffer.Json.Flush();
        var split = buffer.Bytes.WrittenCount;
        WriteRest(buffer.Json, snapshot, node, row);
        buffer.Json.Flush();
        return RowTag.Of(buffer.Bytes.WrittenSpan, split);
    }

    private void Write(Utf8JsonWriter json, StateSnapshot snapshot, ResourceNode node, Row row)
    {
        WriteDesired(json, node, row);
        WriteRest(json, snapshot, node, row);
    }

    private static void WriteDesired(Utf8JsonWriter json, ResourceNode node, Row row)
    {
        json.WriteStartObject();
        RowParts.WriteDesired(json, node, row);
    }

    private void WriteRest(Utf8JsonWriter json, StateSnapshot snapshot, ResourceNode node, Row row)
    {
        parts.WriteCurrent(json, snapshot, node, row);
        json.WriteEndObject();
    }

    private static Row[] Sorted(IEnumerable<Row> rows)
    {
        var sorted = rows.ToArray();
        Array.Sort(sorted, static (left, right) => left.Key.CompareTo(right.Key));
        return sorted;
    }
}
