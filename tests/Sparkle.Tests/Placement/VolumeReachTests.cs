using Microsoft.Extensions.Logging.Abstractions;
using NUnit.Framework;
using PonyCloud.Shared.Entities;
using PonyCloud.Sparkle.Placement;
using PonyCloud.Sparkle.Tests.Storage;

namespace PonyCloud.Sparkle.Tests.Placement;

/// <summary>An instance goes where its volumes are.</summary>
[TestFixture]
public sealed class VolumeReachTests
{
    private static readonly StoragePoolDesired Own = StorageInMemory.Pool(1);
    private static readonly StoragePoolDesired Shared = StorageInMemory.Pool(2, StoragePoolType.Netfs, shareable: true);
    private static readonly Guid Instance = StorageInMemory.Number(31);
    private static readonly VolumeDesired Root = StorageInMemory.Volume(11, Own);
    private static readonly VolumeDesired Data = StorageInMemory.Volume(12, Shared);

    private StorageInMemory _storage = null!;
    private VolumeReach _reach = null!;

    [SetUp]
    public void Start()
    {
        _storage = new StorageInMemory();
        _reach = new VolumeReach(_storage.Database.Catalog);
        _storage.Put(Own, Shared);
    }

    [Test]
    public void Without_volumes_every_host_will_do() => Assert.That(_reach.HostsOf(_storage.Database.Snapshot!, Instance, out _), Is.Null);

    [Test]
    public void A_shared_volume_is_reached_by_every_host_that_has_its_pool()
    {
        var first = _storage.AddHost(21, (Shared, 50));
        var second = _storage.AddHost(22, (Shared, 50));
        _storage.AddHost(23, (Own, 50));
        _storage.Report(_storage.AddHost(24, (Shared, 50)), Shared, 50, StorageStatus.Broken);
        _storage.Put(Data, Attach(Data));
        Assert.That(_reach.HostsOf(_storage.Database.Snapshot!, Instance, out _), Is.EquivalentTo([first, second]));
    }

    [Test]
    public void A_volume_of_a_host_s_own_pool_is_reached_by_the_host_that_keeps_it()
    {
        _storage.AddHost(21, (Own, 50), (Shared, 50));
        var keeper = _storage.AddHost(22, (Own, 60), (Shared, 50));
        _storage.Put(Root, Data, Attach(Root), Attach(Data));
        Assert.That(_reach.HostsOf(_storage.Database.Snapshot!, Instance, out _), Is.EqualTo(new[] { keeper }));
    }

    [Test]
    public void An_image_in_a_drive_is_fetched_by_every_host()
    {
        _storage.AddHost(21, (Own, 50));
        _storage.Put(new VdiskDesired { Uuid = StorageInMemory.Number(41), Instance = Instance, Image = StorageInMemory.Number(42), Index = 0 });
        Assert.That(_reach.HostsOf(_storage.Database.Snapshot!, Instance, out _), Is.Null);
    }

    [Test]
    public void What_is_in_the_way_is_said_in_words()
    {
        _storage.Put(Root, Attach(Root));
        Refused("Its volume volume 11 is on no host.");

        var keeper = _storage.AddHost(21, (Own, 50));
        _storage.Hear(keeper, HostStatus.Unreachable);
        Refused("No host that is present reaches its volume volume 11.");

        _storage.Hear(keeper, HostStatus.Present);
        _storage.AddHost(22, (Shared, 50));
        _storage.Put(Data, Attach(Data));
        Refused("No host reaches all of its volumes.");

        void Refused(string words)
        {
            Assert.That(_reach.HostsOf(_storage.Database.Snapshot!, Instance, out var why), Is.Empty);
            Assert.That(why, Is.EqualTo(words));
        }
    }

    [Test]
    public void An_instance_waits_for_its_volume_and_is_placed_where_that_is()
    {
        var tenant = new TenantDesired { Uuid = StorageInMemory.Number(41), Name = "tenant", Approved = true };
        var instance = new InstanceDesired { Uuid = Instance, Tenant = tenant.Uuid, Name = "web", State = InstanceState.Running, Mem = 128 };
        var scheduler = new Scheduler(_storage.Database.Catalog, _storage.Database, _storage, _storage.Database, NullLogger<Scheduler>.Instance);
        _storage.Add(scheduler);
        _storage.AddHost(21, (Shared, 50));
        _storage.Put(tenant, Root, Attach(Root), instance);
        Assert.That(scheduler.WhyNot(Instance), Is.EqualTo("Its volume volume 11 is on no host."));

        var keeper = _storage.AddHost(22, (Own, 50));
        _storage.Run(TimeSpan.FromSeconds(1));

        Assert.That(_storage.All<HostInstanceDesired>(), Is.EqualTo(new[] { new HostInstanceDesired { Host = keeper, Instance = Instance } }));
    }

    private static VdiskDesired Attach(VolumeDesired volume) => new()
    {
        Uuid = StorageInMemory.Number(100 + (volume == Root ? 1 : 2)),
        Instance = Instance,
        Volume = volume.Uuid,
    };
}
