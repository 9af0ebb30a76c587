using System.Globalization;
using PonyCloud.Twilight.Hypervisor;

namespace PonyCloud.Twilight.Reconciliation;

/// <summary>
/// Tells emulators that the kernel killed for want of memory from others that ended. The kernel counts its kills for the whole machine
/// and tells nobody whom: when its count has grown since the last look, one that has crashed since then is taken for one of them.
/// </summary>
/// <remarks>Owned by one loop.</remarks>
/// <param name="proc">The folder <c>/proc</c>.</param>
internal sealed class OutOfMemory(string proc)
{
    private HashSet<Guid> _crashed = [];
    private HashSet<Guid> _killed = [];
    private long? _kills;

    /// <summary>The scan, with this cause where it is likely.</summary>
    internal DomainScan Explain(DomainScan scan)
    {
        var kills = ReadKills();
        var hasKilled = _kills is { } before && kills > before;
        _kills = kills;
        var crashed = scan.Domains.Where(domain => domain is { State: DomainState.Off, Reason: DomainReason.Crashed, Cause: DomainCause.None })
            .Select(domain => domain.Uuid).ToHashSet();
        _killed = [.. crashed.Where(domain => hasKilled ? !_crashed.Contains(domain) || _killed.Contains(domain) : _killed.Contains(domain))];
        _crashed = crashed;
        return _killed.Count == 0 ? scan : scan with
        {
            Domains = [.. scan.Domains.Select(domain => _killed.Contains(domain.Uuid) ? domain with { Cause = DomainCause.HostOutOfMemory } : domain)],
        };
    }

    /// <summary>Null where the kernel does not count.</summary>
    private long? ReadKills()
    {
        const string name = "oom_kill ";
        try
        {
            var line = File.ReadLines(Path.Combine(proc, "vmstat")).FirstOrDefault(line => line.StartsWith(name, StringComparison.Ordinal));
            return line is not null && long.TryParse(line.AsSpan(name.Length), CultureInfo.InvariantCulture, out var kills) ? kills : null;
        }
        catch (IOException)
        {
            // Without the count nothing is said of it.
            return null;
        }
    }
}
