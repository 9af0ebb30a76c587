using Microsoft.AspNetCore.Http;
using PonyCloud.Shared.State;
using PonyCloud.Sparkle.Api.Json;
using PonyCloud.Sparkle.Api.Security;

namespace PonyCloud.Sparkle.Api.Reading;

/// <summary>
/// Answers a read of the root: one document of all that the caller may read, at one moment. Every path that the caller
/// can GET is a JSON pointer into it, so an empty collection is there as an empty object.
/// </summary>
public sealed class TreeReader(ResourceTree tree, RowParts parts, JsonBuffers buffers)
{
    private readonly ResourceNode[] _roots = InOrder(tree.All.Where(node => node.Parent is null));

    /// <param name="depth">How many levels of rows are shown; null for all.</param>
    public async Task WriteAsync(HttpContext context, StateSnapshot snapshot, Caller caller, int? depth)
    {
        var buffer = buffers.Get();
        try
        {
            var walk = new Walk(parts, new AnswerStream(context, buffer), snapshot, caller, depth ?? int.MaxValue);
            buffer.Json.WriteStartObject();
            foreach (var root in _roots)
                await walk.WriteAsync(root, null, null, null);
            buffer.Json.WriteEndObject();
            await new AnswerStream(context, buffer).EndAsync();
        }
        finally
        {
            buffers.Return(buffer);
        }
    }

    private static ResourceNode[] InOrder(IEnumerable<ResourceNode> nodes) => [.. nodes.OrderBy(node => node.Segment, StringComparer.Ordinal)];

    private sealed class Walk(RowParts parts, AnswerStream answer, StateSnapshot snapshot, Caller caller, int depth)
    {
        private readonly Dictionary<ResourceNode, ResourceNode[]> _children = [];

        public async ValueTask WriteAsync(ResourceNode node, string? parentKey, string? tenant, string? user)
        {
            if (AccessPolicy.Decide(caller, node, tenant, user, Operation.Read).Verdict != Verdict.Allowed)
                return;
            var json = answer.Json;
            json.WriteStartObject(node.Segment);
            var children = node.Depth + 1 < depth ? Children(node) : [];
            foreach (var row in KeyOrder.All(RowSource.Find(snapshot, caller, node, parentKey, [])))
            {
                var key = node.SegmentOf(row.Key);
                json.WriteStartObject(key);
                RowParts.WriteDesired(json, node, row);
                parts.WriteCurrent(json, snapshot, node, row);
                foreach (var child in children)
                {
                    await WriteAsync(
                        child, key, node.TenantDepth == node.Depth ? key : tenant, node.UserDepth == node.Depth ? key : user);
                }
                json.WriteEndObject();
                if (answer.IsFull)
                    await answer.FlushAsync();
            }
            json.WriteEndObject();
        }

        private ResourceNode[] Children(ResourceNode node)
        {
            if (!_children.TryGetValue(node, out var children))
                _children.Add(node, children = InOrder(node.Children));
            return children;
        }
    }
}
