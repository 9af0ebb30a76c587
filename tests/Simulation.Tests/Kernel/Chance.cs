using System.Globalization;
using PonyCloud.Shared.Replication;

namespace PonyCloud.Simulation.Tests.Kernel;

/// <summary>All the randomness of a simulation, ids included, from one seed.</summary>
internal sealed class Chance(int seed) : IEntropy
{
    // The algorithm of a seeded generator is fixed; that of an unseeded one is not.
    private readonly Random _random = new(seed);

    public string NextId() => _random.NextInt64().ToString("x16", CultureInfo.InvariantCulture);

    public double NextDouble() => _random.NextDouble();

    public Guid NextGuid()
    {
        var bytes = new byte[16];
        _random.NextBytes(bytes);
        return new Guid(bytes);
    }

    /// <summary>True with this probability.</summary>
    public bool Hits(double probability) => _random.NextDouble() < probability;

    /// <summary>From 0 to one less than <paramref name="bound"/>.</summary>
    public int Below(int bound) => _random.Next(bound);

    public T Of<T>(IReadOnlyList<T> items) => items[_random.Next(items.Count)];

    /// <summary>Between the two, as often below their geometric mean as above it.</summary>
    public TimeSpan Magnitude(double from, double to) => TimeSpan.FromSeconds(from * Math.Pow(to / from, _random.NextDouble()));

    public TimeSpan Seconds(double from, double to) => TimeSpan.FromSeconds(from + (to - from) * _random.NextDouble());
}
