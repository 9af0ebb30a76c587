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
    private readonly RowReader _answers;
    private readonly JsonBuffers _buffers;
    private readonly TimeProvider _time;
    private readonly ILogger<RowWriter> _logger;
    private readonly DraftReader _drafts = new(Guid.NewGuid);
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
        RowReader answers,
        RowParts parts,
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
        _patches = new PatchPlanner(tree, _drafts, records, _inserts, new RowDocuments(parts, buffers), options);
    }

    /// <summary>Makes a row, with its children.</summary>
    public async Task PostAsync(WriteCall call)
    {
        call.Precondition?.RequireToWrite(null);
        var body = await _requests.ReadJsonAsync(call.Context.Request, "application/json");
        var scope = new WriteScope(call.Caller, _view.Snapshot!);
        var path = call.Resource;
        var drafts = new List<Draft>();
        var key = _drafts.Read(path.Node, body.Json, "", null, path.ParentKey, (path.Tenant, path.User), drafts, scope);
        var writes = _inserts.Plan(drafts, scope);
        scope.ThrowIfFailed();
        await _transaction.WriteAsync(call, WritePlan.Of(writes));

        call.Context.Response.StatusCode = StatusCodes.Status201Created;
        call.Context.Response.Headers.Location = $"{ApiEndpoint.Root}{path.CollectionUri()}/{Uri.EscapeDataString(key!)}";
        await AnswerNamesAsync(call, scope);
    }

    /// <summary>Applies a patch to the root, to a collection or to a row.</summary>
    public async Task PatchAsync(WriteCall call)
    {
        var body = await _requests.ReadJsonAsync(call.Context.Request, ApiEndpoint.PatchMediaType, ApiEndpoint.MergePatchMediaType);
        var steps = _patches.Read(body.Json, body.MediaType, call.Path);
        for (var attempt = 1; ; attempt++)
        {
            var scope = new WriteScope(call.Caller, _view.Snapshot!);
            var start = RequireStart(call, scope);
            var plan = _patches.Plan(call.Path, steps, scope);
            if (start is not null && call.Precondition is { NamesVersion: true })
                plan = plan.Holding(call.Resource.Node.Entity, start);
            try
            {
                await _transaction.WriteAsync(call, plan);
            }
            catch (ConcurrentChangeException) when (attempt < MaxAttempts)
            {
                // The other change is in the database and on its way into memory; then the patch is applied to it.
                LogTryingAgain(call.Context.TraceIdentifier, attempt);
                await Task.Delay(TimeSpan.FromMilliseconds(10 << attempt), _time, call.Context.RequestAborted);
                continue;
            }
            await AnswerPatchAsync(call, scope);
            return;
        }
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
            await _transaction.WriteAsync(call, plan);
        }
        catch (ConcurrentChangeException) when (call.Precondition is { NamesVersion: true })
        {
            throw Precondition.Failed("The row was changed by somebody else at the same time.");
        }
        call.Context.Response.StatusCode = StatusCodes.Status204NoContent;
    }

    // The row that the path names, as the request demands it.
    private Row? RequireStart(WriteCall call, WriteScope scope)
    {
        if (call.Path is not { } path)
        {
            call.Precondition?.RequireToWrite(null);
            return null;
        }
        if (!path.TryFind(scope.Snapshot, out var row) || row is { Desired: null })
            throw ApiEndpoint.NoSuchRow();
        call.Precondition?.RequireToWrite(row is null ? null : _answers.DesiredTag(path.Node, row));
        return row;
    }

    private async Task AnswerPatchAsync(WriteCall call, WriteScope scope)
    {
        var snapshot = _view.Snapshot!;
        if (call.Path is not { IsRow: true } path)
            await AnswerNamesAsync(call, scope);
        else if (path.TryFind(snapshot, out var row))
            await _answers.WriteRowAsync(call.Context, snapshot, call.Caller, path.Node, row!, Uuids(scope));
        else
            call.Context.Response.StatusCode = StatusCodes.Status204NoContent;
    }

    private static SortedDictionary<string, string> Uuids(WriteScope scope) =>
        new(scope.Names.ToDictionary(named => named.Key, named => named.Value.Key), StringComparer.Ordinal);

    private async Task AnswerNamesAsync(WriteCall call, WriteScope scope)
    {
        var buffer = _buffers.Get();
        try
        {
            buffer.Json.WriteStartObject();
            buffer.Json.WriteStartObject("uuids");
            foreach (var (name, key) in Uuids(scope))
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
