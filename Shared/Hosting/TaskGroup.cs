namespace PonyCloud.Shared.Hosting;

/// <summary>Loops that only make sense together: when one ends, however it does, the others are ended too.</summary>
public static class TaskGroup
{
    /// <summary>Runs all until the first ends or the token is cancelled, then waits for every one of them.</summary>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    /// <exception cref="Exception">What the first one that failed threw.</exception>
    public static async Task RunAsync(CancellationToken cancellation, params IReadOnlyList<Func<CancellationToken, Task>> loops)
    {
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var running = loops.Select(loop => loop(ending.Token)).ToArray();
        var first = await Task.WhenAny(running);
        await ending.CancelAsync();
        await Task.WhenAll(running).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await first;
    }
}
