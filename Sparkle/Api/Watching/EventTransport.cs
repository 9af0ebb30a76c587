using System.Buffers;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using PonyCloud.Sparkle.Api.Json;

namespace PonyCloud.Sparkle.Api.Watching;

/// <summary>Change sets as Server-Sent Events (WHATWG HTML, section 9.2). The id of each is its revision.</summary>
internal sealed class EventTransport : IWatchTransport
{
    /// <summary>Proxies that collect answers before they pass them on would hold the stream up.</summary>
    public const string BufferingHeader = "X-Accel-Buffering";

    private const int FlushAt = 32 * 1024;

    private readonly HttpResponse _response;
    private readonly JsonBuffers _buffers;

    public EventTransport(HttpContext context, JsonBuffers buffers)
    {
        _response = context.Response;
        _buffers = buffers;
        _response.ContentType = "text/event-stream";
        _response.Headers[BufferingHeader] = "no";
        context.Features.GetRequiredFeature<IHttpResponseBodyFeature>().DisableBuffering();
    }

    public async ValueTask SendAsync(WatchMessage message, bool more, CancellationToken cancellation)
    {
        var writer = _response.BodyWriter;
        writer.Write(message.Event);
        if (!more || writer.UnflushedBytes > FlushAt)
            await writer.FlushAsync(cancellation);
    }

    public async Task EndAsync(WatchEnd end, CancellationToken cancellation)
    {
        if (end == WatchEnd.Left)
            return;
        var writer = _response.BodyWriter;
        writer.Write("event: error\ndata: "u8);
        var buffer = _buffers.Get();
        try
        {
            ProblemWriter.Write(buffer, new Problem(end.Kind, end.Detail));
            writer.Write(buffer.Bytes.WrittenSpan);
        }
        finally
        {
            _buffers.Return(buffer);
        }
        writer.Write("\n\n"u8);
        await writer.FlushAsync(cancellation);
    }
}
