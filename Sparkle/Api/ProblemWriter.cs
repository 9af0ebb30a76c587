using System.Globalization;
using Microsoft.AspNetCore.Http;
using PonyCloud.Sparkle.Api.Json;

namespace PonyCloud.Sparkle.Api;

/// <summary>Answers a request with a problem.</summary>
public sealed class ProblemWriter(JsonBuffers buffers)
{
    public async Task WriteAsync(HttpContext context, Problem problem)
    {
        var response = context.Response;
        if (response.HasStarted)
        {
            // The answer is half sent: only cutting the connection tells the client that it is not whole.
            context.Abort();
            return;
        }
        response.StatusCode = problem.Kind.Status;
        response.ContentType = "application/problem+json";
        if (problem.Allow is not null)
            response.Headers.Allow = problem.Allow;
        if (problem.AcceptPatch is not null)
            response.Headers["Accept-Patch"] = problem.AcceptPatch;
        if (problem.Authenticate is not null)
            response.Headers.WWWAuthenticate = problem.Authenticate;
        if (problem.RetryAfter is { } wait)
            response.Headers.RetryAfter = Math.Max(1, (int)Math.Ceiling(wait.TotalSeconds)).ToString(CultureInfo.InvariantCulture);

        var buffer = buffers.Get();
        try
        {
            Write(buffer, problem);
            response.ContentLength = buffer.Bytes.WrittenCount;
            await response.BodyWriter.WriteAsync(buffer.Bytes.WrittenMemory, context.RequestAborted);
        }
        finally
        {
            buffers.Return(buffer);
        }
    }

    /// <summary>Writes the document into a buffer.</summary>
    public static void Write(JsonBuffer buffer, Problem problem)
    {
        var json = buffer.Json;
        json.WriteStartObject();
        json.WriteString("type", problem.Kind.Type);
        json.WriteString("title", problem.Kind.Title);
        json.WriteNumber("status", problem.Kind.Status);
        json.WriteString("detail", problem.Detail);
        if (problem.Pointer is not null)
            json.WriteString("pointer", problem.Pointer);
        if (problem.Constraint is not null)
            json.WriteString("constraint", problem.Constraint);
        if (problem.TraceId is not null)
            json.WriteString("trace_id", problem.TraceId);
        if (problem.Errors.Count > 0)
        {
            json.WriteStartArray("errors");
            foreach (var error in problem.Errors)
            {
                json.WriteStartObject();
                json.WriteString("type", error.Kind.Type);
                json.WriteString("pointer", error.Pointer);
                json.WriteString("detail", error.Detail);
                json.WriteEndObject();
            }
            json.WriteEndArray();
        }
        json.WriteEndObject();
        json.Flush();
    }
}
