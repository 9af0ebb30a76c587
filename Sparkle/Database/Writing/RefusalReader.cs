using Npgsql;

namespace PonyCloud.Sparkle.Database.Writing;

/// <summary>Turns what PostgreSQL says into what a client can be told.</summary>
internal static class RefusalReader
{
    /// <summary>Whether the schema refuses what was asked for, rather than that the server cannot do it.</summary>
    public static bool IsRefusal(PostgresException e) =>
        // 23: integrity, 22: data, P0001: raised by a trigger.
        e.SqlState.StartsWith("23", StringComparison.Ordinal) || e.SqlState.StartsWith("22", StringComparison.Ordinal) || e.SqlState == "P0001";

    public static async Task<WriteRefusedException> ReadAsync(
        PostgresException e, RowWrite? write, int? index, ConstraintCatalog constraints, CancellationToken cancellation)
    {
        var table = write?.Entity.Name;
        if (e is { ConstraintName: { } name, TableName: { } at } && e.SqlState != PostgresErrorCodes.NotNullViolation)
        {
            var facts = await constraints.FindAsync(at, name, cancellation);
            var refusal = KindOf(e, write);
            var about = ColumnsIn(table, facts);
            // The catalog does not know what a constraint trigger is about; the trigger says it when it refuses.
            if (about.Count == 0 && e.ColumnName is { } pointed && at == table)
                about = [pointed];
            return new WriteRefusedException(refusal, index, name, about, MessageOf(facts, refusal) ?? OwnWords(e), e);
        }
        IReadOnlyList<string> columns = e.ColumnName is { } column && (e.TableName is null || e.TableName == table) ? [column] : [];
        var rule = e.SqlState switch
        {
            PostgresErrorCodes.NotNullViolation => $"{e.TableName}_{e.ColumnName}_required",
            _ when e.ConstraintName is { } given => given,
            _ => $"{table ?? "transaction"}_value",
        };
        var message = e.SqlState == PostgresErrorCodes.NotNullViolation ? $"A {e.TableName} needs a {e.ColumnName}." : OwnWords(e);
        return new WriteRefusedException(Refusal.Rule, index, rule, columns, message, e);
    }

    // What the server says by itself may quote values of rows that the caller must not see, and is no language for users.
    private static string OwnWords(PostgresException e) =>
        e.SqlState == PostgresErrorCodes.RaiseException ? e.MessageText : "The database cannot hold this value.";

    private static Refusal KindOf(PostgresException e, RowWrite? write) => e.SqlState switch
    {
        PostgresErrorCodes.UniqueViolation or PostgresErrorCodes.ExclusionViolation => Refusal.Duplicate,
        PostgresErrorCodes.RestrictViolation => Refusal.StillReferenced,
        // A foreign key is broken from either end. The table named is always that of the reference.
        PostgresErrorCodes.ForeignKeyViolation =>
            write is RowWrite.Insert || (write is RowWrite.Update && write.Entity.Name == e.TableName)
                ? Refusal.MissingReference
                : Refusal.StillReferenced,
        _ => Refusal.Rule,
    };

    private static IReadOnlyList<string> ColumnsIn(string? table, ConstraintFacts? facts) =>
        facts is null || table is null ? []
        : facts.Table == table ? facts.Columns
        : facts.ReferencedTable == table ? facts.ReferencedColumns
        : [];

    // One comment serves both ends of a foreign key, but reads for the end that refers.
    private static string? MessageOf(ConstraintFacts? facts, Refusal refusal) => refusal == Refusal.StillReferenced && facts is not null
        ? $"The {facts.ReferencedTable} is in use: a row of {facts.Table} refers to it."
        : facts?.Message;
}
