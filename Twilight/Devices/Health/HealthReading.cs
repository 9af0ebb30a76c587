using PonyCloud.Shared.Entities;

namespace PonyCloud.Twilight.Devices.Health;

/// <summary>What is known of a disk's health.</summary>
/// <param name="Why">In words; null for one that is well.</param>
public sealed record HealthReading(DiskHealth Health, string? Why = null)
{
    public static HealthReading NotAsked { get; } = new(DiskHealth.Unknown);
}

/// <summary>Asks disks how they are.</summary>
public interface IHealthProbe
{
    /// <param name="node">The device file.</param>
    /// <returns>Null when it says nothing new: it sleeps, and is not woken.</returns>
    /// <exception cref="Tools.ToolException">It could not be asked.</exception>
    /// <exception cref="OperationCanceledException">Given up.</exception>
    Task<HealthReading?> ReadAsync(string node, CancellationToken cancellationToken);
}
