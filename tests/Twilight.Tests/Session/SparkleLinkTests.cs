using NUnit.Framework;
using PonyCloud.Shared.Entities;
using PonyCloud.Shared.Messaging;
using PonyCloud.Shared.Replication;
using PonyCloud.Shared.State;
using PonyCloud.Twilight.Session;

namespace PonyCloud.Twilight.Tests.Session;

[TestFixture]
public sealed class SparkleLinkTests : IEntropy
{
    private static readonly EntityCatalog Catalog = EntityCatalog.Load();
    private static readonly TimeSpan KeepAlive = TimeSpan.FromSeconds(15);
    private static readonly StreamId Asked = new("sparkle", 1);

    private readonly Guid _host = new("11111111-0000-0000-0000-000000000000");
    private readonly Guid _instance = new("22222222-0000-0000-0000-000000000000");
    private readonly MessageCodec _codec = new(Catalog);
    private int _ids;
    private TimeSpan _now;
    private SparkleLink _link = null!;

    string IEntropy.NextId() => $"t{++_ids}";

    double IEntropy.NextDouble() => 0.5;

    [SetUp]
    public void Start()
    {
        _ids = 0;
        _now = TimeSpan.Zero;
        _link = new SparkleLink(Catalog, _host, this, KeepAlive);
    }

    [Test]
    public void The_first_complete_state_is_greeted_with_at_once()
    {
        var greeting = (Message.TwilightUpdate)Report(1).Single();
        Assert.That(greeting.Update, Has.Property("Stream").Null.And.Property("Changes").Empty);
    }

    [Test]
    public void While_Sparkle_reads_nothing_only_the_newest_of_each_row_waits()
    {
        Report(1);
        Receive(new Message.SparkleResync(Asked, 2));
        Assert.That(Report(2), Has.Count.EqualTo(1));
        Assert.That(Report(3), Has.Count.EqualTo(1));
        for (var memory = 4; memory < 1000; memory++)
            Assert.That(Report(memory), Is.Empty, "the window is closed");

        var told = (Message.TwilightUpdate)Receive(new Message.SparkleAck(new Acknowledgement(Asked, 2))).Single();
        Assert.That(told.Update.Changes.Single().Value, Has.Property("MemoryFree").EqualTo(999));
        Assert.That(told.Update.Digest, Is.EqualTo(DigestOf(told.Update.Changes)));
    }

    [Test]
    public void What_happens_without_end_is_told_a_bounded_number_of_times_and_only_to_somebody_who_listens()
    {
        var noise = new Notification("noise", EventSeverity.Info, null, DateTimeOffset.UnixEpoch, null);
        Report(1);
        Assert.That(_link.Notify(noise, _now), Is.Empty, "nobody listens yet");
        Receive(new Message.SparkleResync(Asked));
        Assert.That(Enumerable.Range(0, 1000).Sum(_ => _link.Notify(noise, _now).Count), Is.EqualTo(100));
        Assert.That(Enumerable.Range(0, 1000).Sum(_ => _link.Notify(noise, TimeSpan.FromSeconds(2)).Count), Is.EqualTo(20));
        Assert.That(_link.Unnotified, Is.EqualTo(1 + 900 + 980));
    }

    [Test]
    public void A_keep_alive_past_a_closed_window_does_not_say_what_is_held_back()
    {
        Report(1);
        Receive(new Message.SparkleResync(Asked, 1));
        Report(2);
        Report(3);
        _now += KeepAlive;
        var keepAlive = (Message.TwilightUpdate)_link.Tick(_now).Single();
        Assert.That(keepAlive.Update, Has.Property("Seq").EqualTo(2).And.Property("Changes").Empty.And.Property("Digest").Null);
    }

    [Test]
    public void Nothing_of_a_lower_epoch_is_looked_at_nor_anything_without_one()
    {
        Report(1);
        Assert.That(Receive(new Message.SparkleResync(Asked) { Epoch = 5 }), Is.Not.Empty);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(Receive(new Message.SparkleResync(new StreamId("old", 1)) { Epoch = 4 }), Is.Empty);
            Assert.That(Receive(new Message.SparkleResync(new StreamId("old", 1))), Is.Empty);
            Assert.That(_link.Outdated, Is.EqualTo(2));
            Assert.That(_link.Epoch, Is.EqualTo(5));
            Assert.That(Report(2).Single().Epoch, Is.EqualTo(5), "an old controller learns from it that it was superseded");
        }
    }

    [Test]
    public void An_epoch_that_a_predecessor_heard_binds_as_well()
    {
        _link = new SparkleLink(Catalog, _host, this, KeepAlive, epoch: 9);
        Report(1);
        Assert.That(Receive(new Message.SparkleResync(Asked) { Epoch = 8 }), Is.Empty);
    }

    [Test]
    public void A_place_that_is_named_as_gone_was_taken_by_an_order_and_one_that_is_missing_was_not()
    {
        var other = Guid.Parse("33333333-0000-0000-0000-000000000000");
        Report(1);
        FullState(Place(_instance), Place(other));
        Assert.That(_link.Released, Is.Empty);

        FullState(RowChange.Remove(Catalog["host_instance"], RowPart.Desired, RowKey.Of(_host.ToString(), _instance.ToString())));
        Assert.That(_link.Released, Is.EquivalentTo(new[] { _instance }));
        Assert.That(_link.Replica[Catalog["host_instance"]].Rows, Is.Empty);

        FullState(Place(_instance));
        Assert.That(_link.Released, Is.Empty, "it has a place again");
    }

    [Test]
    public void A_copy_that_is_not_what_Sparkle_holds_is_asked_for_anew_and_stands_meanwhile()
    {
        Report(1);
        var stream = FullState(Place(_instance));
        var version = _link.DesiredVersion;
        var wrong = new StateUpdate("inc", 1, stream, []) { Digest = new StateDigest(1, 42) };
        Assert.That(Receive(new Message.SparkleUpdate(wrong)).Single(), Is.TypeOf<Message.TwilightResync>());
        Assert.That(_link.DesiredVersion, Is.EqualTo(version));
        Assert.That(_link.Replica[Catalog["host_instance"]].Rows.Count(), Is.EqualTo(1));
    }

    private RowChange Place(Guid instance) =>
        RowChange.Set(Catalog["host_instance"], RowPart.Desired, new HostInstanceDesired { Host = _host, Instance = instance });

    private static StateDigest DigestOf(IEnumerable<RowChange> rows) =>
        rows.Aggregate(default(StateDigest), (digest, row) => digest.With(new RowHasher().Hash(row)));

    private IReadOnlyList<Message> Report(long memoryFree) => _link.CurrentChanged(
        [
            RowChange.Set(Catalog["host"], RowPart.Current, new HostCurrent
            {
                Uuid = _host,
                AgentVersion = "0",
                BootId = "b",
                Kernel = "k",
                CpuModel = "m",
                MemoryFree = memoryFree,
            }),
        ],
        _now);

    /// <summary>Sparkle is made to send everything; the stream that it does so in is returned.</summary>
    private StreamId FullState(params RowChange[] rows)
    {
        var request = (Message.TwilightResync)Receive(new Message.SparkleUpdate(new StateUpdate("somebody else", 1, null, []))).Single();
        Receive(new Message.SparkleUpdate(new StateUpdate("inc", 0, request.Stream, rows)));
        return request.Stream!;
    }

    private IReadOnlyList<Message> Receive(Message message) => _link.Receive(_codec.Encode(message), _now);
}
