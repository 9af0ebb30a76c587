using PonyCloud.Sparkle.Database;

namespace PonyCloud.Sparkle.Api.Writing;

/// <summary>Which of the columns that a constraint is about an error points at.</summary>
internal static class RefusedField
{
    /// <returns>The column; null when the constraint names none.</returns>
    public static string? Find(WriteRefusedException refusal, RowWrite write)
    {
        var candidates = refusal.Columns;
        // What the request did not touch was good before.
        if (write is RowWrite.Update update)
        {
            var touched = candidates.Where(name => IsTouched(update, name)).ToList();
            candidates = touched.Count > 0 ? touched : candidates;
        }
        // The schema calls a constraint <table>_<column>_<rule>, after the column that is to blame.
        return candidates
            .Where(name => refusal.Constraint.StartsWith($"{write.Entity.Name}_{name}_", StringComparison.Ordinal))
            .MaxBy(name => name.Length) ?? (candidates.Count > 0 ? candidates[^1] : null);
    }

    private static bool IsTouched(RowWrite.Update update, string name) =>
        update.Entity.Desired!.Column(name) is { } column && !Equals(column.Get(update.Expected), column.Get(update.Record));
}
