using PonyCloud.Shared.Entities;

namespace PonyCloud.Sparkle.Migrations;

/// <summary>What a host is to be told, without the turn in which it is.</summary>
internal sealed record Telling(Guid Host, MigrationRole Role, Guid Peer)
{
    public string? Endpoint { get; init; }

    public string? Fingerprint { get; init; }

    public string? Ticket { get; init; }

    /// <summary>The same as before.</summary>
    public static Telling Of(HostMigrationDesired told) => new(told.Host, told.Role, told.PeerHost)
    {
        Endpoint = told.Endpoint,
        Fingerprint = told.Fingerprint,
        Ticket = told.Ticket,
    };

    /// <summary>As a row: the one that was told before when that says the same, else one of another turn.</summary>
    /// <param name="hasPlace">
    /// Whether the place is at the host. That is told too: who says that there is nothing of it at a host without the place says nothing
    /// about what it starts when it has it.
    /// </param>
    public HostMigrationDesired ToRow(Guid instance, bool hasPlace, HostMigrationDesired? before, Func<Guid> makeTurn) =>
        before is not null && Of(before) == this && before.HasPlace == hasPlace
            ? before
            : new HostMigrationDesired
            {
                Host = Host,
                Instance = instance,
                Role = Role,
                Turn = makeTurn(),
                HasPlace = hasPlace,
                PeerHost = Peer,
                Endpoint = Endpoint,
                Fingerprint = Fingerprint,
                Ticket = Ticket,
            };
}
