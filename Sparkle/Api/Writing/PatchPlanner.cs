using Newtonsoft.Json.Linq;
using PonyCloud.Shared.Entities;
using PonyCloud.Sparkle.Api.Json;
using PonyCloud.Sparkle.Database;

namespace PonyCloud.Sparkle.Api.Writing;

/// <summary>
/// Turns a patch of the root, of a collection or of a row into writes: it is applied to a document of the rows that it
/// speaks of, and what comes out is compared with what was.
/// </summary>
internal sealed class PatchPlanner(
    ResourceTree tree, DraftReader draftReader, RecordReader records, InsertPlanner inserts, RowDocuments documents, ApiOptions options)
{
    /// <summary>Reads a patch in one of the two media types.</summary>
    /// <param name="start">The path of the request; null for the root.</param>
    /// <exception cref="ProblemException">It is no patch.</exception>
    public IReadOnlyList<PatchStep> Read(JToken body, string mediaType, ResourcePath? start)
    {
        var places = new PatchPlaces(tree, start);
        return mediaType == ApiEndpoint.MergePatchMediaType
            ? PatchReader.ReadMergePatch(body, places, options.PatchOperations)
            : PatchReader.ReadJsonPatch(body, places, options.PatchOperations);
    }

    /// <exception cref="ProblemException">It cannot be carried out.</exception>
    public WritePlan Plan(ResourcePath? start, IReadOnlyList<PatchStep> steps, WriteScope scope)
    {
        var rows = new PatchedRows(documents, scope, options.PatchOperations * 2);
        foreach (var step in steps)
        {
            rows.Load(step.Place, step.Source);
            if (step.From is { } from)
                rows.Load(from, step.Source);
        }
        foreach (var step in steps)
            PatchAccess.Check(step, rows, scope);
        scope.ThrowIfFailed();

        var run = new PatchRun(rows, scope);
        run.Apply(steps);
        PatchVerifier.Check(run.Verified, rows, scope);
        scope.ThrowIfFailed();

        // From here on errors are at places of the document; the client sent a patch, and is told where in it.
        var outcome = new PatchOutcome(draftReader, rows, run, scope);
        outcome.Find(new PatchPlaces(tree, start), start);
        var writes = Writes(outcome, run, rows, scope);
        scope.Relocate(pointer => InPatch(pointer, steps));
        scope.ThrowIfFailed();
        return new WritePlan(writes, pointer => InPatch(pointer, steps));
    }

    private List<PlannedWrite> Writes(PatchOutcome outcome, PatchRun run, PatchedRows rows, WriteScope scope)
    {
        var updates = new List<(PlannedWrite Write, RowWrite.Update Row)>(outcome.Changed.Count);
        foreach (var changed in outcome.Changed)
        {
            var (place, row, before) = changed.Row;
            var node = place.Path.Node;
            var record = records.ReadChanged(node, changed.Desired, (JObject?)before!["desired"], row.Desired!, place.Pointer.Text, scope);
            var update = new RowWrite.Update(node.Entity, row.Key, row.Desired!, record);
            if (!Equals(record, row.Desired))
                updates.Add((new PlannedWrite(update, place.Pointer.Text), update));
        }
        var deletes = outcome.Gone
            .OrderByDescending(row => inserts.Order(row.Place.Path.Node.Entity)).ThenBy(row => row.Row.Key)
            .Select(row => new PlannedWrite(new RowWrite.Delete(row.Place.Path.Node.Entity, row.Row.Key), row.Place.Pointer.Text))
            .ToList();
        RequireOnce([.. updates.Select(update => update.Write), .. deletes], scope);

        // What refers to a row lets go of it before it goes; a row goes before another takes its name; and new rows are
        // there before others come to refer to them.
        var gone = outcome.Gone.Select(row => (row.Place.Path.Node.Entity.Name, row.Row.Key.Text)).ToHashSet();
        var made = scope.NewRows.Select(row => (row.Entity.Name, row.Key)).ToHashSet();
        var locks = PatchVerifier.Locks(run.Verified, rows, updates.Select(update => update.Row)).ToLookup(
            one => gone.Contains((one.Row.Entity.Name, one.Row.Key.Text)));
        var turns = updates.ToLookup(update =>
            RefersTo(gone, update.Row.Entity, update.Row.Expected) ? Turn.First
            : RefersTo(made, update.Row.Entity, update.Row.Record) ? Turn.Last
            : Turn.Between);
        return
        [
            .. InOrder([.. locks[true], .. turns[Turn.First]]),
            .. deletes,
            .. InOrder([.. locks[false], .. turns[Turn.Between]]),
            .. inserts.Plan(outcome.Drafts, scope),
            .. InOrder(turns[Turn.Last]),
        ];
    }

    // Two patches that take rows in the same order do not wait for each other in a circle.
    private static IEnumerable<PlannedWrite> InOrder(IEnumerable<(PlannedWrite Write, RowWrite.Update Row)> updates) => updates
        .OrderBy(update => update.Row.Entity.Name, StringComparer.Ordinal).ThenBy(update => update.Row.Key)
        .Select(update => update.Write);

    // A row may be in two places of the tree, but one transaction writes it once.
    private static void RequireOnce(IEnumerable<PlannedWrite> writes, WriteScope scope)
    {
        var written = new HashSet<(Entity, RowKey)>();
        foreach (var write in writes)
        {
            var key = write.Write switch
            {
                RowWrite.Update update => update.Key,
                RowWrite.Delete delete => delete.Key,
                _ => throw new InvalidOperationException("Only rows that are there can be in two places."),
            };
            if (!written.Add((write.Write.Entity, key)))
                scope.Fail(write.Pointer, ProblemKind.Contradiction, "The patch changes the same row at another place too.");
        }
    }

    private static bool RefersTo(HashSet<(string Entity, string Key)> rows, Entity entity, object record) =>
        rows.Count > 0 && entity.Desired!.Columns.Any(column =>
            column.References is { } name && column.IndexText(record) is { } key && rows.Contains((name, key)));

    // The last step that wrote there; for what is missing, the last one that merged something in around it.
    private static string InPatch(string pointer, IReadOnlyList<PatchStep> steps)
    {
        var place = JsonPointer.TryParse(pointer)!;
        for (var i = steps.Count - 1; i >= 0; i--)
        {
            if (steps[i].SourceOf(place) is { } source)
                return source;
        }
        return steps.LastOrDefault(step => step.Kind == PatchOperationKind.Merge && step.Place.Pointer.IsPrefixOf(place))?.ValueSource ?? "";
    }

    // When an update comes: before rows go, between, or behind the new ones.
    private enum Turn
    {
        First,
        Between,
        Last,
    }
}
