using PonyCloud.Twilight.Storage.Files;
using PonyCloud.Twilight.Storage.Mounts;
using PonyCloud.Twilight.Tools;

namespace PonyCloud.Twilight.Storage.Gluster;

/// <summary>A volume of Gluster that is mounted; <c>README.md</c> says how.</summary>
internal sealed class GlusterDirectory(GlusterVolume volume, GlusterClient client, IToolRunner tools) : IPoolActivation
{
    private readonly MountPoint _point = new(client.Directory, tools);

    public string Directory => client.Directory;

    public async Task ActivateAsync(CancellationToken cancellationToken)
    {
        if (_point.IsMounted && client.IsRunning)
        {
            // It connects again by itself. Mounted anew, what guests have open would be lost to them.
            await AskAsync(cancellationToken);
            return;
        }
        await ClearAsync(cancellationToken);
        await _point.MakeAsync(cancellationToken);
        try
        {
            await MountAsync(cancellationToken);
        }
        catch (Exception exception) when (exception is StorageException or OperationCanceledException)
        {
            // A pool that could not be prepared is not let go either. This asks no server, and is soon done.
            await ClearAsync(CancellationToken.None);
            throw;
        }
    }

    public async Task<PoolCapacity> CapacityAsync(CancellationToken cancellationToken)
    {
        try
        {
            return await AskAsync(cancellationToken);
        }
        catch (StorageException exception) when (_point.IsMounted && !client.IsRunning)
        {
            throw new StorageException(StorageFailure.Unreachable, $"The process has ended that had mounted {volume}.", exception);
        }
    }

    public async Task DeactivateAsync(CancellationToken cancellationToken)
    {
        if (client.IsRunning)
        {
            while (_point.IsMounted)
                await _point.UnmountAsync(cancellationToken);
            await client.EndAsync(cancellationToken);
        }
        await ClearAsync(cancellationToken);
        await _point.RemoveAsync(cancellationToken);
    }

    private async Task MountAsync(CancellationToken cancellationToken)
    {
        var end = await client.StartAsync(cancellationToken);
        try
        {
            // Only now it is known whether the servers take this client, and have the path.
            await AskAsync(cancellationToken);
        }
        catch (StorageException exception)
        {
            throw client.Failed(end, exception);
        }
    }

    private async Task<PoolCapacity> AskAsync(CancellationToken cancellationToken)
    {
        // A client that ends by itself unmounts what it had, and what is asked then is a disk of the host.
        if (_point.IsMounted && await _point.CapacityAsync(cancellationToken) is var capacity && _point.IsMounted)
            return capacity;
        throw new StorageException(StorageFailure.Unreachable, $"{volume} is not mounted.");
    }

    /// <summary>Removes a mount without a process, and a process without a mount.</summary>
    private async Task ClearAsync(CancellationToken cancellationToken)
    {
        await client.KillAsync(cancellationToken);
        while (_point.IsMounted)
            await _point.DetachAsync(cancellationToken);
    }
}
