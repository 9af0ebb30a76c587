using PonyCloud.Shared.Entities;

namespace PonyCloud.Sparkle.Migrations;

/// <summary>A volume of the instance in a pool whose volumes only one host reaches.</summary>
/// <param name="Disk">As what the instance has it.</param>
/// <param name="Keeper">Null when no host keeps it.</param>
/// <param name="Obstacle">What was ordered that keeps it from going along, in words for operators; null for nothing.</param>
internal sealed record OwnVolume(VolumeDesired Volume, VdiskDesired Disk, HostVolumeDesired? Keeper, string? Obstacle = null);

/// <summary>A copy of a volume on a host that does not keep it, and what that host says.</summary>
internal sealed record VolumeCopy(HostVolumeCopyDesired Row, HostVolumeCopyCurrent? Said)
{
    /// <summary>There is room for it, or all of it is there; and that is said of this very copy.</summary>
    public bool IsReady => Row.Generation is not null && Said is { Status: StorageStatus.Ready } && Said.Generation == Row.Generation;

    public bool IsBroken => Said is { Status: StorageStatus.Broken } && Said.Generation == Row.Generation;
}

/// <summary>A copy that becomes the volume's content, on condition that nothing of this has changed.</summary>
internal sealed record TakenCopy(HostVolumeCopyDesired Copy, OwnVolume Of);

/// <summary>What goes along with an instance, and which copies of that there are. Pure.</summary>
internal sealed record VolumeMoves(IReadOnlyList<OwnVolume> Volumes, IReadOnlyList<VolumeCopy> Copies)
{
    public static VolumeMoves None { get; } = new([], []);

    /// <summary>What the host keeps, and what has to be copied to any other.</summary>
    public IEnumerable<OwnVolume> KeptBy(Guid host) => Volumes.Where(volume => volume.Keeper?.Host == host);

    /// <summary>
    /// Copies on other hosts. One where the place is was brought about by hand, and may be what the guest has: it is left alone.
    /// </summary>
    public IEnumerable<VolumeCopy> Elsewhere(Guid? place) => Copies.Where(copy => copy.Row.Host != place);

    public bool HasFetched(Guid place) => Elsewhere(place).Any(copy => copy.Row.Fill == CopyFill.Fetch);

    /// <summary>There is a row for each copy that is needed, and for no other.</summary>
    public bool AreCopied(Guid from, Guid to, CopyFill fill) => Made(from, to, fill).Length == 0 && Dropped(from, to, fill).Length == 0;

    /// <summary>All copies that are needed are ready; none needed is ready too.</summary>
    public bool AreReady(Guid from, Guid to) => KeptBy(from).All(volume => CopyOf(volume, to) is { IsReady: true });

    /// <summary>Why copying that is under way comes to nothing, in words; null when it does not.</summary>
    public string? InterruptionOf(Guid from, Guid to)
    {
        foreach (var volume in KeptBy(from))
        {
            if (volume.Obstacle is { } obstacle)
                return obstacle;
            if (CopyOf(volume, to) is not { Row.Fill: CopyFill.Hypervisor })
                return $"Its volume {volume.Volume.Name} is not among what is being copied.";
        }
        return null;
    }

    /// <summary>Rows that are to be made; the database gives them their generations.</summary>
    public HostVolumeCopyDesired[] Made(Guid from, Guid to, CopyFill fill) =>
    [
        .. KeptBy(from).Where(volume => CopyOf(volume, to)?.Row.Fill != fill).Select(volume => new HostVolumeCopyDesired
        {
            Host = to,
            Volume = volume.Volume.Uuid,
            Instance = volume.Disk.Instance,
            Fill = fill,
        }),
    ];

    /// <summary>Rows that are none of those.</summary>
    public HostVolumeCopyDesired[] Dropped(Guid from, Guid to, CopyFill fill)
    {
        var kept = KeptBy(from).Select(volume => volume.Volume.Uuid).ToHashSet();
        return Rows(Elsewhere(from).Where(copy => copy.Row.Host != to || copy.Row.Fill != fill || !kept.Contains(copy.Row.Volume)));
    }

    /// <summary>
    /// The copies that are the contents once the place goes to their host: those that came with the guest, or those that were fetched.
    /// </summary>
    /// <param name="from">Who has to keep the volumes until then; without a place nobody does.</param>
    public TakenCopy[] Taken(Guid? from, Guid to, CopyFill fill) =>
    [
        .. from volume in Volumes
           where volume.Keeper?.Host == @from
           let copy = CopyOf(volume, to)
           where copy is not null && copy.Row.Fill == fill && copy.Row.Generation is not null && (fill == CopyFill.Hypervisor || copy.IsReady)
           select new TakenCopy(copy.Row, volume),
    ];

    public static HostVolumeCopyDesired[] Rows(IEnumerable<VolumeCopy> copies) => copies.Select(copy => copy.Row).ToArray();

    /// <summary>The first copy at the host that cannot be made.</summary>
    public VolumeCopy? BrokenAt(Guid host) => Copies.FirstOrDefault(copy => copy.Row.Host == host && copy.IsBroken);

    /// <summary>How far fetching is, of all volumes together.</summary>
    public CopiedPart FetchedAt(Guid host)
    {
        var parts = Volumes.Select(volume => (volume.Volume.Size, Copy: CopyOf(volume, host))).Where(part => part.Copy is not null).ToList();
        var said = parts.Select(part => part.Copy!.Said).OfType<HostVolumeCopyCurrent>().ToList();
        var total = parts.Sum(part => part.Size);
        var done = parts.Sum(part => part.Size * (part.Copy!.IsReady ? 100 : part.Copy.Said?.Progress ?? 0));
        return new CopiedPart(
            total == 0 ? null : (int)(done / total),
            said.Exists(copy => copy.Bytes is not null) ? said.Sum(copy => copy.Bytes ?? 0) : null,
            said.Exists(copy => copy.Rate is not null) ? said.Sum(copy => copy.Rate ?? 0) : null);
    }

    private VolumeCopy? CopyOf(OwnVolume volume, Guid host) =>
        Copies.FirstOrDefault(copy => copy.Row.Host == host && copy.Row.Volume == volume.Volume.Uuid);
}

/// <summary>How much is copied: percent, bytes, bytes a second.</summary>
internal readonly record struct CopiedPart(int? Progress, long? Bytes, long? Rate)
{
    public static CopiedPart Of(HostMigrationCurrent? said) => new(said?.Progress, said?.Bytes, said?.Rate);
}
