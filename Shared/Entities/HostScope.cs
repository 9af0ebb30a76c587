namespace PonyCloud.Shared.Entities;

/// <summary>
/// Why a desired row is sent to a host. An entity may declare several; a row is sent when one of them holds. All rows
/// that no scope reaches stay in the controller.
/// </summary>
public abstract record HostScope
{
    private HostScope()
    {
    }

    /// <summary>The column holds the host's key: a host's own row, or a relation such as host × instance.</summary>
    public sealed record NamedBy(string Column) : HostScope;

    /// <summary>A row of another entity that is sent to the host refers to this one: an instance, from its place on the host.</summary>
    public sealed record ReferencedBy(string Entity, string Column) : HostScope;

    /// <summary>This row refers to a row that is sent to the host: a vdisk, to its instance.</summary>
    public sealed record RefersTo(string Column) : HostScope;
}
