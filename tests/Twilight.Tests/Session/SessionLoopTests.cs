using Microsoft.Extensions.Logging.Abstractions;
using NUnit.Framework;
using PonyCloud.Shared.Entities;
using PonyCloud.Shared.Messaging;
using PonyCloud.Shared.Replication;
using PonyCloud.Shared.State;
using PonyCloud.TestKit.Messaging;
using PonyCloud.TestKit.Processes;
using PonyCloud.TestKit.Reconciliation;
using PonyCloud.TestKit.Time;
using PonyCloud.Twilight.Session;

namespace PonyCloud.Twilight.Tests.Session;

[CancelAfter(30_000)]
public sealed class SessionLoopTests
{
    private static readonly EntityCatalog Catalog = EntityCatalog.Load();
    private static readonly Guid Host = Guid.Parse("11111111-0000-0000-0000-000000000000");

    private readonly MessageCodec _codec = new(Catalog);
    private readonly FakeReporter _machine = new();
    private readonly FakeReporter _disks = new();
    private TemporaryDirectory _directory = null!;
    private FakeTransport _sparkle = null!;
    private FakeTransport _twilight = null!;
    private SparkleSign _sign = null!;
    private SessionLoop _loop = null!;

    [SetUp]
    public async Task StartAsync()
    {
        _directory = new TemporaryDirectory();
        var network = new FakeNetwork();
        var time = new ManualTime();
        _sign = new SparkleSign(time);
        _sparkle = network.Open(PeerId.Sparkle.Text);
        _twilight = network.Open("twilight");
        _loop = new SessionLoop(
            new SparkleLink(Catalog, Host, new SystemEntropy(), TimeSpan.FromSeconds(15)),
            _codec,
            _twilight,
            new EpochFile(_directory["epoch"]),
            [_machine, _disks],
            _sign,
            new SessionOptions(),
            time,
            NullLogger<SessionLoop>.Instance);
        await _loop.StartAsync(CancellationToken.None);
    }

    [TearDown]
    public async Task StopAsync()
    {
        await _loop.StopAsync(CancellationToken.None);
        _loop.Dispose();
        await _sparkle.DisposeAsync();
        await _twilight.DisposeAsync();
        _directory.Dispose();
    }

    [Test]
    public async Task Sparkle_is_told_what_all_reporters_found_and_all_reconcilers_what_it_orders(CancellationToken cancellationToken)
    {
        var machine = RowChange.Set(
            Catalog["host"],
            RowPart.Current,
            new HostCurrent { Uuid = Host, AgentVersion = "1", BootId = "b", Kernel = "k", CpuModel = "m" });
        var disk = RowChange.Set(
            Catalog["host_disk"], RowPart.Current, new HostDiskCurrent { Host = Host, Disk = "d", Status = StorageStatus.Ready });
        _machine.Report(machine);
        await Eventually.HoldsAsync("that the first report was taken", () => _machine.Output.Count == 0);
        _disks.Report(disk);

        await ReceiveAsync<Message.TwilightUpdate>(cancellationToken);
        Send(new Message.SparkleResync(new StreamId("sparkle", 1)) { Epoch = 1 });
        var full = await ReceiveAsync<Message.TwilightUpdate>(cancellationToken);
        Assert.That(full.Update.Changes, Is.EquivalentTo([machine, disk]));

        Send(new Message.SparkleUpdate(new StateUpdate("sparkle", 1, null, [])) { Epoch = 1 });
        var asked = await ReceiveAsync<Message.TwilightResync>(cancellationToken);
        Send(new Message.SparkleUpdate(new StateUpdate("sparkle", 0, asked.Stream, [])) { Epoch = 1 });
        Assert.That(await _machine.Ordered.WaitAsync(cancellationToken), Is.SameAs(await _disks.Ordered.WaitAsync(cancellationToken)));
    }

    private void Send(Message message) => Assert.That(_sparkle.TrySend(_twilight.RoutingId, _codec.Encode(message)), Is.True);

    private async Task<T> ReceiveAsync<T>(CancellationToken cancellationToken)
        where T : Message
    {
        while (true)
        {
            var received = (TransportEvent.Received)await _sparkle.Events.ReadAsync(cancellationToken);
            if (_codec.Decode(received.Body.Span) is T message)
                return message;
        }
    }
}
