using NUnit.Framework;
using PonyCloud.Shared.Replication;
using PonyCloud.Shared.Tests.Replication.Model;

namespace PonyCloud.Shared.Tests.Replication;

/// <summary>
/// The product's sender and receiver beside the model, step by step: after each both must be in the same state, have the
/// same messages on their way, and have decided the same about what was delivered.
/// </summary>
[TestFixture]
public sealed class ModelComparisonTests
{
    // The product's own numbers, but for the window, which the receiver tells: a small one closes sooner.
    private static readonly Rules Chunked = new(
        Chunks: ReplicationSender.ChunkWindow + 2,
        ChunkWindow: ReplicationSender.ChunkWindow,
        Window: 2,
        AcknowledgeEvery: ReplicationReceiver.Window / 4);

    private const int Walks = 20_000;

    private static readonly LinkModel[] Small =
    [
        new("two losses", new Rules(), new Budget { Changes = 1, Losses = 2, Retries = 1 }, capacity: 2),
        new("an overtaking double", new Rules(), new Budget { Changes = 1, Doubles = 1, Overtakings = 1 }, capacity: 2),
        new("restarts", new Rules(), new Budget { Changes = 1, SenderRestarts = 1, ReceiverRestarts = 1, Drops = 1 }, capacity: 2),
        new("chunks", Chunked, new Budget { Changes = 1, Losses = 1, Retries = 1 }, capacity: 4),
        new("chunks and restarts", Chunked, new Budget { SenderRestarts = 1, ReceiverRestarts = 1 }, capacity: 4),
    ];

    [TestCaseSource(nameof(Small))]
    public void The_product_does_what_the_model_does_in_every_state_with(object model)
    {
        var (compared, difference) = Compare((LinkModel)model);
        TestContext.Out.WriteLine($"{model}: {compared} transitions compared");
        Assert.That(difference, Is.Null);
    }

    /// <summary>Every step out of every state, and how the product differs where it does first.</summary>
    private static (int Compared, string? Difference) Compare(LinkModel link)
    {
        var states = new StateSet<Link>();
        var how = new List<Step>();
        var steps = new Steps<Link>();
        var compared = 0;
        states.Add(link.Start, -1);
        how.Add(default);
        for (var number = 0; number < states.Count; number++)
        {
            var path = PathTo(states, how, number);
            steps.Clear();
            link.Expand(states[number], steps);
            foreach (ref readonly var taken in steps.All)
            {
                var real = new RealLink(link.Rules);
                foreach (var step in path)
                    real.Take(step);
                if (DifferenceAfter(link, states[number], taken.Step, real) is { } difference)
                    return (compared, difference);
                compared++;
                if (states.Add(taken.Next, number))
                    how.Add(taken.Step);
            }
        }
        return (compared, null);
    }

    [TestCase(false)]
    [TestCase(true)]
    public void The_product_does_what_the_model_does_on_random_walks(bool inChunks)
    {
        var (compared, difference) = Walk(inChunks ? Chunked : new Rules());
        TestContext.Out.WriteLine($"{Walks} walks, {compared} transitions compared");
        Assert.That(difference, Is.Null);
    }

    [TestCase(Broken.SeqNotChecked)]
    [TestCase(Broken.StreamNotChecked)]
    [TestCase(Broken.AnythingIsFullWhileWaiting)]
    [TestCase(Broken.StreamReused)]
    [TestCase(Broken.OldRequestsAnswered)]
    [TestCase(Broken.NotReadyAnswers)]
    [TestCase(Broken.ForeignChunkTaken)]
    [TestCase(Broken.ChunkSkipped)]
    [TestCase(Broken.WindowIgnored)]
    [TestCase(Broken.ForeignAckTaken)]
    [TestCase(Broken.WindowStaysClosed)]
    public void The_comparison_notices_a_model_that_leaves_out(object rule) =>
        Assert.That(Walk(Chunked with { Broken = (Broken)rule }).Difference, Is.Not.Null);

    [Test]
    public void The_comparison_notices_a_model_that_does_not_look_at_incarnations()
    {
        var rules = new Rules(Broken.IncarnationNotChecked);
        var link = new LinkModel("a doubled request", rules, new Budget { Changes = 1, Doubles = 1, SenderRestarts = 1 }, capacity: 2);
        Assert.That(Compare(link).Difference, Is.Not.Null);
    }

    /// <summary>Random walks through the model, and how the product differs where it does first.</summary>
    private static (int Compared, string? Difference) Walk(Rules rules)
    {
        const int MostRequests = 12; // The model's streams have no more numbers than 15.
        var budget = new Budget
        {
            Changes = 60,
            Losses = 4,
            Doubles = 4,
            Overtakings = 6,
            SenderRestarts = 2,
            ReceiverRestarts = 2,
            Retries = 3,
            Drops = 2,
        };
        var link = new LinkModel("walk", rules, budget, lastSeq: 100, capacity: 4);
        var steps = new Steps<Link>();
        var compared = 0;
        for (var walk = 0; walk < Walks; walk++)
        {
            var random = new Random(walk);
            var state = link.Start;
            var real = new RealLink(link.Rules);
            while (state.Budget.Changes > 0 && state.Receiver.Requests < MostRequests)
            {
                steps.Clear();
                link.Expand(state, steps);
                ref readonly var taken = ref steps.All[Choose(steps, random)];
                if (DifferenceAfter(link, state, taken.Step, real) is { } difference)
                    return (compared, difference);
                state = taken.Next;
                compared++;
            }
        }
        return (compared, null);
    }

    /// <summary>Mostly what makes progress, or no stream would ever get long.</summary>
    private static int Choose(Steps<Link> steps, Random random)
    {
        var progress = new List<int>();
        for (var index = 0; index < steps.All.Length; index++)
        {
            if (steps.All[index].Step is { What: LinkStep.DeliverUpdate or LinkStep.DeliverReply, Index: 0 } or { What: LinkStep.Change })
                progress.Add(index);
        }
        return progress.Count > 0 && random.Next(4) > 0 ? progress[random.Next(progress.Count)] : random.Next(steps.All.Length);
    }

    private static List<Step> PathTo(StateSet<Link> states, List<Step> how, int number)
    {
        var path = new List<Step>();
        for (; states.ParentOf(number) >= 0; number = states.ParentOf(number))
            path.Add(how[number]);
        path.Reverse();
        return path;
    }

    private static string? DifferenceAfter(LinkModel model, in Link before, Step step, RealLink real)
    {
        var after = before;
        var expected = model.Take(step, ref after);
        var outcome = real.Take(step);
        var visible = RealLink.Visible(after);
        var picture = real.Picture(visible);
        if (outcome == expected && StateSet<Link>.AreEqual(picture, visible))
            return null;
        return $"""
            After "{step}" the product is not where the model is.
            before:  {before}
            model:   {expected} {visible}
            product: {outcome} {picture}
            """;
    }
}
