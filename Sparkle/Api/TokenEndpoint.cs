using System.Net;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using PonyCloud.Shared.State;
using PonyCloud.Sparkle.Api.Json;
using PonyCloud.Sparkle.Api.Security;

namespace PonyCloud.Sparkle.Api;

/// <summary>
/// <c>POST /api/v1/token</c> makes a user token from a password, and <c>POST /api/v1/tenant/{tenant}/token</c> makes a
/// tenant token from a user token.
/// </summary>
public sealed partial class TokenEndpoint(
    UserDirectory directory,
    Authenticator authenticator,
    TokenService tokens,
    LoginGate gate,
    JsonBuffers buffers,
    ILogger<TokenEndpoint> logger)
{
    private const int MaxNameLength = 254;

    /// <summary>Whether it is one of the two paths.</summary>
    /// <param name="tenant">The tenant in the path; null for the user token's path.</param>
    public static bool Matches(ReadOnlyMemory<char> path, out string? tenant)
    {
        tenant = null;
        var span = path.Span.TrimEnd('/');
        if (span.SequenceEqual("token"))
            return true;
        if (!span.StartsWith("tenant/", StringComparison.Ordinal) || !span.EndsWith("/token", StringComparison.Ordinal))
            return false;
        var middle = span["tenant/".Length..Math.Max("tenant/".Length, span.Length - "/token".Length)];
        if (middle.IsEmpty || middle.Contains('/'))
            return false;
        tenant = Uri.UnescapeDataString(middle);
        return true;
    }

    public async Task HandleAsync(HttpContext context, StateSnapshot snapshot, string? tenant)
    {
        if (!HttpMethods.IsPost(context.Request.Method))
            throw new ProblemException(new Problem(ProblemKind.MethodNotAllowed, "Here is only POST.") { Allow = "POST" });
        var token = tenant is null ? await LoginAsync(context, snapshot) : await ForTenantAsync(context, snapshot, tenant);
        var buffer = buffers.Get();
        try
        {
            buffer.Json.WriteStartObject();
            buffer.Json.WriteString("token", token.Text);
            buffer.Json.WriteString("expires", token.Expires.UtcDateTime);
            buffer.Json.WriteEndObject();
            buffer.Json.Flush();
            await RowReader.SendAsync(context, buffer);
        }
        finally
        {
            buffers.Return(buffer);
        }
    }

    private async Task<IssuedToken> LoginAsync(HttpContext context, StateSnapshot snapshot)
    {
        var (name, password) = Authenticator.RequireBasic(context.Request);
        var address = (context.Connection.RemoteIpAddress ?? IPAddress.None).ToString();
        // What no row can hold is cut, so that it costs and counts like any other unknown name.
        name = name.Length <= MaxNameLength ? name : name[..MaxNameLength];
        var user = directory.FindUser(snapshot, name);
        var result = await gate.TryAsync(
            address, name, user, password.Length <= Passwords.MaxLength ? password : "", context.RequestAborted);
        if (result.RetryAfter is { } wait)
        {
            LogThrottled(Uri.EscapeDataString(name), address);
            throw new ProblemException(new Problem(ProblemKind.TooManyRequests, "Too many failed logins. Wait before the next.") { RetryAfter = wait });
        }
        if (!result.IsRight)
        {
            LogRefused(Uri.EscapeDataString(name), address);
            throw Authenticator.Unauthenticated("The email address or the password is wrong.", Authenticator.BasicChallenge);
        }
        LogLoggedIn(user!.Email, address);
        return tokens.Issue(user, null);
    }

    private async Task<IssuedToken> ForTenantAsync(HttpContext context, StateSnapshot snapshot, string tenant)
    {
        var caller = await authenticator.RequireCallerAsync(context.Request, snapshot);
        if (caller.Tenant is not null)
            throw new ProblemException(ProblemKind.Forbidden, "This needs a token of the user, not of a tenant.");
        var user = directory.FindUser(snapshot, caller.Email)!;
        if (!Guid.TryParseExact(tenant, "D", out var uuid) || directory.CallerFor(snapshot, user, uuid.ToString()) is null)
            throw ApiEndpoint.NoSuchRow();
        return tokens.Issue(user, uuid.ToString());
    }

    [LoggerMessage(3011, LogLevel.Information, "{User} logged in from {Address}")]
    private partial void LogLoggedIn(string user, string address);

    [LoggerMessage(3012, LogLevel.Warning, "Login as {User} from {Address} failed")]
    private partial void LogRefused(string user, string address);

    [LoggerMessage(3013, LogLevel.Warning, "Login as {User} from {Address} refused, there were too many failures")]
    private partial void LogThrottled(string user, string address);
}
