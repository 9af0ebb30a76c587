using NUnit.Framework;
using PonyCloud.Shared.Tests.Replication.Model;

namespace PonyCloud.Shared.Tests.Replication;

/// <summary>Every state that a mix of faults can lead to; see Model/README.md for what is modelled.</summary>
[TestFixture]
public sealed class ReplicationModelTests
{
    private static readonly Rules Whole = new();
    private static readonly Rules Chunked = new(Chunks: 3, ChunkWindow: 2, Window: 2, AcknowledgeEvery: 2);

    private static readonly LinkModel[] Links =
    [
        new("two losses", Whole, new Budget { Changes = 3, Losses = 2, Retries = 2 }),
        new("a loss and a double", Whole, new Budget { Changes = 3, Losses = 1, Doubles = 1, Retries = 1 }),
        new("a loss and an overtaking", Whole, new Budget { Changes = 3, Losses = 1, Overtakings = 1, Retries = 1 }),
        new("a loss, a double and an overtaking", Whole, new Budget { Changes = 2, Losses = 1, Doubles = 1, Overtakings = 1, Retries = 1 }),
        new("a restart of either side and a loss", Whole,
            new Budget { Changes = 2, Losses = 1, SenderRestarts = 1, ReceiverRestarts = 1, Retries = 1 }),
        new("a restart of the sender", Whole, new Budget { Changes = 1, Doubles = 1, Overtakings = 1, SenderRestarts = 1, Retries = 1 }),
        new("a restart of the receiver", Whole,
            new Budget { Changes = 1, Doubles = 1, Overtakings = 1, ReceiverRestarts = 1, Retries = 1 }),
        new("two restarts of the sender", Whole, new Budget { Changes = 2, Losses = 1, SenderRestarts = 2, Retries = 1 }),
        new("dropped streams", Whole, new Budget { Changes = 2, Losses = 1, Drops = 2, Retries = 1 }),
    ];

    private static readonly LinkModel[] ChunkedLinks =
    [
        new("chunks, two losses", Chunked, new Budget { Changes = 2, Losses = 2, Retries = 2 }),
        new("chunks, a loss and a double", Chunked, new Budget { Changes = 2, Losses = 1, Doubles = 1, Retries = 1 }),
        new("chunks, a loss and an overtaking", Chunked, new Budget { Changes = 2, Losses = 1, Overtakings = 1, Retries = 1 }),
        new("chunks, a double and an overtaking", Chunked, new Budget { Changes = 2, Doubles = 1, Overtakings = 1, Retries = 1 }),
        new("chunks and a restart of the sender", Chunked, new Budget { Changes = 2, Doubles = 1, SenderRestarts = 1, Retries = 1 }),
        new("chunks and a restart of the receiver", Chunked, new Budget { Changes = 2, Doubles = 1, ReceiverRestarts = 1, Retries = 1 }),
        new("chunks, a loss and restarts", Chunked,
            new Budget { Changes = 1, Losses = 1, SenderRestarts = 1, ReceiverRestarts = 1, Retries = 1 }),
        new("chunks and dropped streams", Chunked, new Budget { Changes = 2, Losses = 1, Drops = 1, Retries = 1 }),
        new("a window and many changes", Chunked, new Budget { Changes = 4, Losses = 1 }),
    ];

    private static readonly HandoverModel[] Handovers =
    [
        new("handover", Whole, new Budget { Changes = 1, Losses = 1, Overtakings = 1, Retries = 1 }),
        new("handover and a double", Whole, new Budget { Changes = 1, Doubles = 1, Retries = 1 }),
        new("handover and a restart of the host", Whole, new Budget { Changes = 1, Overtakings = 1, ReceiverRestarts = 1 }),
    ];

    private static readonly SessionModel[] Sessions =
    [
        new("a successor", false, Whole,
            new Budget { Changes = 1, Losses = 1, Doubles = 1, Overtakings = 1, SenderRestarts = 1, Questions = 1 }),
        new("two machines", true, Whole, new Budget { Changes = 1, Losses = 1, Questions = 1 }),
        new("two machines, one of them slow", true, Whole, new Budget { Changes = 1, Overtakings = 1, Drops = 2 }),
        new("two machines and a successor", true, Whole, new Budget { Changes = 1, SenderRestarts = 1, Drops = 1 }),
    ];

    [TestCaseSource(nameof(Links))]
    [TestCaseSource(nameof(ChunkedLinks))]
    public void One_stream_holds_all_invariants_with(object model) => AssertHolds((LinkModel)model);

    [TestCaseSource(nameof(Handovers))]
    public void A_lower_epoch_has_no_effect_with(object model) => AssertHolds((HandoverModel)model);

    [TestCaseSource(nameof(Sessions))]
    public void One_machine_is_shown_whole_with(object model) => AssertHolds((SessionModel)model);

    private static void AssertHolds<TState>(IModel<TState> model)
        where TState : unmanaged
    {
        var finding = Search.Run(model, limit: 4_000_000);
        TestContext.Out.WriteLine($"{model}: {finding}");
        Assert.That(finding.Violated, Is.Null);
        Assert.That(finding.IsComplete, Is.True);
    }
}
