using System.Security.Cryptography;

namespace PonyCloud.Shared.Replication;

/// <summary>Where random numbers come from, so that a simulation can repeat a run.</summary>
public interface IEntropy
{
    /// <summary>A text that nobody else draws.</summary>
    string NextId();

    /// <summary>A number in [0, 1).</summary>
    double NextDouble();
}

/// <summary>The machine's own randomness.</summary>
public sealed class SystemEntropy : IEntropy
{
    public string NextId() => RandomNumberGenerator.GetHexString(16, lowercase: true);

    public double NextDouble() => Random.Shared.NextDouble();
}
