namespace PonyCloud.Twilight.Networks;

/// <summary>The network could not be looked at, or not be changed.</summary>
/// <param name="step">The step that failed; null when it was none.</param>
public sealed class NetworkException(string message, NetworkStep? step = null, Exception? cause = null) : Exception(message, cause)
{
    public NetworkStep? Step => step;
}
