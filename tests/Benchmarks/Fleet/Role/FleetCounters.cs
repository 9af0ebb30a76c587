using System.Globalization;

namespace PonyCloud.Benchmarks.Fleet.Role;

/// <summary>What the peers of a process did, all threads together.</summary>
internal sealed class FleetCounters
{
    private long _sent;
    private long _sentBytes;
    private long _received;
    private long _receivedBytes;
    private long _undelivered;

    public void Sent(int bytes)
    {
        Interlocked.Increment(ref _sent);
        Interlocked.Add(ref _sentBytes, bytes);
    }

    public void Received(int bytes)
    {
        Interlocked.Increment(ref _received);
        Interlocked.Add(ref _receivedBytes, bytes);
    }

    public void Undelivered() => Interlocked.Increment(ref _undelivered);

    /// <summary>Messages and bytes sent, messages and bytes received, messages that could not be handed over.</summary>
    public override string ToString() => string.Join(
        ' ',
        new[] { _sent, _sentBytes, _received, _receivedBytes, _undelivered }.Select(count => count.ToString(CultureInfo.InvariantCulture)));
}
