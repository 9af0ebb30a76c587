using Dapper;
using Npgsql;
using PonyCloud.Shared.Entities;
using PonyCloud.Sparkle.Database;
using PonyCloud.TestKit.Processes;

namespace PonyCloud.Database.Tests;

/// <summary>What goes along when something of the storage goes, and rules that two transactions could only break together.</summary>
[TestFixture]
public sealed class StorageTests
{
    private readonly TenantDesired _tenant = Rows.Tenant();
    private readonly StoragePoolDesired _pool = new()
    {
        Uuid = Guid.NewGuid(),
        Name = "ceph",
        Type = StoragePoolType.Rbd,
        Config = JsonText.Parse("""{"monitors": ["a", "b"], "pool": "p"}"""),
        Secret = JsonText.Parse("""{"key": "hush"}"""),
    };

    private readonly DiskDesired _disk = new() { Id = "wwn-1", Type = DiskType.Local, Size = 10_000 };
    private InstanceDesired _instance = null!;
    private InstanceDesired _second = null!;
    private VolumeDesired _volume = null!;
    private Link _link = null!;

    [SetUp]
    public async Task OpenAsync()
    {
        _link = await Link.OpenAsync(await SharedServer.Server.CreateDatabaseAsync());
        _instance = Rows.Instance(_tenant);
        _second = Rows.Instance(_tenant, "second");
        _volume = Volume("root");
        await _link.InsertAsync(
            ("tenant", _tenant), ("instance", _instance), ("instance", _second), ("storage_pool", _pool),
            ("quota", Rows.Quota(_tenant, _pool)), ("disk", _disk with { StoragePool = _pool.Uuid }), ("volume", _volume));
    }

    [TearDown]
    public async Task CloseAsync() => await _link.DisposeAsync();

    [Test]
    public async Task A_pool_comes_back_with_its_secret_and_an_extent_with_its_range()
    {
        var extent = Extent(5, 1024);
        await _link.InsertAsync(("extent", extent));

        Assert.That(_link.State.Find<StoragePoolDesired>("storage_pool", RowKey.Of(_pool.Uuid)), Is.EqualTo(_pool));
        Assert.That(_link.State.Find<ExtentDesired>("extent", RowKey.Of(extent.Uuid)), Is.EqualTo(extent));
    }

    [Test]
    public async Task A_tenant_goes_with_all_that_uses_and_is_used()
    {
        var image = new ImageDesired { Uuid = Guid.NewGuid(), Tenant = _tenant.Uuid, Name = "golden" };
        var group = new AffinityGroupDesired { Uuid = Guid.NewGuid(), Tenant = _tenant.Uuid, Name = "apart", Type = AffinityGroupType.AntiAffinity };
        await _link.InsertAsync(
            ("image", image), ("volume", Volume("copy") with { Image = image.Uuid }), ("volume", Volume("filling") with { BaseImage = image.Uuid }),
            ("vdisk", Vdisk(_instance) with { Volume = _volume.Uuid }), ("vdisk", Vdisk(_instance) with { Image = image.Uuid }),
            ("extent", Extent(0, 10) with { Volume = _volume.Uuid }),
            ("snapshot", new SnapshotDesired { Uuid = Guid.NewGuid(), Volume = _volume.Uuid, Name = "before" }),
            ("snapshot", new SnapshotDesired { Uuid = Guid.NewGuid(), Instance = _instance.Uuid, Name = "before" }),
            ("affinity_group", group),
            ("affinity_group_instance", new AffinityGroupInstanceDesired { Uuid = Guid.NewGuid(), AffinityGroup = group.Uuid, Instance = _instance.Uuid }));

        await _link.DeleteAsync("tenant", RowKey.Of(_tenant.Uuid));

        using (Assert.EnterMultipleScope())
        {
            foreach (var entity in (string[])["instance", "volume", "image", "vdisk", "snapshot", "affinity_group", "affinity_group_instance"])
                Assert.That(_link.State.Count(entity), Is.Zero, entity);
            Assert.That(_link.State.All<ExtentDesired>().Single().Volume, Is.Null, "the extent is free");
            Assert.That(_link.State.Count("storage_pool"), Is.EqualTo(1));
        }
    }

    [Test]
    public async Task An_instance_goes_with_its_disks_and_leaves_the_volume()
    {
        await _link.InsertAsync(("vdisk", Vdisk(_instance) with { Volume = _volume.Uuid }));

        await _link.DeleteAsync("instance", RowKey.Of(_instance.Uuid));

        Assert.That((_link.State.Count("vdisk"), _link.State.Count("volume")), Is.EqualTo((0, 1)));
    }

    [Test]
    public async Task A_volume_that_an_instance_has_goes_together_with_its_vdisk_only()
    {
        var vdisk = Vdisk(_instance) with { Volume = _volume.Uuid };
        await _link.InsertAsync(("vdisk", vdisk));

        var refused = (await Assert.ThrowsAsync<WriteRefusedException>(() => _link.DeleteAsync("volume", RowKey.Of(_volume.Uuid))))!;
        Assert.That((refused.Constraint, refused.Refusal), Is.EqualTo(("vdisk_volume_fkey", Refusal.StillReferenced)));
        var deleted = _volume with { State = VolumeState.Deleted };
        refused = (await Assert.ThrowsAsync<WriteRefusedException>(() => _link.UpdateAsync("volume", _volume, deleted)))!;
        using (Assert.EnterMultipleScope())
        {
            Assert.That((refused.Constraint, refused.Refusal), Is.EqualTo(("volume_state_attached", Refusal.Rule)));
            Assert.That(refused.Columns, Is.EqualTo(["state"]));
            Assert.That(refused.Message, Is.EqualTo("An instance has the volume. Take it out of the instance first, or delete the instance."));
        }

        await _link.Writer.WriteAsync(
        [
            new RowWrite.Delete(Link.Catalog["vdisk"], RowKey.Of(vdisk.Uuid)),
            new RowWrite.Update(Link.Catalog["volume"], RowKey.Of(_volume.Uuid), _volume, deleted),
        ], CancellationToken.None);
        Assert.That(_link.State.All<VolumeDesired>().Single().State, Is.EqualTo(VolumeState.Deleted));
    }

    [Test]
    public async Task An_image_goes_and_the_volume_that_holds_its_content_stays()
    {
        var image = new ImageDesired { Uuid = Guid.NewGuid(), Tenant = _tenant.Uuid, Name = "golden" };
        await _link.InsertAsync(("image", image), ("volume", Volume("copy") with { Image = image.Uuid }));

        await _link.DeleteAsync("image", RowKey.Of(image.Uuid));

        Assert.That(_link.State.All<VolumeDesired>().Single(volume => volume.Name == "copy").Image, Is.Null);
    }

    [Test]
    public async Task A_vdisk_gets_the_lowest_free_index_from_whoever_makes_it()
    {
        var made = Enumerable.Range(0, 3).Select(_ => Vdisk(_instance) with { Image = PublicImage }).ToArray();
        await _link.InsertAsync([("image", new ImageDesired { Uuid = PublicImage, Name = "cd" }), .. made.Select(vdisk => ("vdisk", (object)vdisk))]);
        await _link.DeleteAsync("vdisk", RowKey.Of(made[1].Uuid));

        await _link.ExecuteAsync($"INSERT INTO vdisk (instance, image) VALUES ('{_instance.Uuid}', '{PublicImage}'), ('{_second.Uuid}', '{PublicImage}')");

        Assert.That(await IndexesAsync(_instance), Is.EqualTo([0, 1, 2]));
        Assert.That(await IndexesAsync(_second), Is.EqualTo([0]));
    }

    [Test]
    public async Task Many_vdisks_made_at_once_get_an_index_each()
    {
        await _link.InsertAsync(("image", new ImageDesired { Uuid = PublicImage, Name = "cd" }));

        await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => _link.ExecuteAsync(
            $"INSERT INTO vdisk (instance, image) SELECT '{_instance.Uuid}', '{PublicImage}' FROM generate_series(1, 4)")));

        Assert.That(await IndexesAsync(_instance), Is.EqualTo(Enumerable.Range(0, 32)));
    }

    [TestCase("index", "vdisk_index_unique")]
    [TestCase("", null)]
    public async Task A_vdisk_waits_for_one_that_is_being_made_and_then_picks_another_index(string given, string? refused)
    {
        await _link.InsertAsync(("image", new ImageDesired { Uuid = PublicImage, Name = "cd" }));

        await AtOnceAsync(
            $"INSERT INTO vdisk (instance, image, index) VALUES ('{_instance.Uuid}', '{PublicImage}', 0)",
            $"INSERT INTO vdisk (instance, image{(given.Length > 0 ? ", index" : "")}) VALUES ('{_instance.Uuid}', '{PublicImage}'{(given.Length > 0 ? ", 0" : "")})",
            refused);

        Assert.That(await IndexesAsync(_instance), Is.EqualTo(Enumerable.Range(0, refused is null ? 2 : 1)));
    }

    private static readonly Guid PublicImage = Guid.Parse("cccccccc-6000-4000-8000-000000000001");

    private static IEnumerable<TestCaseData> Races =>
    [
        new("INSERT INTO extent (storage_pool, disk, range) VALUES ('{pool}', 'wwn-1', '[0,10)')",
            "INSERT INTO extent (storage_pool, disk, range) VALUES ('{pool}', 'wwn-1', '[9,20)')", "extent_range_free"),
        new("INSERT INTO extent (storage_pool, disk, range) VALUES ('{pool}', 'wwn-1', '[0,10)')", "UPDATE disk SET size = 9", "disk_size_extents"),
        new("UPDATE disk SET size = 9", "INSERT INTO extent (storage_pool, disk, range) VALUES ('{pool}', 'wwn-1', '[0,10)')", "extent_range_disk"),
        new("INSERT INTO extent (storage_pool, disk, range) VALUES ('{pool}', 'wwn-1', '[0,10)')",
            "UPDATE disk SET storage_pool = NULL", "extent_disk_pool"),
        new("INSERT INTO vdisk (instance, volume) VALUES ('{instance}', '{volume}')",
            "INSERT INTO vdisk (instance, volume) VALUES ('{second}', '{volume}')", "vdisk_volume_attached"),
        new("INSERT INTO vdisk (instance, volume) VALUES ('{instance}', '{volume}')", "UPDATE volume SET state = 'deleted'", "volume_state_attached"),
        new("UPDATE volume SET state = 'deleted'", "INSERT INTO vdisk (instance, volume) VALUES ('{instance}', '{volume}')", "vdisk_volume_deleted"),
        new("INSERT INTO vdisk (instance, volume) VALUES ('{instance}', '{volume}')", "DELETE FROM volume", "vdisk_volume_fkey"),
        new("UPDATE volume SET shareable = true; INSERT INTO vdisk (instance, volume) VALUES ('{instance}', '{volume}'), ('{second}', '{volume}')",
            "UPDATE volume SET shareable = false", null),
    ];

    [TestCaseSource(nameof(Races))]
    public async Task A_rule_holds_for_two_transactions_at_once(string first, string second, string? refused) =>
        await AtOnceAsync(Named(first), Named(second), refused ?? "volume_shareable_attached");

    [TestCase("REPEATABLE READ")]
    [TestCase("SERIALIZABLE")]
    public void A_transaction_that_would_not_see_what_it_waited_for_is_refused(string level) => Assert.That(
        () => _link.ExecuteAsync(Named(
            $"BEGIN ISOLATION LEVEL {level}; INSERT INTO vdisk (instance, volume) VALUES ('{{instance}}', '{{volume}}'); COMMIT")),
        Throws.TypeOf<PostgresException>().With.Property(nameof(PostgresException.SqlState)).EqualTo(PostgresErrorCodes.FeatureNotSupported)
            .And.Message.Contains("READ COMMITTED"));

    // The second begins when the first is done and not committed, and must wait for it.
    private async Task AtOnceAsync(string first, string second, string? refused)
    {
        await using var connection = new NpgsqlConnection(_link.ConnectionString + ";Pooling=false");
        await connection.OpenAsync();
        await using var transaction = await connection.BeginTransactionAsync();
        await connection.ExecuteAsync(first);
        var waiting = _link.ExecuteAsync(second);
        await using var watching = new NpgsqlConnection(_link.ConnectionString + ";Pooling=false");
        await watching.OpenAsync();
        await Eventually.SeesAsync(
            "a transaction that waits for the other",
            _ => watching.ExecuteScalarAsync<bool>(
                "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock')"),
            waits => waits || waiting.IsCompleted);
        Assert.That(waiting.IsCompleted, Is.False, "it waits");
        await transaction.CommitAsync();

        if (refused is null)
            await waiting;
        else
            Assert.That((await Assert.ThrowsAsync<PostgresException>(() => waiting))!.ConstraintName, Is.EqualTo(refused));
    }

    private async Task<IEnumerable<int>> IndexesAsync(InstanceDesired instance)
    {
        await using var connection = new NpgsqlConnection(_link.ConnectionString);
        return await connection.QueryAsync<int>("SELECT index FROM vdisk WHERE instance = @Uuid ORDER BY index", new { instance.Uuid });
    }

    private string Named(string sql) => sql
        .Replace("{pool}", _pool.Uuid.ToString(), StringComparison.Ordinal)
        .Replace("{volume}", _volume.Uuid.ToString(), StringComparison.Ordinal)
        .Replace("{instance}", _instance.Uuid.ToString(), StringComparison.Ordinal)
        .Replace("{second}", _second.Uuid.ToString(), StringComparison.Ordinal);

    private VolumeDesired Volume(string name) => new()
    {
        Uuid = Guid.NewGuid(),
        Tenant = _tenant.Uuid,
        Name = name,
        Size = 1024,
        StoragePool = _pool.Uuid,
    };

    private ExtentDesired Extent(long start, long end) => new()
    {
        Uuid = Guid.NewGuid(),
        StoragePool = _pool.Uuid,
        Disk = _disk.Id,
        Range = new LongRange(start, end),
    };

    private static VdiskDesired Vdisk(InstanceDesired instance) => new() { Uuid = Guid.NewGuid(), Instance = instance.Uuid };
}
