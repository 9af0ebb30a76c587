namespace PonyCloud.Benchmarks.Fleet;

internal static class Percentiles
{
    /// <summary>The value that the given share of all values does not exceed.</summary>
    /// <param name="share">0.5 for the median.</param>
    public static double At(this IReadOnlyCollection<double> values, double share)
    {
        var sorted = values.Order().ToArray();
        return sorted[Math.Clamp((int)Math.Ceiling(sorted.Length * share) - 1, 0, sorted.Length - 1)];
    }
}
