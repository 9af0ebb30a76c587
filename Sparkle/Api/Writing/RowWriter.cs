using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using PonyCloud.Shared.Entities;
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

    private static readonly TimeSpan WriteLimit = TimeSpan.FromSeconds(30);

    private readonly IStateView _view;
    private readonly IDesiredStateWriter _database;
    private readonly RequestReader _requests;
    private readonly RowReader _answers;
    private readonly JsonBuffers _buffers;
    private readonly TimeProvider _time;
    private readonly ILogger<RowWriter> _logger;
    private readonly DraftReader _drafts = new(Guid.NewGuid);
    private readonly RecordReader _records;
    private readonly PatchPlanner _patches;
    private readonly IReadOnlyList<Entity> _order;

    public RowWriter(
        AccessPolicy policy,
        Passwords passwords,
        IStateView view,
        IDesiredStateWriter database,
        RequestReader requests,
        RowReader answers,
        JsonBuffers buffers,
        TimeProvider time,
        ILogger<RowWriter> logger)
    {
        _view = view;
        _database = database;
        _requests = requests;
        _answers = answers;
        _buffers = buffers;
        _time = time;
        _logger = logger;
        _records = new RecordReader(policy, new ValueReader(passwords));
        _patches = new PatchPlanner(_drafts, _records, buffers);
        _order = policy.Catalog.InDependencyOrder;
    }

    /// <summary>Makes a row, with its children.</summary>
    public async Task PostAsync(WriteCall call)
    {
        var body = await _requests.ReadJsonAsync(call.Context.Request, "application/json");
        var scope = new WriteScope(call.Caller, _view.Snapshot!);
        var path = call.Path;
        var drafts = new List<Draft>();
        var key = _drafts.Read(path.Node, body, "", null, path.ParentKey, (path.Tenant, path.User), drafts, scope);
        var writes = Inserts(drafts, scope);
        scope.ThrowIfFailed();
        await WriteAsync(call, writes);

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
            var writes = row is null
                ? _patches.PlanCollection(call.Path, patch, scope, drafts => Inserts(drafts, scope))
                : _patches.PlanRow(call.Path.Node, row, patch, scope);
            scope.ThrowIfFailed();
            try
            {
                await WriteAsync(call, writes);
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
        await WriteAsync(call, [new PlannedWrite(new RowWrite.Delete(call.Path.Node.Entity, row.Key), "")]);
        call.Context.Response.StatusCode = StatusCodes.Status204NoContent;
    }

    // Every row behind those that it refers to. What the request got wrong is in the scope afterwards.
    private List<PlannedWrite> Inserts(List<Draft> drafts, WriteScope scope)
    {
        var writes = new List<PlannedWrite>(drafts.Count);
        foreach (var draft in drafts)
        {
            var before = scope.Errors.Count;
            var record = _records.ReadNew(draft, scope);
            if (draft.Key is null && scope.Errors.Count == before)
            {
                scope.Fail(
                    $"{draft.Pointer}/desired/{draft.Node.KeyColumn}", ProblemKind.BadFormat, $"{draft.Node.KeyColumn} cannot be a key.");
            }
            writes.Add(new PlannedWrite(new RowWrite.Insert(draft.Node.Entity, record), draft.Pointer));
        }
        return [.. writes.OrderBy(write => Order(write.Write.Entity))];
    }

    private int Order(Entity entity)
    {
        for (var i = 0; i < _order.Count; i++)
        {
            if (_order[i] == entity)
                return i;
        }
        throw new InvalidOperationException($"{entity.Name} has no table.");
    }

    private async Task WriteAsync(WriteCall call, List<PlannedWrite> writes)
    {
        if (writes.Count == 0)
            return;
        // Not cut short when the client goes: what was sent may stand, and then the log must say who did it.
        using var limit = new CancellationTokenSource(WriteLimit, _time);
        try
        {
            await _database.WriteAsync([.. writes.Select(write => write.Write)], limit.Token);
        }
        catch (UnconfirmedCommitException)
        {
            LogChange(call, writes, isKnown: false);
            throw;
        }
        catch (OperationCanceledException cancelled) when (limit.IsCancellationRequested)
        {
            LogChange(call, writes, isKnown: false);
            throw new UnconfirmedCommitException("The database did not answer in time.", cancelled);
        }
        catch (WriteRefusedException refusal)
        {
            LogRefused(refusal, call.Context.TraceIdentifier, refusal.Constraint);
            throw new ProblemException(ProblemOf(refusal, writes));
        }
        catch (ConcurrentChangeException change) when (writes.Count > change.Write && writes[change.Write].Write is RowWrite.Delete)
        {
            throw ApiEndpoint.NoSuchRow();
        }
        LogChange(call, writes, isKnown: true);
    }

    // The database's own message may quote values of rows that the caller must not see.
    private static Problem ProblemOf(WriteRefusedException refusal, List<PlannedWrite> writes)
    {
        var (kind, detail) = refusal.Refusal switch
        {
            Refusal.Duplicate => (ProblemKind.Duplicate, "Another row has this value already."),
            Refusal.StillReferenced => (ProblemKind.StillReferenced, "Other rows still refer to the row that is to go."),
            Refusal.MissingReference => (ProblemKind.UnknownReference, "There is no such row."),
            _ => (ProblemKind.RefusedByRule, $"The rule {refusal.Constraint} refuses this."),
        };
        string? pointer = null;
        if (refusal.Write is { } index && index < writes.Count)
        {
            pointer = writes[index].Pointer;
            if (writes[index].Write is not RowWrite.Delete)
                pointer += refusal.Columns.Count > 0 ? $"/desired/{refusal.Columns[^1]}" : "/desired";
        }
        return new Problem(kind, detail) { Pointer = pointer, Constraint = refusal.Constraint };
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
            await _answers.WriteRowAsync(call.Context, snapshot, call.Path.Node, row!);
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

    private void LogChange(WriteCall call, List<PlannedWrite> writes, bool isKnown)
    {
        if (!_logger.IsEnabled(LogLevel.Information))
            return;
        // Keys come from clients, so they are escaped: nobody writes lines of their own into the log.
        var what = string.Join(", ", writes.Select(planned => planned.Write switch
        {
            RowWrite.Insert insert => $"insert {insert.Entity.Name} {Shown(insert.Entity.KeyOf(RowPart.Desired, insert.Record))}",
            RowWrite.Update update => $"update {update.Entity.Name} {Shown(update.Key)}",
            RowWrite.Delete delete => $"delete {delete.Entity.Name} {Shown(delete.Key)}",
            _ => "?",
        }));
        LogAudit(
            Uri.EscapeDataString(call.Caller.Email),
            call.Caller.Tenant,
            call.Context.Connection.RemoteIpAddress?.ToString(),
            call.Context.Request.Method,
            isKnown ? what : $"{what} (outcome not known)");
    }

    private static string Shown(RowKey key) => string.Join('/', key.Parts.Select(Uri.EscapeDataString));

    [LoggerMessage(3021, LogLevel.Information, "{User} (tenant {Tenant}) from {Address}, {Method}: {Changes}")]
    private partial void LogAudit(string user, string? tenant, string? address, string method, string changes);

    [LoggerMessage(3022, LogLevel.Debug, "Request {TraceId}: refused by {Constraint}")]
    private partial void LogRefused(Exception exception, string traceId, string constraint);

    [LoggerMessage(3023, LogLevel.Debug, "Request {TraceId}: changed by somebody else meanwhile, attempt {Attempt}")]
    private partial void LogTryingAgain(string traceId, int attempt);
}
