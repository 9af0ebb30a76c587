using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using PonyCloud.TestKit.Network;
using PonyCloud.TestKit.Processes;

namespace PonyCloud.Machine.Network;

/// <summary>
/// Packets from the machine to a neighbour, which sends each of them back, at an even pace; counts those that do not return.
/// </summary>
internal sealed class Traffic : IAsyncDisposable
{
    /// <summary>From one packet to the next.</summary>
    public static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(10);

    private const int Port = 7;

    private readonly Socket _here = new(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
    private readonly Socket _there;
    private readonly CancellationTokenSource _stopping = new();
    private readonly Lock _lock = new();
    private readonly HashSet<int> _returned = [];
    private readonly Task _work;
    private int _sent;
    private int _last;

    private Traffic(NetworkNamespace neighbour, IPAddress address)
    {
        _there = neighbour.Make(() => new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp));
        _there.Bind(new IPEndPoint(IPAddress.Any, Port));
        _here.Bind(new IPEndPoint(IPAddress.Any, 0));
        _work = Task.WhenAll(SendAsync(new IPEndPoint(address, Port)), EchoAsync(), ReceiveAsync());
    }

    /// <summary>Starts, and waits until it flows.</summary>
    /// <param name="address">The neighbour's.</param>
    public static async Task<Traffic> StartAsync(NetworkNamespace neighbour, IPAddress address)
    {
        var traffic = new Traffic(neighbour, address);
        try
        {
            await traffic.FlowsAsync();
            return traffic;
        }
        catch
        {
            await traffic.DisposeAsync();
            throw;
        }
    }

    /// <summary>Waits until something comes back that is sent from now on.</summary>
    /// <returns>Its number.</returns>
    public async Task<int> FlowsAsync()
    {
        var now = Volatile.Read(ref _sent);
        await Eventually.HoldsAsync("traffic to flow", () => Last() > now);
        return Last();
    }

    /// <summary>How many of the packets between two never came back.</summary>
    public int Lost(int from, int to)
    {
        lock (_lock)
            return to - from - _returned.Count(number => number > from && number <= to);
    }

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        try
        {
            await _work;
        }
        catch (OperationCanceledException)
        {
            // As told.
        }

        _here.Dispose();
        _there.Dispose();
        _stopping.Dispose();
    }

    private int Last()
    {
        lock (_lock)
            return _last;
    }

    private async Task SendAsync(IPEndPoint to)
    {
        var packet = new byte[sizeof(int)];
        using var timer = new PeriodicTimer(Interval);
        while (await timer.WaitForNextTickAsync(_stopping.Token))
        {
            BinaryPrimitives.WriteInt32BigEndian(packet, _sent + 1);
            try
            {
                await _here.SendToAsync(packet, to, _stopping.Token);
            }
            catch (SocketException)
            {
                // Lost already: there is no way to the neighbour at the moment.
            }

            Interlocked.Increment(ref _sent);
        }
    }

    private async Task EchoAsync()
    {
        var packet = new byte[sizeof(int)];
        while (true)
        {
            var from = await _there.ReceiveFromAsync(packet, new IPEndPoint(IPAddress.Any, 0), _stopping.Token);
            await _there.SendToAsync(packet, from.RemoteEndPoint, _stopping.Token);
        }
    }

    private async Task ReceiveAsync()
    {
        var packet = new byte[sizeof(int)];
        while (true)
        {
            await _here.ReceiveFromAsync(packet, new IPEndPoint(IPAddress.Any, 0), _stopping.Token);
            var number = BinaryPrimitives.ReadInt32BigEndian(packet);
            lock (_lock)
            {
                _returned.Add(number);
                _last = Math.Max(_last, number);
            }
        }
    }
}
