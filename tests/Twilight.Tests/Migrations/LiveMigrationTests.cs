using System.Globalization;
using Microsoft.Extensions.Logging.Abstractions;
using NUnit.Framework;
using PonyCloud.Shared.Entities;
using PonyCloud.TestKit.Guests;
using PonyCloud.TestKit.Network;
using PonyCloud.TestKit.Processes;
using PonyCloud.Twilight.Hypervisor;
using PonyCloud.Twilight.Instances;
using PonyCloud.Twilight.Migrations;
using PonyCloud.Twilight.Networks.Model;

namespace PonyCloud.Twilight.Tests.Migrations;

/// <summary>Real guests between two real hypervisors, through the door of the destination.</summary>
[CancelAfter(120_000)]
public sealed class LiveMigrationTests
{
    private static readonly InstanceDesired Template = new() { Uuid = Guid.Empty, Tenant = Guid.NewGuid(), Name = "web", Mem = 32 };

    private readonly Guid _volume = Guid.NewGuid();

    private Guid _instance;

    private static MigrationHost Source => MigrationPair.Source;

    private static MigrationHost Destination => MigrationPair.Destination;

    [SetUp]
    public async Task StartGuestAsync()
    {
        _instance = Guid.NewGuid();
        foreach (var host in (MigrationHost[])[Source, Destination])
        {
            CountingGuest.Write(Path.Combine(host.Libvirtd.Directory, "guest.rom"));
            await Eventually.HoldsAsync("libvirt", () => host.Hypervisor.Connection.IsConnected);
        }
        await Source.Hypervisor.DefineAsync(_instance, DefinitionAt(Source), CancellationToken.None);
        await Source.Hypervisor.StartAsync(_instance, paused: false, CancellationToken.None);
        await Eventually.HoldsAsync("the guest counts", () => NumbersAt(Source).Count > 0);
    }

    [TearDown]
    public async Task RemoveAsync()
    {
        Destination.Prepared.Failure = null;
        Source.Link.Mend();
        foreach (var host in (MigrationHost[])[Source, Destination])
        {
            await Eventually.HoldsAsync("libvirt", () => host.Hypervisor.Connection.IsConnected);
            foreach (var call in (Func<Guid, CancellationToken, Task>[])[host.Hypervisor.DestroyAsync, host.Hypervisor.UndefineAsync])
            {
                try
                {
                    await call(_instance, CancellationToken.None);
                }
                catch (HypervisorException exception) when (exception.Failure is HypervisorFailure.NoSuchDomain or HypervisorFailure.WrongState)
                {
                    TestContext.Out.WriteLine($"Already so: {exception.Message}");
                }
            }
        }
    }

    [Test]
    public async Task A_guest_counts_on_without_a_gap(CancellationToken cancellationToken)
    {
        var order = Destination.Expect(_instance, DefinitionAt(Destination));

        await Source.Migrations.SendAsync(order, cancellationToken);

        var left = (await FindAsync(Source))!;
        Assert.That((left.State, left.Reason, DomainMetadata.Of(left)!.Leaving), Is.EqualTo((DomainState.Off, DomainReason.Migrated, Destination.Uuid)));
        var arrived = (await FindAsync(Destination))!;
        Assert.That(
            (arrived.State, arrived.Reason, DomainMetadata.Of(arrived)!.Arriving, DomainMetadata.Of(arrived)!.Leaving),
            Is.EqualTo((DomainState.Paused, DomainReason.PausedByOrder, Source.Uuid, (Guid?)null)));
        var counted = NumbersAt(Source);
        Assert.That(NumbersAt(Destination), Is.Empty);
        Assert.That(Destination.Prepared.Coming, Does.Contain(_instance));

        await new ConsoleFiles(Destination.Domains, NullLogger<ConsoleFiles>.Instance).BeforeGoingOnAsync(_instance, cancellationToken);
        Assert.That(ConsoleAt(Destination), Is.EqualTo(ConsoleAt(Source)), "it goes on where it was");
        await Destination.Hypervisor.SetMarkAsync(DomainMetadata.Of(arrived)! with { Arriving = null }, cancellationToken);
        await Destination.Hypervisor.ResumeAsync(_instance, cancellationToken);

        await Eventually.HoldsAsync("it counts there", () => NumbersAt(Destination).Count > counted.Count + 10);
        var all = NumbersAt(Destination);
        Assert.That(all, Is.EqualTo(Enumerable.Range(0, all.Count).Select(number => (uint)number)));
        Assert.That(NumbersAt(Source), Has.Count.EqualTo(counted.Count), "it counts at one host only");
        Assert.That(Directory.GetFiles(Source.Options.Seen(Source.Options.Directory)), Is.Empty, "no socket stays");
        Assert.That(Directory.GetFiles(Destination.Options.Seen(Destination.Options.Directory)), Is.Empty, "no socket stays");
    }

    [Test]
    public async Task What_only_its_host_has_of_a_disk_is_copied_along(CancellationToken cancellationToken)
    {
        var own = await DiskAsync(Source, 0, 1, isFull: true);
        var there = await DiskAsync(Destination, 0, 2, isFull: false);
        await Source.Hypervisor.AttachDeviceAsync(_instance, DiskXml.For(own).ToString(), cancellationToken);
        var order = Destination.Expect(_instance, DefinitionAt(Destination, [there]));

        await Source.Migrations.SendAsync(order, cancellationToken);

        Assert.That((await FindAsync(Destination))!.Disks.Select(disk => disk.Source), Is.EqualTo(new[] { there.Source!.Name }));
        await ChildProcess.RunAsync("qemu-img", ["compare", "--force-share", FileOf(Source, 0, 1), FileOf(Destination, 0, 2)]);
        Assert.That(new FileInfo(FileOf(Destination, 0, 2)).Length, Is.LessThan(8 << 20), "what was never written takes no room");
    }

    [Test]
    public async Task Broken_off_while_its_disk_is_copied_the_guest_goes_on_and_the_next_attempt_copies_all([Range(0, 3)] int quarter, CancellationToken cancellationToken)
    {
        var own = await DiskAsync(Source, 0, 1, isFull: true);
        var there = await DiskAsync(Destination, 0, 2, isFull: false);
        await Source.Hypervisor.AttachDeviceAsync(_instance, DiskXml.For(own).ToString(), cancellationToken);
        var reached = Source.Link.HoldAfter(100_000 + (quarter * 1_200_000));
        using var withdrawal = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var sending = Source.Migrations.SendAsync(Destination.Expect(_instance, DefinitionAt(Destination, [there])), withdrawal.Token);
        await Task.WhenAny(reached, sending);
        await withdrawal.CancelAsync();
        Assert.That(async () => await sending, Throws.InstanceOf<OperationCanceledException>());
        await GoesOnAtSourceAsync();
        Source.Link.Mend();

        await Source.Migrations.SendAsync(Destination.Expect(_instance, DefinitionAt(Destination, [there])), cancellationToken);

        await ChildProcess.RunAsync("qemu-img", ["compare", "--force-share", FileOf(Source, 0, 1), FileOf(Destination, 0, 2)]);
    }

    [Test]
    public async Task Where_it_cannot_be_prepared_for_nothing_is_sent_and_the_guest_goes_on(CancellationToken cancellationToken)
    {
        Destination.Prepared.Failure = new IOException("The disk is full.");

        Assert.That(
            async () => await Source.Migrations.SendAsync(Destination.Expect(_instance, DefinitionAt(Destination)), cancellationToken),
            Throws.InstanceOf<MigrationException>().With.Message.Contains("503"));

        await GoesOnAtSourceAsync();
    }

    /// <summary>Also for a guest that has no driver for its card: switches learn the new place from it.</summary>
    [Test]
    public async Task Its_hardware_address_is_announced_where_it_has_come_to(CancellationToken cancellationToken)
    {
        const string Hardware = "52:54:00:00:16:01";
        bool IsAnnouncement(byte[] frame) => frame.AsSpan().StartsWith(Frame.RarpOf(Hardware));
        await RemoveAsync();
        _instance = Guid.NewGuid();
        var card = new InstanceCard
        {
            Vnic = Guid.NewGuid(),
            Index = 0,
            HardwareAddress = Hardware,
            Model = VnicModel.Virtio,
            IsUp = true,
        };
        var tap = LinkNames.Tap(card.Vnic);
        foreach (var host in (MigrationHost[])[Source, Destination])
            await host.Libvirtd.AddTapAsync(tap);
        try
        {
            // "3: tap: <...", by its number.
            var link = await Destination.Libvirtd.InNetworkAsync("ip", "-oneline", "link", "show", tap);
            using var socket = PacketSocket.Open(Destination.Libvirtd.Init, int.Parse(link.Split(':')[0], CultureInfo.InvariantCulture));
            await Source.Hypervisor.DefineAsync(_instance, CardAt(Source, card), cancellationToken);
            await Source.Hypervisor.StartAsync(_instance, paused: false, cancellationToken);

            await Source.Migrations.SendAsync(Destination.Expect(_instance, CardAt(Destination, card)), cancellationToken);

            Assert.That(socket.Received().Where(IsAnnouncement), Is.Empty, "it has left, and may yet go back");
            await Destination.Hypervisor.ResumeAsync(_instance, cancellationToken);
            await Eventually.HoldsAsync("it is announced", () => socket.Received().Any(IsAnnouncement));
        }
        finally
        {
            await RemoveAsync();
            foreach (var host in (MigrationHost[])[Source, Destination])
                await host.Libvirtd.RemoveTapAsync(tap);
        }
    }

    /// <summary>What its firmware keeps of the guest's settings is on either host in a file that libvirt has chosen.</summary>
    [Test]
    public async Task A_guest_with_UEFI_brings_its_variables_along(CancellationToken cancellationToken)
    {
        await RemoveAsync();
        _instance = Guid.NewGuid();
        await Source.Hypervisor.DefineAsync(_instance, UefiAt(Source), cancellationToken);
        await Source.Hypervisor.StartAsync(_instance, paused: true, cancellationToken);
        await Source.Hypervisor.DestroyAsync(_instance, cancellationToken);
        // In the end of it, where the firmware keeps nothing.
        await MarkAsync(Source.VariablesOf(_instance), cancellationToken);
        await Source.Hypervisor.StartAsync(_instance, paused: false, cancellationToken);

        await Source.Migrations.SendAsync(Destination.Expect(_instance, UefiAt(Destination)), cancellationToken);

        var arrived = (await FindAsync(Destination))!;
        Assert.That((arrived.State, DomainMetadata.Of(arrived)!.Arriving), Is.EqualTo((DomainState.Paused, Source.Uuid)));
        await Destination.Hypervisor.SetMarkAsync(DomainMetadata.Of(arrived)! with { Arriving = null }, cancellationToken);
        await Destination.Hypervisor.ResumeAsync(_instance, cancellationToken);
        await Eventually.SeesAsync("it runs there", _ => FindAsync(Destination), domain => domain?.State == DomainState.Running);
        await Eventually.HoldsAsync("its variables are there", () => File.ReadAllBytes(Destination.VariablesOf(_instance)).AsSpan().EndsWith(Marker));
    }

    [Test]
    public async Task How_far_it_has_come_is_told(CancellationToken cancellationToken)
    {
        var reached = Source.Link.HoldAfter(200_000);
        var order = Destination.Expect(_instance, DefinitionAt(Destination));

        var sending = Source.Migrations.SendAsync(order, cancellationToken);
        await reached;
        await Eventually.HoldsAsync("there is progress", () => Source.Migrations.Of(_instance).Progress is { Bytes: > 0 });
        Assert.That(Destination.Migrations.Of(_instance).IsOpen);
        Source.Link.Release();
        await sending;

        Assert.That(Source.Migrations.Of(_instance).Progress, Is.Null);
        await Eventually.HoldsAsync("nobody goes through the door", () => !Destination.Migrations.Of(_instance).IsOpen);
    }

    [Test]
    public async Task Without_the_ticket_nothing_gets_in_and_the_guest_goes_on(CancellationToken cancellationToken)
    {
        var order = Destination.Expect(_instance, DefinitionAt(Destination));
        order = order with { Door = order.Door! with { Ticket = new string('0', 64) } };

        Assert.That(async () => await Source.Migrations.SendAsync(order, cancellationToken), Throws.InstanceOf<MigrationException>().With.Message.Contains("401"));

        await GoesOnAtSourceAsync();
    }

    [Test]
    public async Task A_ticket_is_good_for_its_instance_only_and_as_long_as_it_is_expected(CancellationToken cancellationToken)
    {
        var doors = new HostDoors(Source.Options, TimeProvider.System);
        var order = Destination.Expect(_instance, DefinitionAt(Destination));
        await using (await doors.OpenAsync(order.Door!, _instance, DoorWays.Hypervisor, cancellationToken))
            Assert.That(Destination.Migrations.Of(_instance).IsOpen);

        Assert.That(
            async () => await doors.OpenAsync(order.Door!, Guid.NewGuid(), DoorWays.Hypervisor, cancellationToken),
            Throws.InstanceOf<IOException>().With.Message.Contains("401"));
        var sparkle = order.Door! with { Ticket = Destination.Server.Identity!.Token };
        Assert.That(
            async () => await doors.OpenAsync(sparkle, _instance, DoorWays.Hypervisor, cancellationToken),
            Throws.InstanceOf<IOException>().With.Message.Contains("403"));
        await using var open = await doors.OpenAsync(order.Door!, _instance, DoorWays.Hypervisor, cancellationToken);
        Destination.Migrations.Expect(new Dictionary<Guid, string>());
        Assert.That(
            async () => await doors.OpenAsync(order.Door!, _instance, DoorWays.Hypervisor, cancellationToken),
            Throws.InstanceOf<IOException>().With.Message.Contains("401"));
        await Eventually.HoldsAsync("what was open is cut", () => !Destination.Migrations.Of(_instance).IsOpen);
    }

    [Test]
    public async Task Broken_off_at_any_moment_the_guest_goes_on_and_nothing_is_left_there([Range(0, 5)] int sixth, CancellationToken cancellationToken)
    {
        var reached = Source.Link.HoldAfter(MomentOf(sixth));
        using var withdrawal = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var sending = Source.Migrations.SendAsync(Destination.Expect(_instance, DefinitionAt(Destination)), withdrawal.Token);
        await Task.WhenAny(reached, sending);

        await withdrawal.CancelAsync();

        Assert.That(async () => await sending, Throws.InstanceOf<OperationCanceledException>());
        await GoesOnAtSourceAsync();
    }

    [Test]
    public async Task With_the_link_cut_at_any_moment_one_copy_is_kept_and_one_runs([Range(0, 5)] int sixth, CancellationToken cancellationToken)
    {
        await FailsAsync(sixth, () =>
        {
            Source.Link.Cut();
            return Task.CompletedTask;
        }, cancellationToken);

        await OneIsKeptAsync();
    }

    [Test]
    public async Task With_the_libvirtd_of_the_destination_killed_at_any_moment_one_copy_is_kept_and_one_runs(
        [Range(0, 5, 2)] int sixth, CancellationToken cancellationToken)
    {
        await FailsAsync(sixth, Destination.Libvirtd.KillDaemonAsync, cancellationToken);

        await OneIsKeptAsync();
    }

    [Test]
    public async Task With_the_libvirtd_of_the_source_killed_at_any_moment_one_copy_is_kept_and_one_runs(
        [Range(0, 5, 2)] int sixth, CancellationToken cancellationToken)
    {
        await FailsAsync(sixth, Source.Libvirtd.KillDaemonAsync, cancellationToken);

        await OneIsKeptAsync();
    }

    [Test]
    public async Task With_the_emulator_of_the_destination_killed_at_any_moment_the_guest_goes_on([Range(1, 5, 2)] int sixth, CancellationToken cancellationToken)
    {
        await FailsAsync(sixth, async () =>
        {
            if (Destination.Libvirtd.GuestPid(_instance) is { } pid)
                await ChildProcess.SendAsync(pid, ProcessSignal.Kill);
        }, cancellationToken);

        await OneIsKeptAsync();
    }

    /// <summary>Bytes through the door: from the first words of the hypervisors to their last.</summary>
    private static long MomentOf(int sixth) => sixth switch
    {
        0 => 2_000,
        1 => 30_000,
        5 => 800_000,
        _ => 150_000 * sixth,
    };

    private async Task FailsAsync(int sixth, Func<Task> fault, CancellationToken cancellationToken)
    {
        var reached = Source.Link.HoldAfter(MomentOf(sixth));
        var sending = Source.Migrations.SendAsync(Destination.Expect(_instance, DefinitionAt(Destination)), cancellationToken);
        await Task.WhenAny(reached, sending);
        TestContext.Out.WriteLine($"After {Source.Link.Passed} bytes, {(sending.IsCompleted ? "when it has ended" : "while it is being sent")}");
        await fault();
        Source.Link.Release();
        try
        {
            await sending;
            TestContext.Out.WriteLine("It was sent.");
        }
        catch (Exception exception) when (exception is HypervisorException or MigrationException)
        {
            TestContext.Out.WriteLine(exception.Message);
        }
    }

    /// <summary>It counts at the source and is not whole at the destination; or a copy stands still there, and the source has it off or stands still.</summary>
    private async Task OneIsKeptAsync()
    {
        var (here, there) = await Eventually.SeesAsync(
            "an end of it", async _ => (await SeenAsync(Source), await SeenAsync(Destination)),
            seen => seen.Item1 is { IsKnown: true, Domain: { } here } && seen.Item2 is { IsKnown: true } other
                && (here.State == DomainState.Running || here is { State: DomainState.Off or DomainState.Paused } && IsWhole(other.Domain))
                && (other.Domain is null || IsWhole(other.Domain)));
        TestContext.Out.WriteLine($"Here {here.Domain!.State} {here.Domain.Reason}, there {there.Domain?.State} {there.Domain?.Reason}");
        if (here.Domain.State == DomainState.Running)
        {
            var counted = NumbersAt(Source).Count;
            await Eventually.HoldsAsync("it counts", () => NumbersAt(Source).Count > counted);
        }
        Assert.That(NumbersAt(Destination), Is.Empty, "what arrived stands still");
        var numbers = NumbersAt(Source);
        Assert.That(numbers, Is.EqualTo(Enumerable.Range(0, numbers.Count).Select(number => (uint)number)), "it never began anew");
    }

    private static ReadOnlySpan<byte> Marker => "pony"u8;

    private static async Task MarkAsync(string file, CancellationToken cancellationToken)
    {
        var content = await File.ReadAllBytesAsync(file, cancellationToken);
        Marker.CopyTo(content.AsSpan(content.Length - Marker.Length));
        // libvirt has given the file its owner and mode, and finds it again.
        await using var stream = new FileStream(file, FileMode.Open, FileAccess.Write);
        await stream.WriteAsync(content, cancellationToken);
    }

    private static bool IsWhole(ObservedDomain? domain) => domain is { State: DomainState.Paused, Reason: DomainReason.PausedByOrder };

    private async Task<(bool IsKnown, ObservedDomain? Domain)> SeenAsync(MigrationHost host)
    {
        try
        {
            return (true, await FindAsync(host));
        }
        catch (HypervisorException exception)
        {
            TestContext.Out.WriteLine(exception.Message);
            return (false, null);
        }
    }

    private string DefinitionAt(MigrationHost host, InstanceDisk[]? disks = null) =>
        DomainXml.For(Template with { Uuid = _instance }, null, [], disks ?? [], host.Domains).Xml;

    private string FileOf(MigrationHost host, int index, int generation) => Path.Combine(host.Libvirtd.Directory, $"volume-{Content(index)}.{generation}");

    private Guid Content(int index) => new([.. _volume.ToByteArray()[..15], (byte)index]);

    /// <summary>A disk that is to have a file of 64 MiB; what is in it is a MiB of noise here and there.</summary>
    private async Task<InstanceDisk> DiskAsync(MigrationHost host, int index, int generation, bool isFull)
    {
        var file = FileOf(host, index, generation);
        File.Delete(file);
        await ChildProcess.RunAsync("qemu-img", ["create", "-q", "-f", "qcow2", file, "64M"]);
        if (isFull)
            await ChildProcess.RunAsync("qemu-io", ["-f", "qcow2", "-c", "write -P 17 1M 1M", "-c", "write -P 18 30M 2M", "-c", "write -P 19 63M 1M", file]);
        return new InstanceDisk
        {
            Vdisk = Content(index + 100),
            Index = index,
            Bus = VdiskBus.Virtio,
            Cache = VdiskCache.None,
            IsCdrom = false,
            Content = Content(index),
            Source = new DiskSource.Qcow2(file),
        };
    }

    private string CardAt(MigrationHost host, InstanceCard card) => DomainXml.For(
        Template with { Uuid = _instance }, null, [card], [], host.Domains).Xml;

    private string UefiAt(MigrationHost host) => DomainXml.For(
        Template with { Uuid = _instance, Firmware = InstanceFirmware.Uefi, Mem = 128 }, null, [], [], host.Domains).Xml;

    private string ConsoleAt(MigrationHost host) =>
        File.Exists(host.Domains.ConsoleLogOf(_instance)) ? File.ReadAllText(host.Domains.ConsoleLogOf(_instance)) : "";

    private IReadOnlyList<uint> NumbersAt(MigrationHost host) => CountingGuest.NumbersIn(ConsoleAt(host));

    private async Task<ObservedDomain?> FindAsync(MigrationHost host) =>
        (await host.Hypervisor.ScanAsync(CancellationToken.None)).Domains.SingleOrDefault(domain => domain.Uuid == _instance);

    private async Task GoesOnAtSourceAsync()
    {
        await Eventually.SeesAsync("it runs at the source", _ => FindAsync(Source), domain => domain?.State == DomainState.Running);
        var counted = NumbersAt(Source).Count;
        await Eventually.HoldsAsync("it counts", () => NumbersAt(Source).Count > counted);
        await Eventually.SeesAsync("nothing is left at the destination", _ => FindAsync(Destination), domain => domain is null);
    }
}
