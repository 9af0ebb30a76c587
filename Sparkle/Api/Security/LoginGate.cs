using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Threading.RateLimiting;
using PonyCloud.Shared.Entities;

namespace PonyCloud.Sparkle.Api.Security;

/// <summary>How a login went.</summary>
/// <param name="RetryAfter">Set when there were too many failures, and the password was not even looked at.</param>
public readonly record struct LoginResult(bool IsRight, TimeSpan? RetryAfter);

/// <summary>
/// Checks passwords, and slows down whoever guesses them: so many failures per remote network and user in a window, some
/// times as many per network with all users and per user from all networks. The last would let anybody lock a user out, so
/// it does not hold for a network from which that user has logged in.
/// </summary>
/// <remarks>
/// Few checks run at a time, since each costs a tenth of a second of a processor: logins never starve the rest, and what
/// is remembered of failures, for one window, is bounded by how many checks fit into it.
/// </remarks>
public sealed class LoginGate : IDisposable
{
    /// <summary>So many times the failures of one network and user may come from one network, or for one user.</summary>
    private const int Widening = 10;

    private const int MaxWaiting = 64;
    private const int MaxKnown = 10_000;

    private static readonly TimeSpan WhenCrowded = TimeSpan.FromSeconds(1);

    private readonly Passwords _passwords;
    private readonly TimeSpan _window;
    private readonly PartitionedRateLimiter<(string Network, string User)> _pairs;
    private readonly PartitionedRateLimiter<string> _networks;
    private readonly PartitionedRateLimiter<string> _users;
    private readonly ConcurrentDictionary<(string Network, string User), byte> _known = new();
    private readonly SemaphoreSlim _places = new(Math.Max(1, Environment.ProcessorCount / 2));
    private int _waiting;

    public LoginGate(Passwords passwords, int failures, TimeSpan window)
    {
        _passwords = passwords;
        _window = window;
        _pairs = Limiter<(string, string)>(failures, window);
        _networks = Limiter<string>(failures * Widening, window);
        _users = Limiter<string>(failures * Widening, window);
    }

    /// <param name="user">The user as memory has it; null when there is none of that name.</param>
    public async Task<LoginResult> TryAsync(
        IPAddress address, string name, UserDesired? user, string password, CancellationToken cancellation)
    {
        if (Interlocked.Increment(ref _waiting) > MaxWaiting)
        {
            Interlocked.Decrement(ref _waiting);
            return new LoginResult(false, WhenCrowded);
        }
        try
        {
            await _places.WaitAsync(cancellation);
        }
        finally
        {
            Interlocked.Decrement(ref _waiting);
        }
        try
        {
            // Behind the gate, so that many guesses at once cannot all pass before the first one is counted.
            var pair = (Network: NetworkOf(address), User: name);
            if (RetryAfter(pair) is { } wait)
                return new LoginResult(false, wait);
            var isRight = await Task.Run(() => _passwords.Verify(user?.Data, password), cancellation);
            if (isRight)
                Remember(pair);
            else
                Count(pair);
            return new LoginResult(isRight, null);
        }
        finally
        {
            _places.Release();
        }
    }

    /// <summary>
    /// Whether somebody who is logged in knows the password. Every try counts, as many may be on their way at once, and
    /// against the login alone: whoever stole a token keeps its owner from nothing.
    /// </summary>
    public LoginResult Prove(string session, string name, JsonText stored, string password)
    {
        using var place = _pairs.AttemptAcquire(($"session {session}", name));
        if (!place.IsAcquired)
            return new LoginResult(false, place.TryGetMetadata(MetadataName.RetryAfter, out var wait) ? wait : _window);
        return new LoginResult(_passwords.Verify(stored, password.Length <= Passwords.MaxChecked ? password : ""), null);
    }

    public void Dispose()
    {
        _pairs.Dispose();
        _networks.Dispose();
        _users.Dispose();
        _places.Dispose();
    }

    /// <summary>What one client can have many addresses of counts as one: a network of IPv6 with 64 bits.</summary>
    internal static string NetworkOf(IPAddress address)
    {
        if (address.IsIPv4MappedToIPv6)
            return address.MapToIPv4().ToString();
        if (address.AddressFamily != AddressFamily.InterNetworkV6)
            return address.ToString();
        var bytes = address.GetAddressBytes();
        bytes.AsSpan(8).Clear();
        return new IPAddress(bytes).ToString();
    }

    private TimeSpan? RetryAfter((string Network, string User) pair)
    {
        if (Wait(_pairs, pair) is { } own)
            return own;
        if (_known.ContainsKey(pair))
            return null;
        return Wait(_networks, pair.Network) ?? Wait(_users, pair.User);
    }

    private TimeSpan? Wait<T>(PartitionedRateLimiter<T> limiter, T key)
    {
        using var lease = limiter.AttemptAcquire(key, 0);
        if (lease.IsAcquired)
            return null;
        return lease.TryGetMetadata(MetadataName.RetryAfter, out var wait) ? wait : _window;
    }

    private void Count((string Network, string User) pair)
    {
        _pairs.AttemptAcquire(pair).Dispose();
        _networks.AttemptAcquire(pair.Network).Dispose();
        _users.AttemptAcquire(pair.User).Dispose();
    }

    private void Remember((string Network, string User) pair)
    {
        // A full memory starts anew: it only spares users a wait while somebody guesses at their password.
        if (_known.Count >= MaxKnown)
            _known.Clear();
        _known.TryAdd(pair, 0);
    }

    private static PartitionedRateLimiter<T> Limiter<T>(int failures, TimeSpan window)
        where T : notnull => PartitionedRateLimiter.Create<T, T>(key =>
            RateLimitPartition.GetFixedWindowLimiter(key, _ => new FixedWindowRateLimiterOptions
            {
                PermitLimit = failures,
                Window = window,
                QueueLimit = 0,
            }));
}
