using PonyCloud.Sparkle.Database;
using PonyCloud.Sparkle.Templates;

namespace PonyCloud.Sparkle.Api.Writing;

/// <summary>Which of the columns that a constraint is about an error points at.</summary>
internal static class RefusedField
{
    /// <param name="origin">What of the row a template says, which the request laid its own fields over.</param>
    /// <returns>The column; null when the constraint names none.</returns>
    public static string? Find(WriteRefusedException refusal, RowWrite write, RowOrigin? origin)
    {
        var candidates = refusal.Columns;
        if (origin is not null)
        {
            var asked = candidates.Where(name => !origin.IsOf(name)).ToList();
            candidates = asked.Count > 0 ? asked : candidates;
        }
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
