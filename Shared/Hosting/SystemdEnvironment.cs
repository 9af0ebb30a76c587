using System.Globalization;

namespace PonyCloud.Shared.Hosting;

/// <summary>What systemd tells a service about itself; see sd_notify(3) and sd_watchdog_enabled(3).</summary>
/// <param name="NotifySocket">A path, or a name in the abstract namespace behind an <c>@</c>; null when nobody listens.</param>
/// <param name="WatchdogTimeout">How long systemd waits for a sign of life; null when it does not.</param>
public sealed record SystemdEnvironment(string? NotifySocket, TimeSpan? WatchdogTimeout)
{
    /// <param name="environment">The variables of the process.</param>
    /// <param name="processId">Of this process; a watchdog for another one is not ours.</param>
    public static SystemdEnvironment From(IEnumerable<KeyValuePair<string, string>> environment, int processId)
    {
        var variables = environment.ToDictionary(StringComparer.Ordinal);
        var socket = variables.GetValueOrDefault("NOTIFY_SOCKET");
        var watchdogPid = variables.GetValueOrDefault("WATCHDOG_PID");
        var isOurs = string.IsNullOrEmpty(watchdogPid) || watchdogPid == processId.ToString(CultureInfo.InvariantCulture);
        TimeSpan? watchdog = isOurs
            && long.TryParse(variables.GetValueOrDefault("WATCHDOG_USEC"), NumberStyles.None, CultureInfo.InvariantCulture, out var microseconds)
            && microseconds is > 0 and < long.MaxValue / TimeSpan.TicksPerMicrosecond
            ? TimeSpan.FromTicks(microseconds * TimeSpan.TicksPerMicrosecond)
            : null;
        return new SystemdEnvironment(socket is ['/' or '@', _, ..] ? socket : null, watchdog);
    }
}
