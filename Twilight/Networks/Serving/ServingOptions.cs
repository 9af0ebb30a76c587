namespace PonyCloud.Twilight.Networks.Serving;

public sealed record ServingOptions
{
    /// <summary>
    /// In memory, so that nothing is left of it when the machine starts anew; of this host alone. It has a directory for each switch,
    /// and those above it let everybody through: the process reads its files as <see cref="User"/>.
    /// </summary>
    public required string Directory { get; init; }

    /// <summary>Whose process dnsmasq becomes; of the package.</summary>
    public string User { get; init; } = "dnsmasq";

    public string Group { get; init; } = "nogroup";

    /// <summary>How often it is looked whether the processes are there.</summary>
    public TimeSpan Pace { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>How often they are asked something.</summary>
    public TimeSpan ProbePace { get; init; } = TimeSpan.FromSeconds(30);
}
