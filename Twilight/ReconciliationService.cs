using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using PonyCloud.Shared.Hosting;
using PonyCloud.Twilight.Reconciliation;
using PonyCloud.Twilight.Tools;

namespace PonyCloud.Twilight;

/// <summary>Runs what reports on the host, and makes it as ordered, for as long as the agent lives; the guests outlive it.</summary>
internal sealed class ReconciliationService(IEnumerable<IHostReporter> reporters, LeftoverTools leftovers, DaemonHealth health)
    : BackgroundService
{
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        // Before anything of this agent runs: they would write where it writes.
        leftovers.End();
        // Ready means that the agent's loops run. Sparkle or libvirt may be away: then the host says so, and waits.
        health.MarkReady();
        await TaskGroup.RunAsync(
            stoppingToken, [.. reporters.Select<IHostReporter, Func<CancellationToken, Task>>(reporter => reporter.RunAsync)]);
    }
}

internal static partial class TwilightLog
{
    [LoggerMessage(2101, LogLevel.Information, "Twilight {Version} on host {Host}, for Sparkle at {Endpoint}.")]
    public static partial void LogStarting(this ILogger logger, string version, Guid host, string endpoint);
}
