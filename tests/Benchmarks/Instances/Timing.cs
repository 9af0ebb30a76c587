using System.Diagnostics;

namespace PonyCloud.Benchmarks.Instances;

internal static class Timing
{
    /// <summary>Milliseconds that it takes.</summary>
    public static async Task<double> OfAsync(Func<Task> action)
    {
        var start = Stopwatch.GetTimestamp();
        await action();
        return Stopwatch.GetElapsedTime(start).TotalMilliseconds;
    }
}
