using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using PonyCloud.Sparkle.Control;
using PonyCloud.Sparkle.Database;

namespace PonyCloud.Sparkle.Events;

/// <summary>What is kept, and how long.</summary>
public sealed record RetentionOptions
{
    /// <summary>How long an event is kept that does not happen again.</summary>
    public TimeSpan EventAge { get; init; } = TimeSpan.FromDays(30);

    /// <summary>How many different events are kept.</summary>
    public int Events { get; init; } = 100_000;

    /// <summary>How long it is kept what a tenant had on order, once it has ended.</summary>
    public TimeSpan MeteringAge { get; init; } = TimeSpan.FromDays(100);

    /// <summary>How long a host's token is kept once it has ended, so that its user is told why it is refused.</summary>
    public TimeSpan EndedEnrolmentAge { get; init; } = TimeSpan.FromDays(1);

    /// <summary>How long it is remembered that a waiting order was carried out; normally it is forgotten at once.</summary>
    public TimeSpan WrittenOrderAge { get; init; } = TimeSpan.FromDays(30);

    /// <summary>How often is looked.</summary>
    public TimeSpan Interval { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>How many rows go in one transaction, which everybody who follows the database gets in one piece.</summary>
    public int Batch { get; init; } = 1000;
}

/// <summary>Removes rows that nobody has any use of.</summary>
public interface IRetentionStore
{
    /// <summary>Removes at most <see cref="RetentionOptions.Batch"/> rows of each kind, in a transaction each.</summary>
    /// <returns>How many rows went; fewer than a batch of each when nothing is left.</returns>
    /// <exception cref="DatabaseUnavailableException">The database cannot be reached.</exception>
    Task<int> SweepAsync(RetentionOptions retention, DateTimeOffset now, CancellationToken cancellation);
}

/// <summary>Looks from time to time whether there are rows to remove, and removes them piece by piece.</summary>
public sealed partial class Retention(IRetentionStore store, IStateView view, RetentionOptions options, TimeProvider time, ILogger<Retention> logger)
    : BackgroundService
{
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(options.Interval, time);
        try
        {
            while (await timer.WaitForNextTickAsync(stoppingToken))
            {
                // One controller is enough, and it is the one that is active.
                if (view.Database.IsUp)
                    await SweepAsync(stoppingToken);
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            LogStopping();
        }
    }

    private async Task SweepAsync(CancellationToken cancellation)
    {
        try
        {
            var total = 0;
            for (var swept = 1; swept > 0; total += swept)
                swept = await store.SweepAsync(options, time.GetUtcNow(), cancellation);
            if (total > 0)
                LogSwept(total);
        }
        catch (DatabaseUnavailableException e)
        {
            LogNotSwept(e);
        }
    }

    [LoggerMessage(1311, LogLevel.Information, "{Rows} rows were removed that had outlived their use.")]
    private partial void LogSwept(int rows);

    [LoggerMessage(1312, LogLevel.Warning, "Rows that have outlived their use could not be removed; later.")]
    private partial void LogNotSwept(Exception failure);

    [LoggerMessage(1313, LogLevel.Debug, "Rows are not removed any more.")]
    private partial void LogStopping();
}
