using NUnit.Framework;
using PonyCloud.Shared.Entities;
using PonyCloud.Sparkle.Tests.Storage;

namespace PonyCloud.Sparkle.Tests.Networks;

[TestFixture]
public sealed class VnicViewTests
{
    private static readonly Guid Here = NetworksInMemory.Number(1);
    private static readonly Guid There = NetworksInMemory.Number(2);
    private static readonly InstanceDesired Instance = new() { Uuid = NetworksInMemory.Number(10), Name = "web", Mem = 64 };
    private static readonly VnicDesired Card = new()
    {
        Uuid = NetworksInMemory.Number(20),
        Instance = Instance.Uuid,
        Switch = NetworksInMemory.Number(30),
        Macaddr = "06:00:00:00:00:01",
    };

    private NetworksInMemory _networks = null!;

    [SetUp]
    public void Start()
    {
        _networks = new NetworksInMemory();
        _networks.Put(Instance, Card, new HostDesired { Uuid = Here, Name = "here" }, new HostDesired { Uuid = There, Name = "there" });
    }

    [Test]
    public void A_card_without_a_report_says_why()
    {
        Assert.That(_networks.Card(Card.Uuid), Is.EqualTo(new VnicCurrent { Uuid = Card.Uuid, Status = LinkStatus.Missing, Why = "Its instance is on no host." }));
        _networks.Put(Place(Here));
        Assert.That(_networks.Card(Card.Uuid)!.Why, Is.EqualTo("Its host has not reported it yet."));
    }

    [Test]
    public void What_the_host_of_the_port_says_is_shown_with_its_figures()
    {
        _networks.Put(Place(Here));
        _networks.Report(
            Says(Here, LinkStatus.Active) with { Link = "vt0", Mtu = 1450, RxBytes = 1, RxPackets = 2, TxBytes = 3, TxPackets = 4, Spoofed = 5, Refused = 6, Why = "w" },
            Says(There, LinkStatus.Broken));
        Assert.That(_networks.Card(Card.Uuid), Is.EqualTo(new VnicCurrent
        {
            Uuid = Card.Uuid,
            Status = LinkStatus.Active,
            Mtu = 1450,
            RxBytes = 1,
            RxPackets = 2,
            TxBytes = 3,
            TxPackets = 4,
            Spoofed = 5,
            Refused = 6,
            Why = "w",
        }));
    }

    [Test]
    public void With_the_port_goes_what_is_shown()
    {
        _networks.Put(Place(Here), Place(There));
        _networks.Report(
            Says(Here, LinkStatus.Active), Says(There, LinkStatus.Inactive), new HostInstanceCurrent { Host = Here, Instance = Instance.Uuid, Status = InstanceStatus.Running });
        Assert.That(_networks.Card(Card.Uuid)!.Status, Is.EqualTo(LinkStatus.Active));
        _networks.Report(
            new HostInstanceCurrent { Host = Here, Instance = Instance.Uuid, Status = InstanceStatus.Stopped },
            new HostInstanceCurrent { Host = There, Instance = Instance.Uuid, Status = InstanceStatus.Running });
        Assert.That(_networks.Card(Card.Uuid)!.Status, Is.EqualTo(LinkStatus.Inactive));
    }

    [Test]
    public void A_silent_host_makes_it_old_and_a_report_after_that_new()
    {
        var heard = StorageInMemory.Heard(Here, HostStatus.Present);
        var since = DateTimeOffset.UnixEpoch.AddDays(1);
        _networks.Put(Place(Here));
        _networks.Report(heard, Says(Here, LinkStatus.Active));
        Assert.That(_networks.Card(Card.Uuid)!.StaleSince, Is.Null);
        _networks.Report(heard with { Status = HostStatus.Unreachable, LastSeen = since });
        Assert.That(_networks.Card(Card.Uuid), Is.EqualTo(new VnicCurrent { Uuid = Card.Uuid, Status = LinkStatus.Active, StaleSince = since }));
        _networks.Report(heard);
        Assert.That(_networks.Card(Card.Uuid)!.StaleSince, Is.Null);
    }

    [Test]
    public void A_card_that_is_gone_and_one_of_a_template_show_nothing()
    {
        _networks.Put(Place(Here));
        _networks.Report(Says(Here, LinkStatus.Active));
        _networks.Put(Instance with { Template = true });
        Assert.That(_networks.Card(Card.Uuid), Is.Null);
        _networks.Put(Instance);
        _networks.Commit([NetworksInMemory.Gone("vnic", Card.Uuid.ToString())]);
        Assert.That(_networks.State[NetworksInMemory.Catalog["vnic"]].Count, Is.Zero);
    }

    private static HostInstanceDesired Place(Guid host) => new() { Host = host, Instance = Instance.Uuid };

    private static HostVnicCurrent Says(Guid host, LinkStatus status) => new() { Host = host, Vnic = Card.Uuid, Status = status };
}
