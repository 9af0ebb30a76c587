namespace PonyCloud.Sparkle;

internal static class SparkleVersion
{
    public static string Text { get; } = typeof(SparkleVersion).Assembly.GetName().Version?.ToString(3)
        ?? throw new InvalidOperationException("The assembly has no version.");
}
