namespace PonyCloud.TestKit.VirtualMachines;

/// <summary>What a test could leave behind for the next one in the same virtual machine.</summary>
public sealed class MachineState
{
    private readonly HashSet<string> _things;

    private MachineState(HashSet<string> things) => _things = things;

    /// <summary>What is there now: mounts, block devices, network devices, daemons.</summary>
    public static MachineState Read()
    {
        HashSet<string> things = [];
        things.UnionWith(File.ReadLines("/proc/self/mounts").Select(line => $"mount {line.Split(' ')[1]}"));
        things.UnionWith(
            Directory.EnumerateDirectories("/sys/block")
                .Select(path => Path.GetFileName(path))
                .Where(name => !name.StartsWith("loop", StringComparison.Ordinal) || Directory.Exists($"/sys/block/{name}/loop"))
                .Select(name => $"block device {name}"));
        things.UnionWith(Directory.EnumerateDirectories("/sys/class/net").Select(path => $"network device {Path.GetFileName(path)}"));
        things.UnionWith(Directory.EnumerateDirectories("/proc").Select(Process).OfType<string>());
        return new MachineState(things);
    }

    /// <summary>What is here and not there, in words.</summary>
    public IReadOnlyList<string> Except(MachineState other) => [.. _things.Except(other._things).Order(StringComparer.Ordinal)];

    private static string? Process(string directory)
    {
        if (!int.TryParse(Path.GetFileName(directory), out var pid))
        {
            return null;
        }

        try
        {
            // The kernel's own threads have no command line, and what has ended has none either.
            var command = File.ReadAllText(Path.Combine(directory, "cmdline")).Replace('\0', ' ').Trim();
            var name = File.ReadAllText(Path.Combine(directory, "comm")).Trim();
            // udev's workers come and go by themselves.
            return command.Length == 0 || name.Contains("udev-worker", StringComparison.Ordinal) ? null : $"process {pid} ({command})";
        }
        catch (IOException)
        {
            // It ended meanwhile.
            return null;
        }
    }
}
