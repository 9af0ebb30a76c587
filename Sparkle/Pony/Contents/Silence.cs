namespace PonyCloud.Pony.Contents;

/// <summary>Ends an attempt in which nothing has moved for a while.</summary>
internal sealed class Silence : IDisposable
{
    /// <summary>So long a block may take on its way.</summary>
    public static readonly TimeSpan OfBlock = TimeSpan.FromSeconds(60);

    /// <summary>So long the server may take until a host has all on its disk and has compared the checksum.</summary>
    public static readonly TimeSpan OfEnd = TimeSpan.FromMinutes(5);

    private readonly CancellationTokenSource _end;
    private readonly ITimer _timer;
    private readonly CancellationToken _outer;

    public Silence(TimeProvider time, CancellationToken cancellation)
    {
        _outer = cancellation;
        _end = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        _timer = time.CreateTimer(_ => _end.Cancel(), null, OfEnd, Timeout.InfiniteTimeSpan);
    }

    public CancellationToken Token => _end.Token;

    /// <summary>Whether it was too silent, and nobody ended it.</summary>
    public bool IsTooLong => _end.IsCancellationRequested && !_outer.IsCancellationRequested;

    public void Allow(TimeSpan limit) => _timer.Change(limit, Timeout.InfiniteTimeSpan);

    public void Dispose()
    {
        _timer.Dispose();
        _end.Dispose();
    }
}
