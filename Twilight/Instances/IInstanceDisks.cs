namespace PonyCloud.Twilight.Instances;

/// <summary>Whether a guest can be given a disk.</summary>
public enum DiskReadiness
{
    /// <summary>Not yet.</summary>
    Waiting,

    /// <summary>Its content is there and whole, and the host has it open.</summary>
    Ready,

    /// <summary>Not, and not by waiting alone.</summary>
    Broken,
}

/// <summary>What there is on the host for a disk of an instance.</summary>
/// <param name="Why">In words, to follow the disk's name and a colon; null when it is ready.</param>
/// <param name="Source">Where it is; null unless it is ready.</param>
/// <param name="Size">MiB that the guest is to see; null when nobody knows.</param>
public sealed record DiskState(DiskReadiness Readiness, string? Why = null, DiskSource? Source = null, long? Size = null)
{
    /// <summary>Nobody has said anything of it.</summary>
    public static DiskState Unknown { get; } = new(DiskReadiness.Waiting, "its content is not known on this host yet");
}

/// <summary>Something that a guest has open, or may have.</summary>
/// <param name="Vdisk">Null for what has no row.</param>
/// <param name="Source">See <see cref="DiskSource.Name"/>.</param>
public sealed record DiskUse(Guid Instance, Guid? Vdisk, string Source);

/// <summary>
/// The host's side of the disks of instances. Whoever keeps what is in them tells by this when a guest may have them, and is told
/// what guests have: never do both work on the same.
/// </summary>
public interface IInstanceDisks
{
    /// <summary>Raised when an answer of <see cref="Of"/> may be another. On any thread; handlers do not block.</summary>
    event Action? Changed;

    /// <summary>What there is for the disk now. Answers at once.</summary>
    DiskState Of(Guid vdisk);

    /// <summary>Tells what guests have open, and asks for what they are about to get.</summary>
    /// <param name="held">All that guests have or may have.</param>
    /// <param name="wanted">What some are to be given now.</param>
    /// <returns>Those of <paramref name="wanted"/> that no guest may be given now, since work on them is under way.</returns>
    IReadOnlyCollection<DiskUse> Use(IReadOnlyCollection<DiskUse> held, IReadOnlyCollection<DiskUse> wanted);
}
