using System.Text.Json;
using Microsoft.AspNetCore.Http;
using PonyCloud.Sparkle.Api.Json;

namespace PonyCloud.Sparkle.Api.Reading;

/// <summary>An answer that goes out while it is being written: whatever its size, it takes little memory and starts soon.</summary>
internal readonly struct AnswerStream(HttpContext context, JsonBuffer buffer)
{
    private const int FlushAt = 32 * 1024;

    public Utf8JsonWriter Json => buffer.Json;

    /// <summary>Whether <see cref="FlushAsync"/> is due.</summary>
    public bool IsFull => buffer.Bytes.WrittenCount + buffer.Json.BytesPending >= FlushAt;

    /// <summary>Sends what was written so far.</summary>
    public async Task FlushAsync()
    {
        buffer.Json.Flush();
        if (!context.Response.HasStarted)
            context.Response.ContentType = "application/json";
        await context.Response.BodyWriter.WriteAsync(buffer.Bytes.WrittenMemory, context.RequestAborted);
        buffer.Bytes.ResetWrittenCount();
    }

    /// <summary>Sends the rest; an answer that was never full is sent as a whole, with its length.</summary>
    public Task EndAsync()
    {
        buffer.Json.Flush();
        return RowReader.SendAsync(context, buffer);
    }
}
