namespace PonyCloud.Sparkle.Database.Writing;

/// <summary>Stands before the commits of a piece of work: either one of them was sent, or whoever waits has given up, never both.</summary>
internal sealed class CommitFence
{
    private const int Open = 0;
    private const int Passed = 1;
    private const int Closed = 2;

    private int _state = Open;

    /// <summary>To be called before a commit is sent.</summary>
    /// <returns>False when nobody waits any more, so that it must not be sent.</returns>
    public bool TryPass() => Interlocked.CompareExchange(ref _state, Passed, Open) != Closed;

    /// <summary>Gives up.</summary>
    /// <returns>False when a commit was sent, which may stand.</returns>
    public bool TryClose() => Interlocked.CompareExchange(ref _state, Closed, Open) == Open;
}
