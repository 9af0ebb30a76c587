using Microsoft.AspNetCore.Http;
using Newtonsoft.Json.Linq;
using PonyCloud.Shared.Entities;
using PonyCloud.Shared.State;
using PonyCloud.Sparkle.Api.Reading;
using PonyCloud.Sparkle.Api.Security;
using PonyCloud.Sparkle.Database;
using PonyCloud.Sparkle.Templates;

namespace PonyCloud.Sparkle.Api.Writing;

/// <summary>A request to write: who sent it, and what its path names.</summary>
/// <param name="Path">Null for the root, which only a patch can name.</param>
public sealed record WriteCall(HttpContext Context, Caller Caller, ResourcePath? Path)
{
    /// <summary>What must hold of the row, also at the moment at which it is written; null for nothing.</summary>
    public Precondition? Precondition { get; } = Precondition.Of(Context.Request);

    /// <summary>The path of a request that cannot be at the root.</summary>
    public ResourcePath Resource => Path ?? throw new InvalidOperationException("The request is at the root.");
}

/// <summary>A write, and where in the request it was asked for.</summary>
/// <param name="Pointer">JSON pointer to the row in the request.</param>
/// <param name="Origin">What of it a template says; null for nothing.</param>
internal sealed record PlannedWrite(RowWrite Write, string Pointer, RowOrigin? Origin = null);

/// <summary>What a request comes down to.</summary>
/// <param name="Locate">Where in the request the pointers of the writes lead.</param>
internal sealed record WritePlan(IReadOnlyList<PlannedWrite> Writes, Func<string, string> Locate)
{
    public static WritePlan Of(IReadOnlyList<PlannedWrite> writes) => new(writes, static pointer => pointer);

    /// <summary>The same, on condition that the row is still the one that was looked at.</summary>
    public WritePlan Holding(Entity entity, Row row) =>
        Writes.Any(planned => planned.Write is RowWrite.Update update && update.Entity == entity && update.Key == row.Key)
            ? this
            : this with { Writes = [new PlannedWrite(new RowWrite.Update(entity, row.Key, row.Desired!, row.Desired!), ""), .. Writes] };
}

/// <summary>A row that is to be made, of which so far only the key is known.</summary>
/// <param name="Key">The part of the key that its path shows; null where the request lacks it, which is an error by then.</param>
/// <param name="Origin">What of it a template says; null for nothing.</param>
internal sealed record Draft(ResourceNode Node, JObject Desired, string Pointer, string? Key, string? ParentKey, RowOrigin? Origin = null);

/// <summary>What one attempt at a request works with: the state it is checked against, and what it found so far.</summary>
internal sealed class WriteScope(Caller caller, StateSnapshot snapshot)
{
    // Nobody reads more, and an answer of megabytes helps only an attacker.
    private const int MaxErrors = 256;

    public Caller Caller { get; } = caller;

    public StateSnapshot Snapshot { get; } = snapshot;

    public List<FieldError> Errors { get; private set; } = [];

    /// <summary>The keys behind the names that the request gives to new rows.</summary>
    public Dictionary<string, (Entity Entity, string Key)> Names { get; } = new(StringComparer.Ordinal);

    /// <summary>The rows that the request makes, which its other rows may refer to.</summary>
    public HashSet<(Entity Entity, string Key)> NewRows { get; } = [];

    /// <summary>How many rows were made from templates.</summary>
    public int FromTemplates { get; set; }

    public void Fail(string pointer, ProblemKind kind, string detail) => Errors.Add(new FieldError(pointer, kind, detail));

    /// <summary>Lays what was found since then, and what a template is to blame for, at the door of the template.</summary>
    /// <param name="since">How many errors there were before the row was read.</param>
    public void Blame(RowOrigin origin, string pointer, int since)
    {
        for (var i = since; i < Errors.Count; i++)
        {
            if (origin.IsOf(FieldIn(Errors[i].Pointer, pointer)))
                Errors[i] = Errors[i] with { Pointer = origin.Template, Detail = origin.Describe(Errors[i].Detail) };
        }
    }

    /// <summary>Rewrites the pointers of the errors; of very many errors only the first are kept.</summary>
    public void Relocate(Func<string, string> locate) =>
        Errors = [.. Errors.Take(MaxErrors).Select(error => error with { Pointer = locate(error.Pointer) })];

    private static string? FieldIn(string pointer, string row)
    {
        var start = $"{row}/desired/";
        return pointer.StartsWith(start, StringComparison.Ordinal) ? pointer[start.Length..].Split('/')[0] : null;
    }

    /// <exception cref="ProblemException">Something was wrong.</exception>
    public void ThrowIfFailed()
    {
        if (Errors.Count > MaxErrors)
            Errors.RemoveRange(MaxErrors, Errors.Count - MaxErrors);
        if (Errors.Count > 0)
            throw new ProblemException(Problem.Of(Errors));
    }
}
