namespace PonyCloud.Twilight.Storage.Images;

/// <summary>Where the reason lies that there is no image.</summary>
public enum ImageFailure
{
    /// <summary>The image itself: trying again is of no use before the image or its source changes.</summary>
    Refused,

    /// <summary>The content is not what the checksum says.</summary>
    Mismatch,

    /// <summary>The server cannot be reached, fails, or is too slow: later it may work.</summary>
    Unreachable,

    /// <summary>This host: its disk, its tools.</summary>
    Host,
}

/// <summary>There is no image. The message is for its owner, and has nothing in it that he must not know.</summary>
public sealed class ImageException(ImageFailure failure, string why, Exception? inner = null) : Exception(why, inner)
{
    public ImageFailure Failure => failure;

    internal static ImageException Refused(string why, Exception? inner = null) => new(ImageFailure.Refused, why, inner);

    internal static ImageException Unreachable(string why, Exception? inner = null) => new(ImageFailure.Unreachable, why, inner);

    internal static ImageException Host(string why, Exception? inner = null) => new(ImageFailure.Host, why, inner);
}
