using Microsoft.Extensions.Logging.Abstractions;
using NUnit.Framework;
using PonyCloud.Shared.Entities;
using PonyCloud.Shared.State;
using PonyCloud.TestKit.Hypervisor;
using PonyCloud.TestKit.Processes;
using PonyCloud.TestKit.Storage;
using PonyCloud.TestKit.Time;
using PonyCloud.Twilight.Migrations;
using PonyCloud.Twilight.Reconciliation;
using PonyCloud.Twilight.Storage;
using PonyCloud.Twilight.Storage.Copying;
using PonyCloud.Twilight.Storage.Guests;
using PonyCloud.Twilight.Storage.Images;
using PonyCloud.Twilight.Storage.Transfers;
using PonyCloud.Twilight.Storage.Transfers.Qemu;
using PonyCloud.Twilight.Storage.Working;
using PonyCloud.Twilight.Tools;

namespace PonyCloud.Twilight.Tests.Storage;

/// <summary>A running <see cref="StorageReconciler"/>, and what it reported so far. An agent can be ended and another one begun.</summary>
internal sealed class StorageBench : IAsyncDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);

    private readonly TemporaryDirectory _staging = new("staging");
    private readonly Func<StorageParts> _parts;
    private readonly TimeProvider _time;
    private readonly Guid _host;
    private StateStore _reported = new(EntityCatalog.Load());
    private StorageReconciler? _reconciler;
    private KeptContents? _contents;
    private CancellationTokenSource? _stopping;
    private Task? _running;

    public StorageBench()
    {
        _host = StorageOrderBook.Host;
        _time = Time;
        Orders = new StorageOrderBook(_host);
        Copier = new FakeVolumeCopier(Driver, Units);
        _parts = () => new StorageParts([Driver, Units], Copier);
        Begin();
    }

    /// <param name="parts">What each agent is made of.</param>
    public StorageBench(Func<StorageParts> parts, Guid host, StorageOrderBook? orders = null)
    {
        _host = host;
        _time = TimeProvider.System;
        _parts = parts;
        Orders = orders ?? new StorageOrderBook(host);
        Begin();
    }

    public FakeStorageDriver Driver { get; } = new();

    /// <summary>Pools of units.</summary>
    public FakeStorageDriver Units { get; } = new(StoragePoolType.Iscsi);

    public FakeVolumeCopier Copier { get; } = null!;

    public FakeImages Images { get; } = new();

    /// <summary>What runs the guests that have volumes open.</summary>
    public FakeHypervisor Hypervisor { get; } = new();

    /// <summary>What there is for disks of instances; of each agent its own.</summary>
    public GuestDisks Guests { get; private set; } = null!;

    /// <summary>Whether an agent knows from its beginning that no guest has anything.</summary>
    public bool GuestsAreKnown { get; set; } = true;

    public ManualTime Time { get; } = new();

    public StorageOrderBook Orders { get; }

    /// <summary>How many reports of changed rows there were.</summary>
    public int Reports { get; private set; }

    /// <summary>A new agent on the same host.</summary>
    public void Begin()
    {
        var loggers = NullLoggerFactory.Instance;
        var options = new StorageReconcilerOptions { Host = _host, StagingDirectory = _staging.Path };
        var parts = _parts();
        var (made, copier) = parts;
        var drivers = made.ToDictionary(driver => driver.Type);
        var pools = new OpenPools();
        var board = new ProgressBoard();
        var remotes = new RemoteVolumes(
            parts.Doors, new RemoteVolumesOptions { Directory = _staging["remote"], Patience = parts.Patience }, _time,
            NullLogger<RemoteVolumes>.Instance);
        var work = new StorageWork(
            options, drivers, pools, copier, new ImageImport(options, Images, Images, copier), remotes, board, Hypervisor, _time,
            NullLogger<StorageWork>.Instance);
        Guests = new GuestDisks();
        if (GuestsAreKnown)
            Guests.Use([], []);
        var leases = new GuestLeases(pools, new FakeStorageHost(), Guests, NullLogger<GuestLeases>.Instance);
        var ledger = new VolumeLedger(_staging["done"], NullLogger<VolumeLedger>.Instance);
        var tools = new ToolRunner(_host, TimeProvider.System, NullLogger<ToolRunner>.Instance);
        _contents = new KeptContents(pools, new BlockNodeAccess(tools, tools, _staging["nbd"]), Guests, options);
        _reported = new StateStore(Orders.Store.Catalog);
        _reconciler = new StorageReconciler(options, Orders.Store.Catalog, work, pools, board, ledger, _contents, leases, drivers, _time, loggers);
        _stopping = new CancellationTokenSource();
        _running = _reconciler.RunAsync(_stopping.Token);
    }

    /// <summary>Ends the agent.</summary>
    public async Task EndAsync()
    {
        await _stopping!.CancelAsync();
        await _running!.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _stopping.Dispose();
        _contents!.Dispose();
    }

    /// <summary>Forgets an agent that can do nothing any more, as one is forgotten that was killed.</summary>
    public void Abandon() => _stopping!.Cancel();

    /// <summary>What was ordered reaches the host.</summary>
    public void Send() => _reconciler!.DesiredChanged(Orders.Snapshot, null);

    /// <summary>What others may fetch or bring.</summary>
    public IVolumeContents Contents => _contents!;

    /// <summary>What other hosts may read of instances that have left.</summary>
    public IVolumeReading Reading => _contents!;

    public HostStoragePoolCurrent? Pool(Guid pool) => Row<HostStoragePoolCurrent>("host_storage_pool", pool);

    public HostVolumeCurrent? Volume(VolumeDesired volume) => Row<HostVolumeCurrent>("host_volume", volume.Uuid);

    public HostVolumeCopyCurrent? Copy(VolumeDesired volume) => Row<HostVolumeCopyCurrent>("host_volume_copy", volume.Uuid);

    public HostImageCurrent? Image(Guid copy) => Row<HostImageCurrent>("host_image", copy);

    public HostSnapshotCurrent? Snapshot(SnapshotDesired snapshot) => Row<HostSnapshotCurrent>("host_snapshot", snapshot.Uuid);

    public HostTombstoneCurrent? Tombstone(Guid tombstone) => Row<HostTombstoneCurrent>("host_tombstone", tombstone);

    public IReadOnlyList<HostOrphanCurrent> Orphans =>
        [.. _reported.Snapshot[_reported.Catalog["host_orphan"]].Rows.Select(row => row.Current).OfType<HostOrphanCurrent>()];

    /// <summary>Sends what was ordered, and reads what is reported until it holds.</summary>
    public async Task UntilAsync(string what, Func<bool> holds, TimeSpan? within = null)
    {
        Send();
        try
        {
            await Eventually.HoldsAsync(what, () => ReadUntil(holds), within ?? Limit);
        }
        catch (AssertionException)
        {
            TestContext.Out.WriteLine(Text());
            throw;
        }
    }

    public Task ReadyAsync(VolumeDesired volume) => UntilAsync(
        $"volume {volume.Uuid}", () => Volume(volume) is { Status: StorageStatus.Ready } row && row.Generation == volume.Generation);

    /// <summary>Orders a volume and has it made, as host and controller do it together.</summary>
    public async Task<VolumeDesired> MadeAsync(Guid pool, long size = 16, int? unit = null)
    {
        var volume = Orders.Volume(pool, size, unit: unit);
        await ReadyAsync(volume);
        volume = Orders.Made(volume);
        Send();
        return volume;
    }

    /// <summary>Lets time pass whenever somebody waits for it, until it holds.</summary>
    public async Task PassUntilAsync(string what, Func<bool> holds)
    {
        using var passing = new CancellationTokenSource();
        var clock = PassAsync(passing.Token);
        await UntilAsync(what, holds);
        await passing.CancelAsync();
        await clock;
    }

    public async ValueTask DisposeAsync()
    {
        await EndAsync();
        _staging.Dispose();
    }

    private async Task PassAsync(CancellationToken cancellationToken)
    {
        while (!cancellationToken.IsCancellationRequested)
        {
            await Time.WaitForTimerAsync(within: TimeSpan.FromMinutes(10));
            Time.Advance(TimeSpan.FromSeconds(1));
            await Task.Yield();
        }
    }

    private bool ReadUntil(Func<bool> holds)
    {
        while (_reconciler!.Output.TryRead(out var output))
        {
            Take(output);
            if (holds())
                return true;
        }
        return holds();
    }

    private T? Row<T>(string entity, Guid uuid)
        where T : class => (T?)_reported.Snapshot[_reported.Catalog[entity]].Find(RowKey.Of(_host.ToString(), uuid.ToString()))?.Current;

    private void Take(HostOutput output)
    {
        if (output is not HostOutput.Rows rows)
            return;
        Reports++;
        _reported.Apply(rows.Changes);
    }

    private string Text() => string.Join('\n', _reported.Snapshot.Tables.SelectMany(table => table.Rows).Select(row => row.Current));
}

/// <summary>What an agent works with.</summary>
internal sealed record StorageParts(IReadOnlyList<IStoragePoolDriver> Drivers, IVolumeCopier Copier)
{
    /// <summary>The way to other hosts.</summary>
    public IMigrationDoors Doors { get; init; } = new NoDoors();

    /// <summary>So long other hosts may be silent.</summary>
    public TimeSpan Patience { get; init; } = TimeSpan.FromSeconds(30);

    private sealed class NoDoors : IMigrationDoors
    {
        public Task<Stream> OpenAsync(MigrationDoor door, Guid instance, string way, CancellationToken cancellationToken) =>
            throw new IOException("There is no other host.");
    }
}

/// <summary>Images that are 16 MiB of 0x49, as files without a format.</summary>
internal sealed class FakeImages : IImageFetcher, IImageInspector
{
    public const byte Value = 0x49;

    /// <summary>Why there is no image; null when there is one.</summary>
    public string? Why { get; set; }

    public int Fetched { get; private set; }

    public async Task<FetchedImage> FetchAsync(
        ImageDesired image, string partial, IProgress<FetchProgress>? progress, CancellationToken cancellationToken)
    {
        if (Why is not null)
            throw new ImageException(ImageFailure.Unreachable, Why);
        await File.WriteAllBytesAsync(partial, Enumerable.Repeat(Value, 16 << 20).ToArray(), cancellationToken);
        progress?.Report(new FetchProgress(16 << 20, 16 << 20, 1 << 20));
        Fetched++;
        return new FetchedImage(16 << 20, "sha256:");
    }

    public Task<InspectedImage> InspectAsync(string path, ImageType type, CancellationToken cancellationToken) =>
        Task.FromResult(new InspectedImage(ImageFormat.Raw, new FileInfo(path).Length));
}
