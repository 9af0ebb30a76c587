using System.Net;
using System.Net.Sockets;

namespace PonyCloud.Twilight.Storage.Images;

/// <summary>What names mean and how connections are made; a seam, so that a test can say what a name resolves to.</summary>
public interface IImageNetwork
{
    /// <exception cref="SocketException">The name is not known, or nobody can tell.</exception>
    Task<IReadOnlyList<IPAddress>> ResolveAsync(string name, CancellationToken cancellationToken);

    /// <exception cref="SocketException">Nobody listens there, or there is no way.</exception>
    Task<Stream> ConnectAsync(IPEndPoint address, CancellationToken cancellationToken);
}

/// <summary>The resolver and the sockets of this machine.</summary>
public sealed class SystemImageNetwork : IImageNetwork
{
    // The resolver of the C library cannot be interrupted: whoever gives up leaves it behind, and its own limit ends it.
    public async Task<IReadOnlyList<IPAddress>> ResolveAsync(string name, CancellationToken cancellationToken) =>
        await Dns.GetHostAddressesAsync(name, cancellationToken).WaitAsync(cancellationToken);

    public async Task<Stream> ConnectAsync(IPEndPoint address, CancellationToken cancellationToken)
    {
        var socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(address, cancellationToken);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}
