namespace PonyCloud.Shared.Messaging.ZeroMq;

/// <summary>Who came to a socket that authenticates its peers, since it was opened. Written by its thread, read by any.</summary>
public sealed class DoorCounters
{
    private long _accepted;
    private long _closed;
    private long _handshakes;
    private long _brokenHandshakes;
    private long _refusedByGate;
    private long _refusedMessages;
    private long _failedAccepts;

    /// <summary>TCP connections that came.</summary>
    public long Accepted => Interlocked.Read(ref _accepted);

    /// <summary>Of these, the ones that are open, authenticated or not.</summary>
    public long Open => Accepted - Interlocked.Read(ref _closed);

    /// <summary>Connections whose peer proved its key and was admitted.</summary>
    public long Handshakes => Interlocked.Read(ref _handshakes);

    /// <summary>Connections that were closed for what they said, or did not say in time, before they proved a key.</summary>
    public long BrokenHandshakes => Interlocked.Read(ref _brokenHandshakes);

    /// <summary>Connections whose peer proved a key that was not admitted.</summary>
    public long RefusedByGate => Interlocked.Read(ref _refusedByGate);

    /// <summary>Messages of strangers that were too large.</summary>
    public long RefusedMessages => Interlocked.Read(ref _refusedMessages);

    /// <summary>How often a connection could not be taken, as when there are no file descriptors left.</summary>
    public long FailedAccepts => Interlocked.Read(ref _failedAccepts);

    internal void CountAccepted() => Interlocked.Increment(ref _accepted);

    internal void CountClosed() => Interlocked.Increment(ref _closed);

    internal void CountHandshake() => Interlocked.Increment(ref _handshakes);

    internal void CountBrokenHandshake() => Interlocked.Increment(ref _brokenHandshakes);

    internal void CountRefusedByGate() => Interlocked.Increment(ref _refusedByGate);

    internal void CountRefusedMessage() => Interlocked.Increment(ref _refusedMessages);

    internal void CountFailedAccept() => Interlocked.Increment(ref _failedAccepts);
}
