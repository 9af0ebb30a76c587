using PonyCloud.Shared.Entities;

namespace PonyCloud.Sparkle.Migrations;

/// <summary>What one host says of an instance that moves, and what it was told.</summary>
internal sealed record HostWord
{
    public required Guid Host { get; init; }

    /// <summary>For the words of operators.</summary>
    public required string Name { get; init; }

    /// <summary>It is declared, and was not given up. One that was has nothing.</summary>
    public bool IsThere { get; init; } = true;

    /// <summary>It is heard of now.</summary>
    public bool IsPresent { get; init; } = true;

    /// <summary>The place of the instance is at the host.</summary>
    public bool HasPlace { get; init; }

    public HostInstanceCurrent? Instance { get; init; }

    public HostMigrationCurrent? Said { get; init; }

    public HostMigrationDesired? Told { get; init; }

    public string? Endpoint { get; init; }

    public string? Fingerprint { get; init; }

    public HostMigrationStatus? Status => IsThere ? Said?.Status : null;

    public MigrationRole? Role => Told?.Role;

    /// <summary>What it says, it says knowing what it was told last, and where the place is.</summary>
    public bool IsOfThisTurn => Told is not null && Said?.Turn == Told.Turn && Told.HasPlace == HasPlace;

    public bool HasArrived => Status == HostMigrationStatus.Arrived;

    /// <summary>There is nothing at the host that runs, and it starts nothing before it is told to. This word stands while it is silent.</summary>
    public bool HasLeft => Status == HostMigrationStatus.Left && IsOfThisTurn && Role != MigrationRole.Keep;

    /// <summary>The instance is the host's, and nothing of it is being sent, nor will be before it is told to.</summary>
    public bool HasIt => Status == HostMigrationStatus.Here && IsOfThisTurn
        && Told is { Role: MigrationRole.Stay or MigrationRole.Keep or MigrationRole.Take } or { Role: MigrationRole.Send, Endpoint: null };

    /// <summary>Something of a destination is there, or something of a source is under way.</summary>
    public bool IsBusy => Status is not (null or HostMigrationStatus.Here or HostMigrationStatus.Left);

    /// <summary>The domain is on: what it is doing would be lost without a copy.</summary>
    public bool IsOn => IsThere && Instance?.Status is InstanceStatus.Running or InstanceStatus.Paused or InstanceStatus.Starting
        or InstanceStatus.Stopping or InstanceStatus.Migrating or InstanceStatus.Broken;
}
