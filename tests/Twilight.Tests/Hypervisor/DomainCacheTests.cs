using NUnit.Framework;
using PonyCloud.TestKit.Time;
using PonyCloud.Twilight.Hypervisor;
using PonyCloud.Twilight.Hypervisor.Libvirt;

namespace PonyCloud.Twilight.Tests.Hypervisor;

public sealed class DomainCacheTests
{
    private static readonly Guid One = Guid.NewGuid();
    private static readonly Guid Other = Guid.NewGuid();
    private static readonly TimeSpan KnownFor = TimeSpan.FromSeconds(10);

    private ManualTime _time = null!;
    private DomainCache<ObservedDevices> _cache = null!;
    private int _reads;

    [SetUp]
    public void Make()
    {
        _time = new ManualTime();
        _cache = new DomainCache<ObservedDevices>(_time, KnownFor);
        _reads = 0;
    }

    [Test]
    public void While_nothing_happens_nothing_is_read()
    {
        for (var pass = 0; pass < 100; pass++)
        {
            Look(One);
            Look(Other);
        }

        Assert.That(_reads, Is.EqualTo(2));
    }

    [Test]
    public void What_happened_to_a_domain_is_read_anew_and_the_others_are_not()
    {
        Look(One);
        Look(Other);

        _cache.Forget(One);
        Look(One);
        Look(Other);

        Assert.That(_reads, Is.EqualTo(3));
    }

    [Test]
    public void Another_start_is_read_anew_even_if_nobody_told_of_it()
    {
        Look(One, id: 1);
        Look(One, id: 2);

        Assert.That(_reads, Is.EqualTo(2));
    }

    [Test]
    public void Nothing_outlives_the_connection()
    {
        Look(One);
        Look(Other);

        _cache.ForgetAll();
        Look(One);
        Look(Other);

        Assert.That(_reads, Is.EqualTo(4));
    }

    [Test]
    public void What_nobody_tells_of_is_seen_after_a_while()
    {
        Look(One);
        _time.Advance(KnownFor);
        Look(One);

        Assert.That(_reads, Is.EqualTo(2));
    }

    [Test]
    public void What_happens_while_it_is_read_is_read_anew()
    {
        _cache.Get(One, 1, () =>
        {
            _cache.Forget(One);
            return ObservedDevices.None;
        });
        Look(One);
        Look(One);

        Assert.That(_reads, Is.EqualTo(1));
    }

    [Test]
    public void A_domain_that_is_gone_is_not_remembered()
    {
        Assert.That(_cache.Get(One, 1, () => null), Is.Null);
        Look(One);

        Assert.That(_reads, Is.EqualTo(1));
    }

    private void Look(Guid domain, uint id = 1) => _cache.Get(domain, id, () =>
    {
        _reads++;
        return new ObservedDevices([new ObservedInterface { Vnic = null }], [], false);
    });
}
