using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using PonyCloud.Sparkle.Database.Following;

namespace PonyCloud.Sparkle.Database.Writing;

/// <summary>Forgets requests that are too old to be repeated, in batches that hold nobody up.</summary>
public sealed partial class RequestSweeper(RequestLedger ledger, CommitTracker tracker, TimeProvider time, ILogger<RequestSweeper> logger)
    : BackgroundService
{
    // Soon at first, since what is kept is not counted until then.
    private static readonly TimeSpan FirstPause = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan Pause = TimeSpan.FromMinutes(10);

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(FirstPause, time);
        try
        {
            while (await timer.WaitForNextTickAsync(stoppingToken))
            {
                if (tracker.Down is not null)
                    continue;
                await SweepAsync(stoppingToken);
                timer.Period = Pause;
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            LogStopping();
        }
    }

    private async Task SweepAsync(CancellationToken stop)
    {
        try
        {
            while (await ledger.SweepAsync(stop))
                LogMore();
        }
        catch (DatabaseUnavailableException failure)
        {
            LogFailed(failure);
        }
    }

    [LoggerMessage(2111, LogLevel.Debug, "Old requests were forgotten, and there are more.")]
    private partial void LogMore();

    [LoggerMessage(2112, LogLevel.Debug, "Old requests could not be forgotten; trying again later.")]
    private partial void LogFailed(Exception failure);

    [LoggerMessage(2113, LogLevel.Debug, "Old requests are no longer looked after.")]
    private partial void LogStopping();
}
