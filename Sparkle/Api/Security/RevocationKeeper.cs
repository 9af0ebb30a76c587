using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using PonyCloud.Sparkle.Control;
using PonyCloud.Sparkle.Database;

namespace PonyCloud.Sparkle.Api.Security;

/// <summary>Writes ended tokens to the database that was away, and removes those that would have ended by now anyway.</summary>
public sealed partial class RevocationKeeper(Revocations revocations, IStateView view, TimeProvider time, ILogger<RevocationKeeper> logger)
    : BackgroundService
{
    private const int SweptAtOnce = 500;

    private static readonly TimeSpan LookEvery = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan SweepEvery = TimeSpan.FromMinutes(10);
    private static readonly TimeSpan WriteLimit = TimeSpan.FromSeconds(30);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(LookEvery, time);
        var swept = time.GetTimestamp();
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            // A controller that stands by writes nothing; the active one does the same work.
            if (!view.Database.IsUp || view.Epoch is null)
                continue;
            using var limit = new CancellationTokenSource(WriteLimit, time);
            using var stop = CancellationTokenSource.CreateLinkedTokenSource(stoppingToken, limit.Token);
            try
            {
                if (await revocations.WriteWaitingAsync(time.GetUtcNow(), stop.Token) is { } failure)
                    LogWaiting(failure, revocations.Waiting);
                else if (time.GetElapsedTime(swept) >= SweepEvery
                    && await revocations.SweepAsync(view.Snapshot!, time.GetUtcNow(), SweptAtOnce, stop.Token) < SweptAtOnce)
                    swept = time.GetTimestamp();
            }
            catch (Exception failure) when (failure is DatabaseUnavailableException or UnconfirmedCommitException or WriteRefusedException
                || (failure is OperationCanceledException && !stoppingToken.IsCancellationRequested))
            {
                LogWaiting(failure, revocations.Waiting);
            }
        }
    }

    [LoggerMessage(3041, LogLevel.Warning, "Ended tokens were not brought into step with the database; {Waiting} wait")]
    private partial void LogWaiting(Exception failure, int waiting);
}
