using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.Logging;

namespace PonyCloud.Twilight.Metadata.Serving;

/// <summary>The service's socket in the namespace of a switch, and the connections that came in by it.</summary>
internal sealed partial class GuestDoor : IAsyncDisposable
{
    // Clients have one, or a few beside each other. Whoever wants more waits for its own.
    private const int ConnectionsOfGuestMax = 8;
    private const int ConnectionsMax = 512;

    // Without descriptors or memory for another connection, the next attempt waits for some.
    private static readonly TimeSpan Breath = TimeSpan.FromMilliseconds(100);

    private readonly Guid _switch;
    private readonly Socket _socket;
    private readonly GuestDoors _doors;
    private readonly SocketConnectionContextFactory _connections;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly CancellationTokenSource _closing = new();
    private readonly Dictionary<ConnectionContext, IPAddress> _inside = [];
    private readonly Task _accepting;

    internal GuestDoor(
        Guid @switch, string @namespace, Socket socket, GuestDoors doors, SocketConnectionContextFactory connections, TimeProvider time, ILogger logger)
    {
        _switch = @switch;
        Namespace = @namespace;
        _socket = socket;
        _doors = doors;
        _connections = connections;
        _time = time;
        _logger = logger;
        _accepting = AcceptAsync();
    }

    /// <summary>The inode of the namespace that it is in.</summary>
    internal string Namespace { get; }

    /// <summary>Whether nobody comes in any more, although nobody closed it.</summary>
    internal bool IsBroken => _accepting.IsCompleted;

    /// <summary>Cuts off whoever came in, and leaves the namespace.</summary>
    public async ValueTask DisposeAsync()
    {
        await _closing.CancelAsync();
        _socket.Dispose();
        await _accepting;
        List<ConnectionContext> left;
        lock (_inside)
            left = [.. _inside.Keys];
        foreach (var connection in left)
            connection.Abort(new ConnectionAbortedException("The switch has gone from this host."));
        _closing.Dispose();
    }

    private async Task AcceptAsync()
    {
        while (!_closing.IsCancellationRequested)
        {
            try
            {
                Take(await _socket.AcceptAsync(_closing.Token));
            }
            catch (SocketException exception) when (!_closing.IsCancellationRequested)
            {
                LogNotAccepted(exception, _switch);
                await Task.Delay(Breath, _time, _closing.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
            catch (Exception exception) when (exception is SocketException or OperationCanceledException or ObjectDisposedException)
            {
                // It was closed.
                return;
            }
        }
    }

    private void Take(Socket socket)
    {
        // A guest that has gone already has no address.
        if (RemoteOf(socket) is not { } address)
        {
            socket.Dispose();
            return;
        }
        ConnectionContext connection;
        lock (_inside)
        {
            if (_inside.Count >= ConnectionsMax || _inside.Values.Count(address.Equals) >= ConnectionsOfGuestMax)
            {
                // It is told at once, and leaves nothing behind here.
                socket.LingerState = new LingerOption(enable: true, seconds: 0);
                socket.Dispose();
                return;
            }
            connection = _connections.Create(socket);
            connection.Features.Set(new Guest(_switch, address));
            _inside.Add(connection, address);
        }
        connection.ConnectionClosed.UnsafeRegister(_ => Forget(connection), null);
        if (!_doors.Enter(connection))
            connection.Abort(new ConnectionAbortedException("The service ends."));
    }

    private static IPAddress? RemoteOf(Socket socket)
    {
        try
        {
            return (socket.RemoteEndPoint as IPEndPoint)?.Address;
        }
        catch (SocketException)
        {
            return null;
        }
    }

    private void Forget(ConnectionContext connection)
    {
        lock (_inside)
            _inside.Remove(connection);
    }

    [LoggerMessage(EventId = 3802, Level = LogLevel.Warning, Message = "A connection of a guest of switch {Switch} to the metadata service could not be accepted.")]
    private partial void LogNotAccepted(Exception exception, Guid @switch);
}
