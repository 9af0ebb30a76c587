namespace PonyCloud.Twilight.Storage.Transfers;

/// <summary>Numbers that both sides of a transfer count on.</summary>
public static class TransferLimits
{
    /// <summary>Parts of an upload that are kept are multiples of this, but for the last, so that no disk reads before it writes.</summary>
    public const int Block = 4096;
}

/// <summary>Bounds of transfers.</summary>
public sealed record TransferOptions
{
    /// <summary>Transfers at once.</summary>
    public int TransfersMax { get; init; } = 8;

    /// <summary>So long what an aborted upload has sent may take to reach the disk.</summary>
    public TimeSpan FlushLimit { get; init; } = TimeSpan.FromSeconds(60);
}
