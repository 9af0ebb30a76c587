using NUnit.Framework;
using PonyCloud.Shared.Entities;
using PonyCloud.Shared.Messaging;
using PonyCloud.Shared.Replication;
using PonyCloud.Shared.State;
using PonyCloud.TestKit.Control;

namespace PonyCloud.Sparkle.Tests.Control;

/// <summary>What the controller's rooms do together, over simulated hosts.</summary>
[TestFixture]
public sealed class PlatformTests
{
    private SimulatedPlatform _platform = null!;

    [SetUp]
    public void Start() => _platform = new SimulatedPlatform();

    [Test]
    public void An_instance_that_is_to_run_is_placed_and_its_owner_sees_it_running()
    {
        var host = _platform.AddHost();
        var instance = _platform.AddInstance(_platform.AddTenant());
        _platform.Run();
        using (Assert.EnterMultipleScope())
        {
            Assert.That(host.Domains, Is.EqualTo(new[] { instance.Uuid }));
            Assert.That(_platform.InstanceCurrent(instance.Uuid)?.Status, Is.EqualTo(InstanceStatus.Running));
        }
    }

    [Test]
    public void A_host_is_sent_only_what_concerns_it()
    {
        var first = _platform.AddHost();
        var second = _platform.AddHost();
        var tenant = _platform.AddTenant();
        _platform.Run();
        for (var i = 0; i < 6; i++)
        {
            _platform.AddInstance(tenant);
            _platform.Run(TimeSpan.FromSeconds(3));
        }
        foreach (var host in new[] { first, second })
        {
            Assert.That(host.Domains, Has.Count.EqualTo(3), "memory is spread evenly");
            Assert.That(host.DesiredRows("instance").Select(row => Guid.Parse(row.Key.Text)), Is.EquivalentTo(host.Domains));
            Assert.That(host.DesiredRows("host").Select(row => row.Key.Text), Is.EqualTo(new[] { host.Uuid.ToString() }));
            Assert.That(host.DesiredRows("tenant"), Is.Empty);
        }
    }

    [Test]
    public void An_instance_stays_where_it_is_when_a_better_host_appears()
    {
        var host = _platform.AddHost(memory: 1024);
        var instance = _platform.AddInstance(_platform.AddTenant());
        _platform.Run();
        _platform.AddHost(memory: 65536);
        _platform.Commit(instance with { State = InstanceState.Stopped });
        _platform.Run();
        _platform.Commit(instance with { State = InstanceState.Running });
        _platform.Run();
        Assert.That(host.Domains, Is.EqualTo(new[] { instance.Uuid }));
    }

    [Test]
    public void Without_room_an_instance_waits_with_the_reason_and_starts_when_there_is_room()
    {
        _platform.AddHost(memory: 512);
        var instance = _platform.AddInstance(_platform.AddTenant(), mem: 2048);
        _platform.Run();
        Assert.That(_platform.InstanceCurrent(instance.Uuid), Has
            .Property("Status").EqualTo(InstanceStatus.Waiting)
            .And.Property("Why").Contains("2048 MiB"));

        var large = _platform.AddHost(memory: 8192);
        _platform.Run();
        Assert.That(large.Domains, Is.EqualTo(new[] { instance.Uuid }));
    }

    [Test]
    public void An_instance_of_a_tenant_that_is_not_approved_waits_for_that()
    {
        var host = _platform.AddHost();
        var tenant = _platform.AddTenant(approved: false);
        var instance = _platform.AddInstance(tenant);
        _platform.Run();
        Assert.That(_platform.InstanceCurrent(instance.Uuid)?.Why, Does.Contain("approved"));

        _platform.Commit(new TenantDesired { Uuid = tenant, Name = "tenant", Approved = true });
        _platform.Run();
        Assert.That(host.Domains, Is.EqualTo(new[] { instance.Uuid }));
    }

    [Test]
    public void A_deleted_instance_leaves_its_owners_view_at_once_although_the_host_still_has_it()
    {
        var host = _platform.AddHost();
        var instance = _platform.AddInstance(_platform.AddTenant());
        _platform.Run();
        host.Obeys = false;
        _platform.Delete("instance", instance.Uuid.ToString());
        using (Assert.EnterMultipleScope())
        {
            Assert.That(_platform.Find("instance", instance.Uuid.ToString()), Is.Null);
            Assert.That(_platform.Find("host_instance", host.Uuid.ToString(), instance.Uuid.ToString()), Has
                .Property("Desired").Null.And.Property("Current").Not.Null, "operators see what is left to be cleaned up");
        }
    }

    [Test]
    public void A_silent_host_is_shown_as_unreachable_with_the_age_of_what_it_said_and_its_instances_are_started_nowhere_else()
    {
        var host = _platform.AddHost();
        var instance = _platform.AddInstance(_platform.AddTenant());
        _platform.Run();
        var other = _platform.AddHost();
        host.IsReachable = false;
        _platform.Run(TimeSpan.FromMinutes(10));
        using (Assert.EnterMultipleScope())
        {
            Assert.That(_platform.HostCurrent(host.Uuid), Has.Property("Status").EqualTo(HostStatus.Unreachable).And.Property("LastSeen").Not.Null);
            Assert.That(_platform.InstanceCurrent(instance.Uuid), Has
                .Property("Status").EqualTo(InstanceStatus.Running).And.Property("StaleSince").Not.Null);
            Assert.That(other.Domains, Is.Empty);
            Assert.That(_platform.Events.Select(e => e.Type), Does.Contain("host-unreachable"));
        }

        host.IsReachable = true;
        _platform.Run(TimeSpan.FromMinutes(1));
        using (Assert.EnterMultipleScope())
        {
            Assert.That(_platform.HostCurrent(host.Uuid), Has.Property("Status").EqualTo(HostStatus.Present).And.Property("LastSeen").Null);
            Assert.That(_platform.InstanceCurrent(instance.Uuid), Has.Property("StaleSince").Null);
        }
    }

    [Test]
    public void A_host_that_an_operator_deletes_is_gone_at_once_and_its_instances_start_elsewhere()
    {
        var host = _platform.AddHost();
        var instance = _platform.AddInstance(_platform.AddTenant());
        _platform.Run();
        var other = _platform.AddHost();
        _platform.Run();
        host.IsReachable = false;
        _platform.Delete("host", host.Uuid.ToString());
        Assert.That(_platform.Find("host", host.Uuid.ToString()), Is.Null);
        _platform.Run();
        Assert.That(other.Domains, Is.EqualTo(new[] { instance.Uuid }));
    }

    [Test]
    public void A_host_that_an_operator_gives_up_is_as_good_as_deleted_but_keeps_its_row()
    {
        var host = _platform.AddHost();
        var instance = _platform.AddInstance(_platform.AddTenant());
        _platform.Run();
        var other = _platform.AddHost();
        _platform.Run();
        _platform.Commit(_platform.HostDesired(host.Uuid) with { State = HostState.Gone });
        using (Assert.EnterMultipleScope())
        {
            Assert.That(_platform.Find("host", host.Uuid.ToString()), Has.Property("Current").Null.And.Property("Desired").Not.Null);
            Assert.That(_platform.Find("host_instance", host.Uuid.ToString(), instance.Uuid.ToString()), Is.Null);
        }

        _platform.Run();
        using (Assert.EnterMultipleScope())
        {
            Assert.That(other.Domains, Is.EqualTo(new[] { instance.Uuid }));
            Assert.That(host.Domains, Is.EqualTo(new[] { instance.Uuid }), "it is not spoken to, so it goes on by itself");
            Assert.That(_platform.HostCurrent(host.Uuid), Is.Null, "nothing is taken from it");
        }
    }

    [Test]
    public void A_host_that_comes_back_cleans_up_what_is_no_longer_its_own()
    {
        var host = _platform.AddHost();
        var instance = _platform.AddInstance(_platform.AddTenant());
        _platform.Run();
        var other = _platform.AddHost();
        _platform.Run();
        var declared = _platform.HostDesired(host.Uuid);
        _platform.Commit(declared with { State = HostState.Gone });
        _platform.Run();
        _platform.Commit(declared);
        _platform.Run();
        using (Assert.EnterMultipleScope())
        {
            Assert.That(_platform.HostCurrent(host.Uuid)?.Status, Is.EqualTo(HostStatus.Present));
            Assert.That(host.Domains, Is.Empty);
            Assert.That(other.Domains, Is.EqualTo(new[] { instance.Uuid }));
        }
    }

    [Test]
    public void A_restarted_controller_has_both_states_again_and_touches_nothing()
    {
        var host = _platform.AddHost();
        var instance = _platform.AddInstance(_platform.AddTenant());
        _platform.Run();
        _platform.RestartController();
        Assert.That(_platform.InstanceCurrent(instance.Uuid)?.Status, Is.Not.EqualTo(InstanceStatus.Running), "nobody has reported it yet");
        _platform.Run();
        using (Assert.EnterMultipleScope())
        {
            Assert.That(_platform.InstanceCurrent(instance.Uuid)?.Status, Is.EqualTo(InstanceStatus.Running));
            Assert.That(host.Domains, Is.EqualTo(new[] { instance.Uuid }));
        }
    }

    [Test]
    public void A_restarted_agent_reports_its_instances_and_is_told_what_they_are_to_be()
    {
        var host = _platform.AddHost();
        var instance = _platform.AddInstance(_platform.AddTenant());
        _platform.Run();
        host.Start();
        _platform.Run();
        using (Assert.EnterMultipleScope())
        {
            Assert.That(host.DesiredRows("instance").Select(row => row.Key.Text), Is.EqualTo(new[] { instance.Uuid.ToString() }));
            Assert.That(_platform.InstanceCurrent(instance.Uuid)?.Status, Is.EqualTo(InstanceStatus.Running));
        }
    }

    [Test]
    public void With_the_database_away_hosts_are_still_heard_and_a_change_made_meanwhile_arrives_after_it_is_back()
    {
        var host = _platform.AddHost();
        var instance = _platform.AddInstance(_platform.AddTenant());
        _platform.Run();
        _platform.IsDatabaseUp = false;
        _platform.Commit(instance with { Vcpu = 3 });
        _platform.Run(TimeSpan.FromMinutes(5));
        Assert.That(_platform.HostCurrent(host.Uuid)?.Status, Is.EqualTo(HostStatus.Present));

        _platform.IsDatabaseUp = true;
        _platform.Reload();
        _platform.Run();
        Assert.That(((InstanceDesired)host.DesiredRows("instance").Single().Desired!).Vcpu, Is.EqualTo(3));
    }

    [Test]
    public void A_host_can_neither_change_nor_remove_what_another_reports()
    {
        var host = _platform.AddHost();
        var liar = _platform.AddHost();
        _platform.Run();
        var before = _platform.HostCurrent(host.Uuid);
        var entity = SimulatedPlatform.Catalog["host"];
        liar.Say(new Message.TwilightUpdate(liar.Uuid, new StateUpdate("liar", 1, null, [])));
        liar.Say(new Message.TwilightUpdate(liar.Uuid, new StateUpdate("liar", 0, null, [RowChange.Set(entity, RowPart.Current, before! with { Kernel = "forged" })])));
        liar.Say(new Message.TwilightUpdate(liar.Uuid, new StateUpdate("liar", 1, null, [RowChange.Remove(entity, RowPart.Current, RowKey.Of(host.Uuid))])));
        Assert.That(_platform.HostCurrent(host.Uuid), Is.EqualTo(before));
    }

    [Test]
    public void A_machine_that_nobody_declared_gets_nothing()
    {
        var stranger = new SimulatedHost(_platform, Guid.NewGuid(), 1024);
        stranger.Start();
        _platform.Run();
        using (Assert.EnterMultipleScope())
        {
            Assert.That(stranger.DesiredRows("host"), Is.Empty);
            Assert.That(_platform.Find("host", stranger.Uuid.ToString()), Is.Null);
        }
    }

    [Test]
    public void A_process_that_only_claims_a_uuid_does_not_take_over_its_session()
    {
        var host = _platform.AddHost();
        _platform.Run();
        var claim = new SimulatedHost(_platform, host.Uuid, 1024);
        claim.Start(); // Greets, and then never completes the exchange.
        claim.IsReachable = false;
        _platform.Run(TimeSpan.FromSeconds(2));
        var instance = _platform.AddInstance(_platform.AddTenant());
        _platform.Run();
        Assert.That(host.Domains, Is.EqualTo(new[] { instance.Uuid }));
    }

    [Test]
    public void Garbage_is_counted_and_changes_nothing()
    {
        var host = _platform.AddHost();
        _platform.Run();
        var before = _platform.State.Revision;
        var random = new Random(1);
        for (var i = 0; i < 1000; i++)
        {
            var bytes = new byte[random.Next(200)];
            random.NextBytes(bytes);
            _platform.ToSparkle(host.Peer, bytes, host.Origin);
        }
        Assert.That(_platform.State.Revision, Is.EqualTo(before));
    }
}
