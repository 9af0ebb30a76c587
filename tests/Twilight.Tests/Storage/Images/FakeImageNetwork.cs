using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using PonyCloud.Twilight.Storage.Images;

namespace PonyCloud.Twilight.Tests.Storage.Images;

/// <summary>
/// What names resolve to, as the test says, one answer after the other. Whatever address is connected to, a server on
/// loopback with that port answers.
/// </summary>
internal sealed class FakeImageNetwork : IImageNetwork
{
    private readonly SystemImageNetwork _real = new();
    private readonly ConcurrentDictionary<string, Queue<string[]>> _names = new();
    private readonly ConcurrentQueue<IPAddress> _connected = new();

    /// <summary>Where connections went, in this order.</summary>
    public IReadOnlyList<string> Connected => [.. _connected.Select(address => address.ToString())];

    /// <summary>The last answer is given again and again.</summary>
    public FakeImageNetwork Name(string name, params string[][] answers)
    {
        _names[name] = new Queue<string[]>(answers);
        return this;
    }

    public Task<IReadOnlyList<IPAddress>> ResolveAsync(string name, CancellationToken cancellationToken)
    {
        if (!_names.TryGetValue(name, out var answers))
            throw new SocketException((int)SocketError.HostNotFound);
        var answer = answers.Count > 1 ? answers.Dequeue() : answers.Peek();
        return Task.FromResult<IReadOnlyList<IPAddress>>([.. answer.Select(IPAddress.Parse)]);
    }

    public Task<Stream> ConnectAsync(IPEndPoint address, CancellationToken cancellationToken)
    {
        _connected.Enqueue(address.Address);
        return _real.ConnectAsync(new IPEndPoint(IPAddress.Loopback, address.Port), cancellationToken);
    }
}
