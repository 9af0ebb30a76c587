using System.Net;
using Microsoft.AspNetCore.Http;
using PonyCloud.Shared.Entities;
using PonyCloud.Shared.State;
using PonyCloud.Sparkle.Api.Json;
using PonyCloud.Sparkle.Api.Security;
using PonyCloud.Sparkle.Control;
using PonyCloud.Sparkle.Database;

namespace PonyCloud.Sparkle.Api;

/// <summary>
/// <c>POST /api/v1/token</c> makes a user token from a password, and <c>POST /api/v1/tenant/{tenant}/token</c> makes a
/// tenant token from a user token. <c>DELETE /api/v1/token</c> ends the token that the request brings, a user token with
/// all that were made with it, and <c>DELETE /api/v1/user/{user}/token</c> ends all tokens of the user.
/// </summary>
public sealed class TokenEndpoint(
    UserDirectory directory,
    ResourceTree tree,
    Authenticator authenticator,
    TokenService tokens,
    Revocations revocations,
    LoginGate gate,
    IStateView view,
    IDesiredStateWriter database,
    AuditLog audit,
    JsonBuffers buffers,
    TimeProvider time)
{
    private const int MaxNameLength = 254;
    private const int MaxAttempts = 6;

    private static readonly TimeSpan WriteLimit = TimeSpan.FromSeconds(30);

    private readonly ResourceNode _users = tree.All.First(node => node.Mount.Path == "/user");

    public Task HandleAsync(HttpContext context, StateSnapshot snapshot, TokenPath path)
    {
        var method = context.Request.Method;
        return (path.Parent, method) switch
        {
            ("", "POST") => LoginAsync(context, snapshot),
            ("", "DELETE") => EndAsync(context, snapshot),
            ("tenant", "POST") => ForTenantAsync(context, snapshot, path.Key!),
            ("user", "DELETE") => EndAllAsync(context, snapshot, path.Key!),
            ("", _) => throw Only("POST, DELETE"),
            ("tenant", _) => throw Only("POST"),
            _ => throw Only("DELETE"),
        };
    }

    private static ProblemException Only(string methods) =>
        new(new Problem(ProblemKind.MethodNotAllowed, $"Here is only {methods}.") { Allow = methods });

    private async Task LoginAsync(HttpContext context, StateSnapshot snapshot)
    {
        var (name, password) = Authenticator.RequireBasic(context.Request);
        // What no row can hold is cut, so that it costs and counts like any other unknown name.
        name = name.Length <= MaxNameLength ? name : name[..MaxNameLength];
        var user = directory.FindUser(snapshot, name);
        var result = await gate.TryAsync(
            context.Connection.RemoteIpAddress ?? IPAddress.None, name, user,
            password.Length <= Passwords.MaxChecked ? password : "", context.RequestAborted);
        if (result.RetryAfter is { } wait)
        {
            audit.LoginThrottled(context, name);
            throw new ProblemException(new Problem(ProblemKind.TooManyRequests, "Too many failed logins. Wait before the next.") { RetryAfter = wait });
        }
        if (!result.IsRight)
        {
            audit.LoginFailed(context, name);
            throw Authenticator.Unauthenticated("The email address or the password is wrong.", Authenticator.BasicChallenge);
        }
        audit.LoggedIn(context, user!.Email);
        await AnswerAsync(context, tokens.Issue(user, null));
    }

    private async Task ForTenantAsync(HttpContext context, StateSnapshot snapshot, string tenant)
    {
        var caller = await authenticator.RequireCallerAsync(context.Request, snapshot);
        if (caller.Tenant is not null)
            throw new ProblemException(ProblemKind.Forbidden, "This needs a token of the user, not of a tenant.");
        var user = directory.FindUser(snapshot, caller.Email)!;
        if (!Guid.TryParseExact(tenant, "D", out var uuid) || directory.CallerFor(snapshot, user, uuid.ToString()) is null)
            throw ApiEndpoint.NoSuchRow();
        audit.TenantTokenMade(context, caller, uuid.ToString());
        await AnswerAsync(context, tokens.Issue(user, uuid.ToString(), caller.Token));
    }

    private async Task EndAsync(HttpContext context, StateSnapshot snapshot)
    {
        var caller = await authenticator.RequireCallerAsync(context.Request, snapshot);
        // Not cut short when the client goes.
        using var limit = new CancellationTokenSource(WriteLimit, time);
        var isWritten = await revocations.AddAsync(caller.Token!, limit.Token);
        audit.TokenEnded(context, caller, isWritten);
        if (isWritten)
        {
            context.Response.StatusCode = StatusCodes.Status204NoContent;
            return;
        }
        // It is void already, but a restart of the controller before the database is back would forget it.
        context.Response.StatusCode = StatusCodes.Status202Accepted;
        await SendAsync(context, buffer =>
        {
            buffer.Json.WriteBoolean("written", false);
            buffer.Json.WriteString("detail", "The token is void from now on. It is written down when the database is back.");
        });
    }

    private async Task EndAllAsync(HttpContext context, StateSnapshot snapshot, string email)
    {
        var caller = await authenticator.RequireCallerAsync(context.Request, snapshot);
        var decision = AccessPolicy.Decide(caller, _users, null, email, Operation.Change);
        if (decision.Verdict == Verdict.Forbidden)
            throw new ProblemException(ProblemKind.Forbidden, decision.Why);
        if (decision.Verdict != Verdict.Allowed)
            throw ApiEndpoint.NoSuchRow();
        using var limit = new CancellationTokenSource(WriteLimit, time);
        for (var attempt = 1; ; attempt++)
        {
            var user = directory.FindUser(view.Snapshot!, email) ?? throw ApiEndpoint.NoSuchRow();
            // The next millisecond, since tokens carry the one in which they were made.
            var from = DateTimeOffset.FromUnixTimeMilliseconds(time.GetUtcNow().ToUnixTimeMilliseconds() + 1);
            try
            {
                if (!(user.TokensValidFrom >= from))
                {
                    var changed = user with { TokensValidFrom = from };
                    await database.WriteAsync([new RowWrite.Update(_users.Entity, RowKey.Of(user.Email), user, changed)], limit.Token);
                }
                break;
            }
            catch (ConcurrentChangeException) when (attempt < MaxAttempts)
            {
                await Task.Delay(TimeSpan.FromMilliseconds(10 << attempt), time, limit.Token);
            }
        }
        audit.TokensEnded(context, caller, email);
        context.Response.StatusCode = StatusCodes.Status204NoContent;
    }

    private Task AnswerAsync(HttpContext context, IssuedToken token) => SendAsync(context, buffer =>
    {
        buffer.Json.WriteString("token", token.Text);
        buffer.Json.WriteString("expires", token.Expires.UtcDateTime);
    });

    private async Task SendAsync(HttpContext context, Action<JsonBuffer> write)
    {
        var buffer = buffers.Get();
        try
        {
            buffer.Json.WriteStartObject();
            write(buffer);
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
