using System.Globalization;
using System.Text;
using PonyCloud.Twilight.Storage.Pools;

namespace PonyCloud.Twilight.Storage.Iscsi;

/// <summary>A target whose units are volumes. libvirt knows which there are; what is in them goes by QEMU.</summary>
internal sealed class IscsiPool(Guid uuid, IscsiTarget server, IStorageHost pools, IscsiUnits units) : IStoragePool
{
    // Units are called by bus, controller, target and number; only the last is ever anything but 0.
    private const string UnitPrefix = "unit:0:0:";

    // libvirt counts up to the last block of a unit, not behind it, and does not say how large that is: at most this.
    private const int BlockBytes = 4096;

    // The secret is no pool, so one uuid can name both.
    private readonly string _xml = PoolXml.For(uuid, new PoolSource.DirectTarget(
        server.Portal, server.Name, server.Initiator, server.Login is { } login ? new PoolLogin(login.User, uuid) : null));

    public PoolAbilities Abilities { get; } = new()
    {
        Publishes = false,
        Clones = false,
        Snapshots = false,
        KeepsImages = false,
        WorksInUse = true,
    };

    public async Task PrepareAsync(CancellationToken cancellationToken)
    {
        if (server.Login is { } login)
            await pools.SetSecretAsync(uuid, SecretXml.Chap(uuid), Encoding.UTF8.GetBytes(login.Password), cancellationToken);
        // What is active may have been defined otherwise; no guest goes through it.
        if (await pools.FindAsync(uuid, cancellationToken) is { IsActive: true })
            await pools.StopAsync(uuid, cancellationToken);
        await pools.DefineAsync(uuid, _xml, cancellationToken);
        await ReachAsync(() => pools.StartAsync(uuid, cancellationToken));
    }

    public async Task ReleaseAsync(CancellationToken cancellationToken)
    {
        if (await pools.FindAsync(uuid, cancellationToken) is { } found)
        {
            if (found.IsActive)
                await pools.StopAsync(uuid, cancellationToken);
            await pools.UndefineAsync(uuid, cancellationToken);
        }
        if (server.Login is not null)
            await pools.RemoveSecretAsync(uuid, cancellationToken);
    }

    public async Task<PoolScan> ScanAsync(CancellationToken cancellationToken)
    {
        if (await pools.FindAsync(uuid, cancellationToken) is { IsActive: true })
            await ReachAsync(() => pools.RefreshAsync(uuid, cancellationToken));
        else
            await PrepareAsync(cancellationToken);
        var found = (await pools.ListVolumesAsync(uuid, cancellationToken)).Select(UnitOf).OfType<KeyValuePair<int, long>>().ToDictionary();
        var capacity = found.Values.Sum();
        return new PoolScan { Path = server.Name, Capacity = capacity, Available = capacity, Objects = [], Units = found };
    }

    public async Task<ObjectDetails> InspectAsync(StorageObject target, CancellationToken cancellationToken) =>
        new() { Size = Math.Min(target.Offered, await SizeAsync(target, cancellationToken)) };

    public async Task CreateAsync(StorageObject target, CancellationToken cancellationToken)
    {
        await FitsAsync(target, target.Size, cancellationToken);
        await units.WipeAsync(UnitOf(target), 0, null, null, cancellationToken);
    }

    public Task CloneAsync(ObjectName image, StorageObject target, CancellationToken cancellationToken) =>
        Task.FromException(Unable("share what an image has"));

    public Task<bool> PublishAsync(StorageObject partial, CancellationToken cancellationToken) =>
        Task.FromException<bool>(Unable("rename a unit"));

    public async Task<IBlockLease> OpenAsync(StorageObject target, bool writable, CancellationToken cancellationToken)
    {
        await FitsAsync(target, target.Offered, cancellationToken);
        return units.Open(UnitOf(target), 0, target.Offered, writable);
    }

    public Task GrowAsync(StorageObject target, CancellationToken cancellationToken) => FitsAsync(target, target.Offered, cancellationToken);

    /// <remarks>The unit was wiped as a whole, as large as it was then; it may be another size now.</remarks>
    public async Task ClearAsync(StorageObject target, IProgress<int>? progress, CancellationToken cancellationToken)
    {
        await FitsAsync(target, target.Size, cancellationToken);
        if (target.Offered < target.Size)
            await units.WipeAsync(UnitOf(target), target.Offered, target.Size, progress, cancellationToken);
    }

    public async Task RemoveAsync(StorageObject target, IProgress<int>? progress, CancellationToken cancellationToken)
    {
        try
        {
            await units.WipeAsync(UnitOf(target), 0, null, progress, cancellationToken);
        }
        catch (StorageException exception) when (exception.Failure == StorageFailure.Missing)
        {
            // It may come back, with what is in it.
            throw new StorageException(StorageFailure.Unreachable, $"The target shows no unit {target.Unit}, so it cannot be wiped.", exception);
        }
    }

    public Task SnapshotAsync(StorageObject target, Guid snapshot, CancellationToken cancellationToken) =>
        Task.FromException(Unable("take snapshots"));

    public Task RemoveSnapshotAsync(StorageObject target, Guid snapshot, CancellationToken cancellationToken) =>
        Task.FromException(Unable("take snapshots"));

    public Task RevertAsync(StorageObject target, Guid snapshot, CancellationToken cancellationToken) =>
        Task.FromException(Unable("take snapshots"));

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private static StorageException Unable(string what) => new(StorageFailure.Unsupported, $"An iSCSI target cannot {what}.");

    private static int UnitOf(StorageObject target) =>
        target.Unit ?? throw new StorageException(StorageFailure.Failed, $"The platform has given {target} no unit yet.");

    /// <summary>Null for what is no disk, such as the controller itself.</summary>
    private static KeyValuePair<int, long>? UnitOf(HostPoolVolume volume) =>
        volume is { Capacity: > 0, Name: var name } && name.StartsWith(UnitPrefix, StringComparison.Ordinal)
            && int.TryParse(name.AsSpan(UnitPrefix.Length), NumberStyles.None, CultureInfo.InvariantCulture, out var unit)
            ? new(unit, (volume.Capacity + BlockBytes) >> 20)
            : null;

    private async Task<long> SizeAsync(StorageObject target, CancellationToken cancellationToken) =>
        await units.SizeAsync(UnitOf(target), cancellationToken) >> 20;

    private async Task FitsAsync(StorageObject target, long needed, CancellationToken cancellationToken)
    {
        var size = await SizeAsync(target, cancellationToken);
        if (size < needed)
        {
            throw new StorageException(
                StorageFailure.Full, $"Unit {target.Unit} has {size} MiB, less than the {needed} MiB of the volume.");
        }
    }

    /// <summary>Whatever keeps libvirt from the target keeps everybody.</summary>
    private static async Task ReachAsync(Func<Task> call)
    {
        try
        {
            await call();
        }
        catch (StorageException exception) when (exception.Failure is StorageFailure.Failed or StorageFailure.Missing)
        {
            throw new StorageException(StorageFailure.Unreachable, IscsiWords.Of(exception.Message), exception);
        }
    }
}
