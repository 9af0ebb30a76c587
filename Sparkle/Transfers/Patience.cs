namespace PonyCloud.Sparkle.Transfers;

/// <summary>How long a host may still take, set anew for each thing that is asked of it.</summary>
internal sealed class Patience : IDisposable
{
    private readonly CancellationTokenSource _end;
    private readonly CancellationTokenSource _any;

    public Patience(TimeProvider time, CancellationToken cancellationToken)
    {
        _end = new CancellationTokenSource(Timeout.InfiniteTimeSpan, time);
        _any = CancellationTokenSource.CreateLinkedTokenSource(_end.Token, cancellationToken);
    }

    /// <summary>Cancelled when it is at its end, or nobody waits any more.</summary>
    public CancellationToken Token => _any.Token;

    public bool IsAtItsEnd => _end.IsCancellationRequested;

    public void Begin(TimeSpan limit) => _end.CancelAfter(limit);

    /// <summary>The host is not what is waited for.</summary>
    public void Rest() => _end.CancelAfter(Timeout.InfiniteTimeSpan);

    public void Dispose()
    {
        _any.Dispose();
        _end.Dispose();
    }
}
