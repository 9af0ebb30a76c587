using PonyCloud.Sparkle.Api.Json;
using PonyCloud.Sparkle.Api.Security;

namespace PonyCloud.Sparkle.Api.Writing;

/// <summary>Asks the policy about what a patch does with a row, as it is asked about a request that does only that.</summary>
internal static class PatchAccess
{
    /// <summary>
    /// Asks about a step before it is applied, so that a caller who may only read learns that whether or not the step
    /// would change anything.
    /// </summary>
    public static void Check(PatchStep step, PatchedRows rows, WriteScope scope)
    {
        if (step.Kind is PatchOperationKind.Test or PatchOperationKind.Verify || step.Place.Kind == PlaceKind.Collection)
            return;
        CheckRow(step.Place, step.Kind, step.Source, rows, scope);
        if (step is { Kind: PatchOperationKind.Move, From.Kind: PlaceKind.Inside })
            CheckRow(step.From, step.Kind, step.Source, rows, scope);
    }

    /// <summary>Whether the caller may; the scope has an error otherwise.</summary>
    /// <param name="path">The row; for a new one its collection.</param>
    public static bool IsAllowed(ResourcePath path, Operation operation, string pointer, WriteScope scope)
    {
        var decision = AccessPolicy.Decide(scope.Caller, path, operation);
        if (decision.Verdict == Verdict.Allowed && path.Node.IsWritable)
            return true;
        if (decision.Verdict == Verdict.NotFound)
            scope.Fail(pointer, ProblemKind.PatchFailed, decision.Why);
        else
            scope.Fail(pointer, ProblemKind.Forbidden, decision.Why.Length > 0 ? decision.Why : "Only the platform itself writes such rows.");
        return false;
    }

    private static void CheckRow(Place place, PatchOperationKind kind, string source, PatchedRows rows, WriteScope scope)
    {
        var path = place.Row.Path;
        var isThere = rows.Find(place.Row.Pointer.Text) is { IsStored: true };
        if (isThere && place.Kind == PlaceKind.Row && kind is PatchOperationKind.Merge or PatchOperationKind.Move)
            return;
        if (isThere)
            IsAllowed(path, place.Kind == PlaceKind.Row && kind == PatchOperationKind.Remove ? Operation.Delete : Operation.Change, source, scope);
        else if (place.Kind == PlaceKind.Row && kind is PatchOperationKind.Add or PatchOperationKind.Copy or PatchOperationKind.Merge)
            IsAllowed(path with { IsRow = false, Keys = [.. path.Keys.Take(path.Keys.Count - 1)] }, Operation.Create, source, scope);
    }
}
