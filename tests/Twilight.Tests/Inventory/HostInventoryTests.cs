using NUnit.Framework;
using PonyCloud.Shared.Entities;
using PonyCloud.Twilight.Hypervisor;
using PonyCloud.Twilight.Instances;
using PonyCloud.Twilight.Inventory;

namespace PonyCloud.Twilight.Tests.Inventory;

public sealed class HostInventoryTests
{
    private static readonly Guid Host = Guid.Parse("11111111-2222-3333-4444-555555555555");

    private FakeMachine _machine = null!;

    [SetUp]
    public void Make() => _machine = new FakeMachine();

    [TearDown]
    public void Dispose() => _machine.Dispose();

    [Test]
    public void A_host_reports_what_its_kernel_says()
    {
        var host = Read();

        Assert.That(host with { AgentVersion = "" }, Is.EqualTo(new HostCurrent
        {
            Uuid = Host,
            AgentVersion = "",
            BootId = "4cd1a1f4-3f50-4d53-9e53-cc8c2d2f1b6e",
            BootTime = new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero),
            Kernel = "6.1.0-49-cloud-amd64",
            CpuModel = "Pony CPU @ 3 GHz",
            CpuThreads = 2,
            CpuFeatures = TextList.Of(["fpu", "svm", "vme"]),
            MemoryTotal = 4096,
            MemoryFree = 2048,
            Hypervisor = "QEMU 7.2.0",
            Accelerator = "kvm",
            Addresses = TextList.Of(["10.0.0.1", "192.0.2.7", "fe80::1"]),
        }));
        Assert.That(host.AgentVersion, Does.StartWith("0."));
    }

    [Test]
    public void Small_changes_of_free_memory_are_not_reported()
    {
        var before = Read();
        _machine.WriteMemory(availableKib: 2_110_000);
        var after = Read();
        _machine.WriteMemory(availableKib: 2_000_000);

        Assert.That(after, Is.EqualTo(before));
        Assert.That(Read().MemoryFree, Is.EqualTo(1920));
    }

    [Test]
    public void A_hypervisor_that_does_not_answer_is_said_so()
    {
        var host = New().Read(HypervisorConnection.Down("no socket"), []);

        Assert.That((host.Hypervisor, host.Why), Is.EqualTo(((string?)null, "no socket")));
    }

    [Test]
    public void Foreign_domains_are_listed()
    {
        var foreign = new ObservedDomain { Uuid = Guid.Empty, Name = "by hand", State = DomainState.ShuttingDown };

        var host = New().Read(HypervisorConnection.Up("QEMU 7.2.0"), [foreign]);

        Assert.That(host.ForeignDomains!.Text, Is.EqualTo(
            """[{"uuid":"00000000-0000-0000-0000-000000000000","name":"by hand","status":"shutting-down"}]"""));
    }

    [Test]
    public void The_machine_that_runs_this_can_be_read()
    {
        var host = new HostInventory(Host, new InventoryRoots(), AcceleratorChoice.Auto).Read(HypervisorConnection.Down("not asked"), []);

        Assert.That(host.CpuThreads, Is.EqualTo(Environment.ProcessorCount).Or.GreaterThan(0));
        Assert.That(host.MemoryTotal, Is.GreaterThan(0));
        Assert.That(host.MemoryFree, Is.LessThanOrEqualTo(host.MemoryTotal));
    }

    [Test]
    public void A_kernel_file_of_another_form_is_an_error_that_names_it()
    {
        _machine.Write("proc/meminfo", "nothing\n");

        Assert.That(Read, Throws.InstanceOf<InvalidDataException>().With.Message.Contains("meminfo"));
    }

    [TestCase("fpu svm", true, Accelerator.Kvm)]
    [TestCase("fpu vmx", true, Accelerator.Kvm)]
    [TestCase("fpu svm", false, Accelerator.Tcg)]
    [TestCase("fpu", true, Accelerator.Tcg)]
    [TestCase("fpu svm_lock", true, Accelerator.Tcg)]
    public void Kvm_is_chosen_where_both_processor_and_device_have_it(string flags, bool isThere, Accelerator expected)
    {
        if (!isThere)
            _machine.Remove("dev/kvm");

        Assert.That(Accelerators.Choose(AcceleratorChoice.Auto, flags.Split(' '), _machine.KvmDevice), Is.EqualTo(expected));
    }

    [TestCase(AcceleratorChoice.Kvm, Accelerator.Kvm)]
    [TestCase(AcceleratorChoice.Tcg, Accelerator.Tcg)]
    public void A_configured_accelerator_is_taken_as_it_is(AcceleratorChoice choice, Accelerator expected)
    {
        var isAble = choice == AcceleratorChoice.Tcg;

        Assert.That(Accelerators.Choose(choice, isAble ? ["svm"] : [], _machine.KvmDevice), Is.EqualTo(expected));
    }

    [Test]
    public void The_uuid_of_a_host_is_that_of_its_firmware()
    {
        Assert.That(HostUuid.Find("auto", _machine.Sys), Is.EqualTo(Guid.Parse("9ece4546-1199-42b0-acf5-1b68f393683a")));
    }

    [Test]
    public void A_configured_uuid_goes_before_that_of_the_firmware()
    {
        Assert.That(HostUuid.Find(Host.ToString(), _machine.Sys), Is.EqualTo(Host));
    }

    [TestCase("00000000-0000-0000-0000-000000000000", "share")]
    [TestCase("FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF", "share")]
    [TestCase("03000200-0400-0500-0006-000700080009", "share")]
    [TestCase("Not Settable", "no uuid")]
    [TestCase("", "no uuid")]
    public void A_firmware_uuid_that_is_none_or_everybodys_is_refused(string text, string why)
    {
        _machine.Write("sys/class/dmi/id/product_uuid", text + "\n");

        Assert.That(
            () => HostUuid.Find("auto", _machine.Sys),
            Throws.InstanceOf<HostUuidException>().With.Message.Contains(why).And.Message.Contains("onfigure"));
    }

    [Test]
    public void A_machine_without_firmware_uuid_needs_a_configured_one()
    {
        _machine.Remove("sys/class/dmi/id/product_uuid");

        Assert.That(() => HostUuid.Find("auto", _machine.Sys), Throws.InstanceOf<HostUuidException>().With.Message.Contains("product_uuid"));
    }

    private HostCurrent Read() => New().Read(HypervisorConnection.Up("QEMU 7.2.0"), []);

    private HostInventory New() => new(Host, _machine.Roots, AcceleratorChoice.Auto);
}
