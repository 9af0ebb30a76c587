using PonyCloud.Shared.Entities;

namespace PonyCloud.Sparkle.Database;

/// <summary>One row written in a transaction.</summary>
public abstract record RowWrite(Entity Entity)
{
    /// <summary>A new row, with every column as in the record.</summary>
    public sealed record Insert(Entity Entity, object Record) : RowWrite(Entity);

    /// <summary>
    /// A changed row: the columns that differ between the records are written, on condition that the database still
    /// holds <paramref name="Expected"/>. With no difference it is that condition alone, and the row stays locked to the
    /// end of the transaction: of several writers that go on to delete it, one gets through.
    /// </summary>
    public sealed record Update(Entity Entity, RowKey Key, object Expected, object Record) : RowWrite(Entity);

    /// <summary>A row that goes, and with it what the schema says. A row that is gone already is no error.</summary>
    public sealed record Delete(Entity Entity, RowKey Key) : RowWrite(Entity);
}

/// <summary>Writes desired state to the database, never to memory: it gets there through the change stream.</summary>
public interface IDesiredStateWriter
{
    /// <summary>
    /// Carries out all writes in one transaction, or none. Returns when the commit is visible in the state view, so that
    /// a client always reads its own writes.
    /// </summary>
    /// <exception cref="WriteRefusedException">The schema refuses a write; nothing was written.</exception>
    /// <exception cref="ConcurrentChangeException">A row is no longer as expected; nothing was written.</exception>
    /// <exception cref="DatabaseUnavailableException">The database cannot be reached; nothing was written.</exception>
    /// <exception cref="UnconfirmedCommitException">The outcome is not known, or not visible yet.</exception>
    Task WriteAsync(IReadOnlyList<RowWrite> writes, CancellationToken cancellation);
}

/// <summary>Which kind of rule a write broke.</summary>
public enum Refusal
{
    /// <summary>Another row has this value (unique or exclusion constraint).</summary>
    Duplicate,

    /// <summary>The row that a column refers to is not there.</summary>
    MissingReference,

    /// <summary>Other rows refer to the row that is to go.</summary>
    StillReferenced,

    /// <summary>A value is outside what its column allows (check constraint, trigger, not null, data type).</summary>
    Rule,
}

/// <summary>The schema refused a write.</summary>
/// <param name="write">Index of the refused write in the request; null when only the whole transaction was refused.</param>
/// <param name="constraint">Stable name of the broken constraint.</param>
/// <param name="columns">Columns that the constraint is about, in the table of the refused write; may be empty.</param>
/// <param name="message">What the schema itself says about it, in words for users; it quotes no row.</param>
public sealed class WriteRefusedException(
    Refusal refusal, int? write, string constraint, IReadOnlyList<string> columns, string message, Exception inner)
    : Exception(message, inner)
{
    public Refusal Refusal { get; } = refusal;

    public int? Write { get; } = write;

    public string Constraint { get; } = constraint;

    public IReadOnlyList<string> Columns { get; } = columns;
}

/// <summary>A row changed between reading and writing it.</summary>
public sealed class ConcurrentChangeException(int write) : Exception("The row was changed by somebody else meanwhile.")
{
    public int Write { get; } = write;
}

/// <summary>The database cannot be reached; nothing was written.</summary>
public sealed class DatabaseUnavailableException(string message, Exception? inner = null) : Exception(message, inner);

/// <summary>The write was sent, but whether it stands, or when readers see it, is not known.</summary>
public sealed class UnconfirmedCommitException(string message, Exception? inner = null) : Exception(message, inner);
