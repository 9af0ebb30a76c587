using System.Text;
using PonyCloud.Twilight.Instances;
using PonyCloud.Twilight.Storage.Planning;
using PonyCloud.Twilight.Storage.Pools;
using PonyCloud.Twilight.Storage.Working;

namespace PonyCloud.Twilight.Storage.Guests;

/// <summary>What is open for a guest, and where libvirt finds it.</summary>
/// <param name="Size">MiB.</param>
internal sealed record OpenDisk(IBlockLease Lease, DiskSource Source, long Size);

/// <summary>
/// Opens the content of one disk of a guest, and keeps it open until nobody has it any more.
/// <code>
///               opened, and libvirt knows the secret         larger row, on a host that does not keep it
///   OPENING ─────────────────────────────────────────► OPEN ◄────────────────────────────────────────────► GROWING
///      │ failed: opened anew after a while
/// </code>
/// </summary>
/// <remarks>Owned by the storage loop; only the calls themselves run elsewhere.</remarks>
internal sealed class GuestLease : IAsyncDisposable
{
    private readonly IStoragePool _pool;
    private readonly IStorageHost _host;
    private readonly Action _ended;
    private readonly CancellationTokenSource _ending = new();
    private readonly Task<OpenDisk> _opening;
    private Task? _work;
    private long _size;

    internal GuestLease(PlannedDisk disk, OpenPool pool, IStorageHost host, TimeSpan now, Action ended)
    {
        (Pool, _pool, _host, _ended, BegunAt) = (pool, pool.Pool, host, ended, now);
        (Name, IsWritable) = (disk.Target!.Name, disk.Target.Name.Kind == ObjectKind.Volume);
        SecretAt = now;
        _opening = OpenAsync(disk.Target);
        _opening.ContinueWith(_ => ended(), CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
    }

    internal OpenPool Pool { get; }

    internal ObjectName Name { get; }

    internal bool IsWritable { get; }

    internal TimeSpan BegunAt { get; }

    internal TimeSpan SecretAt { get; private set; }

    internal bool HasFailed => _opening.IsFaulted || _opening.IsCanceled;

    internal DiskState StateOf(PlannedDisk disk, bool isUsed)
    {
        if (HasFailed)
            return new DiskState(DiskReadiness.Broken, _opening.Exception?.InnerException?.Message.TrimEnd('.') ?? "it could not be opened");
        if (!_opening.IsCompletedSuccessfully)
            return new DiskState(DiskReadiness.Waiting, "it is being opened");
        var size = disk.IsGrownByGuest && isUsed ? disk.Target!.Offered : disk.IsElsewhere ? _size : disk.Size;
        return new DiskState(DiskReadiness.Ready, null, _opening.Result.Source, IsWritable ? size : null);
    }

    /// <summary>Sees to it that it is as large as it is to be, where nobody else does; and that libvirt has the secret.</summary>
    internal void Mind(PlannedDisk disk, TimeSpan now, TimeSpan secretInterval)
    {
        if (!_opening.IsCompletedSuccessfully || _work is { IsCompleted: false })
            return;
        if (disk is { IsElsewhere: true, IsGrownByGuest: false } && _size < disk.Target!.Offered)
            Work(GrowAsync(disk.Target));
        else if (_opening.Result.Lease.Node.Secrets.Count > 0 && now - SecretAt >= secretInterval)
            (SecretAt, _) = (now, Work(SetSecretAsync(_opening.Result.Lease.Node)));
    }

    /// <summary>Lets it go.</summary>
    public async ValueTask DisposeAsync()
    {
        await _ending.CancelAsync();
        await Task.WhenAny(_opening);
        if (_work is not null)
            await Task.WhenAny(_work);
        if (_opening.IsCompletedSuccessfully)
            await _opening.Result.Lease.DisposeAsync();
        _ending.Dispose();
    }

    private Task Work(Task work)
    {
        _work = work;
        work.ContinueWith(_ => _ended(), CancellationToken.None, TaskContinuationOptions.OnlyOnRanToCompletion, TaskScheduler.Default);
        return work;
    }

    private async Task<OpenDisk> OpenAsync(StorageObject target)
    {
        await Task.Yield();
        var lease = await _pool.OpenAsync(target, IsWritable, _ending.Token);
        try
        {
            await SetSecretAsync(lease.Node);
            var details = await _pool.InspectAsync(target, _ending.Token);
            _size = details.Size;
            return new OpenDisk(lease, DiskSources.Of(lease.Node, Pool.Definition.Pool.Uuid), details.Size);
        }
        catch
        {
            await lease.DisposeAsync();
            throw;
        }
    }

    private async Task GrowAsync(StorageObject target)
    {
        await Task.Yield();
        await _pool.GrowAsync(target, _ending.Token);
        _size = (await _pool.InspectAsync(target, _ending.Token)).Size;
    }

    /// <summary>libvirtd keeps it in its memory, and so loses it when it is started anew.</summary>
    private async Task SetSecretAsync(BlockNode node)
    {
        await Task.Yield();
        foreach (var secret in node.Secrets)
        {
            var uuid = Pool.Definition.Pool.Uuid;
            var text = await File.ReadAllTextAsync(secret.File, _ending.Token);
            // Keys of Ceph are in base64, and libvirt takes them as they are.
            var (xml, value) = secret.Base64
                ? (SecretXml.Ceph(uuid), Convert.FromBase64String(text))
                : (SecretXml.Chap(uuid), Encoding.UTF8.GetBytes(text));
            await _host.SetSecretAsync(uuid, xml, value, _ending.Token);
        }
    }
}
