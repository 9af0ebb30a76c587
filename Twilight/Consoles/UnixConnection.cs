using System.Net.Sockets;

namespace PonyCloud.Twilight.Consoles;

/// <summary>Connects to sockets of QEMU.</summary>
internal static class UnixConnection
{
    /// <returns>Null when nobody listens there.</returns>
    /// <exception cref="TimeoutException">Nobody accepts in time.</exception>
    public static async Task<NetworkStream?> TryOpenAsync(string path, TimeSpan limit, TimeProvider time, CancellationToken cancellationToken)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(path), cancellationToken).AsTask().WaitAsync(limit, time, cancellationToken);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch (SocketException exception)
            when (exception.SocketErrorCode is SocketError.ConnectionRefused or SocketError.AddressNotAvailable or SocketError.SocketError
                || exception.NativeErrorCode is FileNotFound)
        {
            socket.Dispose();
            return null;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>ENOENT.</summary>
    private const int FileNotFound = 2;
}
