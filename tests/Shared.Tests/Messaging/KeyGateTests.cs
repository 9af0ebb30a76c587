using System.Collections.Immutable;
using NUnit.Framework;
using PonyCloud.Shared.Messaging;
using PonyCloud.TestKit.Time;

namespace PonyCloud.Shared.Tests.Messaging;

[TestFixture]
public sealed class KeyGateTests
{
    private static readonly KeyGateOptions Options = new()
    {
        Burst = 5,
        Pace = TimeSpan.FromSeconds(1),
        AddressBurst = 2,
        AddressPace = TimeSpan.FromSeconds(10),
    };

    private int _keys;

    [Test]
    public void A_known_key_gets_in_however_often_it_comes()
    {
        var gate = new KeyGate(new ManualTime(), Options) { Known = ["friend"] };

        Assert.That(Enumerable.Range(0, 100).All(_ => gate.Admits("friend", "192.0.2.1")), Is.True);
        Assert.That(gate.Knows("friend"), Is.True);
        Assert.That(gate.AdmittedStrangers + gate.RefusedStrangers, Is.Zero);
    }

    [Test]
    public void A_known_key_gets_in_when_strangers_have_used_up_everything()
    {
        var gate = new KeyGate(new ManualTime(), Options) { Known = ["friend"] };
        AdmittedFrom(gate, 100, attempt => $"192.0.2.{attempt}");

        Assert.That(gate.Admits("friend", "192.0.2.1"), Is.True);
    }

    [Test]
    public void Strangers_of_one_address_get_in_up_to_its_burst_and_then_at_its_pace()
    {
        var time = new ManualTime();
        var gate = new KeyGate(time, Options) { Known = [] };

        Assert.That(AdmittedFrom(gate, 10, _ => "192.0.2.1"), Is.EqualTo(2));
        time.Advance(TimeSpan.FromSeconds(9));
        Assert.That(AdmittedFrom(gate, 10, _ => "192.0.2.1"), Is.Zero);
        time.Advance(TimeSpan.FromSeconds(1));
        Assert.That(AdmittedFrom(gate, 10, _ => "192.0.2.1"), Is.EqualTo(1));
        time.Advance(TimeSpan.FromHours(1));
        Assert.That(AdmittedFrom(gate, 10, _ => "192.0.2.1"), Is.EqualTo(2));
        Assert.That((gate.AdmittedStrangers, gate.RefusedStrangers), Is.EqualTo((5, 35)));
    }

    [Test]
    public void Strangers_of_many_addresses_get_in_up_to_one_burst_and_then_at_one_pace()
    {
        var time = new ManualTime();
        var gate = new KeyGate(time, Options) { Known = [] };

        Assert.That(AdmittedFrom(gate, 100, attempt => $"192.0.2.{attempt}"), Is.EqualTo(5));
        time.Advance(TimeSpan.FromSeconds(3));
        Assert.That(AdmittedFrom(gate, 100, attempt => $"198.51.100.{attempt}"), Is.EqualTo(3));
    }

    [Test]
    public void Who_is_refused_by_one_address_takes_nothing_from_the_others()
    {
        var gate = new KeyGate(new ManualTime(), Options) { Known = [] };
        AdmittedFrom(gate, 1000, _ => "192.0.2.1");

        Assert.That(AdmittedFrom(gate, 2, _ => "192.0.2.2"), Is.EqualTo(2));
    }

    [TestCase("2001:db8::1", "2001:db8::2:3:4:5", Description = "one network of 64 bits")]
    [TestCase("192.0.2.1", "::ffff:192.0.2.1", Description = "IPv4 on a socket of both families")]
    [TestCase("no address", "no address")]
    public void Addresses_of_one_source_share_their_burst(string one, string other)
    {
        var gate = new KeyGate(new ManualTime(), Options) { Known = [] };

        Assert.That(AdmittedFrom(gate, 10, attempt => attempt % 2 == 0 ? one : other), Is.EqualTo(2));
    }

    [Test]
    public void Networks_of_IPv6_are_told_apart()
    {
        var gate = new KeyGate(new ManualTime(), Options) { Known = [] };

        Assert.That(AdmittedFrom(gate, 10, attempt => attempt % 2 == 0 ? "2001:db8:0:1::1" : "2001:db8:0:2::1"), Is.EqualTo(4));
    }

    [Test]
    public void A_key_is_known_from_when_the_set_holds_it_until_the_set_no_longer_does()
    {
        var gate = new KeyGate(new ManualTime(), Options) { Known = [] };
        AdmittedFrom(gate, 10, _ => "192.0.2.1");

        Assert.That(gate.Admits("pony", "192.0.2.1"), Is.False);
        gate.Known = gate.Known.Add("pony");
        Assert.That(gate.Admits("pony", "192.0.2.1"), Is.True);
        gate.Known = ImmutableHashSet<string>.Empty;
        Assert.That(gate.Admits("pony", "192.0.2.1"), Is.False);
    }

    [Test]
    public void Keys_that_differ_by_case_are_different_whatever_the_set_compares_by()
    {
        var gate = new KeyGate(new ManualTime(), Options) { Known = ImmutableHashSet.Create<string>(StringComparer.OrdinalIgnoreCase, "pony") };

        Assert.That((gate.Knows("pony"), gate.Knows("PONY")), Is.EqualTo((true, false)));
    }

    [Test]
    public void Addresses_are_forgotten_once_they_have_their_whole_burst_again()
    {
        var time = new ManualTime();
        var gate = new KeyGate(time, Options) { Known = [] };

        for (var i = 0; i < 10_000; i++)
        {
            time.Advance(TimeSpan.FromSeconds(1));
            Assert.That(gate.Admits("k" + i, $"10.0.{i / 256}.{i % 256}"), Is.True);
        }

        Assert.That(gate.RememberedAddresses, Is.LessThanOrEqualTo(64));
    }

    [Test]
    public void A_burst_or_a_pace_of_nothing_is_refused()
    {
        Assert.That(() => new KeyGate(new ManualTime(), new KeyGateOptions { Burst = 0 }), Throws.ArgumentException);
        Assert.That(() => new KeyGate(new ManualTime(), new KeyGateOptions { AddressBurst = 0 }), Throws.ArgumentException);
        Assert.That(() => new KeyGate(new ManualTime(), new KeyGateOptions { Pace = TimeSpan.Zero }), Throws.ArgumentException);
        Assert.That(() => new KeyGate(new ManualTime(), new KeyGateOptions { AddressPace = TimeSpan.Zero }), Throws.ArgumentException);
    }

    /// <summary>How many of so many strangers, each with a key of its own, get in.</summary>
    private int AdmittedFrom(KeyGate gate, int attempts, Func<int, string> address) =>
        Enumerable.Range(0, attempts).Count(attempt => gate.Admits($"key {_keys++}", address(attempt)));

    [Test]
    public void Before_it_is_told_who_is_known_everybody_gets_in()
    {
        var gate = new KeyGate(new ManualTime(), Options);
        for (var i = 0; i < 1000; i++)
            Assert.That(gate.Admits($"key{i}", "10.0.0.1"), Is.True);
        gate.Known = [];
        Assert.That(gate.Knows("key1"), Is.False);
        Assert.That(gate.AdmittedStrangers, Is.Zero);
    }
}
