using Microsoft.Extensions.Logging;
using PonyCloud.Twilight.Hypervisor;

namespace PonyCloud.Twilight.Storage.Working;

/// <summary>
/// A guest whose file systems stand still, if an agent in it sees to that, until this is disposed or its time is over.
/// <code>
///   FREEZING ── yes ──► FROZEN ── disposed, or 30 s are over ──► THAW, up to three times ──► (none)
///      ├ no ──► (none)                                             ▲
///      └ nobody knows: cancelled, or no answer ────────────────────┘
/// </code>
/// </summary>
/// <remarks>What a thaw could not do, the next start of the agent of the host tries again.</remarks>
internal sealed partial class QuietGuest : IAsyncDisposable
{
    /// <summary>No guest stands still for longer, whatever is not done by then.</summary>
    internal static readonly TimeSpan Longest = TimeSpan.FromSeconds(30);

    private const int ThawsMax = 3;
    private static readonly TimeSpan ThawPause = TimeSpan.FromSeconds(2);

    private readonly CancellationTokenSource _over = new();
    private readonly Task _thawing;

    private QuietGuest(IHypervisor hypervisor, Guid domain, TimeProvider time, ILogger logger, bool isFrozen) =>
        _thawing = isFrozen ? ThawLaterAsync(hypervisor, domain, time, logger) : Task.CompletedTask;

    internal static async Task<QuietGuest> BeginAsync(
        IHypervisor hypervisor, Guid domain, TimeProvider time, ILogger logger, CancellationToken cancellationToken)
    {
        try
        {
            return new QuietGuest(hypervisor, domain, time, logger, await hypervisor.FreezeAsync(domain, cancellationToken));
        }
        catch (Exception exception) when (exception is OperationCanceledException or HypervisorException { Failure: HypervisorFailure.TimedOut })
        {
            await ThawAsync(hypervisor, domain, time, logger);
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _over.CancelAsync();
        await _thawing;
        _over.Dispose();
    }

    private async Task ThawLaterAsync(IHypervisor hypervisor, Guid domain, TimeProvider time, ILogger logger)
    {
        await Task.Delay(Longest, time, _over.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await ThawAsync(hypervisor, domain, time, logger);
    }

    private static async Task ThawAsync(IHypervisor hypervisor, Guid domain, TimeProvider time, ILogger logger)
    {
        for (var times = 1; ; times++)
        {
            try
            {
                await hypervisor.ThawAsync(domain, CancellationToken.None);
                return;
            }
            catch (HypervisorException exception) when (exception.Failure is HypervisorFailure.NoSuchDomain or HypervisorFailure.WrongState)
            {
                // It is off, and so are its file systems.
                LogOff(logger, domain, exception.Message);
                return;
            }
            catch (HypervisorException exception)
            {
                LogNotThawed(logger, domain, times, exception.Message);
                if (times == ThawsMax)
                    return;
            }
            await Task.Delay(ThawPause, time, CancellationToken.None);
        }
    }

    [LoggerMessage(EventId = 4301, Level = LogLevel.Debug, Message = "The guest {Domain} is off and needs no thaw: {Why}")]
    private static partial void LogOff(ILogger logger, Guid domain, string why);

    [LoggerMessage(EventId = 4302, Level = LogLevel.Warning, Message = "The file systems of the guest {Domain} could not be thawed, attempt {Times}: {Why}")]
    private static partial void LogNotThawed(ILogger logger, Guid domain, int times, string why);
}
