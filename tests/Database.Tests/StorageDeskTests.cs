using System.Threading.Channels;
using Microsoft.Extensions.Logging.Abstractions;
using PonyCloud.Shared.Entities;
using PonyCloud.Shared.State;
using PonyCloud.Sparkle.Control;
using PonyCloud.Sparkle.Database;
using PonyCloud.Sparkle.Storage;

namespace PonyCloud.Database.Tests;

/// <summary>What the room of storage decides is what the schema takes: the whole life of a volume, on a server.</summary>
[TestFixture]
public sealed class StorageDeskTests : IControlQueue, IStateView
{
    private readonly StoragePoolDesired _pool = Rows.StoragePool() with
    {
        Type = StoragePoolType.Iscsi,
        Config = JsonText.Parse("""{"portal": "p", "target": "t"}"""),
        Shareable = true,
    };

    private readonly TenantDesired _tenant = Rows.Tenant();
    private readonly HostDesired _host = Rows.Host();
    private readonly HostDesired _other = Rows.Host("ponyville");
    private readonly ImageDesired _image = new() { Uuid = Guid.NewGuid(), Name = "debian", SourceUri = "https://example.org/debian" };
    private readonly Channel<Action> _posted = Channel.CreateUnbounded<Action>();
    private readonly StateStore _store = new(Link.Catalog);
    private StorageDesk _desk = null!;
    private Link _link = null!;
    private int _followed;

    public StateSnapshot? Snapshot => _store.Snapshot;

    public DatabaseLink Database => new(true, DateTimeOffset.UnixEpoch);

    public long? Epoch => 1;

    [SetUp]
    public async Task OpenAsync()
    {
        _link = await Link.OpenAsync(await SharedServer.Server.CreateDatabaseAsync());
        var rows = new StorageRows(Link.Catalog);
        _desk = new StorageDesk(
            [new VolumeOrders(rows), new TombstoneOrders(rows), new Stewards(rows), new VolumePlaces(rows, Guid.NewGuid)],
            _link.Writer, this, this, NullLogger<StorageDesk>.Instance);
    }

    [TearDown]
    public async Task CloseAsync() => await _link.DisposeAsync();

    [Test]
    public async Task A_volume_is_placed_made_lost_with_its_host_handed_on_deleted_and_wiped()
    {
        var volume = Rows.Volume(_tenant, _pool) with { BaseImage = _image.Uuid };
        await _link.InsertAsync(
            ("tenant", _tenant), ("host", _host), ("host", _other), ("storage_pool", _pool), ("quota", Rows.Quota(_tenant, _pool)), ("image", _image),
            ("host_storage_pool", new HostStoragePoolDesired { Host = _host.Uuid, StoragePool = _pool.Uuid }),
            ("host_storage_pool", new HostStoragePoolDesired { Host = _other.Uuid, StoragePool = _pool.Uuid }), ("volume", volume));
        Follow(Present(_host), Ready(_host));

        await UntilAsync("it has a host, a unit and an image copy", () =>
            _link.State.All<HostVolumeDesired>().SingleOrDefault()?.Host == _host.Uuid
            && Volume().Unit == 4 && _link.State.All<ImageCopyDesired>().SingleOrDefault()?.Host == _host.Uuid
            && _link.State.All<HostStoragePoolDesired>().Any(pool => pool.Steward));

        Follow(Report(new HostVolumeCurrent { Host = _host.Uuid, Volume = volume.Uuid, Status = StorageStatus.Ready, Generation = 1 }));
        await UntilAsync("it is made", () => Volume() == volume with { BaseImage = null, Content = VolumeContent.Made, Unit = 4 });

        Follow(Present(_other), Ready(_other));
        await _link.UpdateAsync("host", _host, _host with { State = HostState.Gone });
        await UntilAsync("another host keeps it and looks through the pool", () =>
            _link.State.All<HostVolumeDesired>().SingleOrDefault()?.Host == _other.Uuid
            && _link.State.All<HostStoragePoolDesired>().Single() is { Steward: true });

        await _link.DeleteAsync("volume", RowKey.Of(volume.Uuid));
        await UntilAsync("what is left is with that host", () => _link.State.All<TombstoneDesired>().SingleOrDefault() is { Unit: 4 } left && left.Host == _other.Uuid);
        var tombstone = _link.State.All<TombstoneDesired>().Single();
        Follow(Report(new HostTombstoneCurrent { Host = _other.Uuid, Tombstone = tombstone.Uuid, Status = RemovalStatus.Removed }));
        await UntilAsync("nothing is left", () => _link.State.Count("tombstone") == 0);
    }

    void IControlQueue.Post(Action action) => _posted.Writer.TryWrite(action);

    private VolumeDesired Volume() => _link.State.All<VolumeDesired>().Single();

    private static RowChange Report(object record) =>
        RowChange.Set(Link.Catalog.All.Single(entity => entity.Current?.Type == record.GetType()), RowPart.Current, record);

    private static RowChange Present(HostDesired host) => Report(new HostCurrent
    {
        Uuid = host.Uuid,
        AgentVersion = "1",
        BootId = "boot",
        Kernel = "6.1",
        CpuModel = "cpu",
    });

    private RowChange Ready(HostDesired host) => Report(new HostStoragePoolCurrent
    {
        Host = host.Uuid,
        StoragePool = _pool.Uuid,
        Status = StorageStatus.Ready,
        Units = JsonText.Parse("""{"3": 9, "4": 10, "5": 100}"""),
    });

    /// <summary>Brings memory in step with what came from the database, and with what hosts report.</summary>
    private void Follow(params RowChange[] reports)
    {
        var transactions = _link.State.Transactions;
        var changes = transactions.Skip(_followed).SelectMany(changes => changes).OfType<DatabaseChange.OfRow>().Select(change => change.Change).ToList();
        _followed = transactions.Count;
        var settled = _store.Apply([.. changes, .. reports]);
        if (!settled.IsEmpty)
            _desk.Settled(settled);
    }

    private async Task UntilAsync(string what, Func<bool> condition)
    {
        using var timeout = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        for (Follow(); !condition(); Follow())
        {
            try
            {
                // What is written is done when it is seen; nothing else is under way here.
                (await _posted.Reader.ReadAsync(timeout.Token))();
            }
            catch (OperationCanceledException)
            {
                Assert.Fail($"Waited in vain until {what}.");
            }
        }
        while (_posted.Reader.TryRead(out var rest))
            rest();
    }
}
