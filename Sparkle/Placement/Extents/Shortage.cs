namespace PonyCloud.Sparkle.Placement.Extents;

public enum ShortageKind
{
    /// <summary>The disks have too little left.</summary>
    Space,

    /// <summary>The pool's own size does not allow it.</summary>
    Limit,

    /// <summary>There is enough, but in runs so short that the volume would have too many pieces.</summary>
    Pieces,
}

/// <summary>Why a volume cannot have what it lacks.</summary>
/// <param name="Kind">What stands in the way.</param>
/// <param name="Needed">MiB that it lacks.</param>
/// <param name="Left">MiB that are free, or that the pool may still give out.</param>
/// <param name="MostPieces">How many pieces a volume may have.</param>
public sealed record Shortage(ShortageKind Kind, long Needed, long Left, int MostPieces)
{
    /// <summary>For the owner of the volume.</summary>
    public string Words => Kind switch
    {
        ShortageKind.Space => Text($"{Needed} MiB more, and its pool has {Left} MiB free."),
        ShortageKind.Limit => Text($"{Needed} MiB more, and its pool may give out {Left} MiB more."),
        ShortageKind.Pieces => Text(
            $"{Needed} MiB more. Its pool has {Left} MiB free, but so scattered that it would have more than {MostPieces} pieces."),
        _ => throw new InvalidOperationException($"There is no such shortage as {Kind}."),
    };

    private static string Text(FormattableString what) => "It needs " + FormattableString.Invariant(what);
}
