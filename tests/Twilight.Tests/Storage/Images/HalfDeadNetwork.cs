using System.Net;
using System.Net.Sockets;
using PonyCloud.Twilight.Storage.Images;

namespace PonyCloud.Twilight.Tests.Storage.Images;

/// <summary>Every name has two addresses: on one nobody answers, on the other a server of loopback does.</summary>
internal sealed class HalfDeadNetwork(string dead, string alive) : IImageNetwork
{
    private readonly SystemImageNetwork _real = new();

    public Task<IReadOnlyList<IPAddress>> ResolveAsync(string name, CancellationToken cancellationToken) =>
        Task.FromResult<IReadOnlyList<IPAddress>>([IPAddress.Parse(dead), IPAddress.Parse(alive)]);

    public Task<Stream> ConnectAsync(IPEndPoint address, CancellationToken cancellationToken) =>
        address.Address.ToString() == dead
            ? Task.FromException<Stream>(new SocketException((int)SocketError.HostUnreachable))
            : _real.ConnectAsync(new IPEndPoint(IPAddress.Loopback, address.Port), cancellationToken);
}
