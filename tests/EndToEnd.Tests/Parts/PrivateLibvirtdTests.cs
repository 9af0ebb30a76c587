using NUnit.Framework;
using PonyCloud.TestKit.Guests;
using PonyCloud.TestKit.Processes;

namespace PonyCloud.EndToEnd.Tests.Parts;

public sealed class PrivateLibvirtdTests
{
    private TemporaryDirectory _directory = null!;

    [SetUp]
    public void Make() => _directory = new TemporaryDirectory();

    [TearDown]
    public void Remove() => _directory.Dispose();

    [TestCase("pc")]
    [TestCase("q35")]
    public async Task A_guest_in_a_ROM_is_up_at_once_and_obeys_the_power_button(string machine)
    {
        await using var libvirtd = await PrivateLibvirtd.StartAsync();
        RomGuest.Write(_directory["guest.rom"], PowerButton.PowersOff, "here I am");
        await CreateAsync(libvirtd, "obedient", machine);

        await Eventually.HoldsAsync("the line", () => Console("obedient") == "here I am\r\n");
        await libvirtd.VirshAsync("shutdown", "obedient");
        await Eventually.SeesAsync("the end of the guest", _ => libvirtd.DomainsAsync(), domains => domains.Count == 0);
    }

    [Test]
    public async Task A_guest_in_a_ROM_can_ignore_the_power_button()
    {
        await using var libvirtd = await PrivateLibvirtd.StartAsync();
        RomGuest.Write(_directory["guest.rom"]);
        await CreateAsync(libvirtd, "stubborn", "pc");

        await Eventually.HoldsAsync("the line", () => Console("stubborn") == RomGuest.Line + "\r\n");
        await libvirtd.VirshAsync("shutdown", "stubborn");
        Assert.That(await libvirtd.VirshAsync("domstate", "stubborn"), Does.Contain("running").Or.Contain("in shutdown"));
        await libvirtd.VirshAsync("destroy", "stubborn");
        Assert.That(await libvirtd.DomainsAsync(), Is.Empty);
    }

    [Test]
    public async Task A_libvirtd_that_is_killed_comes_back_and_finds_its_guests()
    {
        await using var libvirtd = await PrivateLibvirtd.StartAsync();
        RomGuest.Write(_directory["guest.rom"]);
        await CreateAsync(libvirtd, "survivor", "pc");
        var before = libvirtd.GuestPids();

        await libvirtd.KillDaemonAsync();

        Assert.That(await libvirtd.DomainsAsync(), Is.EqualTo(["survivor"]));
        Assert.That(libvirtd.GuestPids(), Is.EqualTo(before));
        Assert.That(before, Has.Count.EqualTo(1));
    }

    [Test]
    public async Task Two_of_them_do_not_know_each_other()
    {
        await using var one = await PrivateLibvirtd.StartAsync();
        await using var other = await PrivateLibvirtd.StartAsync(isolatedNetwork: true);
        RomGuest.Write(_directory["guest.rom"]);
        await CreateAsync(one, "mine", "pc");

        Assert.That(await other.DomainsAsync(), Is.Empty);
        Assert.That(await other.VirshAsync("capabilities"), Does.Contain(other.HostUuid.ToString()));
        Assert.That(one.HostUuid, Is.Not.EqualTo(other.HostUuid));
    }

    [TestCase(ProcessSignal.Terminate)]
    [TestCase(ProcessSignal.Kill)]
    public async Task Ending_it_ends_its_guests_and_leaves_no_mount(ProcessSignal signal)
    {
        await using var process = ChildProcess.Start(
            Repository.At("packaging", "quickstart", "private-libvirtd"), [_directory.Path]);
        var uri = $"qemu+unix:///system?socket={_directory["run/libvirt/libvirt-sock"]}";
        await Eventually.HoldsAsync("the socket", () => File.Exists(_directory["run/libvirt/libvirt-sock"]));
        RomGuest.Write(_directory["guest.rom"]);
        var pidFile = _directory["run/libvirt/qemu/doomed.pid"];
        await ChildProcess.RunAsync("virsh", ["-q", "-c", uri, "create", Definition("doomed", "pc")]);
        Assert.That(pidFile, Does.Exist);
        var guests = GuestsWith(_directory.Path);
        Assert.That(guests, Has.Count.EqualTo(1));

        await process.SignalAsync(signal);
        await process.WaitForExitAsync();

        await Eventually.HoldsAsync("the end of the guest", () => GuestsWith(_directory.Path).Count == 0);
        Assert.That(await File.ReadAllTextAsync("/proc/self/mountinfo"), Does.Not.Contain(_directory.Path));
    }

    private static List<string> GuestsWith(string path) =>
        [.. Directory.EnumerateDirectories("/proc")
            .Where(process => int.TryParse(Path.GetFileName(process), out var pid) && pid > 0)
            .Where(process => CommandLine(process).StartsWith("/usr/bin/qemu", StringComparison.Ordinal) && CommandLine(process).Contains(path, StringComparison.Ordinal))];

    private static string CommandLine(string process)
    {
        try
        {
            return File.ReadAllText(Path.Combine(process, "cmdline"));
        }
        catch (IOException)
        {
            // It ended meanwhile.
            return string.Empty;
        }
    }

    private Task<string> CreateAsync(PrivateLibvirtd libvirtd, string name, string machine) =>
        libvirtd.VirshAsync("create", Definition(name, machine));

    private string Console(string name) => File.Exists(_directory[name + ".console"]) ? File.ReadAllText(_directory[name + ".console"]) : string.Empty;

    private string Definition(string name, string machine)
    {
        var path = _directory[name + ".xml"];
        File.WriteAllText(path, $"""
            <domain type='qemu'>
              <name>{name}</name>
              <memory unit='MiB'>16</memory>
              <os>
                <type arch='x86_64' machine='{machine}'>hvm</type>
                <loader type='rom' readonly='yes'>{_directory["guest.rom"]}</loader>
              </os>
              <features><acpi/></features>
              <devices>
                <serial type='file'><source path='{_directory[name + ".console"]}'/></serial>
                <controller type='usb' model='none'/>
                <memballoon model='none'/>
              </devices>
            </domain>
            """);
        return path;
    }
}
