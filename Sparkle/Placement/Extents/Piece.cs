using PonyCloud.Shared.Entities;

namespace PonyCloud.Sparkle.Placement.Extents;

/// <summary>Some MiB of a disk that lie one behind the other.</summary>
public readonly record struct Piece(string Disk, LongRange Range)
{
    /// <summary>MiB.</summary>
    public long Length => Range.Length;

    /// <summary>The first so many MiB of it.</summary>
    public Piece First(long length) => this with { Range = new LongRange(Range.Start, Range.Start + length) };
}

/// <summary>A piece and its place among those of a volume.</summary>
public readonly record struct PlacedPiece(int Order, Piece Piece);

/// <summary>A piece that became longer at its end.</summary>
public sealed record Extension(int Order, Piece Before, Piece After)
{
    /// <summary>MiB that it has more.</summary>
    public long Length => After.Length - Before.Length;
}

/// <summary>What a volume got in one go; nothing where it lacked nothing.</summary>
/// <param name="Extended">Its last piece, where there was space behind it.</param>
/// <param name="Added">New pieces behind all that it had, in order.</param>
public sealed record Allocation(Guid Volume, Extension? Extended, IReadOnlyList<PlacedPiece> Added)
{
    /// <summary>MiB.</summary>
    public long Length => (Extended?.Length ?? 0) + Added.Sum(piece => piece.Piece.Length);
}
