using System.Text;
using NUnit.Framework;
using PonyCloud.Shared.Entities;
using PonyCloud.Shared.Messaging;
using PonyCloud.Shared.Replication;
using PonyCloud.Shared.State;

namespace PonyCloud.Shared.Tests.Messaging;

[TestFixture]
public sealed class MessageCodecTests
{
    private const string Uuid = "9ece4546-1199-42b0-acf5-1b68f393683a";

    private static readonly EntityCatalog Catalog = EntityCatalog.Load();

    private MessageCodec _codec = null!;

    [SetUp]
    public void Make() => _codec = new MessageCodec(Catalog);

    private Message Decode(string json) => _codec.Decode(Encoding.UTF8.GetBytes(json));

    [Test]
    public void Every_message_reads_as_the_specification_says()
    {
        var place = new HostInstanceDesired { Host = Guid.Parse(Uuid), Instance = Guid.Empty };
        var update = new StateUpdate("inc", 4, new StreamId("p", 2),
        [
            RowChange.Set(Catalog["host_instance"], RowPart.Desired, place),
            RowChange.Remove(Catalog["config"], RowPart.Desired, RowKey.Of("a")),
        ]);
        var when = new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero);
        var host = new HostCurrent
        {
            Uuid = Guid.Parse(Uuid),
            AgentVersion = "0",
            BootId = "b",
            Kernel = "k",
            CpuModel = "m",
        };
        (Message Message, string Json)[] golden =
        [
            (new Message.SparkleUpdate(update),
                $$"""{"event":"sparkle-update-state","incarnation":"inc","seq":4,"stream":"p:2","changes":[["host_instance",["{{Uuid}}","{{Guid.Empty}}"],"desired",{"host":"{{Uuid}}","instance":"{{Guid.Empty}}"}],["config","a","desired",null]]}"""),
            (new Message.TwilightUpdate(Guid.Parse(Uuid), new StateUpdate("inc", 0, null, [])),
                $$"""{"event":"twilight-update-state","uuid":"{{Uuid}}","incarnation":"inc","seq":0,"changes":[]}"""),
            (new Message.SparkleResync(null, 0), """{"event":"sparkle-resync"}"""),
            (new Message.SparkleResync(new StreamId("p", 7)) { Epoch = 3 }, """{"event":"sparkle-resync","epoch":3,"stream":"p:7","window":32}"""),
            (new Message.TwilightResync(Guid.Parse(Uuid), new StreamId("p", 1)), $$"""{"event":"twilight-resync","uuid":"{{Uuid}}","stream":"p:1","window":32}"""),
            (new Message.SparkleUpdate(new StateUpdate("inc", 5, new StreamId("p", 2), []) { Digest = new StateDigest(12, 255) }) { Epoch = 3, Taken = new Acknowledgement(new StreamId("q", 1), 9) },
                $$"""{"event":"sparkle-update-state","epoch":3,"taken_stream":"q:1","taken_seq":9,"incarnation":"inc","seq":5,"stream":"p:2","schema":"{{Catalog.Fingerprint}}","rows":12,"digest":"00000000000000ff","changes":[]}"""),
            (new Message.SparkleChunk(new StateChunk("inc", new StreamId("p", 2), 1, true, [RowChange.Remove(Catalog["config"], RowPart.Desired, RowKey.Of("a"))])),
                """{"event":"sparkle-state-chunk","incarnation":"inc","stream":"p:2","chunk":1,"last":true,"changes":[["config","a","desired",null]]}"""),
            (new Message.TwilightChunk(Guid.Parse(Uuid), new StateChunk("inc", new StreamId("p", 2), 0, false, [])) { Epoch = 4 },
                $$"""{"event":"twilight-state-chunk","uuid":"{{Uuid}}","epoch":4,"incarnation":"inc","stream":"p:2","chunk":0,"changes":[]}"""),
            (new Message.SparkleAck(new Acknowledgement(new StreamId("q", 1), 0, 3)), """{"event":"sparkle-ack","taken_stream":"q:1","taken_seq":0,"taken_chunk":3}"""),
            (new Message.TwilightAck(Guid.Parse(Uuid), new Acknowledgement(new StreamId("q", 1), 8)),
                $$"""{"event":"twilight-ack","uuid":"{{Uuid}}","taken_stream":"q:1","taken_seq":8}"""),
            (new Message.SparkleRefused(Message.SparkleRefused.Taken), """{"event":"sparkle-refused","reason":"taken"}"""),
            (new Message.TwilightNotify(Guid.Parse(Uuid), new Notification("instance-crashed", EventSeverity.Error, Guid.Empty, when, JsonText.Parse("""{"a":1}"""))),
                $$$"""{"event":"twilight-notify","uuid":"{{{Uuid}}}","type":"instance-crashed","severity":"error","instance":"{{{Guid.Empty}}}","time":"2026-01-02T03:04:05.0000000Z","data":{"a":1}}"""),
            (new Message.TwilightEnrol(Guid.Parse(Uuid), "secret", host),
                $$$"""{"event":"twilight-enrol","uuid":"{{{Uuid}}}","token":"secret","host":{"uuid":"{{{Uuid}}}","status":"present","agent_version":"0","boot_id":"b","boot_time":"0001-01-01T00:00:00Z","kernel":"k","cpu_model":"m","cpu_threads":0,"cpu_features":[],"memory_total":0,"memory_free":0,"addresses":[]}}"""),
            (new Message.TwilightEnrol(Guid.Parse(Uuid), null, null), $$"""{"event":"twilight-enrol","uuid":"{{Uuid}}"}"""),
            (new Message.SparkleRefused("undeclared"), """{"event":"sparkle-refused","reason":"undeclared"}"""),
        ];
        using (Assert.EnterMultipleScope())
        {
            foreach (var (message, json) in golden)
            {
                Assert.That(Encoding.UTF8.GetString(_codec.Encode(message)), Is.EqualTo(json));
                Assert.That(Encoding.UTF8.GetString(_codec.Encode(Decode(json))), Is.EqualTo(json));
            }
        }
    }

    [Test]
    public void Fields_come_in_any_order_and_unknown_ones_are_passed_over()
    {
        var message = Decode($$"""{"changes":[],"later":{"x":[1,2]},"seq":7,"incarnation":"i","uuid":"{{Uuid}}","event":"twilight-update-state"}""");
        Assert.That(message, Is.TypeOf<Message.TwilightUpdate>().With.Property("Update").Property("Seq").EqualTo(7));
    }

    [Test]
    public void Tables_and_parts_of_a_newer_version_are_passed_over_and_counted()
    {
        var message = (Message.SparkleUpdate)Decode(
            """{"event":"sparkle-update-state","incarnation":"i","seq":1,"changes":[["moon","m","desired",{"x":{"y":1}}],["config","a","planned",{}],["config","a","desired",{"key":"a","value":1,"since":"later"}]]}""");
        using (Assert.EnterMultipleScope())
        {
            Assert.That(message.Update.Changes.Single().Value, Is.EqualTo(new ConfigDesired { Key = "a", Value = JsonText.Parse("1") }));
            Assert.That(_codec.UnknownTables, Is.EqualTo(2));
        }
    }

    [Test]
    public void An_event_of_a_newer_version_is_no_error() =>
        Assert.That(Decode("""{"event":"sparkle-dance","steps":3}"""), Is.EqualTo(new Message.Unknown("sparkle-dance")));

    [TestCase("")]
    [TestCase("[]")]
    [TestCase("null")]
    [TestCase("{")]
    [TestCase("{}")]
    [TestCase("""{"event":1}""")]
    [TestCase("""{"event":"sparkle-resync"} x""")]
    [TestCase("""{"event":"sparkle-resync","stream":"no counter"}""")]
    [TestCase("""{"event":"twilight-resync"}""")]
    [TestCase("""{"event":"twilight-resync","uuid":"x"}""")]
    [TestCase("""{"event":"sparkle-update-state","seq":0,"changes":[]}""")]
    [TestCase("""{"event":"sparkle-update-state","incarnation":"i","seq":-1,"changes":[]}""")]
    [TestCase("""{"event":"sparkle-update-state","incarnation":"i","seq":1.5,"changes":[]}""")]
    [TestCase("""{"event":"sparkle-update-state","incarnation":"i","seq":1}""")]
    [TestCase("""{"event":"sparkle-update-state","incarnation":"i","seq":1,"changes":{}}""")]
    [TestCase("""{"event":"sparkle-update-state","incarnation":"i","seq":1,"changes":[1]}""")]
    [TestCase("""{"event":"sparkle-update-state","incarnation":"i","seq":1,"changes":[["config","a","desired"]]}""")]
    [TestCase("""{"event":"sparkle-update-state","incarnation":"i","seq":1,"changes":[["config","a","desired",null,1]]}""")]
    [TestCase("""{"event":"sparkle-update-state","incarnation":"i","seq":1,"changes":[["config",["a","b"],"desired",null]]}""")]
    [TestCase("""{"event":"sparkle-update-state","incarnation":"i","seq":1,"changes":[["config","b","desired",{"key":"a","value":1}]]}""")]
    [TestCase("""{"event":"sparkle-update-state","incarnation":"i","seq":1,"changes":[["config","a","desired",{"key":"a"}]]}""")]
    [TestCase("""{"event":"sparkle-update-state","incarnation":"i","seq":1,"changes":[["config","a","desired",{"key":5,"value":1}]]}""")]
    [TestCase("""{"event":"sparkle-update-state","incarnation":"i","seq":1,"changes":[["config","a\u0001","desired",null]]}""")]
    [TestCase("""{"event":"sparkle-refused"}""")]
    [TestCase("""{"event":"twilight-enrol"}""")]
    [TestCase("""{"event":"twilight-enrol","uuid":"9ece4546-1199-42b0-acf5-1b68f393683a","token":""}""")]
    [TestCase("""{"event":"twilight-enrol","uuid":"9ece4546-1199-42b0-acf5-1b68f393683a","host":{"uuid":"9ece4546-1199-42b0-acf5-1b68f393683a"}}""")]
    [TestCase("""{"event":"twilight-notify","uuid":"9ece4546-1199-42b0-acf5-1b68f393683a","type":"x","severity":"loud","time":"2026-01-02T03:04:05Z"}""")]
    public void What_is_no_message_is_refused_without_repeating_it(string body) =>
        Assert.That(() => Decode(body), Throws.TypeOf<MalformedMessageException>().With.Message.Length.LessThan(120));

    [Test]
    public void Random_and_deeply_nested_bytes_are_refused()
    {
        var random = new Random(7);
        var template = _codec.Encode(new Message.SparkleUpdate(new StateUpdate("i", 0, new StreamId("p", 1),
            [RowChange.Set(Catalog["config"], RowPart.Desired, new ConfigDesired { Key = "a", Value = JsonText.Parse("[1]") })])));
        for (var i = 0; i < 20_000; i++)
        {
            var body = (byte[])template.Clone();
            for (var flips = random.Next(1, 6); flips > 0; flips--)
                body[random.Next(body.Length)] = (byte)random.Next(256);
            try
            {
                _codec.Decode(body);
            }
            catch (MalformedMessageException)
            {
                continue;
            }
        }
        Assert.That(() => Decode(new string('[', 100_000)), Throws.TypeOf<MalformedMessageException>());
        Assert.That(() => Decode("{\"event\":" + new string('[', 100_000)), Throws.TypeOf<MalformedMessageException>());
    }

    [Test]
    public void A_secret_never_travels()
    {
        var user = new UserDesired { Email = "a@b", Data = JsonText.Parse("""{"hash":"secret"}""") };
        var body = _codec.Encode(new Message.SparkleUpdate(new StateUpdate("i", 0, null, [RowChange.Set(Catalog["user"], RowPart.Desired, user)])));
        Assert.That(Encoding.UTF8.GetString(body), Does.Not.Contain("secret").And.Not.Contain("data"));
    }
}
