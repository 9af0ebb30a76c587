using System.Collections.Concurrent;
using System.Diagnostics;
using PonyCloud.Shared.Messaging.ZeroMq;

namespace PonyCloud.Benchmarks.Fleet.Role;

/// <summary>Peers that one thread serves: their messages as they come, and each one's tick ten times a second.</summary>
internal sealed class PeerGroup : IDisposable
{
    private const int Slices = 10;
    private static readonly TimeSpan Slice = TimeSpan.FromMilliseconds(100.0 / Slices);

    private readonly List<IFleetPeer> _peers = [];
    private readonly SocketContext _context;
    private readonly ConcurrentQueue<Action> _posted = new();
    private readonly Epoll _epoll = new();
    private readonly Thread _thread;
    private Exception? _failure;
    private volatile bool _ending;

    /// <param name="make">Makes the peers, each with a socket in the context.</param>
    public PeerGroup(int count, Func<SocketContext, int, IFleetPeer> make)
    {
        _context = new SocketContext(count);
        for (var i = 0; i < count; i++)
        {
            _peers.Add(make(_context, i));
            _epoll.Watch(_peers[i].Socket.File, i);
        }
        _thread = new Thread(Run) { IsBackground = true, Name = "fleet" };
        _thread.Start();
    }

    /// <summary>The time that peers are told.</summary>
    public static TimeSpan Now => Stopwatch.GetElapsedTime(0);

    /// <summary>Has the thread do something with each peer, in turns with the messages that come.</summary>
    /// <param name="step">False when there is nothing left to do with the peer, and it is asked no more.</param>
    /// <param name="done">Called when that is so for all.</param>
    public void ForEach(Func<IFleetPeer, bool> step, Action done) => _posted.Enqueue(() => Turn([.. _peers], step, done));

    /// <summary>Closes all sockets.</summary>
    /// <exception cref="InvalidOperationException">The thread had failed.</exception>
    public void Dispose()
    {
        _ending = true;
        _thread.Join();
        foreach (var peer in _peers)
            peer.Socket.Close();
        _context.End();
        _epoll.Dispose();
        if (_failure is not null)
            throw new InvalidOperationException("A thread of the fleet failed.", _failure);
    }

    private void Run()
    {
        try
        {
            Serve();
        }
        catch (Exception e)
        {
            _failure = e;
            Console.Error.WriteLine(e);
        }
    }

    private void Serve()
    {
        Span<int> ready = stackalloc int[256];
        var slice = 0;
        var nextTick = Now;
        while (!_ending)
        {
            var wait = (int)Math.Clamp((nextTick - Now).TotalMilliseconds, 0, Slice.TotalMilliseconds);
            var count = _epoll.Wait(ready, _posted.IsEmpty ? wait : 0);
            var now = Now;
            foreach (var index in ready[..count])
                Drain(_peers[index], now);
            for (var i = _posted.Count; i > 0 && _posted.TryDequeue(out var action); i--)
                action();
            if (Now < nextTick)
                continue;
            nextTick += Slice;
            for (var i = slice; i < _peers.Count; i += Slices)
            {
                _peers[i].Tick(now);
                Drain(_peers[i], now);
            }
            slice = (slice + 1) % Slices;
        }
    }

    private static void Drain(IFleetPeer peer, TimeSpan now)
    {
        // Whatever is answered in between is followed by another look, until there is nothing: only then is the
        // descriptor to be trusted again.
        while (true)
        {
            var outcome = peer.Socket.Receive(out var received);
            if (outcome is ReceiveOutcome.Nothing or ReceiveOutcome.Closed)
                return;
            if (received is not null)
                peer.Receive(received.Body.Span, now);
        }
    }

    private void Turn(List<IFleetPeer> left, Func<IFleetPeer, bool> step, Action done)
    {
        left.RemoveAll(peer =>
        {
            var more = step(peer);
            Drain(peer, Now);
            return !more;
        });
        if (left.Count > 0)
            _posted.Enqueue(() => Turn(left, step, done));
        else
            done();
    }
}
