using Newtonsoft.Json.Linq;
using PonyCloud.Sparkle.Api.Json;
using PonyCloud.Sparkle.Database;

namespace PonyCloud.Sparkle.Api.Writing;

/// <summary>
/// Carries out <c>x-verify</c>: the row must be as the value says, as far as the value says anything, before the patch;
/// and it stays locked until the change is committed. When somebody else was quicker, the whole patch is tried again.
/// </summary>
internal static class PatchVerifier
{
    /// <summary>Compares. What is not as demanded is in the scope afterwards.</summary>
    public static void Check(IEnumerable<PatchStep> steps, PatchedRows rows, WriteScope scope)
    {
        foreach (var step in steps)
        {
            if (rows.Find(step.Place.Row.Pointer.Text) is not { Before: { } before, IsStored: true })
                scope.Fail(step.Source, ProblemKind.VerifyFailed, "There is no such row.");
            else if (!Holds(before, [.. step.Place.Inside], step.Value!))
                scope.Fail(step.Source, ProblemKind.VerifyFailed, "The row is not as the patch demands.");
        }
    }

    /// <summary>The writes that hold the rows.</summary>
    /// <param name="updates">The rows that are held by being changed.</param>
    public static IEnumerable<(PlannedWrite Write, RowWrite.Update Row)> Locks(
        IEnumerable<PatchStep> steps, PatchedRows rows, IEnumerable<RowWrite.Update> updates)
    {
        var held = updates.Select(update => (update.Entity, update.Key)).ToHashSet();
        foreach (var place in steps.Select(step => step.Place.Row))
        {
            var row = rows.Find(place.Pointer.Text)!.Row;
            var entity = place.Path.Node.Entity;
            if (!held.Add((entity, row.Key)))
                continue;
            var hold = new RowWrite.Update(entity, row.Key, row.Desired!, row.Desired!);
            yield return (new PlannedWrite(hold, place.Pointer.Text), hold);
        }
    }

    private static bool Holds(JObject row, IReadOnlyList<string> inside, JToken value)
    {
        JToken? there = row;
        foreach (var name in inside)
        {
            there = there switch
            {
                JObject parent => parent[name],
                JArray parent when JsonPointer.TryIndex(name, out var index) && index < parent.Count => parent[index],
                _ => null,
            };
        }
        // Of the row and of its desired part only what is named counts.
        return inside.Count switch
        {
            0 => value is JObject parts && parts.Properties().All(part => part.Name == "desired" && HasFields(row["desired"], part.Value)),
            1 => HasFields(there, value),
            _ => IsEqual(there, value),
        };
    }

    private static bool HasFields(JToken? desired, JToken value) =>
        value is JObject fields && fields.Properties().All(field => IsEqual(desired?[field.Name], field.Value));

    // Null fields are left out of what a row shows.
    private static bool IsEqual(JToken? there, JToken value) =>
        there is null ? value.Type == JTokenType.Null : JsonPatch.AreEqual(there, value);
}
