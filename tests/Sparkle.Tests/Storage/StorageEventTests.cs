using Newtonsoft.Json.Linq;
using NUnit.Framework;
using PonyCloud.Shared.Entities;
using PonyCloud.Sparkle.Events;
using PonyCloud.Sparkle.Storage;

namespace PonyCloud.Sparkle.Tests.Storage;

[TestFixture]
public sealed class StorageEventTests : IEventSink
{
    private static readonly StoragePoolDesired Own = StorageInMemory.Pool(1);
    private static readonly VolumeDesired Volume = StorageInMemory.Volume(11, Own) with { Content = VolumeContent.Made };

    private readonly List<PlatformEvent> _events = [];
    private StorageInMemory _storage = null!;
    private Guid _host;

    [SetUp]
    public void Start()
    {
        _events.Clear();
        _storage = new StorageInMemory();
        _storage.Add(new StorageEvents(_storage.Database.Catalog, new StorageRows(_storage.Database.Catalog), this, TimeProvider.System));
        _storage.Put(Own);
        _host = _storage.AddHost(21, (Own, 50));
        _storage.Put(Volume, new HostVolumeDesired { Host = _host, Volume = Volume.Uuid }, new VdiskDesired
        {
            Uuid = StorageInMemory.Number(41),
            Instance = StorageInMemory.Number(31),
            Volume = Volume.Uuid,
        });
    }

    [Test]
    public void A_volume_that_breaks_is_told_once_with_its_instance_and_the_words_of_its_host()
    {
        var broken = new HostVolumeCurrent { Host = _host, Volume = Volume.Uuid, Status = StorageStatus.Broken, Why = "Its file is not there." };
        _storage.Database.Report(broken);
        _storage.Database.Report(broken with { Allocated = 1 });

        var told = _events.Single();
        Assert.That((told.Type, told.Host, told.Instance), Is.EqualTo(("volume-broken", (Guid?)_host, (Guid?)StorageInMemory.Number(31))));
        Assert.That((string?)JObject.Parse(told.Data!.Text)["why"], Is.EqualTo("Its file is not there."));
        Assert.That((string?)JObject.Parse(told.Data!.Text)["volume"], Is.EqualTo(Volume.Uuid.ToString()));
    }

    [Test]
    public void A_volume_whose_host_is_gone_is_lost_unless_others_reach_it()
    {
        var shared = StorageInMemory.Pool(2, shareable: true);
        var other = StorageInMemory.Volume(12, shared) with { Content = VolumeContent.Made };
        _storage.Put(shared, other, new HostVolumeDesired { Host = _host, Volume = other.Uuid });

        _storage.Lose(_host);

        Assert.That(_events.Select(told => (told.Type, (string?)JObject.Parse(told.Data!.Text)["volume"])), Is.EqualTo([("volume-lost", Volume.Uuid.ToString())]));
    }

    [Test]
    public void A_volume_that_is_deleted_is_not_lost()
    {
        _storage.Database.Remove("volume", RowKey.Of(Volume.Uuid));
        _storage.Database.Remove("host_volume", RowKey.Of(_host.ToString(), Volume.Uuid.ToString()));
        Assert.That(_events, Is.Empty);
    }

    [Test]
    public void An_image_that_cannot_be_fetched_is_told()
    {
        var copy = new ImageCopyDesired { Uuid = StorageInMemory.Number(61), Image = StorageInMemory.Number(51), StoragePool = Own.Uuid, Host = _host };
        _storage.Put(copy);
        _storage.Database.Report(new HostImageCurrent { Host = _host, ImageCopy = copy.Uuid, Status = StorageStatus.Broken, Why = "The server answers 404." });

        var told = _events.Single();
        Assert.That(told.Type, Is.EqualTo("image-failed"));
        Assert.That((string?)JObject.Parse(told.Data!.Text)["image"], Is.EqualTo(copy.Image.ToString()));
    }

    void IEventSink.Record(PlatformEvent platformEvent) => _events.Add(platformEvent);
}
