using NUnit.Framework;
using PonyCloud.Shared.Replication;

namespace PonyCloud.Shared.Tests.Replication;

[TestFixture]
public sealed class ReplicationSenderTests
{
    [Test]
    public void A_sender_whose_state_is_not_complete_says_nothing()
    {
        var sender = new ReplicationSender("i");
        using (Assert.EnterMultipleScope())
        {
            Assert.That(sender.Partial([]), Is.Null);
            Assert.That(sender.Accepts(new StreamId("r", 1)), Is.False);
            Assert.That(sender.Accepts(null), Is.False);
            Assert.That(() => sender.Snapshot(new StreamId("r", 1), []), Throws.InvalidOperationException);
        }
    }

    [Test]
    public void A_request_that_is_not_newer_than_the_last_is_ignored()
    {
        var sender = new ReplicationSender("i");
        sender.BecomeReady();
        sender.Snapshot(new StreamId("r", 5), []);
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
        sender.Snapshot(new StreamId("a", 5), []);
        sender.Snapshot(new StreamId("b", 1), []);
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
            var snapshot = sender.Snapshot(new StreamId("r", request), []);
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
}
