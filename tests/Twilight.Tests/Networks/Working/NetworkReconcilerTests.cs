using NUnit.Framework;
using PonyCloud.Shared.Entities;
using PonyCloud.Twilight.Instances;
using PonyCloud.Twilight.Networks;
using PonyCloud.Twilight.Networks.Model;
using PonyCloud.Twilight.Networks.Trials;
using static PonyCloud.Twilight.Tests.Networks.Hosts;

namespace PonyCloud.Twilight.Tests.Networks.Working;

public sealed class NetworkReconcilerTests
{
    private static readonly LinkAddress BootedAddress = new("eth0", "192.0.2.10/24", IsOurs: false);

    private NetworkBench _bench = null!;

    [SetUp]
    public void Make() => _bench = new NetworkBench(Booted);

    [TearDown]
    public async Task EndAsync() => await _bench.DisposeAsync();

    [Test]
    public async Task Before_any_order_the_cards_are_shown_and_nothing_is_touched()
    {
        await _bench.UntilAsync("the cards", () => _bench.Rows<HostNicCurrent>("host_nic").Count() == 2);
        Assert.That(_bench.Rows<HostNicCurrent>("host_nic").Select(nic => (nic.Nic, nic.Link, nic.Status)),
            Is.EquivalentTo(new[] { (CardA, "eth0", LinkStatus.Ready), (CardB, "eth1", LinkStatus.Ready) }));
        Assert.That(_bench.Stack.Applied, Is.Empty);
    }

    [Test]
    public async Task What_the_host_booted_with_is_carried_by_the_bond_until_the_new_address_is_known_to_work()
    {
        _bench.Order(Bond(), [CardA, CardB], Role(NetRole.Management, "192.0.2.20", gateway: "192.0.2.1"));
        await _bench.UntilAsync("the bond", () => Here(new LinkAddress(BondLink, "192.0.2.20/24")));
        Assert.That(_bench.Here.Addresses, Does.Contain(new LinkAddress(BondLink, "192.0.2.10/24")), "it survives");
        Assert.That(_bench.Here.Links["eth0"].Master, Is.EqualTo(BondLink));
        Assert.That(_bench.Here.Routes, Does.Contain(new Route("default", false, "192.0.2.1", BondLink, Metric: 98)));

        _bench.Routes.Route = new SparkleRoute("192.0.2.1", BondLink, "192.0.2.10");
        _bench.Hear();
        await _bench.UntilAsync("the new address alone", () => !Here(new LinkAddress(BondLink, "192.0.2.10/24")));
        _bench.Hear();
        await _bench.UntilAsync("the bond to be shown", () => _bench.Bond is { Link: not null, Why: null });
        Assert.That(_bench.Here.Addresses.Where(address => !address.Address.StartsWith("fe80", StringComparison.Ordinal)),
            Is.EquivalentTo([new LinkAddress(BondLink, "192.0.2.20/24")]));
        Assert.That(_bench.Notifications, Is.Empty);
    }

    [Test]
    public async Task A_path_over_which_Sparkle_is_not_heard_comes_back_and_the_rows_say_why()
    {
        _bench.Order(Bond(), [CardA, CardB]);
        await _bench.UntilAsync("the bond", () => _bench.Here.Links.ContainsKey(BondLink));
        await _bench.UntilAsync("what was before", () => Here(BootedAddress) && _bench.Bond?.Why is not null);

        Assert.That(_bench.Here.Links.Keys, Does.Not.Contain(BondLink));
        Assert.That(_bench.Here.Links["eth0"].Master, Is.Empty);
        Assert.That(_bench.Here.Routes, Does.Contain(new Route("default", false, "192.0.2.1", "eth0", IsOurs: false)));
        Assert.That(_bench.Bond!.Status, Is.EqualTo(LinkStatus.Broken));
        Assert.That(_bench.Bond.Why, Does.Contain("Sparkle was not heard within 60 s"));
        Assert.That(_bench.Notifications.Single().Type, Is.EqualTo("network-rolled-back"));

        // The same orders are not tried again; others are.
        var steps = _bench.Stack.Applied.Count;
        _bench.Send();
        _bench.Time.Advance(TimeSpan.FromMinutes(5));
        await _bench.UntilAsync("the bond to be shown as broken", () => _bench.Bond is { Status: LinkStatus.Broken });
        Assert.That(_bench.Stack.Applied, Has.Count.EqualTo(steps));
        _bench.Order(Bond(mtu: 9000), [CardA, CardB]);
        await _bench.UntilAsync("another trial", () => _bench.Here.Links.ContainsKey(BondLink));
    }

    [Test]
    public async Task What_fails_on_the_way_back_is_tried_again_until_all_is_there()
    {
        _bench.Stack.Refuse = step => step is NetworkStep.AddAddress { Address.IsOurs: false } ? "not now" : null;
        _bench.Order(Bond(), [CardA, CardB]);
        await _bench.UntilAsync("the bond", () => _bench.Here.Links.ContainsKey(BondLink));
        await _bench.UntilAsync("the platform's own to be gone", () => !_bench.Here.Links.ContainsKey(BondLink));
        Assert.That(Here(BootedAddress), Is.False);
        await _bench.EndAsync();

        // Another agent goes on with it.
        _bench.Stack.Refuse = null;
        _bench.Begin();
        await _bench.UntilAsync("what was before", () => Here(BootedAddress));
        Assert.That(_bench.Here.Routes, Does.Contain(new Route("default", false, "192.0.2.1", "eth0", IsOurs: false)));
    }

    [Test]
    public async Task Sparkle_heard_over_half_of_what_was_before_confirms_nothing([Values] bool isKilled)
    {
        var refused = 0;
        _bench.Stack.Refuse = step =>
        {
            if (step is not NetworkStep.AddAddress { Address.IsOurs: false })
                return null;
            Interlocked.Increment(ref refused);
            return "not now";
        };
        _bench.Order(Bond(), [CardA, CardB]);
        await _bench.UntilAsync("the bond", () => _bench.Here.Links.ContainsKey(BondLink));
        await _bench.UntilAsync("the platform's own to be gone", () => !_bench.Here.Links.ContainsKey(BondLink));
        if (isKilled)
        {
            await _bench.EndAsync();
            _bench.Begin();
        }
        _bench.Hear();
        var before = Volatile.Read(ref refused);
        await _bench.UntilAsync("two more attempts", () => Volatile.Read(ref refused) > before + 1);
        Assert.That(_bench.Here.Links.Keys, Does.Not.Contain(BondLink), "what was tried is not made again");

        _bench.Stack.Refuse = null;
        await _bench.UntilAsync("what was before", () => Here(BootedAddress) && _bench.Notifications.Count > 0);
        Assert.That(_bench.Notifications.Single().Type, Is.EqualTo("network-rolled-back"));
        Assert.That(_bench.Here.Links.Keys, Does.Not.Contain(BondLink));
    }

    [Test]
    public async Task What_was_on_its_way_before_is_no_sign()
    {
        _bench.Order(Bond(), [CardA, CardB]);
        await _bench.UntilAsync("the bond", () => _bench.Here.Links.ContainsKey(BondLink));
        _bench.Sign.Hear();
        await _bench.UntilAsync("what was before", () => Here(BootedAddress) && !_bench.Here.Links.ContainsKey(BondLink));
    }

    [Test]
    public async Task A_trial_whose_agent_was_killed_is_ended_by_the_next_one_even_without_orders()
    {
        _bench.Order(Bond(), [CardA, CardB]);
        await _bench.UntilAsync("the bond", () => _bench.Here.Links.ContainsKey(BondLink));
        await _bench.EndAsync();

        _bench.Begin();
        await _bench.UntilAsync("what was before", () => Here(BootedAddress) && !_bench.Here.Links.ContainsKey(BondLink));
    }

    [Test]
    public async Task A_change_beside_the_path_is_no_trial()
    {
        _bench.Order(Bond(BondMode.Single), [CardB], Role(NetRole.Virtual, "198.51.100.20"));
        await _bench.UntilAsync("the address", () => Here(new LinkAddress("eth1", "198.51.100.20/24")));
        _bench.Time.Advance(TimeSpan.FromMinutes(5));
        await _bench.UntilAsync("the role", () => _bench.Rows<HostNetRoleCurrent>("host_net_role").Any(role => role.Link == "eth1"));
        Assert.That(Here(new LinkAddress("eth1", "198.51.100.20/24")), "it stays without a word of Sparkle");
    }

    [Test]
    public async Task What_somebody_else_changed_is_put_right_and_told()
    {
        _bench.Order(Bond(BondMode.Single), [CardB], Role(NetRole.Virtual, "198.51.100.20"));
        await _bench.UntilAsync("the address", () => Here(new LinkAddress("eth1", "198.51.100.20/24")));
        _bench.Stack.Change(state => state.With(NetworkState.Host, state[NetworkState.Host] with
        {
            Addresses = state[NetworkState.Host].Addresses.Remove(new LinkAddress("eth1", "198.51.100.20/24"))
                .Add(new LinkAddress("eth1", "203.0.113.9/24", IsOurs: false)),
        }));
        await _bench.UntilAsync("it to be told", () => _bench.Notifications.Any(one => one.Type == "network-drift"));
        Assert.That(Here(new LinkAddress("eth1", "198.51.100.20/24")));
        Assert.That(Here(new LinkAddress("eth1", "203.0.113.9/24", IsOurs: false)), "what the platform did not make stays");
    }

    [Test]
    public async Task What_the_kernel_refuses_is_the_reason_in_the_row_and_is_tried_again()
    {
        _bench.Stack.Refuse = step => step is NetworkStep.AddLink ? "Operation not supported" : null;
        _bench.Routes.Route = null;
        _bench.Order(Bond(), [CardB]);
        await _bench.UntilAsync("the reason", () => _bench.Bond is { Status: LinkStatus.Broken, Why: "Operation not supported" });
        _bench.Stack.Refuse = null;
        await _bench.UntilAsync("the bond", () => _bench.Bond is { Why: null, Link: not null });
    }

    [Test]
    public async Task A_card_is_ready_when_its_tap_is_in_its_switch_behind_its_filter()
    {
        var (instance, vnic, @switch) = (Guid.NewGuid(), Guid.NewGuid(), Guid.NewGuid());
        Assert.That(_bench.Cards.Of(vnic).Readiness, Is.EqualTo(CardReadiness.Waiting));
        _bench.Filter.Failure = new NetworkException("The table is locked.");
        _bench.Set("switch", new SwitchDesired { Uuid = @switch, Name = "lan", Tag = 7 });
        _bench.Set("instance", new InstanceDesired { Uuid = instance, Name = "guest", Mem = 64 });
        _bench.Set("host_instance", new HostInstanceDesired { Host = Host, Instance = instance });
        _bench.Set("vnic", new VnicDesired { Uuid = vnic, Instance = instance, Switch = @switch, Macaddr = "06:00:00:00:00:01" });
        _bench.Order(Bond(BondMode.Single), [CardB], Role(NetRole.Virtual, "198.51.100.20"));
        await _bench.UntilAsync("the reason", () => _bench.Cards.Of(vnic).Why == "The table is locked.");
        Assert.That(_bench.Here.Links.Keys, Does.Not.Contain(LinkNames.Tap(vnic)), "not before the filter");

        _bench.Filter.Failure = null;
        await _bench.UntilAsync("the card", () => _bench.Cards.Of(vnic) is { Readiness: CardReadiness.Ready, Mtu: 1450 });
        Assert.That(_bench.Filter.Transactions, Is.EqualTo(1));
        await _bench.UntilAsync("the rows", () => _bench.Rows<HostVnicCurrent>("host_vnic").Any(row => row is { Status: LinkStatus.Ready })
            && _bench.Rows<HostSwitchCurrent>("host_switch").Any(row => row.Mtu == 1450));

        _bench.Remove("host_instance", Host.ToString(), instance.ToString());
        _bench.Send();
        await _bench.UntilAsync("the switch to go with its last card", () => !_bench.Here.Links.ContainsKey(LinkNames.Bridge(@switch)));
    }

    private bool Here(LinkAddress address) => _bench.Here.Addresses.Contains(address);
}
