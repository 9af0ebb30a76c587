using Microsoft.Extensions.Logging.Abstractions;
using NUnit.Framework;
using PonyCloud.Shared.Entities;
using PonyCloud.Shared.State;
using PonyCloud.TestKit.Processes;
using PonyCloud.Twilight.Metadata;
using PonyCloud.Twilight.Metadata.Documents;
using PonyCloud.Twilight.Metadata.Seeds;
using PonyCloud.Twilight.Networks.Working;
using PonyCloud.Twilight.Tools;

namespace PonyCloud.Twilight.Tests.Metadata;

/// <summary>The disks of instances that reach no metadata service, made by the real tool.</summary>
public sealed class SeedDisksTests
{
    private readonly StateStore _orders = new(EntityCatalog.Load());
    private TemporaryDirectory _directory = null!;
    private MetadataRows _rows = null!;
    private SeedDisks _seeds = null!;

    [SetUp]
    public void Make()
    {
        _directory = new TemporaryDirectory("seeds");
        _rows = new MetadataRows(MetadataScene.Host, _orders.Catalog, new HostCards());
        _seeds = new SeedDisks(
            new SeedOptions { Directory = _directory["made"] }, _rows,
            new ToolRunner(Guid.NewGuid(), TimeProvider.System, NullLogger<ToolRunner>.Instance), NullLogger<SeedDisks>.Instance);
        Set("instance", MetadataScene.WebRow);
        Set("host_instance", new HostInstanceDesired
        {
            Host = MetadataScene.Host,
            Instance = MetadataScene.Web,
        });
        Set("vdisk", MetadataScene.Disk(MetadataScene.Web));
    }

    [TearDown]
    public void Remove() => _directory.Dispose();

    [Test]
    public async Task The_disk_has_what_cloud_init_looks_for()
    {
        await _seeds.BeforeStartAsync(MetadataScene.Web, CancellationToken.None);

        var disk = _seeds.PathFor(_orders.Snapshot, MetadataScene.Web)!;
        Assert.That(await ChildProcess.RunAsync("blkid", ["--probe", "--output", "export", disk]), Does.Contain("LABEL=cidata\n").And.Contain("TYPE=iso9660"));
        await ChildProcess.RunAsync("xorriso", ["-no_rc", "-osirrox", "on", "-indev", disk, "-extract", "/", _directory["read"]]);
        var files = Directory.EnumerateFiles(_directory["read"]).ToDictionary(file => Path.GetFileName(file)!, File.ReadAllText);
        Assert.That(files, Is.EquivalentTo(NoCloudFiles.Of(_rows.Find(MetadataScene.Web)!)));
    }

    [Test]
    public async Task It_is_root_s_alone_and_nothing_is_beside_it()
    {
        await _seeds.BeforeStartAsync(MetadataScene.Web, CancellationToken.None);

        Assert.That(Directory.EnumerateFileSystemEntries(_directory["made"]), Is.EqualTo([_seeds.PathFor(_orders.Snapshot, MetadataScene.Web)]));
        Assert.That(File.GetUnixFileMode(_seeds.PathFor(_orders.Snapshot, MetadataScene.Web)!), Is.EqualTo(UnixFileMode.UserRead | UnixFileMode.UserWrite));
    }

    [Test]
    public async Task Each_start_makes_it_anew()
    {
        await _seeds.BeforeStartAsync(MetadataScene.Web, CancellationToken.None);
        var before = await File.ReadAllBytesAsync(_seeds.PathFor(_orders.Snapshot, MetadataScene.Web)!);
        Set("instance", MetadataScene.WebRow with { UserData = "another" });
        await _seeds.BeforeStartAsync(MetadataScene.Web, CancellationToken.None);

        var now = await File.ReadAllBytesAsync(_seeds.PathFor(_orders.Snapshot, MetadataScene.Web)!);
        Assert.That((before.AsSpan().IndexOf("another"u8) >= 0, now.AsSpan().IndexOf("another"u8) >= 0), Is.EqualTo((false, true)));
    }

    [Test]
    public async Task Who_reaches_the_service_has_none()
    {
        await _seeds.BeforeStartAsync(MetadataScene.Web, CancellationToken.None);
        Set("switch", MetadataScene.Orders.Switches[0]);
        Set("network", MetadataScene.Leased);
        Set("vnic", MetadataScene.Card(1, MetadataScene.Web, MetadataScene.Switch, 0));
        Set("address", MetadataScene.Address(1, 1, MetadataScene.Leased, "10.0.0.1"));
        Set("switch_port", MetadataScene.Orders.Ports[MetadataScene.Switch].First());
        await _seeds.BeforeStartAsync(MetadataScene.Web, CancellationToken.None);

        Assert.That(_seeds.PathFor(_orders.Snapshot, MetadataScene.Web), Is.Null);
        Assert.That(Directory.EnumerateFileSystemEntries(_directory["made"]), Is.Empty);
    }

    [Test]
    public async Task Who_has_no_disk_of_its_own_has_none()
    {
        _orders.Apply([RowChange.Remove(_orders.Catalog["vdisk"], RowPart.Desired, RowKey.Of(MetadataScene.Disk(MetadataScene.Web).Uuid.ToString()))]);
        _rows.DesiredChanged(_orders.Snapshot, null);
        await _seeds.BeforeStartAsync(MetadataScene.Web, CancellationToken.None);

        Assert.That(_seeds.PathFor(_orders.Snapshot, MetadataScene.Web), Is.Null);
        Assert.That(Directory.Exists(_directory["made"]), Is.False);
    }

    /// <summary>It has no place here yet, and is not started here.</summary>
    [Test]
    public async Task One_that_comes_from_another_host_finds_its_disk()
    {
        _orders.Apply([RowChange.Remove(
            _orders.Catalog["host_instance"], RowPart.Desired, RowKey.Of(MetadataScene.Host.ToString(), MetadataScene.Web.ToString()))]);
        Set("host_migration", new HostMigrationDesired
        {
            Host = MetadataScene.Host,
            Instance = MetadataScene.Web,
            Role = MigrationRole.Receive,
            Turn = Guid.NewGuid(),
            PeerHost = Guid.NewGuid(),
        });
        await _seeds.BeforeArrivalAsync(MetadataScene.Web, CancellationToken.None);

        Assert.That(File.Exists(_seeds.PathFor(_orders.Snapshot, MetadataScene.Web)), Is.True);
    }

    [Test]
    public async Task It_goes_with_the_instance()
    {
        _seeds.Forget(MetadataScene.Web);
        await _seeds.BeforeStartAsync(MetadataScene.Web, CancellationToken.None);
        _seeds.Forget(MetadataScene.Web);

        Assert.That(Directory.EnumerateFileSystemEntries(_directory["made"]), Is.Empty);
    }

    [Test]
    public void A_start_that_is_withdrawn_leaves_nothing_behind()
    {
        Assert.That(
            async () => await _seeds.BeforeStartAsync(MetadataScene.Web, new CancellationToken(canceled: true)),
            Throws.InstanceOf<OperationCanceledException>());
        Assert.That(Directory.EnumerateFileSystemEntries(_directory["made"]), Is.Empty);
    }

    [Test]
    public async Task What_a_former_start_left_behind_is_in_nobody_s_way()
    {
        Directory.CreateDirectory(_directory[$"made/{MetadataScene.Web}.content/deep"]);
        await File.WriteAllTextAsync(_directory[$"made/{MetadataScene.Web}.making"], "half");
        await _seeds.BeforeStartAsync(MetadataScene.Web, CancellationToken.None);

        Assert.That(Directory.EnumerateFileSystemEntries(_directory["made"]), Is.EqualTo([_seeds.PathFor(_orders.Snapshot, MetadataScene.Web)]));
    }

    private void Set(string entity, object row)
    {
        _orders.Apply([RowChange.Set(_orders.Catalog[entity], RowPart.Desired, row)]);
        _rows.DesiredChanged(_orders.Snapshot, null);
    }
}
