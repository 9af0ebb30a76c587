namespace PonyCloud.Sparkle.Placement.Extents;

/// <summary>How the space of a pool is divided. All sizes are in MiB, and Taken, Free and Withheld make up Size.</summary>
/// <param name="Size">Of all disks.</param>
/// <param name="Taken">What volumes have, and what is still to be wiped.</param>
/// <param name="Free">What can be given out.</param>
/// <param name="Withheld">Free on disks that give out nothing any more.</param>
/// <param name="LargestFree">The longest free run: the largest volume that can be had in one piece.</param>
/// <param name="FreeRuns">How many runs the free space is in.</param>
/// <param name="Volumes">How many volumes have space.</param>
/// <param name="Divided">How many of them are in several pieces.</param>
/// <param name="MostPieces">How many pieces the most divided one has.</param>
public sealed record Fragmentation(
    long Size, long Taken, long Free, long Withheld, long LargestFree, int FreeRuns, int Volumes, int Divided, int MostPieces);
