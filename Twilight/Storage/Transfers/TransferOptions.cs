using System.Net;

namespace PonyCloud.Twilight.Storage.Transfers;

/// <summary>Numbers that both sides of a transfer count on.</summary>
public static class TransferLimits
{
    /// <summary>Parts of an upload that are kept are multiples of this, but for the last, so that no disk reads before it writes.</summary>
    public const int Block = 4096;
}

/// <summary>How the transfer server listens, and its bounds.</summary>
public sealed record TransferOptions
{
    /// <summary>Port 0 takes a free one.</summary>
    public IPEndPoint Listen { get; init; } = new(IPAddress.Any, 0);

    /// <summary>The name or address by which Sparkle reaches this host.</summary>
    public required string Advertised { get; init; }

    /// <summary>Transfers at once.</summary>
    public int TransfersMax { get; init; } = 8;

    /// <summary>The least rate of a peer, in bytes a second.</summary>
    public double RateMin { get; init; } = 4096;

    /// <summary>So long a peer may be slower.</summary>
    public TimeSpan Grace { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>So long what an aborted upload has sent may take to reach the disk.</summary>
    public TimeSpan FlushLimit { get; init; } = TimeSpan.FromSeconds(60);
}
