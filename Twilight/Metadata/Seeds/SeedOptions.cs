namespace PonyCloud.Twilight.Metadata.Seeds;

public sealed record SeedOptions
{
    /// <summary>
    /// In memory, since each start makes a disk anew; of this host alone. Only root and what libvirt gives a disk to read in it, but
    /// everybody may pass through.
    /// </summary>
    public required string Directory { get; init; }
}
