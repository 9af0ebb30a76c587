using System.Diagnostics;
using Microsoft.Extensions.Logging.Abstractions;
using Newtonsoft.Json.Linq;
using NUnit.Framework;
using PonyCloud.Shared.Entities;
using PonyCloud.Shared.Reconciliation;
using PonyCloud.TestKit.Guests;
using PonyCloud.TestKit.Processes;
using PonyCloud.Twilight.Hypervisor;
using PonyCloud.Twilight.Hypervisor.Libvirt;
using PonyCloud.Twilight.Instances;

namespace PonyCloud.Twilight.Tests.Hypervisor;

/// <summary>libvirt with QEMU, which emulates a guest that is a ROM.</summary>
public sealed class LibvirtQemuTests : HypervisorDiskContract
{
    private LibvirtHypervisor _libvirt = null!;
    private string _console = null!;

    protected override IHypervisor Hypervisor => _libvirt;

    private static PrivateLibvirtd Private => PrivateLibvirtFixture.Instance;

    [SetUp]
    public void Make()
    {
        _libvirt = NewHypervisor();
        _console = Path.Combine(Private.Directory, "contract.log");
        RomGuest.Write(Path.Combine(Private.Directory, "deaf.rom"));
        RomGuest.Write(Path.Combine(Private.Directory, "obedient.rom"), PowerButton.PowersOff);
    }

    [TearDown]
    public async Task EndAsync()
    {
        await RemoveDomainsAsync();
        await RemoveTapsAsync();
        await _libvirt.DisposeAsync();
    }

    protected override string XmlOf(Guid uuid, string name, int memory) => XmlOf(uuid, name, memory, "deaf.rom");

    protected override string XmlOfObedient(Guid uuid) => XmlOf(uuid, NameOf(uuid), 32, "obedient.rom");

    protected override Task BootedAsync(CancellationToken cancellationToken) => ConsoleLineAsync(cancellationToken);

    protected override Task AddTapAsync(string name) => Private.AddTapAsync(name);

    protected override Task RemoveTapAsync(string name) => Private.RemoveTapAsync(name);

    protected override async Task<string> NewFileAsync()
    {
        var path = Path.Combine(Private.Directory, $"{Guid.NewGuid()}.qcow2");
        await ChildProcess.RunAsync("qemu-img", ["create", "-q", "-f", "qcow2", path, "8M"]);
        return path;
    }

    protected override async Task<long> SizeAsync(Guid domain, InstanceDisk disk) => (await InfoAsync(disk)).Value<long>("virtual-size");

    protected override async Task<IReadOnlyList<string>> SnapshotsAsync(Guid domain, InstanceDisk disk) =>
        [.. ((await InfoAsync(disk))["snapshots"] ?? new JArray()).Select(snapshot => snapshot.Value<string>("name")!)];

    [Test]
    public async Task A_domain_starts_paused_and_writes_nothing_until_it_is_resumed(CancellationToken cancellationToken)
    {
        await ConnectedAsync(cancellationToken);
        var uuid = NewDomain();
        await DefineAsync(uuid, cancellationToken);

        await Hypervisor.StartAsync(uuid, paused: true, cancellationToken);

        var paused = await FindAsync(uuid, cancellationToken);
        Assert.That((paused!.State, paused.Reason), Is.EqualTo((DomainState.Paused, DomainReason.PausedByOrder)));
        Assert.That(await File.ReadAllTextAsync(_console, cancellationToken), Is.Empty);
        await Hypervisor.ResumeAsync(uuid, cancellationToken);
        await ConsoleLineAsync(cancellationToken);
    }

    [Test]
    public async Task A_guest_that_minds_its_power_button_turns_itself_off(CancellationToken cancellationToken)
    {
        await ConnectedAsync(cancellationToken);
        var uuid = NewDomain();
        await Hypervisor.DefineAsync(uuid, XmlOf(uuid, NameOf(uuid), 32, "obedient.rom"), cancellationToken);
        await Hypervisor.StartAsync(uuid, paused: false, cancellationToken);
        await ConsoleLineAsync(cancellationToken);

        do
        {
            // The guest needs a moment behind its line until it looks at the button, and a real one misses presses too.
            await Hypervisor.ShutdownAsync(uuid, cancellationToken);
        }
        while (!await IsToldWithinASecondAsync(uuid, "stopped", cancellationToken));

        var off = await FindAsync(uuid, cancellationToken);
        Assert.That((off!.State, off.Reason), Is.EqualTo((DomainState.Off, DomainReason.GuestPoweredOff)));
    }

    [Test]
    public async Task An_emulator_that_is_killed_is_a_crash(CancellationToken cancellationToken)
    {
        await ConnectedAsync(cancellationToken);
        var uuid = NewDomain();
        await DefineAsync(uuid, cancellationToken);
        await Hypervisor.StartAsync(uuid, paused: false, cancellationToken);

        await ChildProcess.SendAsync(Private.GuestPids().Single(), ProcessSignal.Kill);
        await EventAsync(uuid, "stopped", cancellationToken);

        var off = await FindAsync(uuid, cancellationToken);
        Assert.That((off!.State, off.Reason), Is.EqualTo((DomainState.Off, DomainReason.Crashed)));
    }

    [Test]
    public async Task A_lost_daemon_is_seen_and_found_again_and_the_guest_goes_on(CancellationToken cancellationToken)
    {
        await ConnectedAsync(cancellationToken);
        var uuid = NewDomain();
        await DefineAsync(uuid, cancellationToken);
        await Hypervisor.StartAsync(uuid, paused: false, cancellationToken);

        await Private.KillDaemonAsync();
        var seen = await ConnectionAsync(isConnected: false, cancellationToken);

        Assert.That(seen.Why, Is.Not.Empty);
        Assert.That(seen.Version, Is.Null);
        await ConnectionAsync(isConnected: true, cancellationToken);
        Assert.That((await FindAsync(uuid, cancellationToken))!.State, Is.EqualTo(DomainState.Running));
    }

    [Test]
    public async Task While_there_is_no_connection_calls_are_refused_as_disconnected(CancellationToken cancellationToken)
    {
        await using var lost = new LibvirtHypervisor(
            new LibvirtOptions { Uri = "qemu+unix:///system?socket=/nonexistent/libvirt-sock" },
            TimeProvider.System, NullLogger<LibvirtHypervisor>.Instance);

        var refusal = await RefusalOfAsync(() => lost.ScanAsync(cancellationToken));

        Assert.That(refusal.Failure, Is.EqualTo(HypervisorFailure.Disconnected));
        var happened = await lost.Events.ReadAsync(cancellationToken);
        Assert.That(happened, Is.InstanceOf<HypervisorEvent.ConnectionChanged>());
        Assert.That(lost.Connection.Why, Does.Contain("/nonexistent/libvirt-sock"));
    }

    [Test]
    public async Task Behind_a_start_that_hangs_nothing_else_waits(CancellationToken cancellationToken)
    {
        await ConnectedAsync(cancellationToken);
        var emulator = Path.Combine(Private.Directory, "hangs");
        // Answers when libvirt asks what it can do, and never when it is to run a guest.
        await File.WriteAllTextAsync(emulator,
            "#!/bin/bash\nfor a; do [[ $a == guest=* ]] && exec sleep 1000; done\nexec /usr/bin/qemu-system-x86_64 \"$@\"\n", cancellationToken);
        File.SetUnixFileMode(emulator, UnixFileMode.UserRead | UnixFileMode.UserExecute);
        var hanging = NewDomain();
        var other = NewDomain();
        await Hypervisor.DefineAsync(
            hanging, XmlOf(hanging, NameOf(hanging), 32).Replace("<devices>", $"<devices><emulator>{emulator}</emulator>", StringComparison.Ordinal),
            cancellationToken);
        await DefineAsync(other, cancellationToken);
        var start = Hypervisor.StartAsync(hanging, paused: false, cancellationToken);
        await Eventually.SeesAsync(
            "the start at work", async _ => await FindAsync(hanging, cancellationToken), domain => domain?.State is not DomainState.Off);

        var slowest = await Task.WhenAll(SlowestAsync(() => Hypervisor.ScanAsync(cancellationToken)), SlowestAsync(() => Hypervisor.GetXmlAsync(other, cancellationToken)));
        var cut = Stopwatch.StartNew();
        await Hypervisor.DestroyAsync(hanging, cancellationToken);
        cut.Stop();

        Assert.That(start.IsFaulted || !start.IsCompleted, "it hung until its power was cut");
        var refusal = await RefusalOfAsync(() => start);
        Assert.That(refusal.Failure, Is.EqualTo(HypervisorFailure.Failed), refusal.Message);
        // A wake-up that is lost in libvirt's client costs until the next keepalive message, which is 5 s.
        Assert.That(slowest, Is.All.LessThan(TimeSpan.FromSeconds(3)));
        Assert.That(cut.Elapsed, Is.LessThan(TimeSpan.FromSeconds(3)));
    }

    [Test]
    public async Task The_domains_of_instances_are_accepted_and_run(CancellationToken cancellationToken)
    {
        await ConnectedAsync(cancellationToken);
        foreach (var profile in (CpuProfileDesired?[])
        [
            null,
            new CpuProfileDesired
            {
                Uuid = Guid.NewGuid(), Name = "basic", Model = "qemu64", Features = TextList.Of(["aes"]),
            },
        ])
        {
            var instance = new InstanceDesired { Uuid = NewDomain(), Tenant = Guid.NewGuid(), Name = "web", Mem = 32 };
            var definition = DomainXml.For(instance, profile, [], [], new DomainOptions
            {
                Accelerator = Accelerator.Tcg,
                ConsoleDirectory = Private.Directory,
                Boot = new DisklessBoot.Rom(Path.Combine(Private.Directory, "deaf.rom")),
            });

            await Hypervisor.DefineAsync(instance.Uuid, definition.Xml, cancellationToken);
            await Hypervisor.StartAsync(instance.Uuid, paused: false, cancellationToken);

            var domain = await FindAsync(instance.Uuid, cancellationToken);
            Assert.That(domain!.State, Is.EqualTo(DomainState.Running));
            Assert.That(DomainMetadata.Of(domain), Is.EqualTo(new DomainMetadata(instance.Uuid, definition.Shape) { Fields = definition.Fields }));
        }
    }

    [Test]
    public async Task An_instance_with_uefi_runs_and_takes_what_its_guest_kept_there_along_when_it_goes(CancellationToken cancellationToken)
    {
        await ConnectedAsync(cancellationToken);
        var instance = new InstanceDesired
        {
            Uuid = NewDomain(),
            Tenant = Guid.NewGuid(),
            Name = "web",
            Mem = 128,
            Firmware = InstanceFirmware.Uefi,
        };
        var definition = DomainXml.For(
            instance, null, [], [], new DomainOptions { Accelerator = Accelerator.Tcg, ConsoleDirectory = Private.Directory });
        await Hypervisor.DefineAsync(instance.Uuid, definition.Xml, cancellationToken);
        await Hypervisor.StartAsync(instance.Uuid, paused: false, cancellationToken);
        Assert.That((await FindAsync(instance.Uuid, cancellationToken))!.State, Is.EqualTo(DomainState.Running));
        Assert.That(VariablesOf(instance.Uuid), Is.Not.Empty);

        await Hypervisor.DestroyAsync(instance.Uuid, cancellationToken);
        Assert.That(VariablesOf(instance.Uuid), Is.Not.Empty, "what the guest kept outlives its power");
        await Hypervisor.UndefineAsync(instance.Uuid, cancellationToken);

        Assert.That(VariablesOf(instance.Uuid), Is.Empty);
    }

    private static string[] VariablesOf(Guid instance) =>
        Directory.GetFiles(Path.Combine(Private.Directory, "lib"), $"*{instance}*.fd", SearchOption.AllDirectories);

    [Test]
    public async Task An_instance_with_room_to_grow_gets_processors_and_is_asked_for_memory(CancellationToken cancellationToken)
    {
        await ConnectedAsync(cancellationToken);
        var instance = new InstanceDesired
        {
            Uuid = NewDomain(),
            Tenant = Guid.NewGuid(),
            Name = "web",
            Mem = 32,
            MemMax = 64,
            Vcpu = 2,
            VcpuMax = 4,
        };
        var definition = DomainXml.For(instance, null, [], [], new DomainOptions
        {
            Accelerator = Accelerator.Tcg,
            ConsoleDirectory = Private.Directory,
            Boot = new DisklessBoot.Rom(Path.Combine(Private.Directory, "deaf.rom")),
        });
        await Hypervisor.DefineAsync(instance.Uuid, definition.Xml, cancellationToken);
        await Hypervisor.StartAsync(instance.Uuid, paused: false, cancellationToken);
        var before = await FindAsync(instance.Uuid, cancellationToken);
        Assert.That(before!.Vcpu, Is.EqualTo(2));

        await Hypervisor.SetVcpusAsync(instance.Uuid, 4, cancellationToken);
        await Hypervisor.SetMemoryAsync(instance.Uuid, 48, cancellationToken);

        var after = await FindAsync(instance.Uuid, cancellationToken);
        Assert.That((after!.Vcpu, after.Memory), Is.EqualTo((4, before.Memory)), "a ROM has no driver for a balloon");
    }

    /// <summary>The longest that one of many calls took.</summary>
    private static async Task<TimeSpan> SlowestAsync(Func<Task> call)
    {
        var slowest = TimeSpan.Zero;
        for (var i = 0; i < 500; i++)
        {
            var watch = Stopwatch.StartNew();
            await call();
            slowest = watch.Elapsed > slowest ? watch.Elapsed : slowest;
        }
        return slowest;
    }

    [Test]
    public async Task An_instance_runs_with_cards_in_the_first_and_the_last_place(CancellationToken cancellationToken)
    {
        await ConnectedAsync(cancellationToken);
        var instance = new InstanceDesired { Uuid = NewDomain(), Tenant = Guid.NewGuid(), Name = "web", Mem = 32 };
        var cards = new[] { await NewCardAsync(0), (await NewCardAsync(31)) with { Model = VnicModel.Rtl8139 } };
        var late = await NewCardAsync(15);
        var options = new DomainOptions
        {
            Accelerator = Accelerator.Tcg,
            ConsoleDirectory = Private.Directory,
            Boot = new DisklessBoot.Rom(Path.Combine(Private.Directory, "deaf.rom")),
        };
        await Hypervisor.DefineAsync(instance.Uuid, DomainXml.For(instance, null, cards, [], options).Xml, cancellationToken);
        await Hypervisor.StartAsync(instance.Uuid, paused: false, cancellationToken);

        await Hypervisor.AttachDeviceAsync(instance.Uuid, CardXml.For(late).ToString(), cancellationToken);

        Assert.That(await CardsAsync(instance.Uuid, cancellationToken), Is.EqualTo([Seen(cards[0]), Seen(cards[1]), Seen(late)]));
    }

    [Test]
    public async Task An_instance_runs_with_disks_in_the_first_and_the_last_places(CancellationToken cancellationToken)
    {
        await ConnectedAsync(cancellationToken);
        var instance = new InstanceDesired { Uuid = NewDomain(), Tenant = Guid.NewGuid(), Name = "web", Mem = 64 };
        (int Index, VdiskBus Bus)[] places =
        [
            (0, VdiskBus.Virtio), (4, VdiskBus.Sata), (5, VdiskBus.Sata), (30, VdiskBus.Sata), (31, VdiskBus.Virtio), (255, VdiskBus.Scsi),
        ];
        InstanceDisk[] disks = [.. await Task.WhenAll(places.Select(place => NewDiskAsync(place.Index, place.Bus)))];
        InstanceDisk[] late = [await NewDiskAsync(7, VdiskBus.Virtio), await NewDiskAsync(100, VdiskBus.Scsi)];
        var seed = await NewFileAsync();
        var options = new DomainOptions { Accelerator = Accelerator.Tcg, ConsoleDirectory = Private.Directory };
        await Hypervisor.DefineAsync(instance.Uuid, DomainXml.For(instance, null, [], disks, options, seed).Xml, cancellationToken);
        await Hypervisor.StartAsync(instance.Uuid, paused: true, cancellationToken);

        foreach (var disk in late)
            await Hypervisor.AttachDeviceAsync(instance.Uuid, DiskXml.For(disk).ToString(), cancellationToken);

        var seen = (await FindAsync(instance.Uuid, cancellationToken))!.Disks;
        Assert.That(seen.Where(disk => disk.Vdisk is not null), Is.EquivalentTo(disks.Concat(late).Select(disk => ObservedDisk.Of(DiskXml.For(disk)))));
        Assert.That(seen.Single(disk => disk.Vdisk is null).Source, Is.EqualTo(seed));
    }

    [Test]
    public async Task Disks_on_the_network_are_accepted(CancellationToken cancellationToken)
    {
        await ConnectedAsync(cancellationToken);
        var instance = new InstanceDesired { Uuid = NewDomain(), Tenant = Guid.NewGuid(), Name = "web", Mem = 64 };
        InstanceDisk[] disks =
        [
            (await NewDiskAsync(0, VdiskBus.Virtio)) with { Source = new DiskSource.Rbd("pool", "volume", "192.0.2.1:3300,[2001:db8::1]:6789", "guests", Guid.NewGuid()) },
            (await NewDiskAsync(1, VdiskBus.Scsi)) with { Source = new DiskSource.Iscsi("192.0.2.1:3260", "iqn.2026-01.test:t", 1, "iqn.2026-01.test:h", 64 << 20, "chap", Guid.NewGuid()) },
        ];

        await Hypervisor.DefineAsync(
            instance.Uuid, DomainXml.For(instance, null, [], disks, new DomainOptions { Accelerator = Accelerator.Tcg, ConsoleDirectory = Private.Directory }).Xml,
            cancellationToken);

        var defined = ObservedDisk.AllOf(await Hypervisor.GetXmlAsync(instance.Uuid, cancellationToken));
        Assert.That(defined.Select(disk => disk.Source), Is.EqualTo(disks.Select(disk => disk.Source!.Name)));
    }

    /// <summary>What the file says that a guest has open.</summary>
    private static async Task<JObject> InfoAsync(InstanceDisk disk) =>
        JObject.Parse(await ChildProcess.RunAsync("qemu-img", ["info", "-U", "--output=json", disk.Source!.Name]));

    private static LibvirtHypervisor NewHypervisor() => new(
        new LibvirtOptions
        {
            Uri = Private.Uri,
            ReconnectBackoff = new Backoff(TimeSpan.FromMilliseconds(50), TimeSpan.FromSeconds(1)),
        },
        TimeProvider.System,
        NullLogger<LibvirtHypervisor>.Instance);

    private string XmlOf(Guid uuid, string name, int memory, string rom) =>
        $"""
        <domain type='qemu'><name>{name}</name><uuid>{uuid}</uuid>{MetadataOf(uuid)}
        <memory unit='MiB'>{memory}</memory><vcpu>1</vcpu>
        <os><type arch='x86_64' machine='q35'>hvm</type>
        <loader type='rom' readonly='yes'>{Private.Directory}/{rom}</loader></os>
        <features><acpi/><apic/></features>
        <devices><controller type='usb' model='none'/>
        <controller type='pci' index='0' model='pcie-root'/>
        {string.Concat(Enumerable.Range(1, 27).Select(port => $"<controller type='pci' index='{port}' model='pcie-root-port'/>"))}
        <controller type='scsi' index='0' model='virtio-scsi'><address type='pci' bus='0x13'/></controller>
        <serial type='file'><source path='{_console}' append='off'/></serial>
        <memballoon model='none'/></devices></domain>
        """;

    private async Task<HypervisorConnection> ConnectionAsync(bool isConnected, CancellationToken cancellationToken)
    {
        while (true)
        {
            if (await Hypervisor.Events.ReadAsync(cancellationToken) is HypervisorEvent.ConnectionChanged { Connection: var connection }
                && connection.IsConnected == isConnected)
            {
                return connection;
            }
        }
    }

    private async Task ConsoleLineAsync(CancellationToken cancellationToken)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(10));
        while (!(await File.ReadAllTextAsync(_console, cancellationToken)).Contains(RomGuest.Line, StringComparison.Ordinal))
            await timer.WaitForNextTickAsync(cancellationToken);
    }
}
