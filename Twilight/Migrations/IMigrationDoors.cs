namespace PonyCloud.Twilight.Migrations;

/// <summary>The way to the doors of other hosts.</summary>
public interface IMigrationDoors
{
    /// <param name="way">One of <see cref="DoorWays"/>.</param>
    /// <exception cref="IOException">It cannot be reached, or does not let this one in.</exception>
    Task<Stream> OpenAsync(MigrationDoor door, Guid instance, string way, CancellationToken cancellationToken);
}
