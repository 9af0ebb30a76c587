using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using PonyCloud.Shared.State;
using PonyCloud.Sparkle.Api.Json;
using PonyCloud.Sparkle.Api.Reading;
using PonyCloud.Sparkle.Api.Security;
using PonyCloud.Sparkle.Control;
using PonyCloud.Sparkle.Database;

namespace PonyCloud.Sparkle.Api.Writing;

/// <summary>
/// Carries out requests that write. Each is one transaction, and answers when every reader sees it. Nothing here changes
/// memory: the change goes to the database, and comes back from there.
/// </summary>
public sealed partial class RowWriter
{
    private const int MaxAttempts = 6;

    private readonly IStateView _view;
    private readonly WriteTransaction _transaction;
    private readonly RequestReader _requests;
    private readonly IdempotencyKeys _keys;
    private readonly AuditLog _audit;
    private readonly RowReader _answers;
    private readonly JsonBuffers _buffers;
    private readonly TimeProvider _time;
    private readonly ILogger<RowWriter> _logger;
    private readonly DraftReader _drafts;
    private readonly InsertPlanner _inserts;
    private readonly PatchPlanner _patches;

    public RowWriter(
        ResourceTree tree,
        AccessPolicy policy,
        ApiOptions options,
        PasswordReader passwords,
        IStateView view,
        WriteTransaction transaction,
        RequestReader requests,
        IdempotencyKeys keys,
        AuditLog audit,
        RowReader answers,
        RowParts parts,
        JsonBuffers buffers,
        TimeProvider time,
        ILogger<RowWriter> logger)
    {
        _view = view;
        _transaction = transaction;
        _requests = requests;
        _keys = keys;
        _audit = audit;
        _answers = answers;
        _buffers = buffers;
        _time = time;
        _logger = logger;
        _drafts = new DraftReader(Guid.NewGuid, new TemplateReader(policy.Catalog, options.PatchOperations));
        var records = new RecordReader(policy, new ValueReader(), passwords);
        _inserts = new InsertPlanner(policy.Catalog, records);
        _patches = new PatchPlanner(tree, _drafts, records, _inserts, new RowDocuments(parts, buffers), options);
    }

    /// <summary>Makes a row, with its children.</summary>
    public async Task PostAsync(WriteCall call)
    {
        call.Precondition?.RequireToWrite(null);
        var body = await _requests.ReadJsonAsync(call.Context.Request, "application/json");
        using var turn = _keys.Take(call.Context.Request, call.Caller, body);
        var answer = await _transaction.FindAnswerAsync(turn?.Key) ?? await MakeAsync(call, body, turn?.Key);
        await AnswerAsync(call, answer);
    }

    /// <summary>Applies a patch to the root, to a collection or to a row.</summary>
    public async Task PatchAsync(WriteCall call)
    {
        var body = await _requests.ReadJsonAsync(call.Context.Request, ApiEndpoint.PatchMediaType, ApiEndpoint.MergePatchMediaType);
        using var turn = _keys.Take(call.Context.Request, call.Caller, body);
        ChangeAnswer answer;
        try
        {
            answer = await _transaction.FindAnswerAsync(turn?.Key) ?? await ChangeAsync(call, body, turn?.Key);
        }
        catch (ProblemException refused) when (refused.Problem.Kind == ProblemKind.Forbidden)
        {
            // The path alone told nothing about what the patch does where.
            _audit.Refused(call.Context, call.Caller, refused.Problem.Detail);
            throw;
        }
        if (answer.Journaled is { } journaled)
            await LetGoOrders.AnswerAsync(call.Context, journaled);
        else if (call.Path is { IsRow: true })
            await AnswerRowAsync(call, call.Path, answer);
        else
            await AnswerAsync(call, answer);
    }

    /// <summary>Removes a row.</summary>
    public async Task DeleteAsync(WriteCall call)
    {
        if (!call.Resource.TryFind(_view.Snapshot!, out var row) || row?.Desired is null)
            throw ApiEndpoint.NoSuchRow();
        var entity = call.Resource.Node.Entity;
        var plan = WritePlan.Of([new PlannedWrite(new RowWrite.Delete(entity, row.Key), "")]);
        if (call.Precondition is { } precondition)
        {
            precondition.RequireToWrite(_answers.DesiredTag(call.Resource.Node, row));
            // Checked once more by the database, since a delete alone takes the row whatever it has become.
            if (precondition.NamesVersion)
                plan = plan.Holding(entity, row);
        }
        try
        {
            await _transaction.WriteAsync(call, plan, null, new ChangeAnswer(StatusCodes.Status204NoContent, null, []));
        }
        catch (ConcurrentChangeException) when (call.Precondition is { NamesVersion: true })
        {
            throw Precondition.Failed("The row was changed by somebody else at the same time.");
        }
        call.Context.Response.StatusCode = StatusCodes.Status204NoContent;
    }

    private Task<ChangeAnswer> MakeAsync(WriteCall call, RequestBody body, RequestKey? requestKey)
    {
        var scope = new WriteScope(call.Caller, _view.Snapshot!);
        var path = call.Resource;
        var drafts = new List<Draft>();
        var key = _drafts.Read(path.Node, body.Json, "", null, path.ParentKey, (path.Tenant, path.User), drafts, scope);
        var writes = _inserts.Plan(drafts, scope);
        scope.ThrowIfFailed();
        var location = $"{ApiEndpoint.Root}{path.CollectionUri()}/{Uri.EscapeDataString(key!)}";
        return _transaction.WriteAsync(
            call, WritePlan.Of(writes), requestKey, new ChangeAnswer(StatusCodes.Status201Created, location, Uuids(scope)));
    }

    private async Task<ChangeAnswer> ChangeAsync(WriteCall call, RequestBody body, RequestKey? requestKey)
    {
        var steps = _patches.Read(body.Json, body.MediaType, call.Path);
        for (var attempt = 1; ; attempt++)
        {
            var scope = new WriteScope(call.Caller, _view.Snapshot!);
            var start = RequireStart(call, scope, attempt);
            var plan = _patches.Plan(call.Path, steps, scope);
            if (start is not null && call.Precondition is { NamesVersion: true })
                plan = plan.Holding(call.Resource.Node.Entity, start);
            try
            {
                return await _transaction.WriteAsync(call, plan, requestKey, new ChangeAnswer(StatusCodes.Status200OK, null, Uuids(scope)));
            }
            catch (ConcurrentChangeException) when (attempt < MaxAttempts)
            {
                // The other change is in the database and on its way into memory; then the patch is applied to it.
                LogTryingAgain(call.Context.TraceIdentifier, attempt);
                await Task.Delay(TimeSpan.FromMilliseconds(10 << attempt), _time, call.Context.RequestAborted);
            }
        }
    }

    // The row that the path names, as the request demands it.
    private Row? RequireStart(WriteCall call, WriteScope scope, int attempt)
    {
        if (call.Path is not { } path)
        {
            call.Precondition?.RequireToWrite(null);
            return null;
        }
        if (!path.TryFind(scope.Snapshot, out var row) || row is { Desired: null })
        {
            throw attempt > 1 && call.Precondition is { NamesVersion: true }
                ? Precondition.Failed("The row was removed by somebody else at the same time.")
                : ApiEndpoint.NoSuchRow();
        }
        call.Precondition?.RequireToWrite(row is null ? null : _answers.DesiredTag(path.Node, row));
        return row;
    }

    private static SortedDictionary<string, string> Uuids(WriteScope scope) =>
        new(scope.Names.ToDictionary(named => named.Key, named => named.Value.Key), StringComparer.Ordinal);

    // As the row is now, with what the database and others made of it.
    private async Task AnswerRowAsync(WriteCall call, ResourcePath path, ChangeAnswer answer)
    {
        var snapshot = _view.Snapshot!;
        if (path.TryFind(snapshot, out var row))
            await _answers.WriteRowAsync(call.Context, snapshot, call.Caller, path.Node, row!, answer.Uuids);
        else
            call.Context.Response.StatusCode = StatusCodes.Status204NoContent;
    }

    private async Task AnswerAsync(WriteCall call, ChangeAnswer answer)
    {
        call.Context.Response.StatusCode = answer.Status;
        if (answer.Location is not null)
            call.Context.Response.Headers.Location = answer.Location;
        var buffer = _buffers.Get();
        try
        {
            buffer.Json.WriteStartObject();
            buffer.Json.WritePropertyName("uuids"u8);
            JsonSerializer.Serialize(buffer.Json, answer.Uuids);
            buffer.Json.WriteEndObject();
            buffer.Json.Flush();
            await RowReader.SendAsync(call.Context, buffer);
        }
        finally
        {
            _buffers.Return(buffer);
        }
    }

    [LoggerMessage(3023, LogLevel.Debug, "Request {TraceId}: changed by somebody else meanwhile, attempt {Attempt}")]
    private partial void LogTryingAgain(string traceId, int attempt);
}
