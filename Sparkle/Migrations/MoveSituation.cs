using PonyCloud.Shared.Entities;

namespace PonyCloud.Sparkle.Migrations;

/// <summary>All that decides what follows for one instance.</summary>
internal sealed record MoveSituation
{
    public required Guid Instance { get; init; }

    /// <summary>Null when there is no such instance.</summary>
    public InstanceDesired? Wanted { get; init; }

    /// <summary>The instance was seen to be deleted; one that is just missing may be a database's mistake.</summary>
    public bool IsDeleted { get; init; }

    public Guid? Place { get; init; }

    public MigrationDesired? Order { get; init; }

    /// <summary>Every host that may have to do with it.</summary>
    public required IReadOnlyList<HostWord> Hosts { get; init; }

    /// <summary>What goes along with it, and which copies there are.</summary>
    public VolumeMoves Volumes { get; init; } = VolumeMoves.None;

    /// <summary>The host for which the source said that it left, before it was given up.</summary>
    public Guid? LeftFor { get; init; }

    /// <summary>The turn of the source in which the database was asked whether the place is still what it was.</summary>
    public Guid? CheckedIn { get; init; }

    /// <summary>Why the destination that is ordered cannot take it, in words; null when it can.</summary>
    public string? Obstacle { get; init; }

    /// <summary>The last attempt failed, and the next one is not due yet.</summary>
    public bool IsPaused { get; init; }

    /// <summary>Why the last attempt failed.</summary>
    public string? Failure { get; init; }

    /// <summary>A change is being written, and how that ends is not known.</summary>
    public bool IsHandingOver { get; init; }

    /// <summary>That change leaves the place where it is.</summary>
    public bool IsStaying { get; init; }

    public bool IsDatabaseUp { get; init; } = true;

    public HostWord Of(Guid host) => Hosts.FirstOrDefault(word => word.Host == host)
        ?? new HostWord
        {
            Host = host,
            Name = host.ToString(),
            IsPresent = false,
        };
}
