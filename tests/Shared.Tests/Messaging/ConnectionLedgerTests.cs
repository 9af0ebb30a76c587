using NUnit.Framework;
using PonyCloud.Shared.Messaging.ZeroMq;

namespace PonyCloud.Shared.Tests.Messaging;

/// <summary>The sequences of reports are those of libzmq 4.3.</summary>
[TestFixture]
public sealed class ConnectionLedgerTests
{
    private readonly List<(string Address, string Reason)> _refused = [];
    private DoorCounters _counters = null!;
    private ConnectionLedger _ledger = null!;

    [SetUp]
    public void SetUp()
    {
        _refused.Clear();
        _counters = new DoorCounters();
        _ledger = new ConnectionLedger(_counters, (address, reason) => _refused.Add((address, reason)));
    }

    [Test]
    public void A_failure_belongs_to_the_connection_that_ends_next()
    {
        _ledger.Accepted(7, "192.0.2.7");
        _ledger.Accepted(8, "192.0.2.8");
        _ledger.HandshakeFailed("it swears");
        _ledger.Disconnected(8);
        _ledger.HandshakeSucceeded();
        _ledger.Disconnected(7);

        Assert.That(_refused, Is.EqualTo(new[] { ("192.0.2.8", "it swears") }));
        Assert.That((_counters.Accepted, _counters.Open, _counters.Handshakes, _counters.BrokenHandshakes), Is.EqualTo((2, 0, 1, 1)));
    }

    [Test]
    public void A_connection_that_ends_without_a_word_about_its_handshake_never_had_one()
    {
        _ledger.Accepted(7, "192.0.2.7");
        _ledger.Disconnected(7);

        Assert.That(_refused.Single().Address, Is.EqualTo("192.0.2.7"));
        Assert.That(_counters.BrokenHandshakes, Is.EqualTo(1));
    }

    [Test]
    public void A_connection_that_the_gate_refused_is_not_counted_again_when_it_ends()
    {
        _ledger.Accepted(7, "192.0.2.7");
        _ledger.HandshakeRefused();
        _ledger.Disconnected(7);

        Assert.That(_refused, Is.Empty);
        Assert.That((_counters.Open, _counters.BrokenHandshakes), Is.EqualTo((0, 0)));
    }

    [Test]
    public void The_end_of_a_connection_that_nobody_reported_changes_nothing()
    {
        _ledger.Disconnected(7);

        Assert.That(_counters.Open, Is.Zero);
        Assert.That(_refused, Is.Empty);
    }

    [Test]
    public void A_connection_that_could_not_be_taken_is_counted_apart()
    {
        _ledger.AcceptFailed("Too many open files");

        Assert.That((_counters.Accepted, _counters.FailedAccepts), Is.EqualTo((0, 1)));
        Assert.That(_refused.Single().Reason, Does.Contain("Too many open files"));
    }
}
