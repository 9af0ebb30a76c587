namespace PonyCloud.Twilight.Storage.Transfers.Qemu;

/// <summary>A content that is a block node.</summary>
/// <param name="open">Opens the node, for writing or not: <see cref="IStoragePool.OpenAsync"/>.</param>
public sealed class BlockNodeContent(BlockNodeAccess access, Func<bool, CancellationToken, Task<IBlockLease>> open) : IVolumeContent
{
    public required long Generation { get; init; }

    public required ContentState State { get; init; }

    /// <summary>The size of the node.</summary>
    public required long Length { get; init; }

    public CancellationToken Withdrawn { get; init; }

    /// <summary>What makes an upload whole for others: its rename, its report.</summary>
    public required Func<CancellationToken, Task> Finish { get; init; }

    public async Task<Stream> OpenReadAsync(long offset, CancellationToken cancellationToken) =>
        await access.OpenReadAsync(await OpenAsync(isWritable: false, cancellationToken), offset, cancellationToken);

    public async Task<IContentWriter> OpenWriteAsync(long offset, CancellationToken cancellationToken) =>
        await access.OpenWriteAsync(await OpenAsync(isWritable: true, cancellationToken), offset, cancellationToken);

    public async Task EraseAsync(long bytes, CancellationToken cancellationToken) =>
        await access.EraseAsync(await OpenAsync(isWritable: true, cancellationToken), bytes, cancellationToken);

    public async Task FinishAsync(CancellationToken cancellationToken)
    {
        try
        {
            await Finish(cancellationToken);
        }
        catch (StorageException exception)
        {
            throw new IOException(exception.Message, exception);
        }
    }

    private async Task<IBlockLease> OpenAsync(bool isWritable, CancellationToken cancellationToken)
    {
        try
        {
            return await open(isWritable, cancellationToken);
        }
        catch (StorageException exception)
        {
            throw new IOException(exception.Message, exception);
        }
    }
}
