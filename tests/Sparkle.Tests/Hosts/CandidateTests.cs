using NUnit.Framework;
using PonyCloud.Shared.Entities;
using PonyCloud.Shared.Messaging;
using PonyCloud.TestKit.Control;

namespace PonyCloud.Sparkle.Tests.Hosts;

/// <summary>Strangers are shown to operators, and get nothing before one of them says so.</summary>
public sealed class CandidateTests
{
    private static readonly MessageCodec Codec = new(SimulatedPlatform.Catalog);

    private SimulatedPlatform _platform = null!;

    private List<HostCandidateCurrent> Candidates =>
        [.. _platform.State[SimulatedPlatform.Catalog["host_candidate"]].Rows.Select(row => (HostCandidateCurrent)row.Current!)];

    [SetUp]
    public void Start()
    {
        _platform = new SimulatedPlatform();
        _platform.AddTenant(); // A platform that is in use: an empty database is as good as none.
    }

    [Test]
    public void A_stranger_is_a_candidate_with_its_key_and_what_it_says_it_is()
    {
        var stranger = Stranger();
        _platform.Run(TimeSpan.FromMinutes(1));

        var candidate = Candidates.Single();
        using (Assert.EnterMultipleScope())
        {
            Assert.That(candidate.Id, Is.EqualTo($"{stranger.Uuid}.{candidate.Fingerprint}"));
            Assert.That((candidate.Uuid, candidate.AgentKey, candidate.Address), Is.EqualTo((stranger.Uuid, stranger.Origin!.Key, stranger.Origin.Address)));
            Assert.That(candidate.Fingerprint, Is.EqualTo(KeyFingerprint.Of(stranger.Origin.Key)).And.Match("^[0-9a-f]{32}$"));
            Assert.That(candidate.Why, Is.EqualTo(HostRefusal.Undeclared));
            Assert.That(candidate.LastSeen, Is.GreaterThan(candidate.FirstSeen));
            Assert.That(candidate.Inventory!.Text, Does.Contain("\"memory_total\":1024"));
            Assert.That(stranger.Heard, Is.Not.Empty.And.All.EqualTo(new Message.SparkleRefused("undeclared") { Epoch = 1 }));
            Assert.That(_platform.Find("host", stranger.Uuid.ToString()), Is.Null);
        }
    }

    [Test]
    public void A_fingerprint_is_the_first_32_digits_of_the_sha_256_of_the_keys_text() => Assert.That(
        KeyFingerprint.Of(@"rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7"),
        Is.EqualTo("84112785d1092a7effc25904531ada76"));

    [Test]
    public void A_candidate_that_an_operator_declares_with_its_key_comes_up_by_itself()
    {
        var stranger = Stranger();
        _platform.Run(TimeSpan.FromMinutes(1));
        _platform.Commit(new HostDesired { Uuid = stranger.Uuid, Name = "new", AgentKey = Candidates.Single().AgentKey });
        Assert.That(Candidates, Is.Empty);

        _platform.Run(TimeSpan.FromSeconds(20));
        using (Assert.EnterMultipleScope())
        {
            Assert.That(_platform.HostCurrent(stranger.Uuid)?.Status, Is.EqualTo(HostStatus.Present));
            Assert.That(stranger.Refusal, Is.Null);
            Assert.That(Candidates, Is.Empty);
        }
    }

    [Test]
    public void A_host_that_is_declared_without_a_key_waits_for_it()
    {
        var stranger = Stranger();
        _platform.Commit(new HostDesired { Uuid = stranger.Uuid, Name = "new" });
        _platform.Run(TimeSpan.FromMinutes(1));
        Assert.That(Candidates.Single().Why, Is.EqualTo(HostRefusal.WithoutKey));

        _platform.Commit(_platform.HostDesired(stranger.Uuid) with { AgentKey = stranger.Origin!.Key });
        _platform.Run(TimeSpan.FromSeconds(20));
        Assert.That(_platform.HostCurrent(stranger.Uuid)?.Status, Is.EqualTo(HostStatus.Present));
    }

    [Test]
    public void Accepting_one_of_two_machines_with_one_uuid_leaves_the_other_a_candidate()
    {
        var one = Stranger();
        var other = Stranger(one.Uuid);
        _platform.Run(TimeSpan.FromMinutes(1));
        Assert.That(Candidates, Has.Count.EqualTo(2));

        _platform.Commit(new HostDesired { Uuid = one.Uuid, Name = "new", AgentKey = one.Origin!.Key });
        _platform.Run(TimeSpan.FromMinutes(1));
        Assert.That(Candidates.Select(candidate => (candidate.AgentKey, candidate.Why)), Is.EqualTo(new[] { (other.Origin!.Key, HostRefusal.OtherKey) }));
        Assert.That(other.DesiredRows("host"), Is.Empty);
    }

    [Test]
    public void A_candidate_that_goes_silent_is_forgotten()
    {
        var stranger = Stranger();
        _platform.Run(TimeSpan.FromMinutes(1));
        stranger.IsReachable = false;
        _platform.Run(TimeSpan.FromMinutes(2));
        Assert.That(Candidates, Has.Count.EqualTo(1));
        _platform.Run(TimeSpan.FromMinutes(2));
        Assert.That(Candidates, Is.Empty);
    }

    [Test]
    public void One_address_has_a_few_candidates_and_all_have_a_bound()
    {
        for (var i = 0; i < 20; i++)
            Introduce(Guid.NewGuid(), "192.0.2.9");
        Assert.That(Candidates, Has.Count.EqualTo(8));

        for (var i = 0; i < 2000; i++)
            Introduce(Guid.NewGuid(), $"10.0.{i / 250}.{i % 250}");
        using (Assert.EnterMultipleScope())
        {
            Assert.That(Candidates, Has.Count.EqualTo(1000));
            Assert.That(Candidates.Select(candidate => candidate.Address), Does.Not.Contain("192.0.2.9"), "the oldest go first");
        }
    }

    [Test]
    public void A_stranger_that_says_too_much_is_shown_without_it()
    {
        Introduce(Guid.NewGuid(), "192.0.2.9", kernel: new string('k', 20_000));
        Assert.That(Candidates.Single().Inventory, Is.Null);
    }

    [Test]
    public void A_stranger_whom_nothing_vouches_for_is_no_candidate()
    {
        var uuid = Guid.NewGuid();
        _platform.ToSparkle(new PeerId("x"), Codec.Encode(new Message.TwilightEnrol(uuid, null, null)), null);
        Assert.That(Candidates, Is.Empty);
    }

    [Test]
    public void A_host_cannot_report_candidates()
    {
        var stranger = Stranger();
        _platform.Run(TimeSpan.FromMinutes(1));
        var row = Candidates.Single();
        var host = _platform.AddHost();
        _platform.Run();
        host.Report(row with { Address = "203.0.113.1" });
        _platform.Run(TimeSpan.FromSeconds(5));
        Assert.That(Candidates.Single().Address, Is.EqualTo(stranger.Origin!.Address));
    }

    /// <summary>A machine that nobody has declared, with a key that no other has.</summary>
    private SimulatedHost Stranger(Guid? uuid = null)
    {
        var stranger = new SimulatedHost(_platform, uuid ?? Guid.NewGuid(), 1024)
        {
            Origin = SimulatedHost.OriginOf(Guid.NewGuid(), "198.51.100.1"),
        };
        stranger.Start();
        return stranger;
    }

    private void Introduce(Guid uuid, string address, string kernel = "k") => _platform.ToSparkle(
        new PeerId($"p{uuid}"),
        Codec.Encode(new Message.TwilightEnrol(uuid, null, new HostCurrent
        {
            Uuid = uuid,
            AgentVersion = "0",
            BootId = "b",
            Kernel = kernel,
            CpuModel = "m",
        })),
        SimulatedHost.OriginOf(uuid, address));
}
