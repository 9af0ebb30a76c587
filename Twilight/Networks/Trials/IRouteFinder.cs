namespace PonyCloud.Twilight.Networks.Trials;

/// <summary>Asks the kernel how it would send to Sparkle.</summary>
public interface IRouteFinder
{
    /// <returns>Null when there is no way.</returns>
    /// <exception cref="NetworkException">It could not be asked.</exception>
    Task<SparkleRoute?> FindAsync(CancellationToken cancellationToken);
}
