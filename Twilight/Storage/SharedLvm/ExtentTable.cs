using System.Globalization;
using System.Text;

namespace PonyCloud.Twilight.Storage.SharedLvm;

/// <summary>The extents of a volume, as device-mapper takes them (kernel, admin-guide/device-mapper/linear.rst).</summary>
internal sealed class ExtentTable
{
    private const int SectorsPerMiB = 2048;

    private readonly List<Part> _parts = [];

    private ExtentTable()
    {
    }

    /// <summary>MiB.</summary>
    internal long Size => _parts.Sum(part => part.Size);

    /// <summary>All of its extents.</summary>
    /// <param name="needed">MiB that they must have at least.</param>
    /// <exception cref="StorageException">They are less than is needed, or this host does not see a disk of them.</exception>
    internal static ExtentTable Of(StorageObject target, long needed, IReadOnlyList<PoolDisk> disks)
    {
        var table = new ExtentTable();
        foreach (var extent in target.Extents.OrderBy(extent => extent.Order))
        {
            var disk = disks.FirstOrDefault(disk => disk.Id == extent.Disk);
            if (disk?.Path is not { } path)
                throw new StorageException(StorageFailure.Unreachable, $"This host does not see the disk {extent.Disk}.");
            if (disk.Size < extent.Range.End)
                throw new StorageException(StorageFailure.Failed, $"The disk {disk.Id} ends at {disk.Size} MiB, before an extent of it.");
            table._parts.Add(new Part(path, extent.Range.Start, extent.Range.Length));
        }
        return table.Size >= needed
            ? table
            : throw new StorageException(StorageFailure.Failed, $"Extents of {table.Size} MiB cannot hold {needed} MiB.");
    }

    /// <summary>The first so many MiB.</summary>
    internal ExtentTable To(long end)
    {
        var begin = new ExtentTable();
        foreach (var part in _parts)
        {
            if (Math.Min(end, part.Size) is > 0 and var size)
                begin._parts.Add(part with { Size = size });
            end -= part.Size;
        }
        return begin;
    }

    /// <summary>What is behind the first so many MiB.</summary>
    internal ExtentTable From(long start)
    {
        var rest = new ExtentTable();
        foreach (var part in _parts)
        {
            var skipped = Math.Min(start, part.Size);
            start -= skipped;
            if (skipped < part.Size)
                rest._parts.Add(new Part(part.Path, part.Start + skipped, part.Size - skipped));
        }
        return rest;
    }

    /// <summary>Lines of first sector, sectors, "linear", device, first sector there.</summary>
    public override string ToString()
    {
        var lines = new StringBuilder();
        long start = 0;
        foreach (var part in _parts)
        {
            lines.Append(
                CultureInfo.InvariantCulture,
                $"{start * SectorsPerMiB} {part.Size * SectorsPerMiB} linear {part.Path} {part.Start * SectorsPerMiB}\n");
            start += part.Size;
        }
        return lines.ToString();
    }

    /// <param name="Start">MiB, on the disk.</param>
    /// <param name="Size">MiB.</param>
    private sealed record Part(string Path, long Start, long Size);
}
