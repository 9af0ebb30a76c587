using PonyCloud.Shared.Entities;

namespace PonyCloud.Twilight.Migrations;

/// <summary>What the roles mean for the rest of the host.</summary>
public static class HostMigrations
{
    /// <summary>Whether the host keeps ready what the instance needs here, though it may have no place here yet.</summary>
    public static bool IsComing(MigrationRole role) => role is MigrationRole.Receive or MigrationRole.Take or MigrationRole.Stay;
}
