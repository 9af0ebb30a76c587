using System.Threading.RateLimiting;
using PonyCloud.Shared.Entities;

namespace PonyCloud.Sparkle.Api.Security;

/// <summary>How a login went.</summary>
/// <param name="RetryAfter">Set when there were too many failures, and the password was not even looked at.</param>
public readonly record struct LoginResult(bool IsRight, TimeSpan? RetryAfter);

/// <summary>
/// Checks passwords, and slows down whoever guesses them: so many failures per remote address and user and window.
/// Few checks run at a time, since each costs a tenth of a second of a processor: logins never starve the rest.
/// </summary>
public sealed class LoginGate : IDisposable
{
    private readonly Passwords _passwords;
    private readonly TimeSpan _window;
    private readonly PartitionedRateLimiter<(string Address, string User)> _failures;
    private readonly SemaphoreSlim _places = new(Math.Max(1, Environment.ProcessorCount / 2));

    public LoginGate(Passwords passwords, int failures, TimeSpan window)
    {
        _passwords = passwords;
        _window = window;
        _failures = PartitionedRateLimiter.Create<(string Address, string User), (string, string)>(key =>
            RateLimitPartition.GetFixedWindowLimiter(key, _ => new FixedWindowRateLimiterOptions
            {
                PermitLimit = failures,
                Window = window,
                QueueLimit = 0,
            }));
    }

    /// <param name="user">The user as memory has it; null when there is none of that name.</param>
    public async Task<LoginResult> TryAsync(string address, string name, UserDesired? user, string password, CancellationToken cancellation)
    {
        var key = (address, name);
        await _places.WaitAsync(cancellation);
        try
        {
            // Behind the gate, so that many guesses at once cannot all pass before the first one is counted.
            using (var allowed = _failures.AttemptAcquire(key, 0))
            {
                if (!allowed.IsAcquired)
                    return new LoginResult(false, allowed.TryGetMetadata(MetadataName.RetryAfter, out var wait) ? wait : _window);
            }
            var isRight = await Task.Run(() => _passwords.Verify(user?.Data, password), cancellation);
            if (!isRight)
                _failures.AttemptAcquire(key).Dispose();
            return new LoginResult(isRight, null);
        }
        finally
        {
            _places.Release();
        }
    }

    public void Dispose()
    {
        _failures.Dispose();
        _places.Dispose();
    }
}
