using PonyCloud.Shared.State;
using PonyCloud.Sparkle.Database;

namespace PonyCloud.Sparkle.Storage;

/// <summary>What is written for the sake of one thing: all of it or nothing.</summary>
/// <param name="Cause">The volume, the tombstone or the pool; one that is refused waits alone.</param>
/// <param name="What">For the log.</param>
/// <param name="Writes">In order.</param>
internal sealed record Decision(Guid Cause, string What, IReadOnlyList<RowWrite> Writes);

/// <summary>One kind of decisions, taken from what the rows say and from nothing else. Owned by the control loop.</summary>
internal interface IStorageRule
{
    /// <summary>Something happened since the last look from which a decision may follow.</summary>
    bool IsWanted { get; }

    void Settled(ChangeSet changes);

    /// <summary>The last decisions were not written, or not all.</summary>
    void LookAgain();

    /// <summary>Looks at everything that is open.</summary>
    IEnumerable<Decision> Decide(StateSnapshot state);
}
