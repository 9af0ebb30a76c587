using System.Globalization;

namespace PonyCloud.TestKit.Processes;

/// <summary>
/// A libvirtd of the test's own, in namespaces of its own, that shares nothing with others on the machine. It and all
/// its guests end with the test process, however that ends.
/// </summary>
public sealed class PrivateLibvirtd : IAsyncDisposable
{
    private readonly TemporaryDirectory _directory;
    private readonly ChildProcess _process;
    private readonly bool _isolatedNetwork;

    private PrivateLibvirtd(TemporaryDirectory directory, ChildProcess process, bool isolatedNetwork)
    {
        _isolatedNetwork = isolatedNetwork;
        _directory = directory;
        _process = process;
    }

    /// <summary>The uuid of the host, as libvirt reports it.</summary>
    public Guid HostUuid => Guid.Parse(File.ReadAllText(_directory["uuid"]));

    /// <summary>Where to connect to, from outside of its namespaces.</summary>
    public string Uri => $"qemu+unix:///system?socket={Socket}";

    /// <summary>The first process of its namespaces, as seen from outside: entering those is being on the host.</summary>
    public int Init => Descendants("bash").Concat(Descendants("private-libvirt")).First(pid =>
        Read($"/proc/{pid}/status")?.Split('\n').FirstOrDefault(line => line.StartsWith("NSpid:", StringComparison.Ordinal))?.EndsWith("\t1", StringComparison.Ordinal) == true);

    /// <summary>Holds its configuration, state and logs.</summary>
    public string Directory => _directory.Path;

    private string Socket => _directory["run/libvirt/libvirt-sock"];

    /// <summary>Starts one and waits until it takes connections.</summary>
    /// <param name="isolatedNetwork">Whether it has a network namespace of its own.</param>
    public static async Task<PrivateLibvirtd> StartAsync(bool isolatedNetwork = false)
    {
        var directory = new TemporaryDirectory("libvirt");
        string[] net = isolatedNetwork ? ["--net"] : [];
        var process = ChildProcess.Start(
            Repository.At("packaging", "quickstart", "private-libvirtd"), [.. net, "--restart", "--until-eof", directory.Path]);
        var libvirtd = new PrivateLibvirtd(directory, process, isolatedNetwork);
        try
        {
            await libvirtd.IsReadyAsync();
            return libvirtd;
        }
        catch
        {
            await libvirtd.DisposeAsync();
            throw;
        }
    }

    /// <summary>Waits until it takes connections.</summary>
    public Task IsReadyAsync() => Eventually.HoldsAsync(
        "libvirtd's socket: " + string.Join('\n', _process.Lines),
        () => _process.HasExited ? throw new InvalidOperationException(string.Join('\n', _process.Lines)) : File.Exists(Socket));

    /// <summary>Runs virsh against it.</summary>
    public Task<string> VirshAsync(params ReadOnlySpan<string> arguments) =>
        ChildProcess.RunAsync("virsh", ["-q", "-c", Uri, .. arguments]);

    /// <summary>The <c>/sys</c> that shows the devices of its network namespace.</summary>
    public string Sys => $"/proc/{Init}/root/sys";

    /// <summary>Runs a program in its network namespace, to its end.</summary>
    /// <exception cref="InvalidOperationException">It has none of its own.</exception>
    public Task<string> InNetworkAsync(string file, params ReadOnlySpan<string> arguments) => _isolatedNetwork
        ? ChildProcess.RunAsync("nsenter", [$"--net=/proc/{Init}/ns/net", "--", file, .. arguments])
        : throw new InvalidOperationException("What is done to this libvirtd's network would be done to the machine's.");

    /// <summary>Makes a tap device as one that outlives the guests that open it.</summary>
    public async Task AddTapAsync(string name)
    {
        await InNetworkAsync("ip", "tuntap", "add", "dev", name, "mode", "tap", "vnet_hdr");
        await InNetworkAsync("ip", "link", "set", name, "up");
    }

    public Task RemoveTapAsync(string name) => InNetworkAsync("ip", "link", "delete", name);

    /// <summary>The names of all domains, running or not.</summary>
    public async Task<IReadOnlyList<string>> DomainsAsync() =>
        (await VirshAsync("list", "--all", "--name")).Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);

    /// <summary>Pids of the guests, as seen from outside.</summary>
    public IReadOnlyList<int> GuestPids() => Descendants("qemu-system-x86");

    /// <summary>Pid of the guest with the uuid, as seen from outside; null when there is none.</summary>
    public int? GuestPid(Guid uuid)
    {
        foreach (var pid in GuestPids())
        {
            if (Read($"/proc/{pid}/cmdline") is { } line && line.Contains($"-uuid\0{uuid}\0", StringComparison.Ordinal))
            {
                return pid;
            }
        }

        return null;
    }

    /// <summary>Kills libvirtd, and only it, as a crash would; the guests go on, and it is started again.</summary>
    public async Task KillDaemonAsync()
    {
        var pid = Descendants("libvirtd").Single();
        File.Delete(Socket);
        await ChildProcess.SendAsync(pid, ProcessSignal.Kill);
        await Eventually.HoldsAsync("another libvirtd", () => File.Exists(Socket));
    }

    /// <summary>Sends libvirtd, and only it, a signal, such as one that lets it stand still.</summary>
    public Task SignalDaemonAsync(ProcessSignal signal) => ChildProcess.SendAsync(Descendants("libvirtd").Single(), signal);

    /// <summary>Lets libvirtd, and each guest that it starts from then on, have no more memory than this.</summary>
    /// <param name="bytes">Of address space; null for as much as there is.</param>
    public Task LimitMemoryAsync(long? bytes) => ChildProcess.RunAsync("prlimit",
    [
        "--pid", Descendants("libvirtd").Single().ToString(CultureInfo.InvariantCulture),
        $"--as={bytes?.ToString(CultureInfo.InvariantCulture) ?? "unlimited"}:",
    ]);

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            // End of its input: it then ends everything inside before itself.
            _process.Input.Close();
            await _process.WaitForExitAsync();
        }

        await _process.DisposeAsync();
        _directory.Dispose();
    }

    private List<int> Descendants(string command)
    {
        var processes = new List<(int Pid, int Parent, string Command)>();
        foreach (var path in System.IO.Directory.EnumerateDirectories("/proc"))
        {
            if (int.TryParse(Path.GetFileName(path), CultureInfo.InvariantCulture, out var pid) && Read(Path.Combine(path, "stat")) is { } stat)
            {
                // pid (command) state parent …, and the command may contain anything.
                var open = stat.IndexOf('(', StringComparison.Ordinal);
                var close = stat.LastIndexOf(')');
                var parent = int.Parse(stat[(close + 2)..].Split(' ')[1], CultureInfo.InvariantCulture);
                processes.Add((pid, parent, stat[(open + 1)..close]));
            }
        }

        var family = new HashSet<int> { _process.Id };
        var size = 0;
        while (size != family.Count)
        {
            size = family.Count;
            family.UnionWith(processes.Where(process => family.Contains(process.Parent)).Select(process => process.Pid));
        }

        return [.. processes.Where(process => family.Contains(process.Pid) && process.Command == command).Select(process => process.Pid)];
    }

    private static string? Read(string path)
    {
        try
        {
            return File.ReadAllText(path);
        }
        catch (IOException)
        {
            // It ended between listing and looking.
            return null;
        }
    }
}
