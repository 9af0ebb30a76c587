using Newtonsoft.Json.Linq;
using PonyCloud.Shared.State;
using PonyCloud.Sparkle.Api.Json;

namespace PonyCloud.Sparkle.Api.Writing;

/// <summary>Makes documents of rows, as a reader sees them.</summary>
internal sealed class RowDocuments(RowParts parts, JsonBuffers buffers)
{
    public JObject Of(StateSnapshot snapshot, ResourceNode node, Row row)
    {
        var buffer = buffers.Get();
        try
        {
            buffer.Json.WriteStartObject();
            RowParts.WriteDesired(buffer.Json, node, row);
            parts.WriteCurrent(buffer.Json, snapshot, node, row);
            buffer.Json.WriteEndObject();
            buffer.Json.Flush();
            return (JObject)StrictJson.ParseStored(buffer.Bytes.WrittenSpan);
        }
        finally
        {
            buffers.Return(buffer);
        }
    }
}
