namespace PonyCloud.Twilight.Hypervisor;

/// <summary>Where a domain is copied to. Paths are those of sockets on this host, as the hypervisor sees them.</summary>
/// <param name="Hypervisor">Leads to the other hypervisor.</param>
/// <param name="Memory">Leads to where the copy takes the memory; the other hypervisor listens at the same path on its host.</param>
/// <param name="Xml">What the copy is to be: the same to its guest as the domain.</param>
public sealed record MigrationTarget(string Hypervisor, string Memory, string Xml)
{
    /// <summary>Disks whose content is copied as well, by <see cref="ObservedDisk.Target"/>; what the copy has of them is filled.</summary>
    public IReadOnlyList<string> CopiedDisks { get; init; } = [];

    /// <summary>Leads to where the copy takes disks, in the same way as <see cref="Memory"/>; null where none is copied.</summary>
    public string? Disks { get; init; }
}

/// <summary>How far the copying of a domain has come. It may have to begin again with what the guest changed, so it may go back.</summary>
/// <param name="Bytes">Copied.</param>
/// <param name="Total">To be copied, as known now.</param>
/// <param name="Remaining">Not copied yet.</param>
public sealed record MigrationProgress(long Bytes, long Total, long Remaining)
{
    /// <summary>In percent; 100 only when nothing remains.</summary>
    public int Percent => Total <= 0 ? 0 : (int)(100 - Math.Ceiling(100d * Math.Clamp(Remaining, 0, Total) / Total));
}
