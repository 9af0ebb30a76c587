using System.Security.Cryptography;
using System.Text;
using NUnit.Framework;
using PonyCloud.Shared.Entities;
using PonyCloud.Shared.Messaging;
using PonyCloud.TestKit.Control;

namespace PonyCloud.Sparkle.Tests.Hosts;

/// <summary>A token makes one machine a host, once.</summary>
public sealed class EnrolmentTests
{
    private const string Token = "6f1c0d7d5f0a4a0e9b8c7d6e5f4a3b2c1d0e9f8a7b6c5d4e3f2a1b0c9d8e7f6a";

    private SimulatedPlatform _platform = null!;

    [SetUp]
    public void Start() => _platform = new SimulatedPlatform();

    [Test]
    public void A_machine_with_a_good_token_becomes_a_host_with_its_own_key_and_the_token_is_used_up()
    {
        Enrol(new EnrolmentDesired { Hash = Hash(Token), Name = "cloudsdale", Expires = Later });
        var machine = Machine(Token);
        _platform.Run(TimeSpan.FromSeconds(30));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(_platform.HostDesired(machine.Uuid), Is.EqualTo(new HostDesired
            {
                Uuid = machine.Uuid,
                Name = "cloudsdale",
                AgentKey = machine.Origin!.Key,
            }));
            Assert.That(_platform.HostCurrent(machine.Uuid)?.Status, Is.EqualTo(HostStatus.Present));
            Assert.That(_platform.Find("enrolment", Hash(Token)), Is.Null);
            Assert.That(_platform.State[SimulatedPlatform.Catalog["host_candidate"]].Rows, Is.Empty);
            Assert.That(_platform.Events.Select(e => e.Type), Does.Contain("host-enrolled"));
        }
    }

    [Test]
    public void A_host_without_a_name_of_its_own_is_named_after_its_uuid()
    {
        Enrol(new EnrolmentDesired { Hash = Hash(Token), Expires = Later });
        var machine = Machine(Token);
        _platform.Run(TimeSpan.FromSeconds(30));
        Assert.That(_platform.HostDesired(machine.Uuid).Name, Is.EqualTo(machine.Uuid.ToString()));
    }

    [Test]
    public void A_token_makes_one_host_only()
    {
        Enrol(new EnrolmentDesired { Hash = Hash(Token), Expires = Later });
        var first = Machine(Token);
        var second = Machine(Token);
        _platform.Run(TimeSpan.FromMinutes(1));
        Assert.That(new[] { first, second }.Select(machine => machine.Refusal), Is.EquivalentTo(new[] { null, "undeclared" }));
    }

    [Test]
    public void A_token_that_has_ended_or_that_nobody_made_is_good_for_nothing()
    {
        Enrol(new EnrolmentDesired { Hash = Hash(Token), Expires = _platform.Time.GetUtcNow() });
        SimulatedHost[] machines = [Machine(Token), Machine(Token.ToUpperInvariant()), Machine(Hash(Token))];
        _platform.Run(TimeSpan.FromMinutes(1));
        Assert.That(machines.Select(machine => machine.Refusal), Is.All.EqualTo("undeclared"));
        Assert.That(_platform.Find("enrolment", Hash(Token)), Is.Not.Null);
    }

    [Test]
    public void A_token_for_one_machine_serves_no_other()
    {
        var machine = Machine(Token);
        var other = Machine(Token);
        Enrol(new EnrolmentDesired { Hash = Hash(Token), Host = machine.Uuid, Expires = Later });
        _platform.Run(TimeSpan.FromMinutes(1));
        Assert.That(machine.Refusal, Is.Null);
        Assert.That(other.Refusal, Is.EqualTo("undeclared"));
    }

    [Test]
    public void A_token_that_names_a_declared_host_gives_it_its_first_key()
    {
        var machine = Machine(Token);
        var declared = new HostDesired { Uuid = machine.Uuid, Name = "declared", State = HostState.Evacuated };
        _platform.Commit(declared);
        Enrol(new EnrolmentDesired { Hash = Hash(Token), Host = machine.Uuid, Name = "other", Expires = Later });
        _platform.Run(TimeSpan.FromMinutes(1));
        Assert.That(_platform.HostDesired(machine.Uuid), Is.EqualTo(declared with { AgentKey = machine.Origin!.Key }));
    }

    [TestCase(HostState.Present, true, TestName = "A token takes no key from a host that has one")]
    [TestCase(HostState.Gone, false, TestName = "A token brings no host back that was given up")]
    public void A_token_overrules_nobody(HostState state, bool hasKey)
    {
        var machine = Machine(Token);
        var declared = new HostDesired
        {
            Uuid = machine.Uuid,
            Name = "declared",
            State = state,
            AgentKey = hasKey ? new string('k', 40) : null,
        };
        _platform.Commit(declared);
        Enrol(new EnrolmentDesired { Hash = Hash(Token), Host = machine.Uuid, Expires = Later });
        _platform.Run(TimeSpan.FromMinutes(1));
        Assert.That(_platform.HostDesired(machine.Uuid), Is.EqualTo(declared));
    }

    [Test]
    public void A_token_for_anybody_is_not_for_a_host_that_is_declared()
    {
        var machine = Machine(Token);
        _platform.Commit(new HostDesired { Uuid = machine.Uuid, Name = "declared" });
        Enrol(new EnrolmentDesired { Hash = Hash(Token), Expires = Later });
        _platform.Run(TimeSpan.FromMinutes(1));
        Assert.That(machine.Refusal, Is.EqualTo("without-key"));
    }

    [Test]
    public void While_the_database_is_away_a_token_waits()
    {
        Enrol(new EnrolmentDesired { Hash = Hash(Token), Expires = Later });
        _platform.IsDatabaseUp = false;
        var machine = Machine(Token);
        _platform.Run(TimeSpan.FromMinutes(1));
        Assert.That(machine.Refusal, Is.EqualTo("undeclared"));

        _platform.IsDatabaseUp = true;
        _platform.Run(TimeSpan.FromMinutes(1));
        Assert.That(machine.Refusal, Is.Null);
    }

    [Test]
    public void A_message_with_a_token_does_not_show_it() =>
        Assert.That(new Message.TwilightEnrol(Guid.NewGuid(), Token, null).ToString(), Does.Not.Contain(Token));

    private DateTimeOffset Later => _platform.Time.GetUtcNow().AddDays(1);

    private void Enrol(EnrolmentDesired enrolment) => _platform.Commit(enrolment);

    private SimulatedHost Machine(string token)
    {
        var machine = new SimulatedHost(_platform, Guid.NewGuid(), 1024) { EnrolmentToken = token };
        machine.Start();
        return machine;
    }

    private static string Hash(string token) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(token)));
}
