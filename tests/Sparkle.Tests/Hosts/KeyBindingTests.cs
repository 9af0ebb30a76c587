using NUnit.Framework;
using PonyCloud.Shared.Entities;
using PonyCloud.Shared.Messaging;
using PonyCloud.Shared.Replication;
using PonyCloud.Shared.State;
using PonyCloud.TestKit.Control;

namespace PonyCloud.Sparkle.Tests.Hosts;

/// <summary>A host is bound to its key, over the whole platform.</summary>
public sealed class KeyBindingTests
{
    private static readonly MessageCodec Codec = new(SimulatedPlatform.Catalog);

    private SimulatedPlatform _platform = null!;

    [SetUp]
    public void Start() => _platform = new SimulatedPlatform();

    [Test]
    public void A_machine_with_another_key_changes_nothing_of_the_host_and_is_an_event()
    {
        var (host, before) = Running();
        var claim = Claim(host.Uuid);
        claim.Start();
        _platform.Run(TimeSpan.FromMinutes(5));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(claim.Refusal, Is.EqualTo("other-key"));
            Assert.That(claim.Heard, Has.All.TypeOf<Message.SparkleRefused>());
            Assert.That(_platform.HostCurrent(host.Uuid), Is.EqualTo(before));
            Assert.That(Impersonations, Is.Not.Empty.And.All.EqualTo(host.Uuid));
            Assert.That(Impersonations, Has.Count.LessThanOrEqualTo(6), "once a minute");
        }
    }

    [Test]
    public void A_forged_message_of_any_kind_moves_nothing()
    {
        var (host, before) = Running();
        var revision = _platform.State.Revision;
        var refused = _platform.Door.Refused;
        var forged = RowChange.Set(SimulatedPlatform.Catalog["host"], RowPart.Current, before with { Kernel = "forged" });
        Message[] messages =
        [
            new Message.TwilightUpdate(host.Uuid, new StateUpdate("x", 0, null, [forged])),
            new Message.TwilightUpdate(host.Uuid, new StateUpdate("x", 1, null, [])),
            new Message.TwilightResync(host.Uuid, null),
            new Message.TwilightNotify(host.Uuid, new Notification("made-up", EventSeverity.Error, null, default, null)),
        ];
        foreach (var message in messages)
        {
            // Also under the routing id of the session, should somebody get hold of it.
            _platform.ToSparkle(host.Peer, Codec.Encode(message), SimulatedHost.OriginOf(Guid.NewGuid(), "198.51.100.1"));
            _platform.ToSparkle(host.Peer, Codec.Encode(message), null);
        }

        using (Assert.EnterMultipleScope())
        {
            Assert.That(_platform.State.Revision, Is.EqualTo(revision));
            Assert.That(_platform.Events.Select(e => e.Type), Does.Not.Contain("made-up"));
            Assert.That(_platform.Door.Refused - refused, Is.EqualTo(8));
        }
    }

    [Test]
    public void A_host_that_claims_to_be_another_one_is_an_event_on_the_host_whose_key_it_is()
    {
        var (liar, _) = Running();
        var stranger = Guid.NewGuid();
        var claim = new SimulatedHost(_platform, stranger, 1024) { Origin = liar.Origin };
        claim.Start();
        _platform.Run();

        Assert.That(claim.Refusal, Is.EqualTo("undeclared"));
        Assert.That(Impersonations, Is.EqualTo(new[] { liar.Uuid }));
        Assert.That(_platform.Events.Single(e => e.Type == "host-impersonated").Data!.Text, Does.Contain(stranger.ToString()));
    }

    [Test]
    public void A_new_key_ends_the_sessions_of_the_old_one_and_what_was_reported_stays_until_it_is_replaced()
    {
        var (host, before) = Running();
        var successor = SimulatedHost.OriginOf(Guid.NewGuid());
        _platform.Commit(_platform.HostDesired(host.Uuid) with { AgentKey = successor.Key });
        var instance = _platform.AddInstance(_platform.AddTenant());
        _platform.Run(TimeSpan.FromSeconds(30));
        using (Assert.EnterMultipleScope())
        {
            Assert.That(host.Refusal, Is.EqualTo("other-key"));
            Assert.That(host.DesiredRows("instance"), Is.Empty, "the old key is told nothing any more");
            Assert.That(_platform.HostCurrent(host.Uuid), Is.EqualTo(before));
        }

        host.Origin = successor;
        host.Start();
        _platform.Run();
        Assert.That(host.Domains, Is.EqualTo(new[] { instance.Uuid }));
        Assert.That(host.Refusal, Is.Null);
    }

    [Test]
    public void A_cleared_key_ends_the_session_and_silence_makes_what_was_reported_old()
    {
        var (host, _) = Running();
        var declared = _platform.HostDesired(host.Uuid);
        _platform.Commit(declared with { AgentKey = null });
        _platform.Run(TimeSpan.FromMinutes(2));
        using (Assert.EnterMultipleScope())
        {
            Assert.That(host.Refusal, Is.EqualTo("without-key"));
            Assert.That(_platform.HostCurrent(host.Uuid), Has.Property("Status").EqualTo(HostStatus.Unreachable).And.Property("LastSeen").Not.Null);
            Assert.That(Impersonations, Is.Empty);
        }

        _platform.Commit(declared);
        _platform.Run(TimeSpan.FromSeconds(30));
        Assert.That(_platform.HostCurrent(host.Uuid)?.Status, Is.EqualTo(HostStatus.Present));
    }

    [Test]
    public void A_change_of_anything_but_the_key_ends_no_session()
    {
        var (host, _) = Running();
        host.IsReachable = false;
        _platform.Commit(_platform.HostDesired(host.Uuid) with { Name = "other" });
        host.IsReachable = true;
        _platform.Run(TimeSpan.FromSeconds(1));
        Assert.That(host.Heard, Has.None.TypeOf<Message.SparkleRefused>());
    }

    [Test]
    public void The_gate_knows_the_keys_of_all_hosts_and_of_nobody_else()
    {
        var first = _platform.AddHost();
        var second = _platform.AddHost();
        Assert.That(_platform.Gate.Known, Is.EquivalentTo(new[] { first.Origin!.Key, second.Origin!.Key }));

        _platform.Commit(_platform.HostDesired(first.Uuid) with { State = HostState.Gone });
        Assert.That(_platform.Gate.Known, Is.EquivalentTo(new[] { second.Origin!.Key }));
        _platform.Delete("host", second.Uuid.ToString());
        Assert.That(_platform.Gate.Known, Is.Empty);
        _platform.Commit(_platform.HostDesired(first.Uuid) with { State = HostState.Present });
        Assert.That(_platform.Gate.Known, Is.EquivalentTo(new[] { first.Origin!.Key }));

        _platform.RestartController();
        Assert.That(_platform.Gate.Known, Is.EquivalentTo(new[] { first.Origin!.Key }));
    }

    private List<Guid?> Impersonations => [.. _platform.Events.Where(e => e.Type == "host-impersonated").Select(e => e.Host)];

    private (SimulatedHost Host, HostCurrent Current) Running()
    {
        var host = _platform.AddHost();
        _platform.Run();
        return (host, _platform.HostCurrent(host.Uuid)!);
    }

    /// <summary>Another machine with the same uuid.</summary>
    private SimulatedHost Claim(Guid uuid) => new(_platform, uuid, 65536)
    {
        Origin = SimulatedHost.OriginOf(Guid.NewGuid(), "198.51.100.1"),
    };
}
