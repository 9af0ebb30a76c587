namespace PonyCloud.Sparkle.Database;

/// <summary>
/// An end to waiting for a server that hangs. A statement that is cancelled asks the server to cancel it, and waits for that
/// too; so beyond the limit the work is left behind, and comes to its end whenever the server does.
/// </summary>
internal static class Patience
{
    /// <param name="work">What is waited for. It must not matter when it ends once nobody waits for it.</param>
    /// <param name="limit">For how long.</param>
    /// <param name="time">The clock.</param>
    /// <param name="onLate">Is told of the failure of work that was left behind.</param>
    /// <param name="cancellation">Leaves it behind at once.</param>
    /// <exception cref="TimeoutException">The work is left behind.</exception>
    /// <exception cref="OperationCanceledException">The same.</exception>
    public static async Task<T> WithinAsync<T>(
        this Task<T> work, TimeSpan limit, TimeProvider time, Action<Exception> onLate, CancellationToken cancellation)
    {
        try
        {
            return await work.WaitAsync(limit, time, cancellation);
        }
        catch (Exception e) when (e is TimeoutException or OperationCanceledException && !work.IsCompleted)
        {
            _ = work.ContinueWith(
                late => onLate(late.Exception!.GetBaseException()),
                CancellationToken.None, TaskContinuationOptions.OnlyOnFaulted, TaskScheduler.Default);
            throw;
        }
    }
}
