using NUnit.Framework;
using PonyCloud.Shared.Entities;
using PonyCloud.Shared.Replication;
using PonyCloud.Shared.State;

namespace PonyCloud.Shared.Tests.Replication;

[TestFixture]
public sealed class ReplicationSenderTests
{
    private static readonly EntityCatalog Catalog = EntityCatalog.Load();

    [Test]
    public void A_sender_whose_state_is_not_complete_says_nothing()
    {
        var sender = new ReplicationSender("i");
        using (Assert.EnterMultipleScope())
        {
            Assert.That(sender.Partial([]), Is.Null);
            Assert.That(sender.Accepts(new StreamId("r", 1)), Is.False);
            Assert.That(sender.Accepts(null), Is.False);
            Assert.That(() => sender.Snapshot(new StreamId("r", 1), 0, []), Throws.InvalidOperationException);
        }
    }

    [Test]
    public void A_request_that_is_not_newer_than_the_last_is_ignored()
    {
        var sender = new ReplicationSender("i");
        sender.BecomeReady();
        sender.Snapshot(new StreamId("r", 5), 0, []);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(sender.Accepts(new StreamId("r", 5)), Is.False);
            Assert.That(sender.Accepts(new StreamId("r", 4)), Is.False);
            Assert.That(sender.Accepts(new StreamId("r", 6)), Is.True);
            Assert.That(sender.Accepts(new StreamId("other", 1)), Is.True);
        }
    }

    [Test]
    public void A_late_request_of_an_earlier_receiver_is_ignored_too()
    {
        var sender = new ReplicationSender("i");
        sender.BecomeReady();
        sender.Snapshot(new StreamId("a", 5), 0, []);
        sender.Snapshot(new StreamId("b", 1), 0, []);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(sender.Accepts(new StreamId("a", 5)), Is.False);
            Assert.That(sender.Accepts(new StreamId("a", 6)), Is.True);
        }
    }

    [Test]
    public void No_pair_of_stream_and_seq_is_used_twice()
    {
        var sender = new ReplicationSender("i");
        sender.BecomeReady();
        var used = new HashSet<(string?, long)>();
        for (var request = 1; request <= 5; request++)
        {
            var snapshot = (StateUpdate)sender.Snapshot(new StreamId("r", request), 0, []).Single();
            Assert.That(used.Add((snapshot.Stream?.ToString(), snapshot.Seq)), Is.True);
            for (var i = 0; i < 3; i++)
            {
                var partial = sender.Partial([])!;
                Assert.That(used.Add((partial.Stream?.ToString(), partial.Seq)), Is.True);
            }
            sender.DropStream(ready: true);
            var announcement = sender.Partial([])!;
            Assert.That(used.Add((announcement.Stream?.ToString(), announcement.Seq)), Is.True);
        }
    }

    [Test]
    public void Changes_without_a_stream_wait_for_the_snapshot()
    {
        var sender = new ReplicationSender("i");
        sender.BecomeReady();
        Assert.That(sender.Partial([default]), Is.Null);
    }

    private static RowChange Row(string key) =>
        RowChange.Set(Catalog["config"], RowPart.Desired, new ConfigDesired { Key = key, Value = JsonText.Parse("1") });

    private static ReplicationSender Ready()
    {
        var sender = new ReplicationSender("i");
        sender.BecomeReady();
        return sender;
    }

    [Test]
    public void A_large_full_state_goes_in_chunks_and_never_more_than_four_of_them_ahead()
    {
        var sender = Ready();
        var stream = new StreamId("r", 1);
        var chunks = Enumerable.Range(0, 10).Select(IReadOnlyList<RowChange> (i) => [Row($"k{i}")]).ToList();
        var sent = sender.Snapshot(stream, 32, chunks, new StateDigest(10, 7)).Cast<StateChunk>().ToList();
        Assert.That(sent.Select(chunk => chunk.Index), Is.EqualTo(new[] { 0, 1, 2, 3 }));
        Assert.That(sender.Partial([Row("changed")]), Is.Null, "changes wait for the end of the full state");
        Assert.That(sender.Partial([])!.Stream, Is.Null, "a keep-alive is for a receiver that started anew");

        for (var acknowledged = 0; acknowledged < 10; acknowledged++)
        {
            var more = sender.Acknowledged(new Acknowledgement(stream, 0, acknowledged)).Cast<StateChunk>().ToList();
            sent.AddRange(more);
            Assert.That(sender.Acknowledged(new Acknowledgement(stream, 0, acknowledged)), Is.Empty, "an acknowledgement counts once");
        }
        using (Assert.EnterMultipleScope())
        {
            Assert.That(sent.Select(chunk => chunk.Index), Is.EqualTo(Enumerable.Range(0, 10)));
            Assert.That(sent.Select(chunk => chunk.IsLast), Is.EqualTo(Enumerable.Range(0, 10).Select(i => i == 9)));
            Assert.That(sent[^1].Digest, Is.EqualTo(new StateDigest(10, 7)));
            Assert.That(sender.Partial([Row("changed")]), Has.Property("Seq").EqualTo(1));
        }
    }

    [Test]
    public void A_receiver_without_a_window_gets_a_full_state_in_one_piece()
    {
        var sender = Ready();
        var whole = (StateUpdate)sender.Snapshot(new StreamId("r", 1), 0, [[Row("a")], [Row("b")]]).Single();
        Assert.That(whole.Changes.Select(change => change.Key.Text), Is.EqualTo(new[] { "a", "b" }));
    }

    [Test]
    public void Changes_wait_while_a_window_of_them_is_unacknowledged_and_keep_alives_do_not()
    {
        var sender = Ready();
        var stream = new StreamId("r", 1);
        sender.Snapshot(stream, 3, [[]]);
        for (var i = 1; i <= 3; i++)
            Assert.That(sender.Partial([Row("a")]), Has.Property("Seq").EqualTo(i));
        Assert.That(sender.TakesChanges, Is.False);
        Assert.That(sender.Partial([Row("a")]), Is.Null);
        Assert.That(sender.Partial([]), Has.Property("Seq").EqualTo(4));

        sender.Acknowledged(new Acknowledgement(new StreamId("r", 0), 4));
        sender.Acknowledged(new Acknowledgement(stream, 5));
        Assert.That(sender.TakesChanges, Is.False, "an acknowledgement of another stream, or of what was not sent, counts for nothing");
        sender.Acknowledged(new Acknowledgement(stream, 2));
        Assert.That(sender.Partial([Row("a")]), Has.Property("Seq").EqualTo(5));
        Assert.That(sender.TakesChanges, Is.False);
    }

    [Test]
    public void A_new_request_gives_up_a_full_state_that_is_being_sent()
    {
        var sender = Ready();
        var chunks = Enumerable.Range(0, 9).Select(IReadOnlyList<RowChange> (i) => [Row($"k{i}")]).ToList();
        sender.Snapshot(new StreamId("r", 1), 32, chunks);
        sender.Snapshot(new StreamId("r", 2), 32, [[Row("now")]]);
        Assert.That(sender.Acknowledged(new Acknowledgement(new StreamId("r", 1), 0, 0)), Is.Empty);
        Assert.That(sender.State, Is.EqualTo(new SenderState.Streaming(new StreamId("r", 2), 1, 0)));
    }
}
