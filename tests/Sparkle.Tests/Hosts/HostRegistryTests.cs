using System.Threading.Channels;
using Microsoft.Extensions.Logging.Abstractions;
using NUnit.Framework;
using PonyCloud.Shared.Entities;
using PonyCloud.Shared.Messaging;
using PonyCloud.Shared.Replication;
using PonyCloud.Shared.State;
using PonyCloud.Sparkle.Control;
using PonyCloud.Sparkle.Database;
using PonyCloud.Sparkle.Events;
using PonyCloud.Sparkle.Hosts;
using PonyCloud.Sparkle.Placement;
using PonyCloud.TestKit.Control;
using PonyCloud.TestKit.Time;

namespace PonyCloud.Sparkle.Tests.Hosts;

/// <summary>The sessions message by message: what Sparkle says to whom, and what it shows.</summary>
[TestFixture]
public sealed class HostRegistryTests : IMessageTransport, IEventSink, IStateView, IEpochAuthority, IEntropy
{
    private static readonly EntityCatalog Catalog = EntityCatalog.Load();
    private static readonly PeerId First = new("first");
    private static readonly PeerId Second = new("second");

    private readonly MessageCodec _codec = new(Catalog);
    private readonly Queue<(PeerId Peer, Message Message)> _sent = [];
    private readonly List<PlatformEvent> _events = [];
    private readonly Dictionary<PeerId, int> _starts = [];
    private readonly List<RowChange> _database = [];
    private Controller _controller = null!;
    private SteppedTime _time = null!;
    private int _ids;

    ChannelReader<TransportEvent> IMessageTransport.Events => throw new NotSupportedException("The test delivers by itself.");

    StateSnapshot? IStateView.Snapshot => _controller.Published;

    DatabaseLink IStateView.Database => new(true, DateTimeOffset.UnixEpoch);

    long? IStateView.Epoch => _controller.Epoch;

    bool IMessageTransport.TrySend(PeerId peer, ReadOnlyMemory<byte> body)
    {
        _sent.Enqueue((peer, _codec.Decode(body.Span)));
        return true;
    }

    void IEventSink.Record(PlatformEvent platformEvent) => _events.Add(platformEvent);

    void IEpochAuthority.Heard(long epoch)
    {
    }

    string IEntropy.NextId() => $"s{++_ids}";

    double IEntropy.NextDouble() => 0.5;

    ValueTask IAsyncDisposable.DisposeAsync() => ValueTask.CompletedTask;

    [SetUp]
    public void Start() => Start(new ControlOptions());

    [Test]
    public void A_second_live_process_is_refused_and_changes_nothing()
    {
        var host = Declare();
        Join(host, First, "boot of the first");
        Greet(host, Second);
        Assert.That(Heard(Second), Is.Empty, "before it is known whether the first lives, the second is told nothing");

        Answer(host, First, "boot of the first");
        Assert.That(Heard(Second), Has.Exactly(1).EqualTo(new Message.SparkleRefused(Message.SparkleRefused.Taken) { Epoch = 1 }));
        Assert.That(_events, Is.Empty, "these may have been the last words of a process that is dead");

        _time.Advance(TimeSpan.FromSeconds(10));
        Greet(host, Second);
        Answer(host, First, "boot of the first");
        Say(host, Second, 0, new StreamId("s1", 1), "boot of the second");
        using (Assert.EnterMultipleScope())
        {
            Assert.That(_events.Select(what => what.Type), Is.EqualTo(new[] { "host-contested" }));
            Assert.That(Shown(host)?.BootId, Is.EqualTo("boot of the first"));
        }
    }

    [Test]
    public void When_a_message_to_the_holder_fails_whoever_came_later_takes_over()
    {
        var host = Declare();
        Join(host, First, "old");
        Greet(host, Second);
        _controller.Receive(new TransportEvent.Failed(First, Undelivered.Unreachable));
        Answer(host, Second, "new");
        Assert.That(Shown(host)?.BootId, Is.EqualTo("new"));
    }

    [Test]
    public void A_holder_that_does_not_answer_loses_the_host()
    {
        var host = Declare();
        Join(host, First, "frozen");
        Greet(host, Second);
        _time.Advance(TimeSpan.FromSeconds(15));
        _controller.Tick(_time.Elapsed);
        Answer(host, Second, "new");
        Assert.That(Shown(host)?.BootId, Is.EqualTo("new"));
    }

    [Test]
    public void No_more_hosts_are_asked_at_once_than_may_be_and_the_others_in_their_turn()
    {
        Start(new ControlOptions { ResyncsAtOnce = 2 });
        var hosts = Enumerable.Range(0, 5).Select(_ => Declare()).ToArray();
        var peers = hosts.Select((_, i) => new PeerId($"peer{i}")).ToArray();
        for (var i = 0; i < hosts.Length; i++)
            Greet(hosts[i], peers[i]);
        Assert.That(Asked(), Is.EqualTo(new[] { peers[0], peers[1] }));

        Answer(hosts[1], peers[1], "b");
        Assert.That(Asked(), Is.EqualTo(new[] { peers[2] }));

        // Two that do not answer give up their turns.
        _time.Advance(TimeSpan.FromSeconds(10));
        _sent.Clear();
        _controller.Tick(_time.Elapsed);
        Assert.That(Asked().Distinct(), Is.SupersetOf(new[] { peers[3], peers[4] }));
    }

    [Test]
    public void A_report_that_is_not_what_the_host_says_that_it_is_leads_to_a_full_state_and_an_event()
    {
        var host = Declare();
        var stream = Join(host, First, "b");
        Deliver(First, new Message.TwilightUpdate(host, new StateUpdate("first0", 1, stream, []) { Digest = new StateDigest(3, 3) }));
        using (Assert.EnterMultipleScope())
        {
            Assert.That(_events.Select(what => what.Type), Is.EqualTo(new[] { "replica-diverged" }));
            Assert.That(Heard(First).OfType<Message.SparkleResync>().Count(), Is.EqualTo(1));
            Assert.That(Shown(host)?.BootId, Is.EqualTo("b"), "what is known stands until the full state is there");
        }
    }

    [Test]
    public void A_place_that_an_order_took_away_is_named_and_one_that_is_missing_after_a_reload_is_not()
    {
        var host = Declare();
        var (ordered, moved, missing) = (Guid.NewGuid(), Guid.NewGuid(), Guid.NewGuid());
        foreach (var instance in new[] { ordered, moved, missing })
            Commit(Instance(instance), Place(host, instance));
        Join(host, First, "b", ordered, moved, missing);

        Commit(RowChange.Remove(Catalog["host_instance"], RowPart.Desired, PlaceKey(host, ordered)), RowChange.Remove(Catalog["instance"], RowPart.Desired, RowKey.Of(ordered)));
        // Read anew, without the place of one that still exists, and without anything of another.
        _controller.Load([.. _database.Where(row => row.Value is not null
            && row.Key != PlaceKey(host, moved) && row.Key != PlaceKey(host, missing) && row.Key != RowKey.Of(missing))], 1);

        Deliver(First, new Message.TwilightResync(host, new StreamId("t", 9)));
        var full = Heard(First).OfType<Message.SparkleUpdate>().Last(message => message.Update.Seq == 0).Update;
        Assert.That(full.Changes.Where(change => change.Value is null).Select(change => change.Key), Is.EquivalentTo(new[] { PlaceKey(host, ordered), PlaceKey(host, moved) }));
    }

    [Test]
    public void A_host_that_reads_nothing_is_sent_the_newest_of_each_row_once_it_does()
    {
        var host = Declare();
        var instance = Guid.NewGuid();
        Commit(Instance(instance), Place(host, instance));
        Join(host, First, "b");
        var stream = new StreamId("t", 1);
        Deliver(First, new Message.TwilightResync(host, stream, 4));
        _sent.Clear();
        for (var mem = 1; mem <= 1000; mem++)
            Commit(Instance(instance, mem));
        Assert.That(_sent, Has.Count.EqualTo(4), "the window is closed");

        _sent.Clear();
        Deliver(First, new Message.TwilightAck(host, new Acknowledgement(stream, 4)));
        var update = Heard(First).OfType<Message.SparkleUpdate>().Single().Update;
        Assert.That(update.Changes.Single().Value, Has.Property("Mem").EqualTo(1000));
    }

    [Test]
    public void A_controller_that_was_superseded_says_nothing()
    {
        var host = Declare();
        Join(host, First, "b");
        _sent.Clear();
        _controller.SetEpoch(null);
        _time.Advance(TimeSpan.FromSeconds(20));
        _controller.Tick(_time.Elapsed);
        Greet(host, Second);
        Assert.That(_sent, Is.Empty);
    }

    [Test]
    public void A_host_that_notifies_without_end_is_heard_a_bounded_number_of_times()
    {
        var host = Declare();
        Join(host, First, "b");
        for (var i = 0; i < 1000; i++)
            Deliver(First, new Message.TwilightNotify(host, new Notification("noise", EventSeverity.Info, null, DateTimeOffset.UnixEpoch, null)));
        Assert.That(_events, Has.Count.EqualTo(100));
        _time.Advance(TimeSpan.FromSeconds(1));
        for (var i = 0; i < 1000; i++)
            Deliver(First, new Message.TwilightNotify(host, new Notification("noise", EventSeverity.Info, null, DateTimeOffset.UnixEpoch, null)));
        Assert.That(_events, Has.Count.EqualTo(110));
    }

    private static RowKey PlaceKey(Guid host, Guid instance) => RowKey.Of(host.ToString(), instance.ToString());

    private static RowChange Place(Guid host, Guid instance) =>
        RowChange.Set(Catalog["host_instance"], RowPart.Desired, new HostInstanceDesired { Host = host, Instance = instance });

    private static RowChange Instance(Guid uuid, long mem = 128) =>
        RowChange.Set(Catalog["instance"], RowPart.Desired, new InstanceDesired { Uuid = uuid, Tenant = Guid.Empty, Name = "i", Mem = mem });

    private void Start(ControlOptions options)
    {
        _sent.Clear();
        _events.Clear();
        _starts.Clear();
        _database.Clear();
        _ids = 0;
        _time = new SteppedTime();
        _controller = new Controller(
            Catalog,
            [new HostRegistry(Catalog, HostDoors.Make(Catalog, this, options, _time), this, new ScopeResolver(Catalog), this, this, this, this, options, _time, NullLogger<HostRegistry>.Instance)]);
        _controller.Load([], 1);
    }

    private Guid Declare()
    {
        var host = Guid.NewGuid();
        Commit(RowChange.Set(Catalog["host"], RowPart.Desired, new HostDesired { Uuid = host, Name = "h", AgentKey = KeyOf(host) }));
        return host;
    }

    private void Commit(params RowChange[] rows)
    {
        foreach (var row in rows)
        {
            _database.RemoveAll(known => known.Entity == row.Entity && known.Key == row.Key);
            _database.Add(row);
        }
        _controller.Commit([.. rows.Select(row => new DatabaseChange.OfRow(row))]);
    }

    private HostCurrent? Shown(Guid host) => _controller.Published![Catalog["host"]].Find(host)?.Current as HostCurrent;

    /// <summary>A process greets and completes its exchange.</summary>
    private StreamId Join(Guid host, PeerId peer, string boot, params Guid[] instances)
    {
        Greet(host, peer);
        return Answer(host, peer, boot, instances);
    }

    private void Greet(Guid host, PeerId peer) =>
        Deliver(peer, new Message.TwilightUpdate(host, new StateUpdate($"{peer}{_starts.GetValueOrDefault(peer)}", 1, null, [])));

    /// <summary>The peer sends the full state that it was asked for last.</summary>
    private StreamId Answer(Guid host, PeerId peer, string boot, params Guid[] instances)
    {
        var request = Heard(peer).OfType<Message.SparkleResync>().Last().Stream!;
        _sent.Clear();
        Say(host, peer, 0, request, boot, instances);
        return request;
    }

    private void Say(Guid host, PeerId peer, long seq, StreamId stream, string boot, params Guid[] instances)
    {
        var own = RowChange.Set(Catalog["host"], RowPart.Current, new HostCurrent { Uuid = host, AgentVersion = "0", BootId = boot, Kernel = "k", CpuModel = "m" });
        var places = instances.Select(instance => RowChange.Set(
            Catalog["host_instance"], RowPart.Current, new HostInstanceCurrent { Host = host, Instance = instance, Status = InstanceStatus.Running }));
        Deliver(peer, new Message.TwilightUpdate(host, new StateUpdate($"{peer}{_starts.GetValueOrDefault(peer)}", seq, stream, [own, .. places])));
    }

    private IEnumerable<Message> Heard(PeerId peer) => [.. _sent.Where(sent => sent.Peer == peer).Select(sent => sent.Message)];

    private IEnumerable<PeerId> Asked() => [.. _sent.Where(sent => sent.Message is Message.SparkleResync).Select(sent => sent.Peer)];

    private static string KeyOf(Guid host) => $"{host:N}aaaaaaaa";

    private void Deliver(PeerId peer, Message.FromTwilight message) =>
        _controller.Receive(new TransportEvent.Received(peer, _codec.Encode(message), new PeerOrigin(KeyOf(message.Uuid), "127.0.0.1")));
}
