using System.Threading.Channels;
using Microsoft.Extensions.Logging.Abstractions;
using PonyCloud.Shared.Entities;
using PonyCloud.Shared.State;
using PonyCloud.Sparkle.Control;
using PonyCloud.Sparkle.Database;
using PonyCloud.Sparkle.Migrations;
using PonyCloud.Sparkle.Networks;

namespace PonyCloud.Database.Tests;

/// <summary>
/// An instance with a volume that only its host reaches moves to another, on a server: what the desk writes is what the schema takes, and
/// whatever comes between, the volume has one content that counts.
/// </summary>
[TestFixture]
public sealed class MigrationDeskTests : IControlFeature, IControlQueue, IStateView, IDesiredStateWriter
{
    private readonly TenantDesired _tenant = Rows.Tenant();
    private readonly StoragePoolDesired _pool = Rows.StoragePool();
    private readonly Channel<Action> _posted = Channel.CreateUnbounded<Action>();
    private readonly Dictionary<(Entity Entity, RowKey Key), object> _shown = [];
    private SpokenHost _source = null!;
    private SpokenHost _destination = null!;
    private SpokenHost _third = null!;
    private List<RowChange> _reports = [];
    private InstanceDesired _instance = null!;
    private VolumeDesired _volume = null!;
    private Controller _controller = null!;
    private Link _link = null!;
    private bool _areCopiesReady;
    private bool _isLost;
    private int _writing;
    private int _followed;
    private TimeSpan _now = TimeSpan.FromSeconds(1);

    public StateSnapshot? Snapshot => _controller.Published;

    public DatabaseLink Database => new(true, DateTimeOffset.UnixEpoch);

    public long? Epoch => 1;

    private VolumeDesired Volume => _link.State.All<VolumeDesired>().Single();

    private Guid? Place => _link.State.All<HostInstanceDesired>().SingleOrDefault()?.Host;

    private Guid? Keeper => _link.State.All<HostVolumeDesired>().SingleOrDefault()?.Host;

    private IReadOnlyList<HostVolumeCopyDesired> Copies => _link.State.All<HostVolumeCopyDesired>();

    private MigrationCurrent? Shown => Snapshot![Link.Catalog["migration"]].Find(_instance.Uuid)?.Current as MigrationCurrent;

    private IEnumerable<(string, Guid?)> Tombstones => _link.State.All<TombstoneDesired>().Select(tombstone => (tombstone.Target, tombstone.Host));

    [SetUp]
    public async Task OpenAsync()
    {
        _link = await Link.OpenAsync(await SharedServer.Server.CreateDatabaseAsync());
        _instance = Rows.Instance(_tenant) with { State = InstanceState.Running };
        _volume = Rows.Volume(_tenant, _pool) with { Content = VolumeContent.Made };
        (_areCopiesReady, _isLost, _writing) = (true, false, 0);
        (_source, _destination, _third) = (new SpokenHost("cloudsdale") { IsOn = true }, new SpokenHost("ponyville"), new SpokenHost("canterlot"));
        SpokenHost[] hosts = [_source, _destination, _third];
        await _link.InsertAsync(
        [
            ("tenant", _tenant), ("storage_pool", _pool), ("quota", Rows.Quota(_tenant, _pool)), ("instance", _instance), ("volume", _volume),
            ("vdisk", new VdiskDesired { Uuid = Guid.NewGuid(), Instance = _instance.Uuid, Volume = _volume.Uuid, Index = 0 }),
            .. hosts.Select(host => ("host", (object)host.Row)),
            .. hosts.Select(host => ("host_storage_pool", (object)new HostStoragePoolDesired { Host = host.Uuid, StoragePool = _pool.Uuid })),
            ("host_volume", new HostVolumeDesired { Host = _source.Uuid, Volume = _volume.Uuid }),
            ("host_instance", new HostInstanceDesired { Host = _source.Uuid, Instance = _instance.Uuid }),
        ]);
        Restart();
    }

    [TearDown]
    public async Task CloseAsync() => await _link.DisposeAsync();

    [Test]
    public async Task What_is_on_is_sent_when_there_is_room_for_its_volumes_and_they_go_with_its_place([Range(0, 4)] int restart)
    {
        _areCopiesReady = false;
        await OrderAsync(_destination);
        await UntilAsync("a copy is to be made, and the destination told", () => Copies.Count == 1 && Told(_destination)?.Role == MigrationRole.Receive);
        Assert.That(Copies[0], Is.EqualTo(CopyAt(_destination, CopyFill.Hypervisor, 2)));
        RestartAt(restart, 1);
        await QuietAsync();
        Assert.That(Told(_source)?.Role, Is.EqualTo(MigrationRole.Stay), "there is no room for the volume yet");
        _areCopiesReady = true;
        await SendAsync(restart);

        await LeaveAsync(restart, _destination);

        AssertMoved(_destination, 2);
        await UntilAsync("it goes on there, and nothing is told any more", () => Parts == 0);
    }

    [Test]
    public async Task What_is_off_is_fetched_and_goes_with_its_place([Range(0, 4)] int restart)
    {
        await StopAsync();
        _areCopiesReady = false;
        await OrderAsync(_destination);
        await FetchingAsync(_destination, restart);
        Assert.That((Shown?.Status, Shown?.Progress, Shown?.Bytes), Is.EqualTo((MigrationStatus.Copying, 40, 4096)));
        Assert.That(Place, Is.EqualTo(_source.Uuid));
        RestartAt(restart, 2);
        await UntilAsync("it is fetched through the door of the source", IsFetching);
        var copy = Copies.Single();
        _destination.Tells = copy with { Generation = copy.Generation - 1 };
        await QuietAsync();
        Assert.That(Place, Is.EqualTo(_source.Uuid), "what is said of another copy says nothing");
        RestartAt(restart, 3);
        _destination.Tells = null;
        _areCopiesReady = true;

        await UntilAsync("the place goes", () => Place == _destination.Uuid);
        RestartAt(restart, 4);
        AssertMoved(_destination, 2);
        await UntilAsync("nothing is told any more", () => Parts == 0);
    }

    [Test]
    public async Task A_volume_that_was_changed_meanwhile_goes_as_it_is_then()
    {
        await StopAsync();
        _areCopiesReady = false;
        await OrderAsync(_destination);
        await FetchingAsync(_destination);
        await _link.UpdateAsync("volume", Volume, Volume with { Name = "renamed", Size = 20 });
        // The change is not followed yet when the last word comes.
        _areCopiesReady = true;
        Tick(TimeSpan.Zero);
        Assert.That(_writing, Is.EqualTo(1));
        await PostedAsync();
        Assert.That((Place, Keeper, Volume.Generation), Is.EqualTo((_source.Uuid, _source.Uuid, 1)), "all of it, or nothing");

        await UntilAsync("the place goes", () => Place == _destination.Uuid);

        Assert.That((Volume.Name, Volume.Size), Is.EqualTo(("renamed", 20)));
        AssertMoved(_destination, 2);
    }

    [Test]
    public async Task What_was_fetched_is_not_taken_when_a_snapshot_is_ordered_at_the_last_moment()
    {
        await StopAsync();
        _areCopiesReady = false;
        await OrderAsync(_destination);
        await FetchingAsync(_destination);
        await _link.InsertAsync(("snapshot", new SnapshotDesired { Uuid = Guid.NewGuid(), Volume = _volume.Uuid, Name = "before" }));
        _areCopiesReady = true;
        Tick(TimeSpan.Zero);
        await PostedAsync();

        await UntilAsync("it is seen", () => Shown?.Why?.Contains("has snapshots", StringComparison.Ordinal) == true);

        Assert.That((Place, Keeper, Copies.Count), Is.EqualTo((_source.Uuid, _source.Uuid, 0)));
        await _link.DeleteAsync("snapshot", RowKey.Of(_link.State.All<SnapshotDesired>().Single().Uuid));
        await UntilAsync("the place goes", () => Place == _destination.Uuid);
        Assert.That(Volume.Generation, Is.EqualTo(3), "fetched anew");
    }

    [Test]
    public async Task An_attempt_that_failed_is_made_again_with_the_same_copies()
    {
        await OrderAsync(_destination);
        await SendAsync();
        _source.Failed = "No route.";
        await UntilAsync("it is shown", () => Shown is { Status: MigrationStatus.Broken, Why: "No route." });
        _source.Failed = null;
        await SendAsync();
        Assert.That(Copies, Is.EqualTo(new[] { CopyAt(_destination, CopyFill.Hypervisor, 2) }));

        await LeaveAsync(0, _destination);

        AssertMoved(_destination, 2);
    }

    [Test]
    public async Task What_is_stopped_while_it_is_sent_is_fetched_instead()
    {
        await OrderAsync(_destination);
        await SendAsync();
        (_source.IsSending, _destination.IsReceiving) = (true, true);
        await UntilAsync("it is shown", () => Shown?.Status == MigrationStatus.Copying);

        await _link.UpdateAsync("instance", _instance, _instance with { State = InstanceState.Stopped });
        (_source.IsSending, _destination.IsReceiving, _source.IsOn, _source.HasLeft) = (false, false, false, true);

        await UntilAsync("the place goes", () => Place == _destination.Uuid);
        AssertMoved(_destination, 3, ($"volume-{_volume.Uuid}.2", _destination.Uuid));
    }

    [Test]
    public async Task What_is_started_while_it_is_fetched_starts_at_once_and_moves_while_it_is_on()
    {
        await StopAsync();
        _areCopiesReady = false;
        await OrderAsync(_destination);
        await FetchingAsync(_destination);

        await _link.UpdateAsync("instance", _instance with { State = InstanceState.Stopped }, _instance);
        await UntilAsync("it is the source's again", () => !_source.HasLeft);
        Assert.That(Copies, Is.Empty, "what is written from now on is in none of them");
        _source.IsOn = true;
        _areCopiesReady = true;
        await SendAsync();
        Assert.That(Copies, Is.EqualTo(new[] { CopyAt(_destination, CopyFill.Hypervisor, 3) }));
        await LeaveAsync(0, _destination);

        AssertMoved(_destination, 3, ($"volume-{_volume.Uuid}.2", _destination.Uuid));
    }

    [Test]
    public async Task Another_destination_gets_copies_of_its_own()
    {
        await StopAsync();
        _areCopiesReady = false;
        await OrderAsync(_destination);
        await FetchingAsync(_destination);
        await _link.UpdateAsync("migration", Order(_destination), Order(_third));
        await UntilAsync("the other one fetches", () => Copies.SingleOrDefault() == CopyAt(_third, CopyFill.Fetch, 3));
        _areCopiesReady = true;

        await UntilAsync("the place goes", () => Place == _third.Uuid);

        AssertMoved(_third, 3, ($"volume-{_volume.Uuid}.2", _destination.Uuid));
    }

    [Test]
    public async Task A_withdrawn_order_leaves_the_volume_where_it_is_and_no_copy([Values] bool isOn)
    {
        _areCopiesReady = false;
        if (!isOn)
            await StopAsync();
        await OrderAsync(_destination);
        await UntilAsync("a copy is to be made", () => Copies.Count == 1);

        await _link.DeleteAsync("migration", RowKey.Of(_instance.Uuid));

        await UntilAsync("nothing is told any more", () => Copies.Count == 0 && Parts == 0);
        Assert.That((Place, Keeper, Volume.Generation, _source.HasLeft), Is.EqualTo((_source.Uuid, _source.Uuid, 1, false)));
        Assert.That(Tombstones, Is.EqualTo(new[] { ($"volume-{_volume.Uuid}.2", (Guid?)_destination.Uuid) }));
    }

    [Test]
    public async Task A_destination_that_was_given_up_has_no_copy_and_the_source_keeps_what_it_has()
    {
        await StopAsync();
        _areCopiesReady = false;
        await OrderAsync(_destination);
        await FetchingAsync(_destination);

        await _link.UpdateAsync("host", _destination.Row, _destination.Row with { State = HostState.Gone });

        await UntilAsync("it is said", () => Shown is { Status: MigrationStatus.Waiting, Why: "Its destination is gone." });
        Assert.That((Place, Keeper, Copies.Count, Tombstones.Count()), Is.EqualTo((_source.Uuid, _source.Uuid, 0, 0)));
        await _link.DeleteAsync("migration", RowKey.Of(_instance.Uuid));
        await UntilAsync("the source has it", () => !_source.HasLeft && Parts == 0);
    }

    [Test]
    public async Task Of_a_source_that_was_given_up_a_whole_copy_is_the_volume()
    {
        await StopAsync();
        _areCopiesReady = false;
        await OrderAsync(_destination);
        await FetchingAsync(_destination);
        // Nothing was handed over yet.
        await _link.UpdateAsync("host", _source.Row, _source.Row with { State = HostState.Gone });
        _areCopiesReady = true;

        await UntilAsync("the place goes", () => Place == _destination.Uuid);

        Assert.That((Keeper, Volume.Generation, Copies.Count, Tombstones.Count()), Is.EqualTo((_destination.Uuid, 2, 0, 0)));
    }

    [Test]
    public async Task Of_a_source_that_was_given_up_half_a_copy_is_nothing_and_that_is_said()
    {
        await StopAsync();
        _areCopiesReady = false;
        await OrderAsync(_destination);
        await FetchingAsync(_destination);
        _destination.IsStuck = true;

        await _link.UpdateAsync("host", _source.Row, _source.Row with { State = HostState.Gone });

        await UntilAsync("it is said", () => Shown?.Why?.Contains("was on a host that is gone, and no whole copy of it is there", StringComparison.Ordinal) == true);
        Assert.That((Place, Keeper, Volume.Generation), Is.EqualTo(((Guid?)null, (Guid?)null, 1)));
    }

    [Test]
    public async Task A_volume_that_comes_while_it_is_sent_breaks_that_off_and_goes_along_then()
    {
        await OrderAsync(_destination);
        await SendAsync();
        (_source.IsSending, _destination.IsReceiving) = (true, true);
        await UntilAsync("it is shown", () => Shown?.Status == MigrationStatus.Copying);
        var data = Rows.Volume(_tenant, _pool, "data") with { Content = VolumeContent.Made };
        await _link.InsertAsync(
            ("volume", data), ("host_volume", new HostVolumeDesired { Host = _source.Uuid, Volume = data.Uuid }),
            ("vdisk", new VdiskDesired { Uuid = Guid.NewGuid(), Instance = _instance.Uuid, Volume = data.Uuid, Index = 1 }));

        await UntilAsync("it is broken off", () => Told(_source)?.Role == MigrationRole.Stay);
        (_source.IsSending, _destination.IsReceiving) = (false, false);
        await SendAsync();
        Assert.That(Copies.Select(copy => copy.Volume), Is.EquivalentTo([_volume.Uuid, data.Uuid]));
        await LeaveAsync(0, _destination);

        Assert.That(_link.State.All<HostVolumeDesired>().Select(kept => kept.Host), Is.All.EqualTo(_destination.Uuid));
        Assert.That(_link.State.All<VolumeDesired>().Select(volume => volume.Generation), Is.All.EqualTo(2));
    }

    [Test]
    public async Task While_it_is_not_known_whether_copies_were_ordered_nobody_is_told_anything_else()
    {
        await StopAsync();
        _areCopiesReady = false;
        await OrderAsync(_destination);
        _isLost = true;
        await UntilAsync("copies are ordered without an answer", () => !_isLost);
        var told = Told(_source);
        await FetchingAsync(_destination);

        Assert.That((Told(_source), Copies.Count), Is.EqualTo((told, 1)));
    }

    Task IDesiredStateWriter.WriteAsync(IReadOnlyList<RowWrite> writes, CancellationToken cancellation)
    {
        _writing++;
        return WriteAsync();

        async Task WriteAsync()
        {
            await _link.Writer.WriteAsync(writes, cancellation);
            if (!_isLost)
                return;
            _isLost = false;
            throw new UnconfirmedCommitException("lost");
        }
    }

    void IControlQueue.Post(Action action) => _posted.Writer.TryWrite(action);

    IEnumerable<RowChange> IControlFeature.Tick(TimeSpan now)
    {
        var reports = _reports;
        _reports = [];
        return reports;
    }

    private int Parts => Snapshot![Link.Catalog["host_migration"]].Rows.Count(row => row.Desired is not null);

    private HostMigrationDesired? Told(SpokenHost host) =>
        Snapshot![Link.Catalog["host_migration"]].Find(RowKey.Of(host.Uuid.ToString(), _instance.Uuid.ToString()))?.Desired as HostMigrationDesired;

    private MigrationDesired Order(SpokenHost to) => new() { Instance = _instance.Uuid, DestinationHost = to.Uuid };

    private HostVolumeCopyDesired CopyAt(SpokenHost host, CopyFill fill, int generation) => new()
    {
        Host = host.Uuid,
        Volume = _volume.Uuid,
        Instance = _instance.Uuid,
        Fill = fill,
        Generation = generation,
    };

    private Task OrderAsync(SpokenHost to) => _link.InsertAsync(("migration", Order(to)));

    private async Task StopAsync()
    {
        await _link.UpdateAsync("instance", _instance, _instance with { State = InstanceState.Stopped });
        _source.IsOn = false;
    }

    private bool IsFetching() => Told(_destination) is { Role: MigrationRole.Stay, Endpoint: "https://cloudsdale:1", Ticket: "ticket of cloudsdale" }
        && Shown?.Status == MigrationStatus.Copying;

    private async Task FetchingAsync(SpokenHost host, int restart = 0)
    {
        await UntilAsync("it has left", () => _source.HasLeft);
        RestartAt(restart, 1);
        await UntilAsync("it is fetched through the door of the source", IsFetching);
        Assert.That(Copies.Single(), Is.EqualTo(CopyAt(host, CopyFill.Fetch, 2)));
    }

    private async Task SendAsync(int restart = 0)
    {
        RestartAt(restart, 2);
        await UntilAsync("it is sent", () => Told(_source) is { Role: MigrationRole.Send, Endpoint: "https://ponyville:1" });
    }

    private async Task LeaveAsync(int restart, SpokenHost to)
    {
        (_source.IsSending, to.IsReceiving) = (true, true);
        await UntilAsync("it is shown", () => Shown?.Status == MigrationStatus.Copying);
        RestartAt(restart, 3);
        await UntilAsync("it is shown", () => Shown?.Status == MigrationStatus.Copying);
        (to.IsReceiving, to.HasArrived) = (false, true);
        (_source.IsSending, _source.IsOn, _source.HasLeft, _source.SentTo) = (false, false, true, to.Uuid);
        RestartAt(restart, 4);
        await UntilAsync("the place goes", () => Place == to.Uuid);
    }

    private void AssertMoved(SpokenHost to, int generation, params (string, Guid?)[] left)
    {
        using (Assert.EnterMultipleScope())
        {
            Assert.That((Keeper, Volume.Generation, Volume.Content), Is.EqualTo((to.Uuid, generation, VolumeContent.Made)));
            Assert.That((Copies.Count, _link.State.Count("migration")), Is.EqualTo((0, 0)));
            Assert.That(Tombstones, Is.EquivalentTo([.. left, ($"volume-{_volume.Uuid}.1", _source.Uuid)]));
        }
    }

    private void RestartAt(int wanted, int stage)
    {
        if (wanted == stage)
            Restart();
    }

    /// <summary>Another controller, which knows what the database has and what hosts say.</summary>
    private void Restart()
    {
        _shown.Clear();
        var desk = new MigrationDesk(
            Link.Catalog, new MigrationRows(Link.Catalog), new NetworkRows(Link.Catalog), this, this, this, Guid.NewGuid, NullLogger<MigrationDesk>.Instance);
        _controller = new Controller(Link.Catalog, [this, desk]);
        _followed = _link.State.Transactions.Count;
        _controller.Load(
            [
                .. _link.State.All<object>().Select(record =>
                    RowChange.Set(Link.Catalog.All.Single(entity => entity.Desired?.Type == record.GetType()), RowPart.Desired, record)),
            ],
            1);
    }

    private async Task UntilAsync(string what, Func<bool> condition)
    {
        for (var round = 0; round < 100; round++)
        {
            Follow();
            for (var i = 0; i < 4; i++)
                Tick(TimeSpan.Zero);
            if (condition())
                return;
            if (_writing > 0)
                await PostedAsync();
            else
                Tick(TimeSpan.FromSeconds(1));
        }
        Assert.Fail($"Waited in vain until {what}: {Shown}, {string.Join(", ", Copies)}, {Told(_source)}, {Told(_destination)}");
    }

    /// <summary>Until nothing follows any more from what is.</summary>
    private async Task QuietAsync()
    {
        for (var round = 0; round < 5; round++)
        {
            Follow();
            Tick(TimeSpan.FromSeconds(1));
            if (_writing > 0)
                await PostedAsync();
        }
    }

    private async Task PostedAsync()
    {
        using var timeout = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        (await _posted.Reader.ReadAsync(timeout.Token))();
        _writing--;
    }

    private void Follow()
    {
        var transactions = _link.State.Transactions;
        for (; _followed < transactions.Count; _followed++)
            _controller.Commit(transactions[_followed]);
    }

    /// <summary>Hosts act by what they are told and say what is; then time passes.</summary>
    private void Tick(TimeSpan time)
    {
        _now += time;
        var said = new HashSet<(Entity Entity, RowKey Key)>();
        foreach (var host in new[] { _source, _destination, _third })
        {
            foreach (var record in host.Says(Told(host), Place == host.Uuid, _instance.Uuid, _pool.Uuid))
                Say(record);
            if (host == _source)
                continue;
            // What they have heard of: what the controller has seen.
            foreach (var copy in Snapshot![Link.Catalog["host_volume_copy"]].Rows.Select(row => row.Desired).OfType<HostVolumeCopyDesired>().Where(copy => copy.Host == host.Uuid))
                Say(host.SaysOf(copy, _areCopiesReady));
        }
        foreach (var volume in _link.State.All<HostVolumeDesired>().Where(kept => kept.Host == _source.Uuid))
            Say(new HostVolumeCurrent { Host = _source.Uuid, Volume = volume.Volume, Status = StorageStatus.Ready, Generation = 1 });
        foreach (var row in _shown.Keys.Except(said).ToList())
        {
            _shown.Remove(row);
            _reports.Add(RowChange.Remove(row.Entity, RowPart.Current, row.Key));
        }
        _controller.Tick(_now);

        void Say(object record)
        {
            var entity = Link.Catalog.All.Single(entity => entity.Current?.Type == record.GetType());
            (Entity Entity, RowKey Key) row = (entity, entity.KeyOf(RowPart.Current, record));
            said.Add(row);
            if (Equals(_shown.GetValueOrDefault(row), record))
                return;
            _shown[row] = record;
            _reports.Add(RowChange.Set(entity, RowPart.Current, record));
        }
    }

    /// <summary>A host of few words, whose hypervisor is moved by hand.</summary>
    private sealed class SpokenHost(string name)
    {
        private Guid? _failedIn;

        public HostDesired Row { get; } = Rows.Host(name);

        public Guid Uuid => Row.Uuid;

        public bool IsOn { get; set; }

        public bool IsSending { get; set; }

        public bool IsReceiving { get; set; }

        public bool HasArrived { get; set; }

        public bool HasLeft { get; set; }

        public Guid? SentTo { get; set; }

        public string? Failed { get; set; }

        /// <summary>What it fetches does not become whole.</summary>
        public bool IsStuck { get; set; }

        /// <summary>The copy of which it speaks, instead of the one that is ordered.</summary>
        public HostVolumeCopyDesired? Tells { get; set; }

        public HostVolumeCopyCurrent SaysOf(HostVolumeCopyDesired copy, bool isReady) => new()
        {
            Host = Uuid,
            Volume = copy.Volume,
            Status = Tells is not null || (isReady && !IsStuck) ? StorageStatus.Ready : StorageStatus.Preparing,
            Generation = (Tells ?? copy).Generation,
            Progress = isReady ? null : 40,
            Bytes = isReady ? null : 4096,
        };

        public IEnumerable<object> Says(HostMigrationDesired? told, bool hasPlace, Guid instance, Guid pool)
        {
            yield return new HostCurrent
            {
                Uuid = Uuid,
                AgentVersion = "1",
                BootId = "boot",
                Kernel = "6.1",
                CpuModel = "cpu",
                CpuThreads = 8,
                MemoryTotal = 65_536,
                Hypervisor = "QEMU",
                TransferEndpoint = $"https://{name}:1",
                TransferFingerprint = "aa",
            };
            yield return new HostStoragePoolCurrent { Host = Uuid, StoragePool = pool, Status = StorageStatus.Ready, Available = 100_000 };
            if (IsOn || HasArrived || hasPlace)
            {
                yield return new HostInstanceCurrent
                {
                    Host = Uuid,
                    Instance = instance,
                    Status = HasArrived ? InstanceStatus.Paused : IsOn ? InstanceStatus.Running : InstanceStatus.Stopped,
                };
            }
            if (StatusOf(told, hasPlace) is { } status)
            {
                yield return new HostMigrationCurrent
                {
                    Host = Uuid,
                    Instance = instance,
                    Status = status,
                    Turn = told?.Turn,
                    PeerHost = status == HostMigrationStatus.Left ? SentTo : null,
                    Ticket = status == HostMigrationStatus.Ready || (status == HostMigrationStatus.Left && SentTo is null && told?.Role == MigrationRole.Send)
                        ? $"ticket of {name}"
                        : null,
                    Why = status == HostMigrationStatus.Broken ? Failed : null,
                };
            }
        }

        private HostMigrationStatus? StatusOf(HostMigrationDesired? told, bool hasPlace)
        {
            var role = told?.Role;
            if (HasArrived && role is MigrationRole.Take or MigrationRole.Discard)
                (IsOn, HasArrived) = (role == MigrationRole.Take, false);
            if (HasLeft && (role == MigrationRole.Keep || !hasPlace))
                (HasLeft, SentTo) = (false, null);
            if (role == MigrationRole.Send && told!.Endpoint is null && !IsOn && hasPlace)
                HasLeft = true;
            if (role == MigrationRole.Send && Failed is not null)
                _failedIn = told!.Turn;
            return this switch
            {
                { HasArrived: true } => HostMigrationStatus.Arrived,
                { IsReceiving: true } => HostMigrationStatus.Receiving,
                { IsSending: true } => HostMigrationStatus.Sending,
                { HasLeft: true } => HostMigrationStatus.Left,
                _ when role is null or MigrationRole.Discard => null,
                _ when role == MigrationRole.Receive => HostMigrationStatus.Ready,
                _ when role == MigrationRole.Stay && !hasPlace && !IsOn => HostMigrationStatus.Left,
                _ when role == MigrationRole.Send && _failedIn == told!.Turn => HostMigrationStatus.Broken,
                _ => HostMigrationStatus.Here,
            };
        }
    }
}
