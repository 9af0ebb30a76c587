using System.Threading.Channels;
using Microsoft.Extensions.Logging.Abstractions;
using PonyCloud.Shared.Messaging;
using PonyCloud.Shared.State;
using PonyCloud.Simulation.Tests.Kernel;
using PonyCloud.Sparkle.Control;
using PonyCloud.Sparkle.Database;
using PonyCloud.Sparkle.Events;
using PonyCloud.Sparkle.Hosts;
using PonyCloud.Sparkle.Placement;
using PonyCloud.TestKit.Control;

namespace PonyCloud.Simulation.Tests.Parts;

/// <summary>One start of Sparkle: its own control code, over a simulated database and network.</summary>
internal sealed class SparkleProcess : IDesiredStateWriter, IControlQueue, IStateView, IEventSink, IEpochAuthority, IMessageTransport
{
    private readonly World _world;
    private readonly Controller _controller;
    private DateTimeOffset _since;

    public SparkleProcess(World world)
    {
        _world = world;
        _since = world.Time.GetUtcNow();
        var options = new ControlOptions { Limits = world.Limits, ResyncsAtOnce = world.ResyncsAtOnce };
        var scheduler = new Scheduler(world.Catalog, this, this, this, NullLogger<Scheduler>.Instance);
        var door = HostDoors.Make(world.Catalog, this, options, world.Time, new KeyGate(world.Time), this, this);
        Registry = new HostRegistry(
            world.Catalog, door, this, new ScopeResolver(world.Catalog), this, this, this, world.Chance, options, world.Time, NullLogger<HostRegistry>.Instance);
        _controller = new Controller(
            world.Catalog, [door, Registry, .. world.Mutant.Features(world), scheduler, new InstanceView(world.Catalog, scheduler)]);
        Link = new Follower(
            world.Database,
            world.Agenda,
            (rows, epoch) =>
            {
                _world.Trace.Say($"sparkle: loaded version {Link!.Version}");
                _since = _world.Time.GetUtcNow();
                _controller.Load(rows, epoch);
            },
            steps => _controller.Commit(steps),
            () => _since = _world.Time.GetUtcNow(),
            world.Mutant.ReloadsAfterLoss);
        world.Database.Follow(Link);
        Link.Connect();
        world.Agenda.Every(options.Tick, () => IsDead, () =>
        {
            if (IsFrozen)
                return;
            _controller.Tick(_world.Time.GetElapsedTime(0));
            if (!IsCutOff && _world.Chance.Hits(0.5))
                Link.Connect();
        });
    }

    public bool IsDead { get; private set; }

    /// <summary>The process stands still, and its place is taken meanwhile.</summary>
    public bool IsFrozen { get; private set; }

    /// <summary>It was frozen: it goes on from what it last knew, without a database.</summary>
    public bool IsCutOff { get; private set; }

    public HostRegistry Registry { get; }

    public Follower Link { get; }

    public StateSnapshot? Snapshot => _controller.Published;

    public long? Epoch => _controller.Epoch;

    public DatabaseLink Database => new(Link.IsUp, _since);

    public ChannelReader<TransportEvent> Events => throw new NotSupportedException("The network delivers by itself.");

    public void Kill()
    {
        IsDead = true;
        _world.Database.Unfollow(Link);
        Link.Close();
    }

    public void Freeze()
    {
        IsFrozen = IsCutOff = true;
        _world.Database.Unfollow(Link);
        Link.Close();
    }

    public void Thaw() => IsFrozen = false;

    /// <summary>What the database's answer would be: whoever hears of a higher epoch has been superseded.</summary>
    void IEpochAuthority.Heard(long epoch)
    {
        if (epoch <= Epoch)
            return;
        if (!IsCutOff)
            throw new ViolationException($"R16: a host obeys epoch {epoch}, and the newest Sparkle has {Epoch}.");
        _world.Agenda.After(_world.Database.Delay(), () => _controller.SetEpoch(null));
    }

    public void Receive(TransportEvent transportEvent)
    {
        if (!IsFrozen)
            _controller.Receive(transportEvent);
    }

    public bool TrySend(PeerId peer, ReadOnlyMemory<byte> body)
    {
        if (_world.Network.IsSparkleFull())
            return false;
        var sent = _world.Mutant.SparkleSends(_world, peer, body.ToArray());
        _world.Checks.Desired.Sent(sent);
        _world.Network.ToAgent(this, peer, sent);
        return true;
    }

    public async Task WriteAsync(IReadOnlyList<RowWrite> writes, CancellationToken cancellation)
    {
        if (IsCutOff)
            throw new DatabaseUnavailableException("cut off");
        var done = new TaskCompletionSource();
        _world.Agenda.After(_world.Database.Delay(), () =>
        {
            try
            {
                var version = _world.Database.Insert(writes);
                _world.Agenda.After(TimeSpan.Zero, () => Link.Await(version, done));
            }
            catch (Exception e) when (e is DatabaseUnavailableException or UnconfirmedCommitException or WriteRefusedException)
            {
                _world.Trace.Say($"database: {e.Message}");
                done.TrySetException(e);
            }
        });
        await done.Task;
    }

    public void Post(Action action) => _world.Agenda.After(TimeSpan.Zero, () =>
    {
        if (!IsDead)
            action();
    });

    public void Record(PlatformEvent platformEvent) => _world.Trace.Say($"event: {platformEvent.Type} {platformEvent.Host} {platformEvent.Instance}");

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
