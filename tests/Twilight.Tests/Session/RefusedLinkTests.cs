using NUnit.Framework;
using PonyCloud.Shared.Entities;
using PonyCloud.Shared.Messaging;
using PonyCloud.Shared.Replication;
using PonyCloud.Shared.State;
using PonyCloud.Twilight.Session;

namespace PonyCloud.Twilight.Tests.Session;

/// <summary>What a Twilight does that Sparkle does not take for the host.</summary>
[TestFixture]
public sealed class RefusedLinkTests : IEntropy
{
    private static readonly EntityCatalog Catalog = EntityCatalog.Load();
    private static readonly MessageCodec Codec = new(Catalog);
    private static readonly TimeSpan KeepAlive = TimeSpan.FromSeconds(15);
    private static readonly byte[] Refused = Codec.Encode(new Message.SparkleRefused("undeclared"));
    private static readonly HostCurrent Host = new()
    {
        Uuid = Guid.NewGuid(),
        AgentVersion = "0",
        BootId = "b",
        Kernel = "k",
        CpuModel = "m",
    };

    private SparkleLink _link = null!;
    private TimeSpan _now;
    private int _ids;

    string IEntropy.NextId() => $"id{++_ids}";

    double IEntropy.NextDouble() => 0.5;

    [SetUp]
    public void Start()
    {
        _now = TimeSpan.FromHours(1);
        _link = new SparkleLink(Catalog, Host.Uuid, this, KeepAlive, enrolmentToken: "a token");
    }

    [Test]
    public void It_introduces_itself_with_its_token_and_with_what_it_is_but_not_with_what_else_is_on_it()
    {
        Scan();
        Assert.That(
            _link.Receive(Refused, _now),
            Is.EqualTo(new[] { new Message.TwilightEnrol(Host.Uuid, "a token", Host) }));
        Assert.That(_link.Refusal, Is.EqualTo("undeclared"));
    }

    [Test]
    public void It_says_nothing_of_itself_before_it_knows_what_it_is() => Assert.That(_link.Receive(Refused, _now), Is.Empty);

    [Test]
    public void It_goes_on_greeting_and_introduces_itself_once_in_a_keep_alive_interval()
    {
        Scan();
        var (greetings, introductions) = (0, 0);
        for (var end = _now + TimeSpan.FromMinutes(10); _now < end; _now += TimeSpan.FromMilliseconds(100))
        {
            foreach (var greeting in _link.Tick(_now))
            {
                Assert.That(greeting, Is.TypeOf<Message.TwilightUpdate>().With.Property("Update").Property("Changes").Empty);
                greetings++;
                introductions += _link.Receive(Refused, _now).Count;
            }
        }
        Assert.That(greetings, Is.InRange(40, 70), "with a back-off up to the keep-alive interval");
        Assert.That(introductions, Is.InRange(20, 40));
    }

    [Test]
    public void What_changes_meanwhile_is_told_to_nobody()
    {
        Scan();
        _link.Receive(Refused, _now);
        Assert.That(_link.CurrentChanged([RowChange.Set(Catalog["host"], RowPart.Current, Host with { MemoryFree = 1 })], _now), Is.Empty);
    }

    [Test]
    public void Once_Sparkle_asks_for_everything_it_is_the_host()
    {
        Scan();
        _link.Receive(Refused, _now);
        var answer = _link.Receive(Codec.Encode(new Message.SparkleResync(new StreamId("p", 1))), _now);
        Assert.That(answer.Single(), Is.TypeOf<Message.TwilightUpdate>().With.Property("Update").Property("Changes").Not.Empty);
        Assert.That(_link.Refusal, Is.Null);
    }

    private void Scan() => _link.CurrentChanged(
        [RowChange.Set(Catalog["host"], RowPart.Current, Host with { ForeignDomains = JsonText.Parse("""[{"name":"secret"}]""") })], _now);
}
