using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;
using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace PonyCloud.Shared.Messaging.ZeroMq;

/// <summary>
/// A libzmq ROUTER socket as a transport. One thread of its own owns the socket; everybody else meets it at two bounded
/// queues. The README of this folder draws it.
/// </summary>
public sealed partial class ZeroMqTransport : IMessageTransport
{
    // So many messages one way before the other way gets its turn.
    private const int Batch = 256;

    private static readonly TimeSpan CloseTimeout = TimeSpan.FromSeconds(10);

    private readonly RouterSocket _socket;
    private readonly WakeUp _wakeUp;
    private readonly Channel<TransportEvent> _events;
    private readonly MeteredReader _reader;
    private readonly long _byteBudget;
    private readonly Channel<(PeerId Peer, ReadOnlyMemory<byte> Body)> _outgoing;
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly ILogger _log;

    // The thread's own: events that found the channel full, at most one received and one failed.
    private readonly Queue<TransportEvent> _held = new(2);
    private bool _holdsFailure;
    private volatile bool _waitsForRoom;

    private int _asleep;
    private volatile bool _stopping;
    private long _ignoredMessages;
    private long _waitingBytes;
    private int _waitsForBytes;

    /// <summary>Binds or connects at once, and starts the thread.</summary>
    /// <exception cref="ArgumentException">An option is outside its range.</exception>
    /// <exception cref="ZeroMqException">The endpoint cannot be bound or has no valid form.</exception>
    /// <exception cref="DllNotFoundException">libzmq 4 (libzmq.so.5) is not installed.</exception>
    public ZeroMqTransport(ZeroMqOptions options, ILogger<ZeroMqTransport>? logger = null, TimeProvider? time = null)
    {
        options.Check();
        _log = logger ?? NullLogger<ZeroMqTransport>.Instance;
        _events = Channel.CreateBounded<TransportEvent>(
            new BoundedChannelOptions(options.EventCapacity) { SingleWriter = true });
        _reader = new MeteredReader(this);
        _byteBudget = options.EventByteBudget;
        _outgoing = Channel.CreateBounded<(PeerId, ReadOnlyMemory<byte>)>(
            new BoundedChannelOptions(options.OutgoingCapacity) { SingleReader = true });
        _wakeUp = WakeUp.Open();
        try
        {
            _socket = new RouterSocket(options, _log, time ?? TimeProvider.System);
        }
        catch
        {
            _wakeUp.Dispose();
            throw;
        }
        RoutingId = new PeerId(options.RoutingId);
        LogOpened(_log, options.Role, LastEndpoint, options.Curve is not null);
        new Thread(Run) { IsBackground = true, Name = "ZeroMQ " + LastEndpoint }.Start();
    }

    public ChannelReader<TransportEvent> Events => _reader;

    /// <summary>The endpoint with the port that was really bound.</summary>
    public string LastEndpoint => _socket.LastEndpoint;

    /// <summary>The id under which peers know this transport.</summary>
    public PeerId RoutingId { get; }

    /// <summary>Messages that had no body and were dropped.</summary>
    public long IgnoredMessages => Interlocked.Read(ref _ignoredMessages);

    /// <summary>Bytes of the messages that wait in <see cref="Events"/>.</summary>
    public long WaitingBytes => Interlocked.Read(ref _waitingBytes);

    /// <summary>Who came and who was refused; null where peers are not authenticated.</summary>
    public DoorCounters? Door => _socket.Doorkeeper?.Counters;

    private bool MayRead => _held.Count == 0 && WaitingBytes < _byteBudget;

    /// <inheritdoc/>
    /// <remarks>The body must not change afterwards.</remarks>
    public bool TrySend(PeerId peer, ReadOnlyMemory<byte> body)
    {
        if (!_outgoing.Writer.TryWrite((peer, body)))
            return false;
        Wake();
        return true;
    }

    /// <summary>Stops at once: what is still queued is dropped.</summary>
    /// <exception cref="TimeoutException">libzmq did not let go of the socket in time.</exception>
    public async ValueTask DisposeAsync()
    {
        _stopping = true;
        _outgoing.Writer.TryComplete();
        _wakeUp.Set();
        await _ended.Task.WaitAsync(CloseTimeout);
    }

    private void Wake()
    {
        // The thread announces its sleep, looks at the queue once more and only then sleeps, so either it sees the
        // message or this sees the announcement. Most sends find it awake and save the system call.
        Interlocked.MemoryBarrier();
        if (Volatile.Read(ref _asleep) != 0 && Interlocked.Exchange(ref _asleep, 0) != 0)
            _wakeUp.Set();
    }

    private void Run()
    {
        Exception? failure = null;
        try
        {
            while (!_stopping && Turn())
            {
            }
        }
        catch (ZeroMqException error)
        {
            failure = error;
            LogBroken(_log, error, LastEndpoint);
        }
        finally
        {
            _outgoing.Writer.TryComplete();
            _socket.Close();
            _wakeUp.Dispose();
            _events.Writer.TryComplete(failure);
            LogClosed(_log, LastEndpoint);
            _ended.SetResult();
        }
    }

    /// <summary>One round of both directions, with a sleep at its end when there was nothing to do; false when the socket is closed.</summary>
    private bool Turn()
    {
        FlushHeld();
        // Also while nothing is read: libzmq's I/O thread waits when nobody hears its reports.
        var worked = _socket.Doorkeeper?.Attend(Batch) == true;
        for (var i = 0; i < Batch && MayRead; i++)
        {
            var outcome = _socket.Receive(out var received);
            if (outcome == ReceiveOutcome.Closed)
                return false;
            if (outcome == ReceiveOutcome.Nothing)
                break;
            worked = true;
            if (outcome == ReceiveOutcome.Empty)
                Interlocked.Increment(ref _ignoredMessages);
            if (received is null)
                continue;
            Interlocked.Add(ref _waitingBytes, received.Body.Length);
            Emit(received);
        }
        for (var i = 0; i < Batch && !_holdsFailure && _outgoing.Reader.TryRead(out var message); i++)
        {
            worked = true;
            switch (_socket.Send(message.Peer, message.Body.Span))
            {
                case SendOutcome.QueueFull:
                    Emit(new TransportEvent.Failed(message.Peer, Undelivered.QueueFull));
                    break;
                case SendOutcome.Unreachable:
                    Emit(new TransportEvent.Failed(message.Peer, Undelivered.Unreachable));
                    break;
                case SendOutcome.Closed:
                    return false;
            }
        }
        return worked || Sleep();
    }

    private unsafe bool Sleep()
    {
        Interlocked.Exchange(ref _asleep, 1);
        var busy = _stopping || (!_holdsFailure && _outgoing.Reader.Count > 0);
        if (!busy)
        {
            var items = stackalloc Native.PollItem[4];
            var count = 0;
            items[count++] = new Native.PollItem { File = _wakeUp.File, Events = Native.PollIn };
            if (_socket.Doorkeeper is { } doorkeeper)
            {
                items[count++] = new Native.PollItem { Socket = doorkeeper.Questions, Events = Native.PollIn };
                items[count++] = new Native.PollItem { Socket = doorkeeper.Reports, Events = Native.PollIn };
            }
            // While nothing is read the socket is not polled either: its peers wait.
            if (MayRead || !AskForBytes())
                items[count++] = new Native.PollItem { Socket = _socket.Handle, Events = Native.PollIn };
            if (Native.zmq_poll(items, count, -1) < 0)
            {
                var error = Marshal.GetLastPInvokeError();
                if (error == Native.Terminated)
                    return false;
                if (error != Native.Interrupted)
                    throw new ZeroMqException($"polling {LastEndpoint}", error);
            }
            else if (items[0].Returned != 0)
            {
                _wakeUp.Clear();
            }
        }
        Volatile.Write(ref _asleep, 0);
        return true;
    }

    private void Emit(TransportEvent what)
    {
        if (_held.Count == 0 && _events.Writer.TryWrite(what))
            return;
        _held.Enqueue(what);
        _holdsFailure |= what is TransportEvent.Failed;
        AskForRoom();
    }

    private void FlushHeld()
    {
        while (_held.TryPeek(out var first))
        {
            if (!_events.Writer.TryWrite(first))
            {
                AskForRoom();
                return;
            }
            _held.Dequeue();
        }
        _holdsFailure = false;
    }

    /// <summary>Has the thread woken when the messages that wait are below their budget; false when there is nothing to wait for.</summary>
    private bool AskForBytes()
    {
        if (_held.Count > 0)
            return true;
        // Announced before it looks once more, as for sleep: either it sees the room or the reader sees this.
        Interlocked.Exchange(ref _waitsForBytes, 1);
        return WaitingBytes >= _byteBudget;
    }

    private void Left(int bytes)
    {
        if (Interlocked.Add(ref _waitingBytes, -bytes) < _byteBudget
            && Volatile.Read(ref _waitsForBytes) != 0 && Interlocked.Exchange(ref _waitsForBytes, 0) != 0)
        {
            _wakeUp.Set();
        }
    }

    /// <summary>Has the thread woken when somebody reads an event.</summary>
    private void AskForRoom()
    {
        if (_waitsForRoom)
            return;
        _waitsForRoom = true;
        _events.Writer.WaitToWriteAsync().AsTask().ContinueWith(
            _ =>
            {
                _waitsForRoom = false;
                _wakeUp.Set();
            },
            CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
    }

    [LoggerMessage(EventId = 1100, Level = LogLevel.Information, Message = "ZeroMQ: {Role} {Endpoint}, encrypted: {Encrypted}")]
    private static partial void LogOpened(ILogger logger, ZeroMqRole role, string endpoint, bool encrypted);

    [LoggerMessage(EventId = 1101, Level = LogLevel.Debug, Message = "ZeroMQ: {Endpoint} is closed")]
    private static partial void LogClosed(ILogger logger, string endpoint);

    [LoggerMessage(EventId = 1102, Level = LogLevel.Critical, Message = "ZeroMQ: {Endpoint} is broken and closes")]
    private static partial void LogBroken(ILogger logger, Exception error, string endpoint);

    /// <summary>The events, with the bytes that leave counted.</summary>
    private sealed class MeteredReader(ZeroMqTransport transport) : ChannelReader<TransportEvent>
    {
        private readonly ChannelReader<TransportEvent> _inner = transport._events.Reader;

        public override bool CanCount => _inner.CanCount;

        public override bool CanPeek => _inner.CanPeek;

        public override int Count => _inner.Count;

        public override Task Completion => _inner.Completion;

        public override bool TryPeek([MaybeNullWhen(false)] out TransportEvent item) => _inner.TryPeek(out item);

        public override ValueTask<bool> WaitToReadAsync(CancellationToken cancellationToken = default) => _inner.WaitToReadAsync(cancellationToken);

        public override bool TryRead([MaybeNullWhen(false)] out TransportEvent item)
        {
            if (!_inner.TryRead(out item))
                return false;
            if (item is TransportEvent.Received received)
                transport.Left(received.Body.Length);
            return true;
        }
    }
}
