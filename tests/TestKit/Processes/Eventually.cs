using NUnit.Framework;

namespace PonyCloud.TestKit.Processes;

/// <summary>
/// Waits for what another process brings about and announces to nobody. Where there is something to await, await that;
/// this is the only place in the tests that looks again and again.
/// </summary>
public static class Eventually
{
    /// <summary>Generous, since it is only ever reached by a test that fails: slow machines must not break tests.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(20);

    /// <summary>Looks until the predicate holds, and answers what it then saw.</summary>
    /// <param name="what">What is awaited, as the end of "waited in vain for …".</param>
    /// <param name="look">Takes one look; an <see cref="HttpRequestException"/> counts as seeing nothing.</param>
    /// <param name="holds">Whether this is it.</param>
    /// <param name="timeout">At most this long; <see cref="Patience"/> when absent.</param>
    /// <exception cref="AssertionException">It did not happen in time; the message shows what was seen last.</exception>
    public static async Task<T> SeesAsync<T>(
        string what, Func<CancellationToken, Task<T>> look, Func<T, bool> holds, TimeSpan? timeout = null)
    {
        using var limit = new CancellationTokenSource(timeout ?? Patience);
        using var timer = new PeriodicTimer(Interval);
        object? last = "nothing";
        try
        {
            do
            {
                try
                {
                    var seen = await look(limit.Token);
                    if (holds(seen))
                    {
                        return seen;
                    }

                    last = seen;
                }
                catch (HttpRequestException e)
                {
                    last = e.Message;
                }
            }
            while (await timer.WaitForNextTickAsync(limit.Token));
        }
        catch (OperationCanceledException) when (limit.IsCancellationRequested)
        {
            // Told below, with what was seen last.
        }

        throw new AssertionException($"Waited in vain for {what}. Last seen: {last}");
    }

    /// <summary>Looks until the condition holds.</summary>
    /// <exception cref="AssertionException">It did not happen in time.</exception>
    public static Task HoldsAsync(string what, Func<bool> condition, TimeSpan? timeout = null) =>
        SeesAsync(what, _ => Task.FromResult(condition()), seen => seen, timeout);
}
