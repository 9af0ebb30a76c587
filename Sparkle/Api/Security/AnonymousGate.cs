using System.Net;
using System.Threading.RateLimiting;
using Microsoft.AspNetCore.Http;

namespace PonyCloud.Sparkle.Api.Security;

/// <summary>Bounds how often one network asks for what needs no token.</summary>
public sealed class AnonymousGate : IDisposable
{
    private const int SecondsOfBurst = 4;

    private readonly PartitionedRateLimiter<string> _limiter;

    /// <param name="perSecond">Requests of one network a second, and some seconds of them at once.</param>
    public AnonymousGate(int perSecond) => _limiter = PartitionedRateLimiter.Create<string, string>(network =>
        RateLimitPartition.GetTokenBucketLimiter(network, _ => new TokenBucketRateLimiterOptions
        {
            TokenLimit = perSecond * SecondsOfBurst,
            TokensPerPeriod = perSecond,
            ReplenishmentPeriod = TimeSpan.FromSeconds(1),
            QueueLimit = 0,
        }));

    /// <exception cref="ProblemException">The network asked too often.</exception>
    public void Require(HttpContext context)
    {
        using var lease = _limiter.AttemptAcquire(LoginGate.NetworkOf(context.Connection.RemoteIpAddress ?? IPAddress.None));
        if (lease.IsAcquired)
            return;
        throw new ProblemException(new Problem(ProblemKind.TooManyRequests, "Too many requests without a token. Wait before the next.")
        {
            RetryAfter = lease.TryGetMetadata(MetadataName.RetryAfter, out var wait) ? wait : TimeSpan.FromSeconds(1),
        });
    }

    public void Dispose() => _limiter.Dispose();
}
