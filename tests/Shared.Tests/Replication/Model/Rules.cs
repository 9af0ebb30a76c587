namespace PonyCloud.Shared.Tests.Replication.Model;

/// <summary>A rule left out, to see that the search finds what it is there for.</summary>
internal enum Broken
{
    Nothing,

    /// <summary>R3: any partial update of the stream counts as the next.</summary>
    SeqNotChecked,

    /// <summary>R3: the right stream and seq count, whoever said it.</summary>
    IncarnationNotChecked,

    /// <summary>The original exchange: seq starts over at 0 under an unchanged incarnation, and streams have no names.</summary>
    StreamNotChecked,

    /// <summary>R5: whatever comes while a full state is awaited is taken as one.</summary>
    AnythingIsFullWhileWaiting,

    /// <summary>R1: a repeated request names the stream of the one before.</summary>
    StreamReused,

    /// <summary>R6: a request that is not newer than the last one is answered.</summary>
    OldRequestsAnswered,

    /// <summary>R7: a sender whose own state is not complete answers.</summary>
    NotReadyAnswers,

    /// <summary>R14: chunks are applied as they come.</summary>
    HalfBuiltApplied,

    /// <summary>R14: the next index counts, of whatever stream.</summary>
    ForeignChunkTaken,

    /// <summary>R14: a later index counts, too.</summary>
    ChunkSkipped,

    /// <summary>R14: chunks are sent without waiting for acknowledgements.</summary>
    ChunkWindowIgnored,

    /// <summary>Partial updates are sent without waiting for acknowledgements.</summary>
    WindowIgnored,

    /// <summary>No keep-alive goes out while a full state is being sent.</summary>
    SilentWhileSending,

    /// <summary>Keep-alives wait for the window, too, and what was taken is told only once.</summary>
    WindowStaysClosed,

    /// <summary>An acknowledgement of another stream opens the window.</summary>
    ForeignAckTaken,

    /// <summary>What waited for the window is forgotten.</summary>
    WaitingChangesLost,

    /// <summary>R16: a lower epoch counts.</summary>
    EpochNotChecked,

    /// <summary>R9: whoever claims to be a host speaks for it.</summary>
    TakenOverUnproved,

    /// <summary>R9: what a peer says that no longer speaks for the host counts.</summary>
    DisplacedHeard,

    /// <summary>R9: a peer that asked before the one that speaks now may still take over.</summary>
    OlderCandidateKept,

    /// <summary>R9: any peer gets the answer to its question.</summary>
    AnyoneAnswered,

    /// <summary>R9: a holder that lives is not asked before another takes over.</summary>
    ChallengeSkipped,

    /// <summary>R9: a holder keeps the host although it is dead.</summary>
    ContestNotEnded,
}

/// <summary>What one sender and one receiver agree on.</summary>
/// <param name="Chunks">How many chunks a full state is sent in; 0 for one message.</param>
/// <param name="ChunkWindow">How many chunks may be unacknowledged.</param>
/// <param name="Window">How many partial updates may be unacknowledged; 0 with a receiver that does not acknowledge.</param>
/// <param name="AcknowledgeEvery">After how many partial updates the receiver acknowledges without being asked.</param>
internal sealed record Rules(Broken Broken = Broken.Nothing, int Chunks = 0, int ChunkWindow = 0, int Window = 0, int AcknowledgeEvery = 0)
{
    public bool Acknowledges => Window > 0;

    public bool Breaks(Broken rule) => Broken == rule;
}
