using Microsoft.Extensions.Logging;
using PonyCloud.Shared.Entities;
using PonyCloud.Twilight.Hypervisor;
using PonyCloud.Twilight.Reconciliation;
using PonyCloud.Twilight.Storage.Copying;
using PonyCloud.Twilight.Storage.Planning;

namespace PonyCloud.Twilight.Storage.Working;

/// <summary>Carries out single actions on pools.</summary>
public sealed partial class StorageWork(
    StorageReconcilerOptions options,
    IReadOnlyDictionary<StoragePoolType, IStoragePoolDriver> drivers,
    OpenPools pools,
    IVolumeCopier copier,
    ImageImport images,
    RemoteVolumes remotes,
    ProgressBoard board,
    IHypervisor hypervisor,
    TimeProvider time,
    ILogger<StorageWork> logger) : IOrderWork<StorageSubject, StorageAction>
{
    public StorageSubject SubjectOf(StorageAction action) => action.Subject;

    /// <summary>To be called once, before anything else is done.</summary>
    public void Begin()
    {
        try
        {
            images.RemoveLeftovers();
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // Images will say why they cannot be fetched; volumes do not need it.
            LogStaging(exception, options.StagingDirectory);
        }
    }

    public Task DoAsync(StorageAction action, CancellationToken cancellationToken) => action switch
    {
        StorageAction.Prepare prepare => PrepareAsync(prepare.Definition, cancellationToken),
        StorageAction.Release release => ReleaseAsync(release.Pool, cancellationToken),
        StorageAction.Make make => MakeAsync(make, cancellationToken),
        StorageAction.Fetch fetch => images.FetchAsync(fetch.Image, pools[fetch.Pool], board.For(fetch.Subject), cancellationToken),
        StorageAction.Grow grow => pools[grow.Pool].GrowAsync(grow.Target, cancellationToken),
        StorageAction.Clear clear => pools[clear.Pool].ClearAsync(clear.Target, new Wiping(board.For(clear.Subject)), cancellationToken),
        StorageAction.Snapshot take => SnapshotAsync(take, cancellationToken),
        StorageAction.RemoveSnapshot { User: { Vdisk: { } vdisk } user } remove when !pools[remove.Pool].Abilities.WorksInUse =>
            hypervisor.RemoveSnapshotAsync(user.Instance, DeviceAlias.Of(vdisk), remove.Uuid.ToString(), cancellationToken),
        StorageAction.RemoveSnapshot remove => pools[remove.Pool].RemoveSnapshotAsync(remove.Target, remove.Uuid, cancellationToken),
        StorageAction.Revert revert => pools[revert.Pool].RevertAsync(revert.Target, revert.Uuid, cancellationToken),
        StorageAction.Remove remove => pools[remove.Pool].RemoveAsync(
            remove.Target, new Wiping(board.For(remove.Subject)), cancellationToken),
        _ => throw new InvalidOperationException($"Nobody carries out {action}."),
    };

    /// <summary>Whether no guest may have the object meanwhile.</summary>
    public bool IsExclusive(StorageAction action) => action switch
    {
        StorageAction.Revert or StorageAction.Remove or StorageAction.Make { Source: VolumeSource.Volume } => true,
        StorageAction.Grow grow => !WorksInUse(grow.Pool),
        StorageAction.Snapshot take => take.User is null && !WorksInUse(take.Pool),
        StorageAction.RemoveSnapshot remove => remove.User is null && !WorksInUse(remove.Pool),
        _ => false,
    };

    public void Note(OrderStep step, StorageAction action, Exception? failure)
    {
        if (step == OrderStep.Failed)
            LogFailed(failure!, action);
        else
            LogStep(step, action);
    }

    /// <summary>Whether each content is an object of its own, so that a guest may have one while another is worked on.</summary>
    public bool HasNames(Guid pool) => pools.All.TryGetValue(pool, out var open) && open.Pool.Abilities.Publishes;

    private bool WorksInUse(Guid pool) => pools.All.TryGetValue(pool, out var open) && open.Pool.Abilities.WorksInUse;

    /// <summary>
    /// Of what a guest has open as well: by its QEMU where the pool cannot. If somebody in the guest answers, its file systems are
    /// quiet for that moment; otherwise the snapshot is what a power cut would leave.
    /// </summary>
    private async Task SnapshotAsync(StorageAction.Snapshot take, CancellationToken cancellationToken)
    {
        var pool = pools[take.Pool];
        if (take.User is not { Vdisk: { } vdisk } user)
        {
            await pool.SnapshotAsync(take.Target, take.Uuid, cancellationToken);
            return;
        }
        await using var quiet = await QuietGuest.BeginAsync(hypervisor, user.Instance, time, logger, cancellationToken);
        if (pool.Abilities.WorksInUse)
            await pool.SnapshotAsync(take.Target, take.Uuid, cancellationToken);
        else
            await hypervisor.TakeSnapshotAsync(user.Instance, DeviceAlias.Of(vdisk), take.Uuid.ToString(), cancellationToken);
    }

    private async Task PrepareAsync(PoolDefinition definition, CancellationToken cancellationToken)
    {
        if (!drivers.TryGetValue(definition.Pool.Type, out var driver))
            throw new StorageException(StorageFailure.Unsupported, $"This host has no driver for pools of type {definition.Pool.Type}.");
        var pool = driver.Open(definition);
        try
        {
            await pool.PrepareAsync(cancellationToken);
        }
        catch
        {
            await pool.DisposeAsync();
            throw;
        }
        if (pools.Put(new OpenPool(definition, pool)) is { } before)
            await before.Pool.DisposeAsync();
    }

    private async Task ReleaseAsync(Guid uuid, CancellationToken cancellationToken)
    {
        var pool = pools[uuid];
        await pool.ReleaseAsync(cancellationToken);
        pools.Remove(uuid);
        await pool.DisposeAsync();
    }

    private async Task MakeAsync(StorageAction.Make make, CancellationToken cancellationToken)
    {
        var pool = pools[make.Pool];
        var target = pool.Abilities.Publishes
            ? make.Target with { Name = make.Target.Name with { Worker = ObjectName.WorkerOf(options.Host, Guid.NewGuid()) } }
            : make.Target;
        switch (make.Source)
        {
            case VolumeSource.Image image when pool.Abilities.Clones && image.Pool == make.Pool:
                await pool.CloneAsync(ObjectName.Image(image.Copy), target, cancellationToken);
                break;
            case VolumeSource.Image image:
                await FillAsync(
                    pools[image.Pool], new StorageObject(ObjectName.Image(image.Copy), 0), pool, target, make.Subject, cancellationToken);
                break;
            case VolumeSource.Volume volume:
                await FillAsync(pools[volume.Pool], volume.From, pool, target, make.Subject, cancellationToken);
                break;
            case VolumeSource.Remote remote:
                await remotes.ReadAsync(
                    remote, (node, reading) => FillAsync(node, pool, target, make.Subject, reading), cancellationToken);
                break;
            default:
                await pool.CreateAsync(target, cancellationToken);
                break;
        }
        // Where another one is there already, that one counts; this one is then left behind, and removed.
        if (pool.Abilities.Publishes)
            await pool.PublishAsync(target, cancellationToken);
    }

    private async Task FillAsync(
        IStoragePool fromPool,
        StorageObject from,
        IStoragePool pool,
        StorageObject target,
        StorageSubject subject,
        CancellationToken cancellationToken)
    {
        await using var source = await fromPool.OpenAsync(from, writable: false, cancellationToken);
        await FillAsync(source.Node, pool, target, subject, cancellationToken);
    }

    private async Task FillAsync(
        BlockNode source, IStoragePool pool, StorageObject target, StorageSubject subject, CancellationToken cancellationToken)
    {
        await pool.CreateAsync(target, cancellationToken);
        await using var lease = await pool.OpenAsync(target, writable: true, cancellationToken);
        await copier.CopyAsync(source, lease.Node, board.For(subject), cancellationToken);
    }

    private sealed class Wiping(IProgress<WorkProgress> progress) : IProgress<int>
    {
        public void Report(int value) => progress.Report(new WorkProgress(value, null, null));
    }

    [LoggerMessage(EventId = 3301, Level = LogLevel.Information, Message = "{Step}: {Action}")]
    private partial void LogStep(OrderStep step, StorageAction action);

    [LoggerMessage(EventId = 3305, Level = LogLevel.Error, Message = "The staging directory {Directory} cannot be used.")]
    private partial void LogStaging(Exception exception, string directory);

    [LoggerMessage(EventId = 3302, Level = LogLevel.Warning, Message = "Failed: {Action}")]
    private partial void LogFailed(Exception exception, StorageAction action);
}
