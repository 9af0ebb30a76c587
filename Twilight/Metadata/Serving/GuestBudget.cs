using System.Threading.RateLimiting;

namespace PonyCloud.Twilight.Metadata.Serving;

/// <summary>How often each guest may ask, so that none takes the time that others need.</summary>
internal sealed class GuestBudget : IDisposable
{
    // A crawl of the whole tree at once, and then more than anybody reads.
    private const int Burst = 300;
    private const int PerSecond = 50;

    private readonly PartitionedRateLimiter<Guest> _limiter = PartitionedRateLimiter.Create<Guest, Guest>(guest =>
        RateLimitPartition.GetTokenBucketLimiter(guest, _ => new TokenBucketRateLimiterOptions
        {
            TokenLimit = Burst,
            TokensPerPeriod = PerSecond,
            ReplenishmentPeriod = TimeSpan.FromSeconds(1),
            QueueLimit = 0,
        }));

    public bool TryAcquire(Guest guest)
    {
        using var lease = _limiter.AttemptAcquire(guest);
        return lease.IsAcquired;
    }

    public void Dispose() => _limiter.Dispose();
}
