namespace PonyCloud.Shared.Entities;

/// <summary>Who may do what with the rows behind a mount.</summary>
public enum Access
{
    /// <summary>Nobody through the API.</summary>
    Private,

    /// <summary>Alicorns, the operators of the platform.</summary>
    Protected,

    /// <summary>Everyone who is logged in reads and refers to it; alicorns write.</summary>
    Shared,

    /// <summary>A token for the tenant in the path, with role owner.</summary>
    TenantOwner,

    /// <summary>A token for the tenant in the path; role operator only reads.</summary>
    TenantUser,

    /// <summary>A token for the tenant in the path reads; alicorns write.</summary>
    TenantReadOnly,

    /// <summary>The user in the path reads and writes.</summary>
    UserReadWrite,

    /// <summary>The user in the path reads.</summary>
    UserReadOnly,
}

/// <summary>
/// A place in the API's tree where an entity's rows are found. Every segment of the path but the last is the mount of
/// another entity, whose key stands between: <c>/tenant/instance</c> is <c>/tenant/{tenant}/instance/{instance}</c>.
/// </summary>
/// <param name="Path">The segments, such as <c>/tenant/instance</c>.</param>
/// <param name="Access">Who may use it.</param>
/// <param name="ParentColumn">
/// The column that holds the parent's key; null for a mount at the root. Named after the parent's entity unless declared otherwise.
/// </param>
/// <param name="NullColumn">Only rows where this column is null are found here, such as the images of no tenant.</param>
/// <param name="Hidden">Columns that are left out here, such as the host from a tenant's view.</param>
public sealed record Mount(string Path, Access Access, string? ParentColumn, string? NullColumn, IReadOnlyList<string> Hidden)
{
    /// <summary>The segments of the path.</summary>
    public IReadOnlyList<string> Segments { get; } = Path.Split('/', StringSplitOptions.RemoveEmptyEntries);
}
