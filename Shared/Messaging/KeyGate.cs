using System.Collections.Immutable;
using System.Net;
using System.Net.Sockets;

namespace PonyCloud.Shared.Messaging;

/// <summary>How often strangers get in, over all and from one address.</summary>
public sealed record KeyGateOptions
{
    /// <summary>Strangers that get in at once after a quiet time.</summary>
    public int Burst { get; init; } = 100;

    /// <summary>The time after which one more stranger may get in.</summary>
    public TimeSpan Pace { get; init; } = TimeSpan.FromMilliseconds(100);

    /// <summary>Of <see cref="Burst"/>, those of one address.</summary>
    public int AddressBurst { get; init; } = 10;

    /// <summary>As <see cref="Pace"/>, for one address.</summary>
    public TimeSpan AddressPace { get; init; } = TimeSpan.FromSeconds(2);
}

/// <summary>
/// Lets known keys in always and strangers at a bounded pace: a host that nobody declared yet must be able to introduce
/// itself, and cannot be told from somebody who makes a key for each connection. Safe from any thread.
/// </summary>
/// <remarks>
/// An IPv6 address counts as its network of 64 bits, which is what one customer or one machine is given. The memory is
/// bounded by the pace: an address is remembered only while it has less than its burst, and gets there only by being let in.
/// </remarks>
public sealed class KeyGate : IPeerGate
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, Allowance> _addresses = new(StringComparer.Ordinal);
    private readonly TimeProvider _time;
    private readonly KeyGateOptions _options;
    private readonly Allowance _all;
    private ImmutableHashSet<string>? _known;
    private int _sweepAt = 64;
    private long _admittedStrangers;
    private long _refusedStrangers;

    /// <exception cref="ArgumentException">A burst or a pace is not above 0.</exception>
    public KeyGate(TimeProvider time, KeyGateOptions? options = null)
    {
        _time = time;
        _options = options ?? new KeyGateOptions();
        if (_options.Burst <= 0 || _options.AddressBurst <= 0 || _options.Pace <= TimeSpan.Zero || _options.AddressPace <= TimeSpan.Zero)
            throw new ArgumentException("Bursts and paces must be above 0.", nameof(options));
        _all = new Allowance(_options.Burst, _options.Pace);
    }

    /// <summary>
    /// The keys that always get in, compared by ordinal. The owner replaces the set at any time; who is connected stays, so
    /// whoever reads messages still looks at the key of each. Until it is first set everybody gets in: a whole fleet comes
    /// back while a restarted controller still reads its database, and must not queue up as strangers.
    /// </summary>
    public ImmutableHashSet<string> Known
    {
        get => Volatile.Read(ref _known) ?? ImmutableHashSet.Create<string>(StringComparer.Ordinal);
        set => Volatile.Write(ref _known, value.WithComparer(StringComparer.Ordinal));
    }

    /// <summary>Connections of strangers that were let in.</summary>
    public long AdmittedStrangers => Interlocked.Read(ref _admittedStrangers);

    /// <summary>Connections of strangers that came too soon.</summary>
    public long RefusedStrangers => Interlocked.Read(ref _refusedStrangers);

    /// <summary>Addresses that are remembered.</summary>
    internal int RememberedAddresses
    {
        get
        {
            lock (_lock)
                return _addresses.Count;
        }
    }

    private TimeSpan Now => _time.GetElapsedTime(0);

    /// <summary>Whether <see cref="Known"/> was set.</summary>
    public bool IsClosed => Volatile.Read(ref _known) is not null;

    public bool Knows(string key) => Volatile.Read(ref _known)?.Contains(key) ?? true;

    public bool Admits(string key, string address)
    {
        if (Knows(key))
            return true;
        var admitted = AdmitsStranger(SourceOf(address));
        Interlocked.Increment(ref admitted ? ref _admittedStrangers : ref _refusedStrangers);
        return admitted;
    }

    private bool AdmitsStranger(string source)
    {
        lock (_lock)
        {
            var now = Now;
            if (!_all.HasOne(now))
                return false;
            if (_addresses.TryGetValue(source, out var bucket))
            {
                if (!bucket.HasOne(now))
                    return false;
            }
            else
            {
                Sweep(now);
                _addresses.Add(source, bucket = new Allowance(_options.AddressBurst, _options.AddressPace));
            }
            return _all.Take(now) && bucket.Take(now);
        }
    }

    /// <summary>Forgets addresses that are as good as new, each time that their number has doubled.</summary>
    private void Sweep(TimeSpan now)
    {
        if (_addresses.Count < _sweepAt)
            return;
        foreach (var (source, bucket) in _addresses)
        {
            if (bucket.IsFull(now))
                _addresses.Remove(source);
        }
        _sweepAt = Math.Max(64, _addresses.Count * 2);
    }

    private static string SourceOf(string address)
    {
        if (!IPAddress.TryParse(address, out var parsed))
            return address;
        if (parsed.IsIPv4MappedToIPv6)
            return parsed.MapToIPv4().ToString();
        if (parsed.AddressFamily != AddressFamily.InterNetworkV6)
            return parsed.ToString();
        Span<byte> bytes = stackalloc byte[16];
        parsed.TryWriteBytes(bytes, out _);
        bytes[8..].Clear();
        return new IPAddress(bytes).ToString();
    }
}
