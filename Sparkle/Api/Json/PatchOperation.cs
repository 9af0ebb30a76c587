using Newtonsoft.Json.Linq;

namespace PonyCloud.Sparkle.Api.Json;

/// <summary>The six operations of JSON Patch, and two of the platform's own.</summary>
public enum PatchOperationKind
{
    Add,
    Remove,
    Replace,
    Move,
    Copy,
    Test,

    /// <summary><c>x-merge</c>: the value is a merge patch (RFC 7396) of what is at the path.</summary>
    Merge,

    /// <summary><c>x-verify</c>: what is stored at the path is as the value says, until the change is committed.</summary>
    Verify,
}

/// <summary>One operation of a patch.</summary>
/// <param name="From">Where a move or a copy takes its value; null for the others.</param>
/// <param name="Value">What the operation brings along; null for a remove, a move and a copy.</param>
public sealed record PatchOperation(PatchOperationKind Kind, JsonPointer Path, JsonPointer? From, JToken? Value);

/// <summary>An operation cannot be applied.</summary>
public sealed class PatchFailedException(string message, ProblemKind? kind = null) : Exception(message)
{
    public ProblemKind Kind { get; } = kind ?? ProblemKind.PatchFailed;
}
