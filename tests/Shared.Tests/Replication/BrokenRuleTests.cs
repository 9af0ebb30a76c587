using NUnit.Framework;
using PonyCloud.Shared.Tests.Replication.Model;

namespace PonyCloud.Shared.Tests.Replication;

/// <summary>Each rule has a reason: without it, the search finds a way to break an invariant, and prints the shortest.</summary>
[TestFixture]
public sealed class BrokenRuleTests
{
    private static readonly Rules InChunks = new(Chunks: 3, ChunkWindow: 2, Window: 2, AcknowledgeEvery: 2);
    private static readonly Budget Some = new() { Changes = 2, Losses = 2, Doubles = 1, Overtakings = 1, Retries = 1 };

    private static readonly object[] Whole =
    [
        new object[] { Broken.SeqNotChecked, "I1", Some },
        new object[] { Broken.IncarnationNotChecked, "I1", new Budget { Changes = 2, Doubles = 1, SenderRestarts = 1 } },
        new object[] { Broken.StreamNotChecked, "I1", Some with { Losses = 1 } },
        new object[] { Broken.AnythingIsFullWhileWaiting, "I2", new Budget() },
        new object[] { Broken.StreamReused, "I4", Some },
        new object[] { Broken.OldRequestsAnswered, "I1", Some },
        new object[] { Broken.OldRequestsAnswered, "I4", Some },
        new object[] { Broken.NotReadyAnswers, "I2", new Budget { SenderRestarts = 1, Overtakings = 1 } },
    ];

    private static readonly object[] Chunked =
    [
        new object[] { Broken.HalfBuiltApplied, "I2", Some },
        new object[] { Broken.ForeignChunkTaken, "I1", new Budget { Changes = 1, Losses = 1, Overtakings = 1, Retries = 1 } },
        new object[] { Broken.ChunkSkipped, "I1", Some },
        new object[] { Broken.ChunkWindowIgnored, "I6", new Budget() },
        new object[] { Broken.WindowIgnored, "I6", new Budget { Changes = 3 } },
        new object[] { Broken.WaitingChangesLost, "I1", new Budget { Changes = 3 } },
        new object[] { Broken.ForeignAckTaken, "I6", Some },
        new object[] { Broken.SilentWhileSending, "I4", new Budget { Losses = 1, ReceiverRestarts = 1 } },
        new object[] { Broken.WindowStaysClosed, "I4", new Budget { Changes = 3, Losses = 1 } },
    ];

    private static readonly object[] Claims =
    [
        new object[] { Broken.TakenOverUnproved, true, "R9: the holder changed", new Budget { Changes = 1 } },
        new object[] { Broken.TakenOverUnproved, true, "R9: a peer was answered", new Budget { Questions = 1 } },
        new object[] { Broken.DisplacedHeard, true, "R9: what is shown", new Budget { Changes = 1, Drops = 1 } },
        new object[] { Broken.DisplacedHeard, true, "R9: a peer changed something", new Budget { Changes = 1, Drops = 1 } },
        new object[] { Broken.OlderCandidateKept, false, "I3", new Budget { Changes = 1, SenderRestarts = 1, Overtakings = 3 } },
        new object[] { Broken.AnyoneAnswered, true, "R9: a peer was answered", new Budget { Questions = 1 } },
        new object[] { Broken.ChallengeSkipped, true, "R9: two machines", new Budget() },
        new object[] { Broken.ContestNotEnded, false, "I4", new Budget { SenderRestarts = 1 } },
    ];

    [TestCaseSource(nameof(Whole))]
    public void The_search_finds_what_is_wrong_with(object broken, string violated, object budget) =>
        AssertFinds(new LinkModel($"{broken}", new Rules((Broken)broken), (Budget)budget), violated);

    [TestCaseSource(nameof(Chunked))]
    public void The_search_finds_what_is_wrong_with_chunks_and(object broken, string violated, object budget) =>
        AssertFinds(new LinkModel($"{broken}", InChunks with { Broken = (Broken)broken }, (Budget)budget), violated);

    [TestCase("I3")]
    [TestCase("I8")]
    public void The_search_finds_what_is_wrong_with_unchecked_epochs(string violated) =>
        AssertFinds(new HandoverModel("EpochNotChecked", new Rules(Broken.EpochNotChecked), new Budget { Changes = 1 }), violated);

    [TestCaseSource(nameof(Claims))]
    public void The_search_finds_what_is_wrong_with_claims_and(object broken, bool twins, string violated, object budget) =>
        AssertFinds(new SessionModel($"{broken}", twins, new Rules((Broken)broken), (Budget)budget), violated);

    private static void AssertFinds<TState>(IModel<TState> model, string violated)
        where TState : unmanaged
    {
        var finding = Search.Run(model, limit: 4_000_000, only: violated);
        TestContext.Out.WriteLine($"{model}: {finding}");
        Assert.That(finding.Violated, Is.Not.Null);
    }
}
