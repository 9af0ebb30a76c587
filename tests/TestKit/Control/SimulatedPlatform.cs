using System.Threading.Channels;
using Microsoft.Extensions.Logging.Abstractions;
using PonyCloud.Shared.Entities;
using PonyCloud.Shared.Messaging;
using PonyCloud.Shared.Replication;
using PonyCloud.Shared.State;
using PonyCloud.Sparkle.Control;
using PonyCloud.Sparkle.Database;
using PonyCloud.Sparkle.Events;
using PonyCloud.Sparkle.Hosts;
using PonyCloud.Sparkle.Placement;
using PonyCloud.TestKit.Time;

namespace PonyCloud.TestKit.Control;

/// <summary>
/// Sparkle's and Twilight's own control code in one process, on one thread, with a network of queues, a database that is
/// a dictionary and a clock that is moved by hand. Nothing happens but what <see cref="Run"/> and the orders say.
/// </summary>
public sealed class SimulatedPlatform : IDesiredStateWriter, IControlQueue, IStateView, IEventSink, IEpochAuthority
{
    private readonly Dictionary<(Entity, RowKey), object> _database = [];
    private readonly Queue<Action> _posted = [];
    private readonly NumberedEntropy _entropy = new();
    private readonly ControlOptions _options = new();
    private readonly Func<IEnumerable<IControlFeature>> _rooms;
    private Controller _controller;
    private SparkleSocket _socket;
    private long _epoch;

    /// <param name="rooms">More rooms of the controller, made anew at each of its starts.</param>
    public SimulatedPlatform(Func<IEnumerable<IControlFeature>>? rooms = null)
    {
        _rooms = rooms ?? (() => []);
        (_controller, _socket) = StartController();
    }

    public static EntityCatalog Catalog { get; } = EntityCatalog.Load();

    public SteppedTime Time { get; } = new();

    public List<PlatformEvent> Events { get; } = [];

    public List<SimulatedHost> Hosts { get; } = [];

    public bool IsDatabaseUp { get; set; } = true;

    /// <summary>What stands before Sparkle's socket.</summary>
    public KeyGate Gate { get; private set; } = null!;

    /// <summary>What stands before Sparkle's sessions.</summary>
    public HostDoor Door { get; private set; } = null!;

    public StateSnapshot State => _controller.Published ?? throw new InvalidOperationException("Sparkle has not loaded the database.");

    StateSnapshot? IStateView.Snapshot => _controller.Published;

    /// <summary>Each start of Sparkle has a higher one.</summary>
    public long? Epoch => _controller.Epoch;

    DatabaseLink IStateView.Database => new(IsDatabaseUp, Time.GetUtcNow());

    public Row? Find(string entity, params string[] key) => State[Catalog[entity]].Find(RowKey.Of(key));

    public HostDesired HostDesired(Guid host) => (HostDesired)Find("host", host.ToString())!.Desired!;

    public HostCurrent? HostCurrent(Guid host) => Find("host", host.ToString())?.Current as HostCurrent;

    public InstanceCurrent? InstanceCurrent(Guid instance) => Find("instance", instance.ToString())?.Current as InstanceCurrent;

    /// <summary>Declares a host and starts its Twilight.</summary>
    public SimulatedHost AddHost(long memory = 4096)
    {
        var host = new SimulatedHost(this, _entropy.NextGuid(), memory);
        Commit(new HostDesired { Uuid = host.Uuid, Name = "host", AgentKey = host.Origin!.Key });
        host.Start();
        return host;
    }

    public Guid AddTenant(bool approved = true)
    {
        var uuid = _entropy.NextGuid();
        Commit(new TenantDesired { Uuid = uuid, Name = "tenant", Approved = approved });
        return uuid;
    }

    public InstanceDesired AddInstance(Guid tenant, InstanceState state = InstanceState.Running, long mem = 128)
    {
        var instance = new InstanceDesired { Uuid = _entropy.NextGuid(), Tenant = tenant, Name = "i", State = state, Mem = mem };
        Commit(instance);
        return instance;
    }

    /// <summary>Writes rows as one transaction.</summary>
    public void CommitAll(params IEnumerable<object> records) => Commit([.. records.Select(record =>
        RowChange.Set(Catalog.All.Single(candidate => candidate.Desired?.Type == record.GetType()), RowPart.Desired, record))]);

    /// <summary>Writes a row as one transaction.</summary>
    public void Commit(object record)
    {
        var entity = Catalog.All.Single(candidate => candidate.Desired?.Type == record.GetType());
        List<RowChange> changes = [RowChange.Set(entity, RowPart.Desired, record)];
        if (record is HostDesired { State: HostState.Gone } gone)
            changes.AddRange(PlacesOf(gone.Uuid.ToString()));
        Commit(changes);
    }

    public void Delete(string entity, params string[] key)
    {
        var row = Catalog[entity];
        var changes = new List<RowChange> { RowChange.Remove(row, RowPart.Desired, RowKey.Of(key)) };
        if (entity is "host" or "instance")
            changes.AddRange(PlacesOf(key[0]));
        Commit(changes);
    }

    /// <summary>Kills Sparkle and starts another that knows only the database.</summary>
    public void RestartController() => (_controller, _socket) = StartController();

    /// <summary>Lets time pass in steps of a second, delivering all messages in each.</summary>
    public void Run(TimeSpan? time = null)
    {
        for (var left = time ?? TimeSpan.FromSeconds(20); left > TimeSpan.Zero; left -= TimeSpan.FromSeconds(1))
        {
            Time.Advance(TimeSpan.FromSeconds(1));
            _controller.Tick(Time.Elapsed);
            foreach (var host in Hosts)
                host.Tick();
            Settle();
        }
    }

    Task IDesiredStateWriter.WriteAsync(IReadOnlyList<RowWrite> writes, CancellationToken cancellation)
    {
        if (!IsDatabaseUp)
            throw new DatabaseUnavailableException("away");
        foreach (var write in writes)
            Check(write);
        var changes = writes.Select(ChangeOf).ToList();
        _posted.Enqueue(() => Commit(changes));
        return Task.CompletedTask;
    }

    private void Check(RowWrite write)
    {
        switch (write)
        {
            case RowWrite.Insert(var entity, var record) when _database.ContainsKey((entity, entity.KeyOf(RowPart.Desired, record))):
                throw new WriteRefusedException(Refusal.Duplicate, 0, "key", [], "There already.", new InvalidOperationException());
            case RowWrite.Insert(_, HostInstanceDesired place)
                when _database.GetValueOrDefault((Catalog["host"], RowKey.Of(place.Host))) is HostDesired { State: HostState.Gone }:
                throw new WriteRefusedException(Refusal.Rule, 0, "host_instance_host_gone", [], "The host is gone.", new InvalidOperationException());
            case RowWrite.Update(var entity, var key, var expected, _) when !expected.Equals(_database.GetValueOrDefault((entity, key))):
                throw new ConcurrentChangeException(0);
        }
    }

    private static RowChange ChangeOf(RowWrite write) => write switch
    {
        RowWrite.Insert(var entity, var record) => RowChange.Set(entity, RowPart.Desired, record),
        RowWrite.Update(var entity, _, _, var record) => RowChange.Set(entity, RowPart.Desired, record),
        RowWrite.Delete(var entity, var key) => RowChange.Remove(entity, RowPart.Desired, key),
        _ => throw new ArgumentOutOfRangeException(nameof(write)),
    };

    void IControlQueue.Post(Action action) => _posted.Enqueue(action);

    void IEpochAuthority.Heard(long epoch)
    {
    }

    void IEventSink.Record(PlatformEvent platformEvent) => Events.Add(platformEvent);

    /// <summary>The database link is back: Sparkle loads everything again.</summary>
    public void Reload() => _controller.Load(DatabaseRows(), _epoch);

    /// <summary>Delivers a body to Sparkle as it is.</summary>
    /// <param name="origin">Who sent it, as the transport knows.</param>
    public void ToSparkle(PeerId peer, byte[] body, PeerOrigin? origin) => _controller.Receive(new TransportEvent.Received(peer, body, origin));

    internal NumberedEntropy Entropy => _entropy;

    /// <summary>What the schema's cascades and triggers remove.</summary>
    private RowChange[] PlacesOf(string hostOrInstance) =>
    [
        .. _database.Keys
            .Where(place => place.Item1.Name == "host_instance" && place.Item2.Parts.Contains(hostOrInstance))
            .Select(place => RowChange.Remove(place.Item1, RowPart.Desired, place.Item2)),
    ];

    private void Commit(List<RowChange> changes)
    {
        foreach (var change in changes)
        {
            if (change.Value is null)
                _database.Remove((change.Entity, change.Key));
            else
                _database[(change.Entity, change.Key)] = change.Value;
        }
        if (IsDatabaseUp)
            _controller.Commit([.. changes.Select(change => new DatabaseChange.OfRow(change))]);
    }

    private void Settle()
    {
        for (var busy = true; busy;)
        {
            busy = false;
            while (_posted.TryDequeue(out var action))
            {
                action();
                busy = true;
            }
            while (_socket.Sent.TryDequeue(out var message))
            {
                busy = true;
                if (Hosts.Find(host => host.IsReachable && host.Peer == message.Peer) is { } host)
                    host.Receive(message.Body);
                else
                    _controller.Receive(new TransportEvent.Failed(message.Peer, Undelivered.Unreachable));
            }
        }
    }

    private (Controller, SparkleSocket) StartController()
    {
        var socket = new SparkleSocket();
        var scheduler = new Scheduler(Catalog, this, this, this, NullLogger<Scheduler>.Instance);
        Gate = new KeyGate(Time);
        Door = HostDoors.Make(Catalog, this, _options, Time, Gate, this, this);
        var controller = new Controller(
            Catalog,
            [
                Door,
                new HostRegistry(Catalog, Door, socket, new ScopeResolver(Catalog), this, this, this, _entropy, _options, Time, NullLogger<HostRegistry>.Instance),
                scheduler,
                new InstanceView(Catalog, scheduler),
                .. _rooms(),
            ]);
        controller.Load(DatabaseRows(), ++_epoch);
        return (controller, socket);
    }

    private RowChange[] DatabaseRows() =>
        [.. _database.Select(row => new RowChange(row.Key.Item1, row.Key.Item2, RowPart.Desired, row.Value))];

    /// <summary>Ids that count up: the same in every run.</summary>
    internal sealed class NumberedEntropy : IEntropy
    {
        private int _next;

        public string NextId() => $"id{++_next}";

        public Guid NextGuid() => new(++_next, 0, 0, new byte[8]);

        public double NextDouble() => 0.5;
    }

    private sealed class SparkleSocket : IMessageTransport
    {
        public Queue<(PeerId Peer, byte[] Body)> Sent { get; } = [];

        public ChannelReader<TransportEvent> Events => throw new NotSupportedException("The simulation delivers by itself.");

        public bool TrySend(PeerId peer, ReadOnlyMemory<byte> body)
        {
            Sent.Enqueue((peer, body.ToArray()));
            return true;
        }

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }
}
