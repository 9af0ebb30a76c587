using PonyCloud.Shared.Entities;

namespace PonyCloud.Twilight.Storage.Images;

/// <summary>How far a fetch is.</summary>
/// <param name="Bytes">What there is of the content; less than before when the server made it begin again.</param>
/// <param name="Total">The whole content; null when the server does not say.</param>
/// <param name="BytesPerSecond">Over the last seconds.</param>
public readonly record struct FetchProgress(long Bytes, long? Total, long BytesPerSecond);

/// <summary>A content that is whole.</summary>
/// <param name="Bytes">Its size.</param>
/// <param name="Checksum">In the form of <see cref="ImageDesired.Checksum"/>; sha256 where the image has none.</param>
public sealed record FetchedImage(long Bytes, string Checksum);

/// <summary>Brings the content of images to this host.</summary>
public interface IImageFetcher
{
    /// <summary>
    /// Fetches from <see cref="ImageDesired.SourceUri"/> into a file, which is whole and on the disk when this returns, and
    /// is not there when this throws.
    /// </summary>
    /// <param name="partial">Absolute path of the file; whatever stands there is replaced.</param>
    /// <param name="progress">Told about once a second, one call at a time.</param>
    /// <param name="cancellationToken">The order is withdrawn: this ends within a second, whatever the server or the disk does.</param>
    /// <exception cref="ImageException">There is no content; the message says why.</exception>
    /// <exception cref="OperationCanceledException">It was withdrawn.</exception>
    Task<FetchedImage> FetchAsync(
        ImageDesired image, string partial, IProgress<FetchProgress>? progress, CancellationToken cancellationToken);
}
