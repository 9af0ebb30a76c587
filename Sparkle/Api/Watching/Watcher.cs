using System.Threading.Channels;
using PonyCloud.Sparkle.Api.Security;

namespace PonyCloud.Sparkle.Api.Watching;

/// <summary>How change sets get to one client.</summary>
internal interface IWatchTransport
{
    /// <param name="more">Whether another follows at once, so that nothing need be flushed yet.</param>
    ValueTask SendAsync(WatchMessage message, bool more, CancellationToken cancellation);

    /// <summary>Tells the client why there will be no more.</summary>
    Task EndAsync(WatchEnd end, CancellationToken cancellation);
}

/// <summary>
/// One stream: what waits for it, and whether it has ended. The hub offers messages without ever waiting; the request's
/// own task sends them at the pace of the client.
/// </summary>
internal sealed class Watcher : IDisposable
{
    private readonly Channel<WatchMessage> _queue;
    private readonly IReadOnlyList<WatchMessage> _missed;
    private readonly CancellationTokenSource _cut = new();
    private readonly WatchOptions _options;
    private readonly Lock _ending = new();
    private WatchEnd? _end;
    private long _waitingBytes;

    /// <param name="since">The client knows everything up to here.</param>
    /// <param name="missed">What it is sent first.</param>
    public Watcher(string token, Caller caller, WatchView view, long since, IReadOnlyList<WatchMessage> missed, WatchOptions options)
    {
        Token = token;
        Caller = caller;
        View = view;
        Since = since;
        _missed = missed;
        _options = options;
        _queue = Channel.CreateBounded<WatchMessage>(new BoundedChannelOptions(options.QueueSets)
        {
            SingleReader = true,
            SingleWriter = false,
        });
    }

    public string Token { get; }

    public Caller Caller { get; }

    public WatchView View { get; }

    public long Since { get; }

    /// <summary>Nothing was offered since the last round of the hub; only the hub touches it.</summary>
    public bool IsQuiet { get; set; }

    /// <summary>Why the stream has ended; null while it goes on.</summary>
    public WatchEnd? Ended => Volatile.Read(ref _end);

    /// <summary>Cancelled when the client has had its time to take the reason of the end.</summary>
    public CancellationToken Cut => _cut.Token;

    /// <summary>Puts the message behind the others; a client for which there is no more room is cut off.</summary>
    public void Offer(WatchMessage message)
    {
        IsQuiet = false;
        var waiting = Interlocked.Add(ref _waitingBytes, message.JsonLength);
        if ((waiting > _options.QueueBytes && waiting > message.JsonLength) || !_queue.Writer.TryWrite(message))
            End(WatchEnd.SlowReader);
    }

    /// <summary>Ends the stream. What still waits is not sent, and the first reason stands.</summary>
    public void End(WatchEnd end)
    {
        lock (_ending)
        {
            if (_end is not null)
                return;
            Volatile.Write(ref _end, end);
            _queue.Writer.TryComplete();
            _cut.CancelAfter(_options.Farewell);
        }
    }

    /// <summary>Sends until the stream ends.</summary>
    /// <exception cref="OperationCanceledException">The client did not take what it was sent, or is gone.</exception>
    public async Task PumpAsync(IWatchTransport transport, CancellationToken aborted)
    {
        using var cut = CancellationTokenSource.CreateLinkedTokenSource(aborted, _cut.Token);
        for (var i = 0; i < _missed.Count && Ended is null; i++)
            await transport.SendAsync(_missed[i], i + 1 < _missed.Count, cut.Token);
        while (Ended is null && await _queue.Reader.WaitToReadAsync(cut.Token))
        {
            while (Ended is null && _queue.Reader.TryRead(out var message))
            {
                Interlocked.Add(ref _waitingBytes, -message.JsonLength);
                await transport.SendAsync(message, _queue.Reader.Count > 0, cut.Token);
            }
        }
        if (Ended is { } end)
            await transport.EndAsync(end, cut.Token);
    }

    /// <summary>May come while somebody else ends the stream.</summary>
    public void Dispose()
    {
        End(WatchEnd.Left);
        lock (_ending)
            _cut.Dispose();
    }
}
