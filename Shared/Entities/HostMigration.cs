using System.ComponentModel;

namespace PonyCloud.Shared.Entities;

/// <summary>What a host has to do with an instance that moves.</summary>
public enum MigrationRole
{
    /// <summary>Destination: be ready to take it. A copy that has arrived whole stands still until more is said.</summary>
    Receive,

    /// <summary>
    /// Source: let it go. While it is on, it is copied to the destination; without an endpoint there is nothing to copy to. Once it is
    /// off, be it that the copy is whole or that it was off before, it has left, and is not started again before more is said.
    /// </summary>
    Send,

    /// <summary>Destination: the copy is the instance now, let it go on.</summary>
    Take,

    /// <summary>Destination: nobody needs what has arrived, let go of it.</summary>
    Discard,

    /// <summary>Source: what left arrived nowhere, the instance is this host's again.</summary>
    Keep,

    /// <summary>Source: send nothing, and say whether it is here or has left. Destination: take nothing in, and say whether a copy is here.</summary>
    Stay,
}

/// <remarks>Made by the controller of the order to migrate, the place, and what both hosts say. No table has it.</remarks>
public sealed record HostMigrationDesired
{
    [References("host")]
    public required Guid Host { get; init; }

    [References("instance")]
    public required Guid Instance { get; init; }

    public required MigrationRole Role { get; init; }

    [Description("Another one whenever something else is told; the host repeats it in what it says, and what it says counts for it only.")]
    public required Guid Turn { get; init; }

    [Description("Whether the place of the instance is at this host. What the host said before that changed is of another turn.")]
    public bool HasPlace { get; init; }

    [Description("The other host.")]
    [References("host")]
    public required Guid PeerHost { get; init; }

    [Description("Where the destination takes it, for a source that sends; where the source gives its volumes, for a destination that fetches those.")]
    public string? Endpoint { get; init; }

    [Description("SHA-256 of the certificate of the other host, in hexadecimal.")]
    public string? Fingerprint { get; init; }

    [Description("What is shown to the other host; good for this instance only.")]
    [Secret(SentToHosts = true)]
    public string? Ticket { get; init; }
}

public enum HostMigrationStatus
{
    /// <summary>Destination: what the instance needs here is being made ready.</summary>
    Preparing,

    /// <summary>Destination: it may come.</summary>
    Ready,

    /// <summary>Destination: a copy is coming in.</summary>
    Receiving,

    /// <summary>Destination: the copy is whole and stands still.</summary>
    Arrived,

    /// <summary>Source: it is here, and is not being sent.</summary>
    Here,

    /// <summary>Source: it is being sent.</summary>
    Sending,

    /// <summary>It is off here, or not here at all, and is not started here before the controller says so.</summary>
    Left,

    /// <summary>It cannot be done now, for a reason that <c>why</c> says.</summary>
    Broken,
}

public sealed record HostMigrationCurrent
{
    [References("host")]
    public required Guid Host { get; init; }

    [References("instance")]
    public required Guid Instance { get; init; }

    public required HostMigrationStatus Status { get; init; }

    [Description("The turn of the row by which the host acts; absent while it knows of none.")]
    public Guid? Turn { get; init; }

    [Description("The other host.")]
    [References("host")]
    public Guid? PeerHost { get; init; }

    [Description("What a destination that is ready, or a source that has left without a copy, wants to be shown; good for this instance only.")]
    [Secret(SentToHosts = true)]
    public string? Ticket { get; init; }

    [Description("How much of what is copied is copied, in percent.")]
    public int? Progress { get; init; }

    [Description("Bytes of that which are copied.")]
    public long? Bytes { get; init; }

    [Description("Bytes a second.")]
    public long? Rate { get; init; }

    [Description("The reason for the status, in words.")]
    public string? Why { get; init; }
}

public sealed class HostMigrationDeclaration : IEntityDeclaration
{
    public Entity Declare() => EntityBuilder
        .Named("host_migration", "The part of a host in the move of an instance.")
        .KeyedBy("host", "instance")
        .DerivedOrder<HostMigrationDesired>()
        .Reported<HostMigrationCurrent>(by: "host")
        .Index("host", "instance", "peer_host")
        .SentToHost(new HostScope.NamedBy("host"))
        .Mount("/host/migration", Access.Protected)
        .Build();
}
