using NUnit.Framework;
using PonyCloud.Shared.Replication;

namespace PonyCloud.Shared.Tests.Replication;

[TestFixture]
public sealed class ReplicationReceiverTests
{
    private static readonly StreamId First = new("r", 1);

    private static StateUpdate Update(long seq, StreamId? stream, string incarnation = "i") => new(incarnation, seq, stream, []);

    private static ReplicationReceiver Synced(long next = 1)
    {
        var receiver = new ReplicationReceiver("r");
        receiver.Receive(Update(1, null), TimeSpan.Zero, 0);
        receiver.Receive(Update(0, First), TimeSpan.Zero, 0);
        for (var seq = 1; seq < next; seq++)
            receiver.Receive(Update(seq, First), TimeSpan.Zero, 0);
        return receiver;
    }

    [Test]
    public void The_first_message_whatever_it_is_leads_to_a_request()
    {
        var receiver = new ReplicationReceiver("r");
        Assert.That(receiver.Receive(Update(0, null), TimeSpan.Zero, 0), Is.EqualTo(new ReceiveOutcome.Request(First)));
    }

    [Test]
    public void While_waiting_nothing_but_the_awaited_snapshot_counts()
    {
        var receiver = new ReplicationReceiver("r");
        receiver.Receive(Update(1, null), TimeSpan.Zero, 0);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(receiver.Receive(Update(1, First), TimeSpan.Zero, 0), Is.TypeOf<ReceiveOutcome.Ignore>());
            Assert.That(receiver.Receive(Update(0, new StreamId("r", 2)), TimeSpan.Zero, 0), Is.TypeOf<ReceiveOutcome.Ignore>());
            Assert.That(receiver.Receive(Update(0, new StreamId("x", 1)), TimeSpan.Zero, 0), Is.TypeOf<ReceiveOutcome.Ignore>());
            Assert.That(receiver.Receive(Update(5, null), TimeSpan.Zero, 0), Is.TypeOf<ReceiveOutcome.Ignore>());
            Assert.That(receiver.Receive(Update(0, First), TimeSpan.Zero, 0), Is.TypeOf<ReceiveOutcome.Replace>());
        }
    }

    [Test]
    public void A_snapshot_without_a_stream_is_taken_from_a_basic_peer_only()
    {
        var basic = new ReplicationReceiver("r");
        basic.Receive(Update(1, null), TimeSpan.Zero, 0);
        Assert.That(basic.Receive(Update(0, null), TimeSpan.Zero, 0), Is.TypeOf<ReceiveOutcome.Replace>());

        var streaming = Synced();
        streaming.Receive(Update(7, First), TimeSpan.Zero, 0);
        Assert.That(streaming.Receive(Update(0, null), TimeSpan.Zero, 0), Is.TypeOf<ReceiveOutcome.Ignore>());
    }

    [TestCase(3, "r", 1, "i", ExpectedResult = "Apply", TestName = "The_next_partial_is_applied")]
    [TestCase(2, "r", 1, "i", ExpectedResult = "Ignore", TestName = "A_seq_already_seen_is_ignored")]
    [TestCase(0, "r", 1, "i", ExpectedResult = "Ignore", TestName = "A_repeated_snapshot_is_ignored")]
    [TestCase(4, "r", 1, "i", ExpectedResult = "Request", TestName = "A_gap_leads_to_a_request")]
    [TestCase(3, "r", 0, "i", ExpectedResult = "Ignore", TestName = "An_older_stream_is_ignored")]
    [TestCase(3, "r", 2, "i", ExpectedResult = "Request", TestName = "A_newer_stream_leads_to_a_request")]
    [TestCase(3, "s", 1, "i", ExpectedResult = "Request", TestName = "A_stream_of_somebody_else_leads_to_a_request")]
    [TestCase(3, "r", 1, "j", ExpectedResult = "Request", TestName = "Another_incarnation_leads_to_a_request")]
    [TestCase(3, null, 0, "i", ExpectedResult = "Request", TestName = "An_update_without_a_stream_leads_to_a_request")]
    public string When_in_step(long seq, string? prefix, long counter, string incarnation) =>
        Synced(next: 3).Receive(Update(seq, prefix is null ? null : new StreamId(prefix, counter), incarnation), TimeSpan.Zero, 0).GetType().Name;

    [Test]
    public void Requests_are_repeated_under_new_names_at_growing_intervals_up_to_thirty_seconds()
    {
        var receiver = new ReplicationReceiver("r");
        receiver.Receive(Update(1, null), TimeSpan.Zero, 0.999);
        var at = TimeSpan.Zero;
        var intervals = new List<double>();
        for (var retry = 2; retry <= 9; retry++)
        {
            var due = ((ReceiverState.Waiting)receiver.State).RetryAt;
            Assert.That(receiver.Tick(due - TimeSpan.FromMilliseconds(1), 0.999), Is.Null);
            Assert.That(receiver.Tick(due, 0.999), Is.EqualTo(new StreamId("r", retry)));
            intervals.Add((due - at).TotalSeconds);
            at = due;
        }
        Assert.That(intervals, Is.Ordered);
        Assert.That(intervals[^1], Is.EqualTo(30).Within(0.1));
        Assert.That(intervals[0], Is.GreaterThanOrEqualTo(1));
    }
}
