using FsCheck;
using FsCheck.Fluent;
using NUnit.Framework;
using PonyCloud.Shared.Replication;
using PonyCloud.Shared.Tests.Replication.Model;

namespace PonyCloud.Shared.Tests.Replication;

/// <summary>
/// The product's sender and receiver under schedules of any order and length, without the model: a schedule that breaks an
/// invariant is made as short as it can be.
/// </summary>
[TestFixture]
public sealed class ReplicationProperties
{
    private const int KeepAlives = 4;

    // What a number of a schedule means; simpler things come first, since shrinking makes numbers smaller. What makes
    // progress is there more often, or no stream would ever get long.
    private static readonly Step[] Meanings =
    [
        .. Enumerable.Repeat(new Step(LinkStep.DeliverUpdate, 0), 14),
        .. Enumerable.Repeat(new Step(LinkStep.DeliverReply, 0), 10),
        .. Enumerable.Repeat(new Step(LinkStep.KeepAlive), 4),
        .. Enumerable.Repeat(new Step(LinkStep.Change, 0), 4),
        .. Enumerable.Repeat(new Step(LinkStep.Change, 1), 4),
        new(LinkStep.Tell),
        new(LinkStep.Remove, 0),
        new(LinkStep.LoseUpdate),
        new(LinkStep.LoseReply),
        new(LinkStep.Retry),
        new(LinkStep.DoubleUpdateLate),
        new(LinkStep.DoubleReplyLate),
        new(LinkStep.DeliverUpdate, 1),
        new(LinkStep.DeliverReply, 1),
        new(LinkStep.DeliverUpdate, 3),
        new(LinkStep.AskAnew),
        new(LinkStep.BecomeReady),
        new(LinkStep.RestartSender),
        new(LinkStep.RestartReceiver),
        new(LinkStep.DropStream),
        new(LinkStep.LoseReadiness),
    ];

    private static readonly Rules InChunks = new(
        Chunks: ReplicationSender.ChunkWindow + 2,
        ChunkWindow: ReplicationSender.ChunkWindow,
        Window: 3);

    private static Arbitrary<byte[]> Schedule => ArbMap.Default.ArbFor<byte[]>();

    private static Config Runs => Config.QuickThrowOnFailure.WithMaxTest(3_000).WithEndSize(250);

    [Test]
    public void Whatever_happens_to_whole_states_the_invariants_hold() =>
        Check.One(Runs, Prop.ForAll(Schedule, schedule => Holds(schedule, new Rules())));

    [Test]
    public void Whatever_happens_to_states_in_chunks_the_invariants_hold() =>
        Check.One(Runs, Prop.ForAll(Schedule, schedule => Holds(schedule, InChunks)));

    // No chunk reaches the new receiver, and no acknowledgement of the old one is on its way: only a keep-alive is left.
    [Test]
    public void A_receiver_started_anew_is_greeted_by_a_sender_that_waits_for_its_predecessor()
    {
        var link = new RealLink(InChunks);
        link.Take(new Step(LinkStep.KeepAlive));
        link.Take(new Step(LinkStep.DeliverUpdate, 0));
        link.Take(new Step(LinkStep.DeliverReply, 0));
        while (link.CanTake(new Step(LinkStep.LoseUpdate)))
            link.Take(new Step(LinkStep.LoseUpdate));
        link.Take(new Step(LinkStep.RestartReceiver));
        Assert.That(link.AgreesWithin(KeepAlives), Is.True);
    }

    private static Property Holds(byte[] schedule, Rules rules)
    {
        var violated = Violated(schedule, rules);
        var steps = schedule.Select(number => Meanings[number % Meanings.Length]);
        return (violated is null).Label($"{violated} after {string.Join(", ", steps)}");
    }

    /// <summary>What a schedule breaks first, and null when all holds.</summary>
    private static string? Violated(byte[] schedule, Rules rules)
    {
        var link = new RealLink(rules);
        var newest = default(Rows);
        foreach (var number in schedule)
        {
            var step = Meanings[number % Meanings.Length];
            if (!link.CanTake(step))
                continue;
            var before = step.What == LinkStep.RestartReceiver ? default : link.Copy;
            newest = step.What == LinkStep.RestartReceiver ? default : newest;
            link.Take(step);
            for (var row = 0; row < 2; row++)
            {
                var now = link.Copy[row];
                if (before[row].IsThere && !now.IsThere && link.Removed[row].Version <= before[row].Version)
                    return "I2";
                if (now.IsThere && now.Version < newest[row].Version)
                    return "I3";
            }
            newest = newest.With(link.Copy);
            if (link.IsCrowded)
                return "I5 or I6";
            if (link.IsQuietAndInStep && !link.Copy.LookLike(link.Source))
                return "I1";
        }
        return link.AgreesWithin(KeepAlives) ? null : "I4";
    }
}
