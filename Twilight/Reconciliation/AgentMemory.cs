using PonyCloud.Shared.Entities;
using PonyCloud.Shared.Reconciliation;

namespace PonyCloud.Twilight.Reconciliation;

/// <summary>
/// What is known of the agent in one guest, and when it is asked next. Immutable; all times are those of a monotonic clock.
/// <code>
///              it connects               asked                                    no answer
///   (nothing) ─────────────► DUE at once ─────► DUE after 5 s, 5 s, then every 30 s ─────────► UNKNOWN, DUE after 30 s, 1, 2, 5 min
///       ▲                                            ▲                                            │
///       └── it goes, or the guest does               └──────────────── an answer ─────────────────┘
/// </code>
/// </summary>
public sealed record AgentMemory
{
    // A guest asks for its addresses at about the time at which its agent comes up.
    private const int SoonAgain = 2;

    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan Often = TimeSpan.FromSeconds(30);
    private static readonly Backoff Silent = new(Often, TimeSpan.FromMinutes(5));

    /// <summary>What a guest with more of them says of the rest is of no use to anybody.</summary>
    public const int AddressesMax = 64;

    /// <summary>Null while nobody knows.</summary>
    public TextList? Addresses { get; private init; }

    public TimeSpan AskAt { get; private init; }

    /// <summary>Times in a row that it did not answer.</summary>
    public int Failures { get; private init; }

    /// <summary>The guest ran before this process did, which an earlier one may have left with frozen file systems.</summary>
    public bool MayBeFrozen { get; private init; }

    private int Answers { get; init; }

    /// <summary>An agent that has just connected.</summary>
    public static AgentMemory Connected(bool mayBeFrozen, TimeSpan now) => new() { MayBeFrozen = mayBeFrozen, AskAt = now };

    /// <param name="said">As the guest wrote them.</param>
    public AgentMemory Answered(IEnumerable<string> said, TimeSpan now) => this with
    {
        Addresses = GuestAddresses.Of(said),
        AskAt = now + (Answers < SoonAgain ? Soon : Often),
        Answers = Answers + 1,
        Failures = 0,
    };

    public AgentMemory Silenced(TimeSpan now) => this with
    {
        Addresses = null,
        AskAt = now + Silent.DelayAfter(Failures + 1),
        Failures = Failures + 1,
    };

    public AgentMemory Thawed() => this with { MayBeFrozen = false };
}
