using Microsoft.AspNetCore.Http;
using PonyCloud.Shared.Entities;
using PonyCloud.Shared.State;
using PonyCloud.Sparkle.Api.Json;
using PonyCloud.Sparkle.Api.Reading;
using PonyCloud.Sparkle.Api.Security;

namespace PonyCloud.Sparkle.Api;

/// <summary>
/// Answers reads of a row or a collection: rows go from their records straight to the wire, since reading is what the API
/// does most.
/// </summary>
public sealed class RowReader(RowParts parts, AccessPolicy policy, JsonBuffers buffers)
{
    /// <summary>Answers a read of the row.</summary>
    public Task ReadRowAsync(HttpContext context, StateSnapshot snapshot, Caller caller, ResourceNode node, Row row)
    {
        var query = context.Request.QueryString.HasValue ? ReadQuery.Of(context.Request.Query, node, isRow: true) : ReadQuery.Everything;
        var form = new RowForm(parts, policy, snapshot, caller, node, query);
        return SendRowAsync(context, form, row, Precondition.Of(context.Request));
    }

    /// <summary>Answers with the row as it is, after a change of it.</summary>
    /// <param name="uuids">The names that the change gave to rows that it made, with their uuids, to be shown beside the row.</param>
    public Task WriteRowAsync(
        HttpContext context, StateSnapshot snapshot, Caller caller, ResourceNode node, Row row, IReadOnlyDictionary<string, string> uuids) =>
        SendRowAsync(context, new RowForm(parts, policy, snapshot, caller, node, ReadQuery.Everything) { Uuids = uuids }, row, null);

    /// <summary>Answers a read of the collection with an object, in the order of the keys.</summary>
    public async Task ReadCollectionAsync(HttpContext context, StateSnapshot snapshot, Caller caller, ResourcePath path)
    {
        var node = path.Node;
        var query = context.Request.QueryString.HasValue ? ReadQuery.Of(context.Request.Query, node, isRow: false) : ReadQuery.Everything;
        var rows = Page(context, path, query, RowSource.Find(snapshot, caller, node, path.ParentKey, query.Filters));
        var form = new RowForm(parts, policy, snapshot, caller, node, query);
        var buffer = buffers.Get();
        try
        {
            var answer = new AnswerStream(context, buffer);
            buffer.Json.WriteStartObject();
            foreach (var row in rows)
            {
                buffer.Json.WritePropertyName(node.SegmentOf(row.Key));
                form.Write(buffer.Json, row);
                if (answer.IsFull)
                    await answer.FlushAsync();
            }
            buffer.Json.WriteEndObject();
            await answer.EndAsync();
        }
        finally
        {
            buffers.Return(buffer);
        }
    }

    /// <summary>The half of the row's tag that stands for its desired part.</summary>
    public string DesiredTag(ResourceNode node, Row row)
    {
        var buffer = buffers.Get();
        try
        {
            return RowForm.DesiredTag(buffer, node, row);
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

    private async Task SendRowAsync(HttpContext context, RowForm form, Row row, Precondition? precondition)
    {
        var buffer = buffers.Get();
        try
        {
            var tag = form.WriteTagged(buffer, row);
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

    private static Row[] Page(HttpContext context, ResourcePath path, ReadQuery query, IEnumerable<Row> rows)
    {
        RowKey? after = query.After is { } key ? path.Node.KeyFor(key, path.ParentKey) : null;
        if (query.Limit is not { } limit)
            return KeyOrder.All(after is { } last ? rows.Where(row => row.Key > last) : rows);
        var (page, hasMore) = KeyOrder.Page(rows, after, limit);
        if (hasMore)
        {
            var next = ReadQuery.Next(context.Request.Query, path.Node.SegmentOf(page[^1].Key));
            context.Response.Headers.Link = $"<{ApiEndpoint.Root}{path.CollectionUri()}{next}>; rel=\"next\"";
        }
        return page;
    }
}
