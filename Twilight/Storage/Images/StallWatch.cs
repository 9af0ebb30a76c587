namespace PonyCloud.Twilight.Storage.Images;

/// <summary>
/// Gives up waiting for a server that sends less than the least rate over one window. Only time that is spent waiting for
/// it counts: between <see cref="Begin"/> and <see cref="End"/>.
/// </summary>
internal sealed class StallWatch : IDisposable
{
    private readonly Lock _gate = new();
    private readonly ImageFetchOptions _options;
    private readonly TimeProvider _time;
    private readonly CancellationTokenSource _cancellation;
    private readonly ITimer _timer;

    // Of the window: what was waited in it before the wait that is on now, and what came.
    private TimeSpan _waited;
    private long _bytes;
    private long? _since;

    public StallWatch(ImageFetchOptions options, TimeProvider time, CancellationToken withdrawn)
    {
        _options = options;
        _time = time;
        _cancellation = CancellationTokenSource.CreateLinkedTokenSource(withdrawn);
        _timer = time.CreateTimer(_ => OnDue(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Cancelled when the server has stalled, or the order is withdrawn.</summary>
    public CancellationToken Token => _cancellation.Token;

    public bool HasStalled { get; private set; }

    /// <summary>The server is waited for from now on.</summary>
    public void Begin()
    {
        lock (_gate)
        {
            _since = _time.GetTimestamp();
            _timer.Change(_options.StallWindow - _waited, Timeout.InfiniteTimeSpan);
        }
    }

    /// <summary>The server has sent something.</summary>
    public void End(int bytes)
    {
        lock (_gate)
        {
            _timer.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
            _bytes += bytes;
            if (_since is not { } since)
                return;
            _since = null;
            _waited += _time.GetElapsedTime(since);
            if (_waited >= _options.StallWindow)
                Judge();
        }
    }

    public void Dispose()
    {
        lock (_gate)
        {
            _since = null;
            _timer.Dispose();
        }
        _cancellation.Dispose();
    }

    private void OnDue()
    {
        lock (_gate)
        {
            // What came in the meantime has ended the wait, or begun another.
            if (_since is not { } since)
                return;
            var left = _options.StallWindow - _waited - _time.GetElapsedTime(since);
            if (left > TimeSpan.Zero)
            {
                _timer.Change(left, Timeout.InfiniteTimeSpan);
                return;
            }
            Judge();
            _since = _time.GetTimestamp();
            if (!HasStalled)
                _timer.Change(_options.StallWindow, Timeout.InfiniteTimeSpan);
        }
    }

    private void Judge()
    {
        if (_bytes < _options.RateMin * _options.StallWindow.TotalSeconds)
        {
            HasStalled = true;
            // Not here: whoever waits would go on under the lock.
            _ = _cancellation.CancelAsync();
        }
        _waited = TimeSpan.Zero;
        _bytes = 0;
    }
}
