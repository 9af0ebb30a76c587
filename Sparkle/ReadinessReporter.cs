using Microsoft.Extensions.Hosting;
using PonyCloud.Shared.Hosting;
using PonyCloud.Sparkle.Control;

namespace PonyCloud.Sparkle;

/// <summary>
/// Tells the service manager when the controller is ready, which is when it knows the database, and that it lives, which
/// is while its loop comes round; and whether another controller has taken its place since.
/// </summary>
internal sealed class ReadinessReporter(ControlLoop loop, DaemonHealth health, TimeProvider time) : BackgroundService
{
    private static readonly TimeSpan LookEvery = TimeSpan.FromMilliseconds(100);

    // Loading a large database is one turn of the loop.
    private static readonly TimeSpan Stuck = TimeSpan.FromMinutes(2);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        health.AddCheck("control loop", () => loop.SinceLastTurn < Stuck);
        using var timer = new PeriodicTimer(LookEvery, time);
        string? told = null;
        do
        {
            if (loop.Snapshot is not null)
                health.MarkReady();
            var status = Status();
            if (status != told)
                health.ReportStatus(told = status);
        }
        while (await timer.WaitForNextTickAsync(stoppingToken));
    }

    private string Status()
    {
        if (loop.Snapshot is null)
            return loop.Database.Why ?? "Loading the database.";
        // Somebody else speaks to the hosts.
        return loop.Epoch is null ? $"Standing by. {loop.Database.Why}" : "Serving.";
    }
}
