namespace PonyCloud.Twilight.Hypervisor;

/// <summary>What the hypervisor told of how a domain came to stand still or go off, beyond what its state shows.</summary>
public enum DomainCause
{
    /// <summary>Nothing was told, or what was told is over.</summary>
    None,

    /// <summary>A disk could not be written, since its storage is full.</summary>
    DiskFull,

    /// <summary>A disk failed.</summary>
    IoError,

    /// <summary>The guest stopped feeding its watchdog.</summary>
    Watchdog,

    /// <summary>The guest's kernel said that it panicked.</summary>
    Panicked,

    /// <summary>The machine ran out of memory while the emulator was killed.</summary>
    HostOutOfMemory,
}

/// <summary>How a guest that was to be on went off.</summary>
public enum DomainEnd
{
    /// <summary>It turned itself off.</summary>
    TurnedOff,

    /// <summary>It, or what emulates it, crashed.</summary>
    Crashed,

    /// <summary>Somebody else cut its power.</summary>
    PowerCut,

    /// <summary>While nobody watched, and the hypervisor does not know how either: its machine went down, or the hypervisor ended as well.</summary>
    Unseen,
}
