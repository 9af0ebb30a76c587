using System.Globalization;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging;
using PonyCloud.Shared.State;
using PonyCloud.Sparkle.Api.Reading;
using PonyCloud.Sparkle.Api.Security;
using PonyCloud.Sparkle.Api.Writing;
using PonyCloud.Sparkle.Control;
using PonyCloud.Sparkle.Database;
using PonyCloud.Sparkle.Outage;

namespace PonyCloud.Sparkle.Api;

/// <summary>
/// Everything below <c>/api/v1</c>: finds the resource, asks the policy, and hands over to reading or writing. The
/// order of the checks is part of what the API promises: who, what, how, may they, and only then whether it is there.
/// </summary>
public sealed partial class ApiEndpoint(
    ResourceTree tree,
    IStateView view,
    Authenticator authenticator,
    TokenEndpoint tokens,
    RowReader reader,
    TreeReader trees,
    RowWriter writer,
    Revisions revisions,
    ProblemWriter problems,
    AuditLog audit,
    AnonymousGate anonymous,
    ILogger<ApiEndpoint> logger)
{
    /// <summary>The root of all paths.</summary>
    public const string Root = "/api/v1";

    /// <summary>Set on answers while memory does not follow the database: since when.</summary>
    public const string DatabaseDownHeader = "PonyCloud-Database-Down-Since";

    public const string PatchMediaType = "application/json-patch+json";

    public const string MergePatchMediaType = "application/merge-patch+json";

    private static readonly TimeSpan RetryAfter = TimeSpan.FromSeconds(2);

    /// <summary>Handles a request below the root.</summary>
    public Task HandleAsync(HttpContext context) => GuardAsync(context, DispatchAsync);

    /// <summary>Runs a handler so that whatever goes wrong in it becomes a problem document.</summary>
    public async Task GuardAsync(HttpContext context, Func<HttpContext, Task> handler)
    {
        SecurityHeaders.Set(context);
        ExactQuery.Set(context);
        try
        {
            await handler(context);
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested)
        {
            LogAborted(context.TraceIdentifier);
        }
        catch (Exception exception)
        {
            var problem = ProblemOf(context, exception);
            if (problem.Kind.Status == StatusCodes.Status403Forbidden)
                audit.Refused(context, context.Features.Get<Caller>(), problem.Detail);
            await problems.WriteAsync(context, problem);
        }
    }

    /// <summary>The same for what needs no token.</summary>
    public Task GuardAnonymousAsync(HttpContext context, Func<HttpContext, Task> handler) => GuardAsync(context, inner =>
    {
        anonymous.Require(inner);
        return handler(inner);
    });

    /// <exception cref="ProblemException">The request is no read.</exception>
    public static void RequireGet(HttpContext context)
    {
        if (!HttpMethods.IsGet(context.Request.Method) && !HttpMethods.IsHead(context.Request.Method))
            throw new ProblemException(new Problem(ProblemKind.MethodNotAllowed, "Here is only GET, HEAD.") { Allow = "GET, HEAD" });
    }

    /// <exception cref="ProblemException">Nothing was loaded from the database yet.</exception>
    public StateSnapshot RequireSnapshot() => view.Snapshot
        ?? throw new ProblemException(new Problem(ProblemKind.Unavailable, "The controller has not loaded its database yet.")
        {
            RetryAfter = RetryAfter,
        });

    /// <summary>Says with the answer whether memory follows the database.</summary>
    public DatabaseLink TellDatabase(HttpContext context)
    {
        var link = view.Database;
        if (!link.IsUp)
            context.Response.Headers[DatabaseDownHeader] = link.Since.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.FFF'Z'", CultureInfo.InvariantCulture);
        return link;
    }

    private async Task DispatchAsync(HttpContext context)
    {
        var snapshot = RequireSnapshot();
        var link = TellDatabase(context);
        var path = PathBelowRoot(context);
        if (TokenPath.Parse(path.Span) is { } tokenPath)
        {
            await tokens.HandleAsync(context, snapshot, tokenPath);
            return;
        }
        var caller = await authenticator.RequireCallerAsync(context.Request, snapshot);
        if (path.IsEmpty)
        {
            await HandleRootAsync(context, snapshot, caller);
            return;
        }
        var resource = tree.Parse(path.Span) ?? throw new ProblemException(ProblemKind.NotFound, "There is nothing at this path.");
        var method = context.Request.Method;
        if (HttpMethods.IsGet(method) || HttpMethods.IsHead(method))
        {
            Require(context, caller, resource, Operation.Read);
            context.Response.Headers[Revisions.Header] = revisions.TextOf(snapshot);
            var row = RequireRow(snapshot, resource);
            if (row is null)
                await reader.ReadCollectionAsync(context, snapshot, caller, resource);
            else
                await reader.ReadRowAsync(context, snapshot, caller, resource.Node, row);
            return;
        }
        if (context.Request.QueryString.HasValue)
            ReadQuery.RefuseUnknown([.. context.Request.Query.Keys]);
        if (AnswerAllow(context, Allow(resource)))
            return;
        Require(context, caller, resource, method switch
        {
            "DELETE" => Operation.Delete,
            "POST" => Operation.Create,
            // What a patch does where is known only when it was read.
            _ => Operation.Read,
        });
        RequireRow(snapshot, resource);
        // A patch may hold nothing but orders to let go, which are taken all the same; the writer finds out.
        if (!link.IsUp && !HttpMethods.IsPatch(method))
            throw DatabaseDown();
        var call = new WriteCall(context, caller, resource);
        await (method switch
        {
            "POST" => writer.PostAsync(call),
            "PATCH" => writer.PatchAsync(call),
            _ => writer.DeleteAsync(call),
        });
    }

    private async Task HandleRootAsync(HttpContext context, StateSnapshot snapshot, Caller caller)
    {
        if (HttpMethods.IsGet(context.Request.Method) || HttpMethods.IsHead(context.Request.Method))
        {
            context.Response.Headers[Revisions.Header] = revisions.TextOf(snapshot);
            await trees.WriteAsync(context, snapshot, caller, ReadQuery.DepthOf(context.Request.Query));
            return;
        }
        if (context.Request.QueryString.HasValue)
            ReadQuery.RefuseUnknown([.. context.Request.Query.Keys]);
        if (AnswerAllow(context, "GET, HEAD, OPTIONS, PATCH"))
            return;
        await writer.PatchAsync(new WriteCall(context, caller, null));
    }

    /// <summary>Answers an OPTIONS, and refuses methods that are not there.</summary>
    internal static bool AnswerAllow(HttpContext context, string allow)
    {
        var method = context.Request.Method;
        if (HttpMethods.IsOptions(method))
        {
            context.Response.StatusCode = StatusCodes.Status204NoContent;
            context.Response.Headers.Allow = allow;
            if (allow.Contains(HttpMethods.Patch, StringComparison.Ordinal))
                context.Response.Headers["Accept-Patch"] = $"{PatchMediaType}, {MergePatchMediaType}";
            return true;
        }
        if (!allow.Split(", ").Contains(method))
            throw new ProblemException(new Problem(ProblemKind.MethodNotAllowed, $"Here is only {allow}.") { Allow = allow });
        return false;
    }

    internal void Require(HttpContext context, Caller caller, ResourcePath resource, Operation operation)
    {
        var decision = AccessPolicy.Decide(caller, resource, operation);
        if (decision.Verdict == Verdict.NotFound)
        {
            // The answer is that of a row which is not there; the log tells what it really was.
            audit.Refused(context, caller, "it is somebody else's, or not there");
            throw NoSuchRow();
        }
        if (decision.Verdict == Verdict.Forbidden)
            throw new ProblemException(ProblemKind.Forbidden, decision.Why);
    }

    private static Row? RequireRow(StateSnapshot snapshot, ResourcePath resource) =>
        resource.TryFind(snapshot, out var row) ? row : throw NoSuchRow();

    internal static ProblemException NoSuchRow() => new(ProblemKind.NotFound, Decision.NotFound.Why);

    internal static ProblemException DatabaseDown() =>
        new(new Problem(ProblemKind.Unavailable, "The database cannot be reached, so nothing was written.") { RetryAfter = RetryAfter });

    private static string Allow(ResourcePath resource) => (resource.Node.IsWritable, resource.IsRow) switch
    {
        (false, _) => "GET, HEAD, OPTIONS",
        (true, true) => "GET, HEAD, OPTIONS, PATCH, DELETE",
        (true, false) => "GET, HEAD, OPTIONS, POST, PATCH",
    };

    // From the request line as it was sent: in the decoded path an encoded slash could not be told from a real one.
    private static ReadOnlyMemory<char> PathBelowRoot(HttpContext context)
    {
        var target = context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget;
        var end = target.IndexOf('?', StringComparison.Ordinal);
        var path = end < 0 ? target.AsMemory() : target.AsMemory(0, end);
        if (!path.Span.StartsWith(Root, StringComparison.OrdinalIgnoreCase) || (path.Length > Root.Length && path.Span[Root.Length] != '/'))
            throw new ProblemException(ProblemKind.NotFound, "There is nothing at this path.");
        return path[Math.Min(Root.Length + 1, path.Length)..];
    }

    private Problem ProblemOf(HttpContext context, Exception exception)
    {
        switch (exception)
        {
            case ProblemException known:
                return known.Problem;
            case DatabaseUnavailableException:
                return DatabaseDown().Problem;
            case JournalException failed:
                LogNotJournaled(exception, context.TraceIdentifier);
                return failed.IsUndone
                    ? new Problem(ProblemKind.Unavailable, "The database cannot be reached, and the order could not be journaled. Nothing was done.") { RetryAfter = RetryAfter }
                    : new Problem(ProblemKind.OutcomeUnknown, "The database cannot be reached, and it is not known whether the order was journaled. Read before trying again.");
            case ConcurrentChangeException:
                return new Problem(ProblemKind.ConcurrentChange, "The row was changed by somebody else at the same time, again and again.");
            case UnconfirmedCommitException:
                LogUnconfirmed(exception, context.TraceIdentifier);
                return new Problem(ProblemKind.OutcomeUnknown, "The change was sent to the database, but it is not known whether it stands. Read before trying again.");
            case BadHttpRequestException { StatusCode: StatusCodes.Status413PayloadTooLarge }:
                return new Problem(ProblemKind.TooLarge, "The request body is larger than is taken here.");
            case BadHttpRequestException { StatusCode: StatusCodes.Status408RequestTimeout }:
                return new Problem(ProblemKind.TooSlow, "The request body came too slowly.");
            case BadHttpRequestException:
                return new Problem(ProblemKind.MalformedRequest, "The request is not valid HTTP.");
            default:
                LogFailed(exception, context.TraceIdentifier);
                return new Problem(ProblemKind.Internal, "The log of the controller says more under the trace id.")
                {
                    TraceId = context.TraceIdentifier,
                };
        }
    }

    [LoggerMessage(3001, LogLevel.Debug, "Request {TraceId} was given up by the client")]
    private partial void LogAborted(string traceId);

    [LoggerMessage(3002, LogLevel.Error, "Request {TraceId} failed")]
    private partial void LogFailed(Exception exception, string traceId);

    [LoggerMessage(3004, LogLevel.Error, "Request {TraceId}: its order could not be journaled")]
    private partial void LogNotJournaled(Exception exception, string traceId);

    [LoggerMessage(3003, LogLevel.Warning, "Request {TraceId}: the outcome of its commit is not known")]
    private partial void LogUnconfirmed(Exception exception, string traceId);
}
