using System.Globalization;

namespace PonyCloud.Benchmarks.Fleet;

/// <summary>What the kernel says about a process (proc(5)).</summary>
internal sealed class ProcessFigures(int pid)
{
    // USER_HZ, which is 100 on every architecture that .NET runs on.
    private const double TicksPerSecond = 100;

    /// <summary>Processor time that it used so far, all threads, user and kernel.</summary>
    public TimeSpan Cpu
    {
        get
        {
            var stat = File.ReadAllText($"/proc/{pid}/stat");
            // The name may hold anything; what follows it begins with the third field.
            var fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
            return TimeSpan.FromSeconds((Number(fields[11]) + Number(fields[12])) / TicksPerSecond);
        }
    }

    /// <summary>Bytes of it that are in memory.</summary>
    public long ResidentBytes => Kilobytes("VmRSS:");

    /// <summary>The most bytes of it that were ever in memory at a time.</summary>
    public long PeakResidentBytes => Kilobytes("VmHWM:");

    private long Kilobytes(string name) => 1024 * Number(
        File.ReadLines($"/proc/{pid}/status").First(line => line.StartsWith(name, StringComparison.Ordinal))[name.Length..^2].Trim());

    private static long Number(string text) => long.Parse(text, CultureInfo.InvariantCulture);
}
