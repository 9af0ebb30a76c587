namespace PonyCloud.Twilight.Consoles;

/// <summary>Bounds of consoles.</summary>
public sealed record ConsoleOptions
{
    /// <summary>So many bytes of a log are kept at least.</summary>
    public long LogKept { get; init; } = 1 << 20;

    /// <summary>How often logs are looked at.</summary>
    public TimeSpan LogPeriod { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Streams at once, to all instances of the host.</summary>
    public int StreamsMax { get; init; } = 512;

    /// <summary>So many bytes of what was before are shown to whoever attaches to a serial port.</summary>
    public int SerialTail { get; init; } = 4096;

    /// <summary>Whoever is so many bytes behind the guest is cut off.</summary>
    public int SerialBehindMax { get; init; } = 256 << 10;

    /// <summary>So long QEMU may take to accept a connection.</summary>
    public TimeSpan ConnectLimit { get; init; } = TimeSpan.FromSeconds(5);
}
