using NUnit.Framework;
using PonyCloud.Shared.Entities;
using PonyCloud.Shared.Messaging;
using PonyCloud.Shared.State;
using PonyCloud.Sparkle.Hosts;

namespace PonyCloud.Sparkle.Tests.Hosts;

/// <summary>Who may speak for which host, as a table.</summary>
public sealed class HostAdmissionTests
{
    private static readonly EntityCatalog Catalog = EntityCatalog.Load();
    private static readonly Guid Present = Guid.NewGuid();
    private static readonly Guid Evacuated = Guid.NewGuid();
    private static readonly Guid Keyless = Guid.NewGuid();
    private static readonly Guid Gone = Guid.NewGuid();
    private static readonly Guid Nobody = Guid.NewGuid();
    private readonly HostAdmission _admission = new(Catalog);
    private StateSnapshot _state = null!;

    private static IEnumerable<TestCaseData> Claims =>
    [
        Case("its own key", Present, 'p', null, null),
        Case("its own key, evacuated", Evacuated, 'e', null, null),
        Case("the key of another host", Present, 'e', HostRefusal.OtherKey, Present),
        Case("an unknown key", Present, 'x', HostRefusal.OtherKey, Present),
        Case("an unknown key for a host without one", Keyless, 'x', HostRefusal.WithoutKey, null),
        Case("the key of another host for a host without one", Keyless, 'p', HostRefusal.WithoutKey, Present),
        Case("its own key, gone", Gone, 'g', HostRefusal.Gone, null),
        Case("another key for a host that is gone", Gone, 'x', HostRefusal.Gone, null),
        Case("an unknown key for an unknown host", Nobody, 'x', HostRefusal.Undeclared, null),
        Case("a host's key for an unknown host", Nobody, 'p', HostRefusal.Undeclared, Present),
        Case("the key of a host that is gone for an unknown host", Nobody, 'g', HostRefusal.Undeclared, Gone),
    ];

    [SetUp]
    public void Declare()
    {
        var store = new StateStore(Catalog);
        HostDesired[] hosts =
        [
            new() { Uuid = Present, Name = "present", AgentKey = Key('p') },
            new() { Uuid = Evacuated, Name = "evacuated", AgentKey = Key('e'), State = HostState.Evacuated },
            new() { Uuid = Keyless, Name = "keyless" },
            new() { Uuid = Gone, Name = "gone", AgentKey = Key('g'), State = HostState.Gone },
        ];
        store.Apply(hosts.Select(host => RowChange.Set(Catalog["host"], RowPart.Desired, host)));
        _state = store.Snapshot;
    }

    [TestCaseSource(nameof(Claims))]
    public void A_claim_is_judged_by_what_is_declared(Guid uuid, char key, HostRefusal? refusal, Guid? impersonated)
    {
        var origin = new PeerOrigin(Key(key), "192.0.2.1");
        Assert.That(_admission.Judge(_state, uuid, origin), Is.EqualTo(refusal));
        if (refusal is { } why)
            Assert.That(_admission.Impersonated(_state, uuid, origin, why), Is.EqualTo(impersonated));
    }

    [Test]
    public void Who_proves_nothing_speaks_for_nobody()
    {
        Assert.That(_admission.Judge(_state, Present, null), Is.EqualTo(HostRefusal.OtherKey));
        Assert.That(_admission.Judge(_state, Keyless, null), Is.EqualTo(HostRefusal.WithoutKey));
    }

    [Test]
    public void A_host_that_is_only_reported_and_not_declared_is_undeclared()
    {
        var store = new StateStore(Catalog);
        store.Apply([RowChange.Set(Catalog["host"], RowPart.Current, new HostCurrent
        {
            Uuid = Nobody,
            AgentVersion = "0",
            BootId = "b",
            Kernel = "k",
            CpuModel = "m",
        })]);
        Assert.That(_admission.Judge(store.Snapshot, Nobody, new PeerOrigin(Key('p'), "")), Is.EqualTo(HostRefusal.Undeclared));
    }

    private static string Key(char digit) => new(digit, 40);

    private static TestCaseData Case(string name, Guid uuid, char key, HostRefusal? refusal, Guid? impersonated) =>
        new TestCaseData(uuid, key, refusal, impersonated).SetArgDisplayNames(name);
}
