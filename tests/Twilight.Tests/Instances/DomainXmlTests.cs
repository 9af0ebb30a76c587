using NUnit.Framework;
using PonyCloud.Shared.Entities;
using PonyCloud.TestKit.Processes;
using PonyCloud.Twilight.Hypervisor;
using PonyCloud.Twilight.Instances;

namespace PonyCloud.Twilight.Tests.Instances;

/// <summary>
/// The XML of domains, compared with the files in Golden. To accept a change on purpose, run the tests with
/// PONYCLOUD_UPDATE_GOLDEN=1 and read the difference.
/// </summary>
public sealed class DomainXmlTests
{
    private static readonly InstanceDesired Instance = new()
    {
        Uuid = Guid.Parse("9ece4546-1199-42b0-acf5-1b68f393683a"),
        Tenant = Guid.Parse("0c1c3e46-3d8e-4b61-bb4c-9d6f8a0e5f11"),
        Name = "web-1",
        Vcpu = 2,
        Mem = 512,
    };

    private static readonly CpuProfileDesired Profile = new()
    {
        Uuid = Guid.Parse("6b3cfa2e-9b07-4c9c-9d3c-0f6f3f0d4a52"),
        Name = "plain",
        Model = "Skylake-Server",
        Features = TextList.Of(["pcid", "aes"]),
    };

    private static readonly DomainOptions Options = new()
    {
        Accelerator = Accelerator.Kvm,
        ConsoleDirectory = "/var/log/ponycloud/console",
    };

    [Test]
    public void An_instance_under_kvm_gets_the_hosts_processor() => CompareWithGolden("kvm.xml", Instance, null, Options);

    [Test]
    public void An_instance_under_emulation_gets_all_that_can_be_emulated() =>
        CompareWithGolden("tcg.xml", Instance, null, Options with { Accelerator = Accelerator.Tcg });

    [Test]
    public void A_cpu_profile_becomes_a_custom_model_that_the_host_must_have() =>
        CompareWithGolden("profile.xml", Instance, Profile, Options);

    [Test]
    public void A_diskless_instance_boots_a_kernel() => CompareWithGolden("kernel.xml", Instance, null, Options with
    {
        Boot = new DisklessBoot.Kernel("/boot/vmlinuz", "/boot/initrd.img", "console=ttyS0 \"quoted\" <&>"),
    });

    [Test]
    public void A_diskless_instance_boots_a_rom() => CompareWithGolden("rom.xml", Instance, null, Options with
    {
        Boot = new DisklessBoot.Rom("/usr/share/guest.rom"),
        Emulator = "/usr/bin/qemu-system-x86_64",
    });

    [Test]
    public void Cards_come_in_their_order_and_each_has_its_own_port() => CompareWithGolden(
        "cards.xml", Instance, null, Options, Card(0) with { Mtu = 1450 }, Card(1) with { Model = VnicModel.E1000e, IsUp = false },
        Card(15) with { Model = VnicModel.Rtl8139 });

    [Test]
    public void A_card_beyond_the_spare_ports_brings_more_of_them() => CompareWithGolden("many-cards.xml", Instance, null, Options, Card(31));

    [Test]
    public void Cards_leave_the_shape_since_they_come_and_go_while_the_guest_runs()
    {
        var definition = DomainXml.For(Instance, null, [Card(0)], [], Options);

        Assert.That(definition.Shape, Is.EqualTo(Shape(Instance)));
        Assert.That(DomainXml.For(Instance, null, [Card(31)], [], Options).Shape, Is.EqualTo(Shape(Instance)), "with more ports");
        Assert.That(definition.Xml, Does.Contain("<interface"));
    }

    [Test]
    public void A_link_is_set_with_all_else_as_it_is_seen()
    {
        var card = Card(3) with { Mtu = 1450 };
        var seen = ObservedInterface.Of(CardXml.For(card));

        var changed = CardXml.WithLink(seen, isUp: false);

        Assert.That(seen, Is.EqualTo(new ObservedInterface
        {
            Vnic = card.Vnic,
            Target = "pct00000003cccc",
            HardwareAddress = "52:54:00:00:00:03",
            Model = "virtio",
            IsUp = true,
            Mtu = 1450,
        }));
        Assert.That(ObservedInterface.Of(changed), Is.EqualTo(seen with { IsUp = false }));
    }

    [Test]
    public void A_card_that_somebody_else_plugged_in_is_none_of_the_platforms()
    {
        var cards = ObservedInterface.AllOf(
            "<domain><devices><interface type='user'><mac address='52:54:00:AA:00:00'/><model type='virtio'/><alias name='net0'/></interface>"
            + "<interface type='user'><alias name='ua-mine'/></interface></devices></domain>");

        Assert.That(cards.Select(card => card.Vnic), Is.EqualTo(new Guid?[] { null, null }));
        Assert.That(cards[0].HardwareAddress, Is.EqualTo("52:54:00:aa:00:00"));
    }

    [Test]
    public void Every_change_that_the_guest_would_see_changes_the_shape()
    {
        string[] shapes =
        [
            Shape(Instance), Shape(Instance with { Vcpu = 3 }), Shape(Instance with { Mem = 513 }), Shape(Instance with { Name = "web-2" }),
            DomainXml.For(Instance, Profile, [], [], Options).Shape,
            DomainXml.For(Instance, Profile with { Features = TextList.Empty }, [], [], Options).Shape,
        ];

        Assert.That(shapes, Is.Unique);
    }

    [Test]
    public void What_the_guest_does_not_see_leaves_the_shape()
    {
        var other = Instance with { State = InstanceState.Paused, StopTimeout = 1, Rcpu = 1, Tenant = Guid.NewGuid() };

        Assert.That(Shape(other), Is.EqualTo(Shape(Instance)));
    }

    [Test]
    public void A_domain_of_ours_is_known_by_its_mark()
    {
        var mark = new DomainMetadata(Instance.Uuid, "abc");
        var domain = new ObservedDomain { Uuid = Instance.Uuid, Name = "x", State = DomainState.Off, Metadata = mark.ToXml().ToString() };

        Assert.That(DomainMetadata.Of(domain), Is.EqualTo(mark));
        Assert.That(DomainMetadata.Of(domain with { Uuid = Guid.NewGuid() }), Is.Null, "a copy that somebody made of it");
        Assert.That(DomainMetadata.Of(domain with { Metadata = "<instance uuid='x' shape='y'/>" }), Is.Null);
        Assert.That(DomainMetadata.Of(domain with { Metadata = "<instance" }), Is.Null);
        Assert.That(DomainMetadata.Of(domain with { Metadata = null }), Is.Null);
    }

    private static InstanceCard Card(int index) => new()
    {
        Vnic = Guid.Parse($"{index:x8}-cccc-0000-0000-000000000000"),
        Index = index,
        HardwareAddress = $"52:54:00:00:00:{index:x2}",
        Model = VnicModel.Virtio,
        IsUp = true,
    };

    private static string Shape(InstanceDesired instance) => DomainXml.For(instance, null, [], [], Options).Shape;

    private static void CompareWithGolden(
        string name, InstanceDesired instance, CpuProfileDesired? profile, DomainOptions options, params InstanceCard[] cards)
    {
        var path = Repository.At("tests", "Twilight.Tests", "Instances", "Golden", name);
        var xml = DomainXml.For(instance, profile, cards, [], options).Xml + "\n";
        if (Environment.GetEnvironmentVariable("PONYCLOUD_UPDATE_GOLDEN") == "1")
            File.WriteAllText(path, xml);
        Assert.That(xml, Is.EqualTo(File.ReadAllText(path)));
    }
}
