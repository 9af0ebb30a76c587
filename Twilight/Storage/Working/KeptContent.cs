using PonyCloud.Shared.Entities;
using PonyCloud.Twilight.Storage.Transfers;
using PonyCloud.Twilight.Storage.Transfers.Qemu;

namespace PonyCloud.Twilight.Storage.Working;

/// <summary>One content of one volume, for as long as the host is to have it.</summary>
/// <param name="worker">Who makes what is brought.</param>
/// <param name="brought">Told of an upload that is whole.</param>
internal sealed class KeptContent(OpenPools pools, VolumeDesired volume, string worker, Action<StorageObject> brought)
    : IDisposable
{
    private readonly Lock _gate = new();
    private readonly CancellationTokenSource _withdrawing = new();
    private StorageObject _target = new(ObjectName.Volume(volume.Uuid, volume.Generation), volume.Size);
    private long _size = volume.Size;
    private bool _isWhole;
    private bool _isAwaited;
    private Task<StorageObject>? _made;

    // What is being brought, as it was made: the row may have grown since.
    private StorageObject? _begun;

    /// <summary>Withdraws it: whoever transfers it is cut off.</summary>
    public void Dispose()
    {
        _withdrawing.Cancel();
        _withdrawing.Dispose();
    }

    internal bool IsOf(VolumeDesired? now) => now is not null
        && (now.Generation, now.StoragePool) == (volume.Generation, volume.StoragePool)
        // What was published under this generation is its content, whoever made it.
        && (_isWhole || now.Content == volume.Content);

    internal void Become(StorageObject target, VolumeDesired now, HostVolumeCurrent? state)
    {
        lock (_gate)
        {
            _target = target;
            _isWhole |= now.Content == VolumeContent.Made || state?.Generation == now.Generation;
            _isAwaited = now.Content == VolumeContent.Upload && !_isWhole;
            // Until it has grown it is as large as it is.
            _size = state?.Size ?? now.Size;
        }
    }

    /// <returns>Null while it is neither there nor to be brought.</returns>
    internal IVolumeContent? ToContent(BlockNodeAccess access)
    {
        lock (_gate)
        {
            if (!_isWhole && !_isAwaited)
                return null;
            var withdrawn = _withdrawing.Token;
            return new BlockNodeContent(access, (isWritable, cancellationToken) => OpenAsync(isWritable, withdrawn, cancellationToken))
            {
                Generation = volume.Generation,
                State = _isWhole ? ContentState.Whole : ContentState.Awaited,
                Length = (_isWhole ? _size : _begun?.Size ?? _size) << 20,
                Withdrawn = withdrawn,
                Finish = FinishAsync,
            };
        }
    }

    /// <summary>Lets it be read, by NBD.</summary>
    /// <returns>Null while it is not whole.</returns>
    /// <exception cref="IOException">It cannot be opened.</exception>
    internal async Task<Stream?> ServeAsync(BlockNodeAccess access, CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            if (!_isWhole)
                return null;
        }
        IBlockLease lease;
        try
        {
            lease = await pools[volume.StoragePool].OpenAsync(Target(), writable: false, cancellationToken);
        }
        catch (StorageException exception)
        {
            throw new IOException(exception.Message, exception);
        }
        return await access.ServeAsync(lease, cancellationToken);
    }

    private async Task<IBlockLease> OpenAsync(bool isWritable, CancellationToken withdrawn, CancellationToken cancellationToken)
    {
        var pool = pools[volume.StoragePool];
        if (!isWritable)
            return await pool.OpenAsync(Target(), writable: false, cancellationToken);
        return await pool.OpenAsync(await MadeAsync(pool, withdrawn).WaitAsync(cancellationToken), writable: true, cancellationToken);
    }

    /// <summary>Once for each start of the agent; what failed is tried again by whoever comes next.</summary>
    private Task<StorageObject> MadeAsync(IStoragePool pool, CancellationToken withdrawn)
    {
        lock (_gate)
        {
            if (_made is null or { IsCompleted: true, IsCompletedSuccessfully: false })
            {
                _begun = pool.Abilities.Publishes ? _target with { Name = _target.Name with { Worker = worker } } : _target;
                _made = MakeAsync(pool, _begun, withdrawn);
            }
            return _made;
        }
    }

    private static async Task<StorageObject> MakeAsync(IStoragePool pool, StorageObject begun, CancellationToken withdrawn)
    {
        await pool.CreateAsync(begun, withdrawn);
        return begun;
    }

    private async Task FinishAsync(CancellationToken cancellationToken)
    {
        var pool = pools[volume.StoragePool];
        var begun = await MadeAsync(pool, cancellationToken);
        if (pool.Abilities.Publishes)
            await pool.PublishAsync(begun, cancellationToken);
        lock (_gate)
            (_isWhole, _isAwaited) = (true, false);
        brought(begun with { Name = begun.Name.Published, Cleared = pool.Abilities.Publishes ? null : begun.Size });
    }

    private StorageObject Target()
    {
        lock (_gate)
            return _target;
    }
}
