namespace PonyCloud.Shared.Messaging.ZeroMq;

/// <summary>
/// Makes sense of libzmq's reports about connections: which connection a failed handshake was, and where it came from.
/// </summary>
/// <remarks>
/// Reports come in the order in which libzmq's only I/O thread made them. A handshake that fails is reported without its
/// connection, but the end of the connection follows at once. One that does not even begin as ZMTP 3 does is closed without
/// a report of its own; it is known by having ended before any handshake since it began came to an end. In the milliseconds
/// of another's handshake one such may pass uncounted; none is counted that was good.
/// </remarks>
internal sealed class ConnectionLedger(DoorCounters counters, Action<string, string> refused)
{
    private const string Unknown = "an address that is gone";

    private readonly Dictionary<int, Connection> _open = [];
    private long _decided;
    private string? _failure;

    public void Accepted(int file, string? address)
    {
        counters.CountAccepted();
        _open[file] = new Connection(address ?? Unknown, _decided);
    }

    public void AcceptFailed(string reason)
    {
        counters.CountFailedAccept();
        refused(Unknown, $"a connection could not be taken: {reason}");
    }

    public void HandshakeSucceeded()
    {
        counters.CountHandshake();
        _decided++;
    }

    /// <summary>The gate said no. The connection stays until the time for its handshake is over.</summary>
    public void HandshakeRefused() => _decided++;

    public void HandshakeFailed(string reason) => _failure = reason;

    public void Disconnected(int file)
    {
        var failure = _failure;
        _failure = null;
        if (!_open.Remove(file, out var connection))
            return;
        counters.CountClosed();
        if (failure is null && connection.DecidedBefore == _decided)
            failure = "it does not speak ZMTP 3";
        if (failure is null)
            return;
        counters.CountBrokenHandshake();
        refused(connection.Address, failure);
    }

    private readonly record struct Connection(string Address, long DecidedBefore);
}
