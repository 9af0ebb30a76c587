using NUnit.Framework;
using PonyCloud.Shared.Entities;
using PonyCloud.Shared.Replication;
using PonyCloud.Shared.State;

namespace PonyCloud.Shared.Tests.Replication;

[TestFixture]
public sealed class ReplicationReceiverTests
{
    private static readonly EntityCatalog Catalog = EntityCatalog.Load();
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

    private static StateChunk Chunk(int index, bool isLast = false, long counter = 1, string incarnation = "i") =>
        new(incarnation, new StreamId("r", counter), index, isLast, [RowChange.Remove(Catalog["config"], RowPart.Desired, RowKey.Of($"k{index}"))]);

    private static ReplicationReceiver Waiting()
    {
        var receiver = new ReplicationReceiver("r");
        receiver.Receive(Update(1, null), TimeSpan.Zero, 0);
        return receiver;
    }

    [Test]
    public void Chunks_count_all_at_once_when_the_last_is_there_and_each_is_acknowledged()
    {
        var receiver = Waiting();
        for (var i = 0; i < 3; i++)
        {
            var outcome = receiver.Receive(Chunk(i), TimeSpan.Zero, 0);
            Assert.That(outcome, Is.EqualTo(new ReceiveOutcome.Ignore { Acknowledge = new Acknowledgement(First, 0, i) }));
        }
        var whole = (ReceiveOutcome.Replace)receiver.Receive(Chunk(3, isLast: true), TimeSpan.Zero, 0);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(whole.Rows.Select(row => row.Key.Text), Is.EqualTo(new[] { "k0", "k1", "k2", "k3" }));
            Assert.That(whole.Acknowledge, Is.EqualTo(new Acknowledgement(First, 0)));
            Assert.That(receiver.Receive(Update(1, First), TimeSpan.Zero, 0), Is.TypeOf<ReceiveOutcome.Apply>());
        }
    }

    [Test]
    public void A_chunk_that_is_not_the_next_is_not_taken()
    {
        var receiver = Waiting();
        Assert.That(receiver.Receive(Chunk(1), TimeSpan.Zero, 0), Is.EqualTo(new ReceiveOutcome.Ignore()));
        receiver.Receive(Chunk(0), TimeSpan.Zero, 0);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(receiver.Receive(Chunk(2), TimeSpan.Zero, 0), Is.EqualTo(new ReceiveOutcome.Ignore()), "a gap");
            Assert.That(receiver.Receive(Chunk(0), TimeSpan.Zero, 0).Acknowledge, Is.EqualTo(new Acknowledgement(First, 0, 0)), "a repetition");
            Assert.That(receiver.Receive(Chunk(1, counter: 2), TimeSpan.Zero, 0), Is.EqualTo(new ReceiveOutcome.Ignore()), "another stream");
            Assert.That(receiver.Receive(Chunk(1, incarnation: "j"), TimeSpan.Zero, 0), Is.EqualTo(new ReceiveOutcome.Ignore()), "another incarnation");
            Assert.That(receiver.Receive(Update(1, First), TimeSpan.Zero, 0), Is.EqualTo(new ReceiveOutcome.Ignore()), "a partial update");
            Assert.That(((ReceiverState.Assembling)receiver.State).Next, Is.EqualTo(1));
        }
    }

    [Test]
    public void Half_a_full_state_is_forgotten_when_its_next_chunk_does_not_come()
    {
        var receiver = Waiting();
        receiver.Receive(Chunk(0), TimeSpan.FromSeconds(0.9), 0);
        Assert.That(receiver.Tick(TimeSpan.FromSeconds(1.8), 0), Is.Null, "a chunk puts the retry off");
        Assert.That(receiver.Tick(TimeSpan.FromSeconds(1.9), 0), Is.EqualTo(new StreamId("r", 2)));
        var whole = (ReceiveOutcome.Replace)receiver.Receive(Chunk(0, isLast: true, counter: 2), TimeSpan.FromSeconds(2), 0);
        Assert.That(whole.Rows, Has.Count.EqualTo(1));
    }

    [Test]
    public void Partial_updates_are_acknowledged_often_enough_for_the_window_never_to_close()
    {
        var receiver = Synced();
        var acknowledged = Enumerable.Range(1, 40)
            .Select(seq => receiver.Receive(Update(seq, First), TimeSpan.Zero, 0).Acknowledge?.Seq)
            .Where(seq => seq is not null);
        Assert.That(acknowledged, Is.EqualTo(new long?[] { 8, 16, 24, 32, 40 }));
        Assert.That(receiver.Taken, Is.EqualTo(new Acknowledgement(First, 40)));
    }
}
