using PonyCloud.Shared.Http;

namespace PonyCloud.Twilight.Migrations;

/// <summary>Through the HTTPS servers of other hosts, each known by its fingerprint.</summary>
public sealed class HostDoors(MigrationOptions options, TimeProvider time) : IMigrationDoors
{
    /// <inheritdoc/>
    public async Task<Stream> OpenAsync(MigrationDoor door, Guid instance, string way, CancellationToken cancellationToken)
    {
        var host = HostEndpoint.TryParse(door.Endpoint, door.Fingerprint, door.Ticket)
            ?? throw new IOException($"{door.Endpoint} is not the door of a host.");
        try
        {
            return await HostStreams.ConnectAsync(host, $"/{DoorWays.Route}/{instance}/{way}", options.DoorLimit, time, cancellationToken);
        }
        catch (HostStreamException exception)
        {
            throw new IOException($"The door of the other host, {door.Endpoint}: {exception.Message}", exception);
        }
    }
}
