using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using PonyCloud.Sparkle.Database.Embedded;
using PonyCloud.Sparkle.Database.Following;

namespace PonyCloud.Sparkle.Database;

/// <summary>
/// Runs the room: first the embedded server, if there is one, then the schema, then the change stream. Stops in the
/// opposite order. The controller is up meanwhile, and serves what it has.
/// </summary>
public sealed partial class DatabaseService(
    ChangeStream stream, DatabaseOptions options, TimeProvider time, ILogger<DatabaseService> logger, EmbeddedPostgres? embedded = null)
    : BackgroundService
{
    /// <inheritdoc/>
    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);
        if (embedded is not null)
            await embedded.StopAsync(cancellationToken);
    }

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            if (embedded is null)
            {
                await stream.RunAsync(stoppingToken);
                return;
            }
            await StartAsync(embedded, stoppingToken);
            using var stop = CancellationTokenSource.CreateLinkedTokenSource(stoppingToken);
            Task[] both = [stream.RunAsync(stop.Token), embedded.WatchAsync(stop.Token)];
            // Neither is of use without the other, so the failure of one ends both.
            await Task.WhenAny(both);
            await stop.CancelAsync();
            await Task.WhenAll(both);
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            LogStopping();
        }
    }

    private async Task StartAsync(EmbeddedPostgres server, CancellationToken stop)
    {
        for (var pause = options.RetryMinimum; ; pause = pause * 2 < options.RetryMaximum ? pause * 2 : options.RetryMaximum)
        {
            try
            {
                await server.StartAsync(stop);
                return;
            }
            catch (EmbeddedPostgresException e)
            {
                LogNotStarted(pause.TotalSeconds, e);
            }
            await Task.Delay(pause, time, stop);
        }
    }

    [LoggerMessage(2401, LogLevel.Error, "The embedded PostgreSQL does not start; trying again in {Seconds} s.")]
    private partial void LogNotStarted(double seconds, Exception failure);

    [LoggerMessage(2402, LogLevel.Debug, "The link to the database ends.")]
    private partial void LogStopping();
}
