using System.Reflection;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using PonyCloud.Sparkle.Api.Json;
using PonyCloud.Sparkle.Api.Security;
using PonyCloud.Sparkle.Control;

namespace PonyCloud.Sparkle.Api;

/// <summary>What the controller says about itself, for supervisors and operators.</summary>
public sealed class SelfEndpoint(IStateView view, ApiEndpoint api, Authenticator authenticator, JsonBuffers buffers)
{
    private static readonly string Version =
        typeof(SelfEndpoint).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "";

    /// <summary>The process answers; for everybody.</summary>
    public Task PingAsync(HttpContext context) => WriteAsync(context, true, "pong");

    /// <summary>The process need not be restarted; for everybody.</summary>
    public Task LivelinessAsync(HttpContext context) => WriteAsync(context, true, "alive");

    /// <summary>
    /// Requests can be answered: the state was loaded, and no other controller has taken over since. An outage of the
    /// database does not matter, reads go on.
    /// </summary>
    public Task ReadinessAsync(HttpContext context) => WriteAsync(context, view.Snapshot is not null && view.Epoch is not null, "ready");

    /// <summary>The start is over.</summary>
    public Task StartedAsync(HttpContext context) => WriteAsync(context, view.Snapshot is not null, "started");

    /// <summary>Version and state of the controller, for whoever is logged in.</summary>
    public async Task InfoAsync(HttpContext context)
    {
        var snapshot = api.RequireSnapshot();
        var caller = await authenticator.RequireCallerAsync(context.Request, snapshot);
        var link = view.Database;
        await WriteAsync(context, StatusCodes.Status200OK, json =>
        {
            json.WriteString("name", "sparkle");
            json.WriteString("version", Version);
            json.WriteString("user", caller.Email);
            if (caller.Tenant is not null)
                json.WriteString("tenant", caller.Tenant);
            // A counter would show tenants how busy the others are.
            if (caller.IsAlicorn)
                json.WriteNumber("revision", snapshot.Revision);
            if (view.Epoch is { } epoch)
                json.WriteNumber("epoch", epoch);
            json.WriteStartObject("database");
            json.WriteBoolean("up", link.IsUp);
            json.WriteString("since", link.Since.UtcDateTime);
            if (caller.IsAlicorn && link.Why is not null)
                json.WriteString("why", link.Why);
            json.WriteEndObject();
        });
    }

    private Task WriteAsync(HttpContext context, bool isSo, string what) => WriteAsync(
        context, isSo ? StatusCodes.Status200OK : StatusCodes.Status503ServiceUnavailable, json => json.WriteBoolean(what, isSo));

    private async Task WriteAsync(HttpContext context, int status, Action<Utf8JsonWriter> write)
    {
        var buffer = buffers.Get();
        try
        {
            context.Response.StatusCode = status;
            buffer.Json.WriteStartObject();
            write(buffer.Json);
            buffer.Json.WriteEndObject();
            buffer.Json.Flush();
            await RowReader.SendAsync(context, buffer);
        }
        finally
        {
            buffers.Return(buffer);
        }
    }
}
