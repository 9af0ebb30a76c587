using System.Globalization;
using System.Net;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging;
using PonyCloud.Shared.Entities;
using PonyCloud.Sparkle.Control;
using PonyCloud.Sparkle.Database;

namespace PonyCloud.Sparkle.Api.Security;

/// <summary>
/// One line for everything that somebody did or was not let do: who, from where, with which request, what. Whatever comes
/// from a client stands there escaped, so that nobody writes lines of their own into the log. Values of columns do not
/// stand there at all.
/// </summary>
public sealed partial class AuditLog(IStateView view, ILogger<AuditLog> logger)
{
    private const int LongestPath = 1024;

    /// <summary>A request may change thousands of rows; their count tells how much is not said.</summary>
    private const int MostChanges = 20;

    /// <summary>Rows were changed; the revision is the one at which readers see it.</summary>
    /// <param name="isKnown">Whether it is known that the change stands.</param>
    public void Changed(HttpContext context, Caller caller, IEnumerable<RowWrite> writes, bool isKnown)
    {
        if (!logger.IsEnabled(LogLevel.Information))
            return;
        // An update from a record to itself is only a condition, and changes nothing.
        var made = writes.Where(write => write is not RowWrite.Update update || !ReferenceEquals(update.Expected, update.Record)).ToList();
        if (made.Count == 0)
            return;
        var changes = string.Join(", ", made.Take(MostChanges).Select(Describe));
        if (made.Count > MostChanges)
            changes += string.Create(CultureInfo.InvariantCulture, $" and {made.Count - MostChanges} more, {made.Count} in all");
        if (isKnown)
            LogChanged(User(caller), caller.Tenant, Address(context), Method(context), Path(context), changes, view.Snapshot?.Revision, context.TraceIdentifier);
        else
            LogMaybeChanged(User(caller), caller.Tenant, Address(context), Method(context), Path(context), changes, context.TraceIdentifier);
    }

    /// <summary>Somebody who is logged in was not let do something.</summary>
    public void Refused(HttpContext context, Caller? caller, string why) => LogRefused(
        caller is null ? null : User(caller), caller?.Tenant, Address(context), Method(context), Path(context), why, context.TraceIdentifier);

    public void LoggedIn(HttpContext context, string user) =>
        LogLoggedIn(Uri.EscapeDataString(user), Address(context), context.TraceIdentifier);

    public void LoginFailed(HttpContext context, string name) =>
        LogLoginFailed(Uri.EscapeDataString(name), Address(context), context.TraceIdentifier);

    public void LoginThrottled(HttpContext context, string name) =>
        LogLoginThrottled(Uri.EscapeDataString(name), Address(context), context.TraceIdentifier);

    public void TenantTokenMade(HttpContext context, Caller caller, string tenant) =>
        LogTenantToken(User(caller), tenant, Address(context), context.TraceIdentifier);

    /// <summary>Somebody may open a console of an instance, once.</summary>
    public void ConsoleTicketMade(HttpContext context, Caller caller, Guid instance, string type) =>
        LogConsoleTicket(User(caller), caller.Tenant, Address(context), type, instance, context.TraceIdentifier);

    /// <param name="isWritten">Whether it is in the database already.</param>
    public void TokenEnded(HttpContext context, Caller caller, bool isWritten) =>
        LogTokenEnded(User(caller), caller.Tenant, Address(context), caller.Token?.Id, isWritten, context.TraceIdentifier);

    public void TokensEnded(HttpContext context, Caller caller, string user) =>
        LogTokensEnded(User(caller), Address(context), Uri.EscapeDataString(user), context.TraceIdentifier);

    /// <summary>The address of the client, IPv4 in its own form.</summary>
    public static string Address(HttpContext context)
    {
        var address = context.Connection.RemoteIpAddress ?? IPAddress.None;
        return (address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address).ToString();
    }

    private static string User(Caller caller) => Uri.EscapeDataString(caller.Email);

    private static string Method(HttpContext context) => Uri.EscapeDataString(context.Request.Method);

    // As it was sent, which is ASCII without spaces; without the query.
    private static string Path(HttpContext context)
    {
        var target = context.Features.Get<IHttpRequestFeature>()?.RawTarget ?? "";
        var end = target.IndexOf('?', StringComparison.Ordinal);
        target = end < 0 ? target : target[..end];
        return target.Length <= LongestPath ? target : target[..LongestPath];
    }

    private static string Describe(RowWrite write) => write switch
    {
        RowWrite.Insert insert => $"insert {insert.Entity.Name} {Shown(insert.Entity.KeyOf(RowPart.Desired, insert.Record))}",
        RowWrite.Update update => $"update {update.Entity.Name} {Shown(update.Key)}",
        RowWrite.Delete delete => $"delete {delete.Entity.Name} {Shown(delete.Key)}",
        _ => throw new ArgumentOutOfRangeException(nameof(write), write, "A write without words."),
    };

    private static string Shown(RowKey key) => string.Join('/', key.Parts.Select(Uri.EscapeDataString));

    [LoggerMessage(3021, LogLevel.Information, "{User} (tenant {Tenant}) from {Address}, {Method} {Path}: {Changes}; revision {Revision}, request {TraceId}")]
    private partial void LogChanged(
        string user, string? tenant, string address, string method, string path, string changes, long? revision, string traceId);

    [LoggerMessage(3024, LogLevel.Warning, "{User} (tenant {Tenant}) from {Address}, {Method} {Path}: {Changes}; outcome not known, request {TraceId}")]
    private partial void LogMaybeChanged(string user, string? tenant, string address, string method, string path, string changes, string traceId);

    [LoggerMessage(3025, LogLevel.Warning, "{User} (tenant {Tenant}) from {Address}, {Method} {Path}: refused, {Why}; request {TraceId}")]
    private partial void LogRefused(string? user, string? tenant, string address, string method, string path, string why, string traceId);

    [LoggerMessage(3011, LogLevel.Information, "{User} logged in from {Address}; request {TraceId}")]
    private partial void LogLoggedIn(string user, string address, string traceId);

    [LoggerMessage(3012, LogLevel.Warning, "Login as {User} from {Address} failed; request {TraceId}")]
    private partial void LogLoginFailed(string user, string address, string traceId);

    [LoggerMessage(3013, LogLevel.Warning, "Login as {User} from {Address} refused, there were too many failures; request {TraceId}")]
    private partial void LogLoginThrottled(string user, string address, string traceId);

    [LoggerMessage(3014, LogLevel.Information, "{User} got a token for tenant {Tenant} from {Address}; request {TraceId}")]
    private partial void LogTenantToken(string user, string tenant, string address, string traceId);

    [LoggerMessage(3017, LogLevel.Information, "{User} (tenant {Tenant}) from {Address} got a ticket for the {Type} console of instance {Instance}; request {TraceId}")]
    private partial void LogConsoleTicket(string user, string? tenant, string address, string type, Guid instance, string traceId);

    [LoggerMessage(3015, LogLevel.Information, "{User} (tenant {Tenant}) from {Address} ended token {Token}, in the database: {IsWritten}; request {TraceId}")]
    private partial void LogTokenEnded(string user, string? tenant, string address, Guid? token, bool isWritten, string traceId);

    [LoggerMessage(3016, LogLevel.Information, "{User} from {Address} ended all tokens of {Whose}; request {TraceId}")]
    private partial void LogTokensEnded(string user, string address, string whose, string traceId);
}
