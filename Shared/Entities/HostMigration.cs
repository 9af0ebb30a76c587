using System.ComponentModel;

namespace PonyCloud.Shared.Entities;

/// <summary>What a host has to do with an instance that moves.</summary>
public enum MigrationRole
{
    /// <summary>Destination: be ready to take it. A copy that has arrived whole stands still until more is said.</summary>
    Receive,

    /// <summary>Source: send it to the destination, which is ready. Once it has left it is not started again before more is said.</summary>
    Send,

    /// <summary>Destination: the copy is the instance now, let it go on.</summary>
    Take,

    /// <summary>Destination: nobody needs what has arrived, let go of it.</summary>
    Discard,

    /// <summary>Source: what left arrived nowhere, the instance is this host's again.</summary>
    Keep,

    /// <summary>Source: send nothing, and say whether it has left.</summary>
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

    [Description("The other host.")]
    [References("host")]
    public required Guid PeerHost { get; init; }

    [Description("Where the destination takes it, for a source that sends.")]
    public string? Endpoint { get; init; }

    [Description("SHA-256 of the certificate of the destination, in hexadecimal.")]
    public string? Fingerprint { get; init; }

    [Description("What the source shows to the destination; good for this instance only.")]
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

    /// <summary>Source: it was sent and is off here; it is not started here before the controller says so.</summary>
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

    [Description("The other host.")]
    [References("host")]
    public Guid? PeerHost { get; init; }

    [Description("What the destination wants to be shown; good for this instance only.")]
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
