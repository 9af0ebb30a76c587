using System.Threading.Channels;
using Microsoft.Extensions.Logging.Abstractions;
using NUnit.Framework;
using PonyCloud.Shared.Entities;
using PonyCloud.Shared.Messaging;
using PonyCloud.Shared.State;
using PonyCloud.Simulation.Tests.Kernel;
using PonyCloud.Sparkle.Control;
using PonyCloud.Sparkle.Database;
using PonyCloud.Sparkle.Events;
using PonyCloud.Sparkle.Hosts;
using PonyCloud.Sparkle.Placement;
using PonyCloud.TestKit.Control;
using PonyCloud.Twilight.Session;

namespace PonyCloud.Simulation.Tests;

/// <summary>An order of events that random ones hit only once in tens of thousands of seeds.</summary>
[TestFixture]
public sealed class HandoverTests : IMessageTransport, IEventSink, IStateView, IEpochAuthority
{
    private readonly EntityCatalog _catalog = EntityCatalog.Load();
    private readonly Chance _chance = new(1);
    private readonly Guid _host = new("11111111-0000-0000-0000-000000000000");
    private readonly Queue<(PeerId Peer, byte[] Body)> _sent = [];
    private Controller _controller = null!;

    ChannelReader<TransportEvent> IMessageTransport.Events => throw new NotSupportedException("The test delivers by itself.");

    bool IMessageTransport.TrySend(PeerId peer, ReadOnlyMemory<byte> body)
    {
        _sent.Enqueue((peer, body.ToArray()));
        return true;
    }

    void IEventSink.Record(PlatformEvent platformEvent)
    {
    }

    StateSnapshot? IStateView.Snapshot => _controller.Published;

    DatabaseLink IStateView.Database => new(true, DateTimeOffset.UnixEpoch);

    long? IStateView.Epoch => _controller.Epoch;

    void IEpochAuthority.Heard(long epoch)
    {
    }

    ValueTask IAsyncDisposable.DisposeAsync() => ValueTask.CompletedTask;

    [SetUp]
    public void Start()
    {
        var (options, time) = (new ControlOptions(), new VirtualTime(false));
        var door = HostDoors.Make(_catalog, this, options, time);
        _controller = new Controller(
            _catalog,
            [
                door,
                new HostRegistry(
                    _catalog, door, this, new ScopeResolver(_catalog), this, this, this, _chance, options, time,
                    NullLogger<HostRegistry>.Instance),
            ]);
        _controller.Load([RowChange.Set(_catalog["host"], RowPart.Desired, new HostDesired { Uuid = _host, Name = "h", AgentKey = Origin.Key })], 1);
    }

    [Test]
    public void A_snapshot_of_a_dead_process_that_comes_after_its_successor_took_over_changes_nothing()
    {
        var dead = new SparkleLink(_catalog, _host, _chance, TimeSpan.FromSeconds(15));
        var late = Answer(dead, "dead", "old");
        var successor = new SparkleLink(_catalog, _host, _chance, TimeSpan.FromSeconds(15));
        Deliver("successor", Answer(successor, "successor", "new"));
        Assert.That(Shown?.BootId, Is.EqualTo("new"));

        Deliver("dead", late);
        Assert.That(Shown?.BootId, Is.EqualTo("new"));
    }

    private PeerOrigin Origin => SimulatedHost.OriginOf(_host);

    private HostCurrent? Shown => _controller.Published![_catalog["host"]].Find(_host)?.Current as HostCurrent;

    /// <summary>An agent starts, greets Sparkle and answers what it asks for; the answer is returned, not delivered.</summary>
    private IEnumerable<Message> Answer(SparkleLink link, string peer, string boot)
    {
        var report = new HostCurrent { Uuid = _host, AgentVersion = "0", BootId = boot, Kernel = "k", CpuModel = "m" };
        Deliver(peer, link.CurrentChanged([RowChange.Set(_catalog["host"], RowPart.Current, report)], TimeSpan.Zero));
        Deliver(peer, link.Tick(TimeSpan.Zero));
        return link.Receive(_sent.Dequeue().Body, TimeSpan.Zero);
    }

    private void Deliver(string peer, IEnumerable<Message> messages)
    {
        foreach (var message in messages)
            _controller.Receive(new TransportEvent.Received(new PeerId(peer), new MessageCodec(_catalog).Encode(message), Origin));
    }
}
