using PonyCloud.Shared.Entities;

namespace PonyCloud.Twilight.Storage.Images;

/// <summary>The forms in which an image may come.</summary>
public enum ImageFormat
{
    Raw,
    Qcow2,
}

/// <summary>What a content is.</summary>
/// <param name="VirtualSize">In bytes, as a guest sees it: a multiple of 512.</param>
public sealed record InspectedImage(ImageFormat Format, long VirtualSize);

/// <summary>Says what the content of an image is, whatever anybody calls it.</summary>
public interface IImageInspector
{
    /// <param name="path">Absolute path of a file that nobody changes meanwhile.</param>
    /// <exception cref="ImageException">It is nothing that an image of this type may be; the message says why.</exception>
    /// <exception cref="OperationCanceledException">Withdrawn.</exception>
    Task<InspectedImage> InspectAsync(string path, ImageType type, CancellationToken cancellationToken);
}

/// <summary>The bounds of what an image may be.</summary>
public sealed record ImageInspectOptions
{
    /// <summary>The largest disk, in bytes.</summary>
    public long VirtualSizeMax { get; init; } = 16L << 40;

    /// <summary>Snapshots inside of a qcow2, and bitmaps: of no use to an image, and work for who reads it.</summary>
    public int ExtrasMax { get; init; } = 16;

    /// <summary>Address space of the process that looks at a qcow2, in bytes.</summary>
    public long MemoryMax { get; init; } = 1L << 30;

    /// <summary>Processor time of that process.</summary>
    public TimeSpan ProcessorMax { get; init; } = TimeSpan.FromSeconds(20);

    /// <summary>How long that process may take: longer, since the disk may be busy.</summary>
    public TimeSpan Limit { get; init; } = TimeSpan.FromSeconds(120);
}
