namespace PonyCloud.Twilight.Storage.Images;

/// <summary>Where what comes in goes: file, checksum and progress, which are always of the same length.</summary>
internal sealed class ContentSink(PartialFile file, ContentChecksum checksum, ProgressMeter meter, long max)
{
    public long Length => file.Length;

    /// <summary>The size of the whole; null when nobody said.</summary>
    /// <exception cref="ImageException">Set to more than is allowed.</exception>
    public long? Total
    {
        get;
        set
        {
            if (value > max)
                throw TooLarge();
            field = value;
        }
    }

    /// <exception cref="ImageException">More than is allowed, or the disk fails.</exception>
    public async Task AppendAsync(ReadOnlyMemory<byte> data, CancellationToken cancellationToken)
    {
        if (file.Length + data.Length > max)
            throw TooLarge();
        await file.AppendAsync(data, cancellationToken);
        checksum.Append(data.Span);
        meter.Add(data.Length, file.Length, Total);
    }

    public async Task BeginAgainAsync(CancellationToken cancellationToken)
    {
        await file.BeginAgainAsync(cancellationToken);
        checksum.BeginAgain();
    }

    public void Tell() => meter.Tell(file.Length, Total);

    private ImageException TooLarge() => ImageException.Refused(
        $"The content is larger than {max >> 20} MiB, the most that an image may have.");
}
