using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using PonyCloud.Sparkle.Api.Json;
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
    private readonly RowReader _answers;
    private readonly JsonBuffers _buffers;
    private readonly TimeProvider _time;
    private readonly ILogger<RowWriter> _logger;
    private readonly DraftReader _drafts = new(Guid.NewGuid);
    private readonly InsertPlanner _inserts;
    private readonly PatchPlanner _patches;

    public RowWriter(
        AccessPolicy policy,
        PasswordReader passwords,
        IStateView view,
        WriteTransaction transaction,
        RequestReader requests,
        RowReader answers,
        JsonBuffers buffers,
        TimeProvider time,
        ILogger<RowWriter> logger)
    {
        _view = view;
        _transaction = transaction;
        _requests = requests;
        _answers = answers;
        _buffers = buffers;
        _time = time;
        _logger = logger;
        var records = new RecordReader(policy, new ValueReader(), passwords);
        _inserts = new InsertPlanner(policy.Catalog, records);
        _patches = new PatchPlanner(_drafts, records, buffers);
    }

    /// <summary>Makes a row, with its children.</summary>
    public async Task PostAsync(WriteCall call)
    {
        call.Precondition?.RequireToWrite(null);
        var body = await _requests.ReadJsonAsync(call.Context.Request, "application/json");
        var scope = new WriteScope(call.Caller, _view.Snapshot!);
        var path = call.Path;
        var drafts = new List<Draft>();
        var key = _drafts.Read(path.Node, body, "", null, path.ParentKey, (path.Tenant, path.User), drafts, scope);
        var writes = _inserts.Plan(drafts, scope);
        scope.ThrowIfFailed();
        await _transaction.WriteAsync(call, writes);

        call.Context.Response.StatusCode = StatusCodes.Status201Created;
        call.Context.Response.Headers.Location = $"{ApiEndpoint.Root}{path.CollectionUri()}/{Uri.EscapeDataString(key!)}";
        await AnswerNamesAsync(call, scope);
    }

    /// <summary>Applies a JSON Patch to a row or to a collection.</summary>
    public async Task PatchAsync(WriteCall call)
    {
        var body = await _requests.ReadJsonAsync(call.Context.Request, ApiEndpoint.PatchMediaType);
        var patch = PatchPlanner.Read(body);
        for (var attempt = 1; ; attempt++)
        {
            var scope = new WriteScope(call.Caller, _view.Snapshot!);
            if (!call.Path.TryFind(scope.Snapshot, out var row))
                throw ApiEndpoint.NoSuchRow();
            call.Precondition?.RequireToWrite(row is null ? null : _answers.DesiredTag(call.Path.Node, row));
            var writes = row is null
                ? _patches.PlanCollection(call.Path, patch, scope, drafts => _inserts.Plan(drafts, scope))
                : _patches.PlanRow(call.Path.Node, row, patch, scope);
            scope.ThrowIfFailed();
            try
            {
                await _transaction.WriteAsync(call, writes);
            }
            catch (ConcurrentChangeException) when (attempt < MaxAttempts)
            {
                // The other change is in the database and on its way into memory; then the patch is applied to it.
                LogTryingAgain(call.Context.TraceIdentifier, attempt);
                await Task.Delay(TimeSpan.FromMilliseconds(10 << attempt), _time, call.Context.RequestAborted);
                continue;
            }
            await AnswerPatchAsync(call, scope, isRow: row is not null);
            return;
        }
    }

    /// <summary>Removes a row.</summary>
    public async Task DeleteAsync(WriteCall call)
    {
        if (!call.Path.TryFind(_view.Snapshot!, out var row) || row?.Desired is null)
            throw ApiEndpoint.NoSuchRow();
        var entity = call.Path.Node.Entity;
        var writes = new List<PlannedWrite> { new(new RowWrite.Delete(entity, row.Key), "") };
        if (call.Precondition is { } precondition)
        {
            precondition.RequireToWrite(_answers.DesiredTag(call.Path.Node, row));
            // Checked once more by the database, since a delete alone takes the row whatever it has become.
            if (precondition.NamesVersion)
                writes.Insert(0, new PlannedWrite(new RowWrite.Update(entity, row.Key, row.Desired, row.Desired), ""));
        }
        await _transaction.WriteAsync(call, writes);
        call.Context.Response.StatusCode = StatusCodes.Status204NoContent;
    }

    private async Task AnswerPatchAsync(WriteCall call, WriteScope scope, bool isRow)
    {
        if (!isRow)
        {
            await AnswerNamesAsync(call, scope);
            return;
        }
        var snapshot = _view.Snapshot!;
        if (call.Path.TryFind(snapshot, out var row))
            await _answers.WriteRowAsync(call.Context, snapshot, call.Caller, call.Path.Node, row!);
        else
            call.Context.Response.StatusCode = StatusCodes.Status204NoContent;
    }

    private async Task AnswerNamesAsync(WriteCall call, WriteScope scope)
    {
        var buffer = _buffers.Get();
        try
        {
            buffer.Json.WriteStartObject();
            buffer.Json.WriteStartObject("uuids");
            foreach (var (name, (_, key)) in scope.Names.OrderBy(named => named.Key, StringComparer.Ordinal))
                buffer.Json.WriteString(name, key);
            buffer.Json.WriteEndObject();
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
