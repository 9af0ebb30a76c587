namespace PonyCloud.Twilight.Storage.Transfers;

/// <summary>What this host keeps for others to fetch, or waits for others to bring; the storage of the host implements it.</summary>
public interface IVolumeContents
{
    /// <returns>Null when this host does not keep the volume.</returns>
    ValueTask<IVolumeContent?> FindAsync(Guid volume, CancellationToken cancellationToken);
}

/// <summary>Whether there is a content.</summary>
public enum ContentState
{
    /// <summary>It is to be uploaded. All of it is zero when it is first found so in this generation.</summary>
    Awaited,

    /// <summary>It can be read.</summary>
    Whole,
}

/// <summary>One content of one volume, as a row of raw bytes.</summary>
public interface IVolumeContent
{
    long Generation { get; }

    ContentState State { get; }

    /// <summary>In bytes.</summary>
    long Length { get; }

    /// <summary>Cancelled when the content is no longer to be transferred: the volume goes, or has another content to get.</summary>
    CancellationToken Withdrawn { get; }

    /// <summary>Opens it for reading, from a byte to its end. Ended before that, the stream throws: an end is the end.</summary>
    /// <exception cref="IOException">It cannot be opened.</exception>
    Task<Stream> OpenReadAsync(long offset, CancellationToken cancellationToken);

    /// <summary>Opens it for writing from a byte on, a multiple of <see cref="TransferLimits.Block"/>.</summary>
    /// <exception cref="IOException">It cannot be opened.</exception>
    Task<IContentWriter> OpenWriteAsync(long offset, CancellationToken cancellationToken);

    /// <summary>Makes the first bytes zero again: an upload was wrong.</summary>
    /// <exception cref="IOException">It cannot be written.</exception>
    Task EraseAsync(long bytes, CancellationToken cancellationToken);

    /// <summary>The upload is whole and its checksum right: from now on the state is <see cref="ContentState.Whole"/>.</summary>
    /// <exception cref="IOException">It cannot be published.</exception>
    Task FinishAsync(CancellationToken cancellationToken);
}

/// <summary>Writes a content from some byte on. Disposed of before it is completed, nobody knows what of it was written.</summary>
public interface IContentWriter : IAsyncDisposable
{
    /// <exception cref="IOException">It cannot be written.</exception>
    ValueTask WriteAsync(ReadOnlyMemory<byte> data, CancellationToken cancellationToken);

    /// <summary>All that was written is on the disk when this returns.</summary>
    /// <exception cref="IOException">It is not.</exception>
    Task CompleteAsync(CancellationToken cancellationToken);
}
