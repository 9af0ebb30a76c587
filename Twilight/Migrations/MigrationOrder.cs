using PonyCloud.Shared.Entities;

namespace PonyCloud.Twilight.Migrations;

/// <summary>What the controller tells this host of the move of an instance.</summary>
/// <param name="Turn">What the host says counts for this turn only.</param>
/// <param name="Peer">The other host.</param>
/// <param name="Door">Of the other host: where it is sent, or where what it left behind is read; null where there is none.</param>
public sealed record MigrationOrder(Guid Instance, MigrationRole Role, Guid Turn, Guid Peer, MigrationDoor? Door)
{
    public static MigrationOrder Of(HostMigrationDesired row) => new(
        row.Instance, row.Role, row.Turn, row.PeerHost,
        row is { Endpoint: { } endpoint, Fingerprint: { } fingerprint, Ticket: { } ticket }
            ? new MigrationDoor(endpoint, fingerprint, ticket)
            : null);
}

/// <summary>The door of another host, and what opens it for one instance.</summary>
/// <param name="Endpoint">Such as <c>https://192.0.2.7:40123</c>.</param>
/// <param name="Fingerprint">SHA-256 of its certificate, in hexadecimal.</param>
/// <param name="Ticket">Secret.</param>
public sealed record MigrationDoor(string Endpoint, string Fingerprint, string Ticket)
{
    /// <summary>Without the ticket, so that no log has it.</summary>
    public override string ToString() => Endpoint;
}
