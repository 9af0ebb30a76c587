namespace PonyCloud.Twilight.Hypervisor;

/// <summary>What a guest gets of a disk at most; 0 for no limit.</summary>
/// <param name="IopsMax">Reads and writes in a second.</param>
/// <param name="BytesMax">Bytes in a second.</param>
public readonly record struct DiskLimits(long IopsMax, long BytesMax);
