using System.Globalization;
using Newtonsoft.Json;
using PonyCloud.EndToEnd.Tests.Platform;
using PonyCloud.TestKit.Guests;
using PonyCloud.TestKit.Network;
using PonyCloud.TestKit.Processes;

namespace PonyCloud.EndToEnd.Tests.Networks;

/// <summary>
/// A host on a cable of its own: namespaces with two cards, libvirtd and Twilight in them. It ends with the test process, with its
/// guests and its network.
/// </summary>
public sealed class CloudHost : IAsyncDisposable
{
    /// <summary>Where guests give out a shell.</summary>
    private const int ShellPort = 2323;

    private readonly TemporaryDirectory _directory;
    private readonly PrivateLibvirtd _libvirtd;
    private readonly RunningPlatform _platform;
    private ChildProcess? _twilight;

    private CloudHost(RunningPlatform platform, PrivateLibvirtd libvirtd, TemporaryDirectory directory, int number)
    {
        _platform = platform;
        _libvirtd = libvirtd;
        _directory = directory;
        Number = number;
    }

    public int Number { get; }

    public Guid Uuid => _libvirtd.HostUuid;

    /// <summary>Its address among the hosts.</summary>
    public string Address => $"10.118.0.{10 + Number}";

    /// <summary>Its address in the world outside.</summary>
    public string PublicAddress => $"203.0.113.{10 + Number}";

    /// <summary>The card among the hosts, and the one to the world.</summary>
    public (string Core, string World) Cards => ($"52:54:00:00:01:{Number:x2}", $"52:54:00:00:02:{Number:x2}");

    /// <summary>Its libvirt, also for those on other hosts.</summary>
    public string LibvirtUri => _libvirtd.Uri;

    public bool HasTwilight => _twilight is not null;

    public ChildProcess Twilight => _twilight ?? throw new InvalidOperationException("Its Twilight is not running.");

    /// <summary>What explains a failure: what its Twilight said last, and what its packet filter is.</summary>
    public async Task<string> ExplainAsync(int lines) =>
        $"Twilight of host {Number}:\n{string.Join('\n', _twilight?.Lines.TakeLast(lines) ?? [])}\n{await RunAsync("nft", "list", "ruleset")}";

    /// <summary>Lays its cables, and lets it boot with its address.</summary>
    /// <param name="words">What else is said to the kernels of its guests; null for guests that are a ROM and only say that they are up.</param>
    public static async Task<CloudHost> StartAsync(
        RunningPlatform platform, NetworkNamespace site, string core, string world, int number, string? words)
    {
        var directory = new TemporaryDirectory("host");
        var libvirtd = await PrivateLibvirtd.StartAsync(isolatedNetwork: true);
        var host = new CloudHost(platform, libvirtd, directory, number);
        try
        {
            var cards = host.Cards;
            var space = libvirtd.Init.ToString(CultureInfo.InvariantCulture);
            foreach (var (name, bridge, hwaddr) in new[] { ("eth0", core, cards.Core), ("eth1", world, cards.World) })
            {
                var outer = $"{bridge}{number}";
                await site.RunAsync("ip", "link", "add", outer, "type", "veth", "peer", "name", name, "address", hwaddr, "netns", space);
                await site.RunAsync("ip", "link", "set", outer, "master", bridge, "up");
            }
            await host.RunAsync("ip", "address", "add", $"{host.Address}/24", "dev", "eth0");
            await host.RunAsync("ip", "link", "set", "eth0", "up");
            Directory.CreateDirectory(directory["console"]);
            await host.WriteConfigurationAsync(words);
            return host;
        }
        catch
        {
            await host.DisposeAsync();
            throw;
        }
    }

    /// <summary>Declares it, starts its agent, and gives its cards their roles: the same for hosts and switches, and the world.</summary>
    public async Task JoinAsync()
    {
        var key = await ChildProcess.RunDaemonAsync("Twilight", "twilight", ["key", "--config", _directory["twilight.json"]]);
        await _platform.Alicorn.PostAsync("/host", new { desired = new { uuid = Uuid, name = $"host{Number}", agent_key = key } });
        StartTwilight();
        await Eventually.SeesAsync(
            $"host {Number} to be present",
            _ => Twilight.HasExited
                ? throw new InvalidOperationException("Twilight ended:\n" + string.Join('\n', Twilight.Lines))
                : _platform.Alicorn.GetAsync($"/host/{Uuid}"),
            row => row.SelectToken("current.status")?.ToString() == "present");
        await UseAsync(Cards.Core, "virtual", Underlay, gateway: null);
        await UseAsync(Cards.World, "public", PublicAddress, gateway: "203.0.113.1");
    }

    public void StartTwilight() => _twilight = ChildProcess.Start(
        "nsenter",
        [
            .. Enter, "--pid", "--", "setpriv", "--pdeathsig", "KILL", "--",
            "dotnet", Repository.Program("Twilight", "twilight"), "--config", _directory["twilight.json"],
        ]);

    /// <summary>Ends its agent as a crash would.</summary>
    public async Task KillTwilightAsync()
    {
        // What entered the namespaces goes, and the kernel sends what it started after it.
        await Twilight.KillAsync();
        await Twilight.DisposeAsync();
        _twilight = null;
    }

    /// <summary>Takes its power away: its agent and all guests are gone at once, and stay so until it is started again.</summary>
    public async Task CutPowerAsync()
    {
        await KillTwilightAsync();
        foreach (var pid in _libvirtd.GuestPids())
            await ChildProcess.SendAsync(pid, ProcessSignal.Kill);
    }

    /// <summary>Kills its libvirtd, and only it; it is started again.</summary>
    public Task KillLibvirtdAsync() => _libvirtd.KillDaemonAsync();

    /// <summary>The process of a guest; null when there is none.</summary>
    public int? GuestPid(Guid instance) => _libvirtd.GuestPid(instance);

    /// <summary>Whether a guest runs on it, which one that stands still does not.</summary>
    public async Task<bool> RunsAsync(Guid instance) =>
        GuestPid(instance) is not null && (await _libvirtd.VirshAsync("domstate", instance.ToString())).Trim() == "running";

    /// <summary>The domains that its libvirt knows, running or not.</summary>
    public Task<IReadOnlyList<string>> DomainsAsync() => _libvirtd.DomainsAsync();

    /// <summary>Gives it a directory of its own under a path that others have, too, and have something else under.</summary>
    /// <returns>Where it is for those who are not on the host.</returns>
    public async Task<string> OwnAsync(string path)
    {
        var own = Directory.CreateDirectory(_directory["own"]).FullName;
        await RunAsync("mount", "--bind", own, path);
        return own;
    }

    /// <summary>Runs a program on it, to its end.</summary>
    public Task<string> RunAsync(string file, params string[] arguments) => ChildProcess.RunAsync("nsenter", [.. Enter, "--pid", "--", file, .. arguments]);

    /// <summary>Runs a line in a guest's shell, from the namespace of its switch.</summary>
    /// <returns>What it printed.</returns>
    public async Task<string> ShellAsync(Guid @switch, string guest, string line) => await RunAsync(
        "ip", "netns", "exec", SpaceOf(@switch), "sh", "-c",
        $"printf '%s\\nexit\\n' \"$0\" | timeout 60 busybox nc {guest} {ShellPort}", line);

    /// <summary>The console of an instance.</summary>
    public string Console(Guid instance) => File.Exists(_directory[$"console/{instance}.log"]) ? File.ReadAllText(_directory[$"console/{instance}.log"]) : "";

    public async ValueTask DisposeAsync()
    {
        if (_twilight is not null)
            await _twilight.DisposeAsync();
        await _libvirtd.DisposeAsync();
        _directory.Dispose();
    }

    /// <summary>The namespace of a switch.</summary>
    public static string SpaceOf(Guid @switch) => $"pc-{@switch.ToString("N")[..12]}";

    private IReadOnlyList<string> Enter =>
        [$"--net=/proc/{_libvirtd.Init}/ns/net", $"--mount=/proc/{_libvirtd.Init}/ns/mnt", $"--target={_libvirtd.Init}"];

    private async Task UseAsync(string hwaddr, string role, string address, string? gateway)
    {
        var bond = await _platform.Alicorn.CreateAsync($"/host/{Uuid}/bond", new { mode = "single" });
        await _platform.Alicorn.PostAsync($"/host/{Uuid}/nic", new { desired = new { hwaddr, bond } });
        await _platform.Alicorn.CreateAsync($"/host/{Uuid}/bond/{bond}/role", new { role, address, prefix = 24, gateway });
    }

    /// <summary>Where switches reach it: an address beside the one that it booted with.</summary>
    private string Underlay => $"10.119.0.{10 + Number}";

    private async Task WriteConfigurationAsync(string? words)
    {
        await File.WriteAllTextAsync(_directory["twilight.json"], JsonConvert.SerializeObject(new
        {
            uuid = Uuid.ToString(),
            messaging = new
            {
                endpoint = $"tcp://{CloudSite.SparkleAddress}:{_platform.MessagingPort}",
                server_key = _platform.SparkleKey,
                key_file = _directory["twilight.key"],
                keep_alive = _platform.KeepAlive,
            },
            hypervisor = new { uri = _libvirtd.Uri, accelerator = "tcg" },
            console_directory = _directory["console"],
            storage = new { staging_directory = _directory["storage"] },
            metadata = new { seed_directory = _directory["seeds"] },
            diskless_boot = words is null ? WriteRom() : await KernelAsync(words),
        }));
    }

    private object WriteRom()
    {
        RomGuest.Write(_directory["guest.rom"], PowerButton.PowersOff);
        return new { rom = _directory["guest.rom"] };
    }

    private static async Task<object> KernelAsync(string words)
    {
        var guest = (await ChildProcess.RunAsync(Repository.At("packaging", "quickstart", "guest"), [])).Trim();
        return new
        {
            kernel = Path.Combine(guest, "kernel"),
            initrd = Path.Combine(guest, "initrd"),
            cmdline = $"console=ttyS0 quiet shell={ShellPort} {words}".TrimEnd(),
        };
    }
}
