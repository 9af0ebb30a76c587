using Npgsql;
using PonyCloud.Shared.Entities;
using PonyCloud.Sparkle.Database;
using PonyCloud.Sparkle.Database.Schema;
using PonyCloud.TestKit.Database;
using PonyCloud.TestKit.Processes;

namespace PonyCloud.Database.Tests;

/// <summary>No number is given to two contents of a volume, and what a copy left on a host is removed there, whatever became of the copy.</summary>
[TestFixture]
public sealed class VolumeCopyTests
{
    private readonly TenantDesired _tenant = Rows.Tenant();
    private readonly HostDesired _source = Rows.Host();
    private readonly HostDesired _destination = Rows.Host("ponyville");
    private readonly HostDesired _third = Rows.Host("canterlot");
    private readonly StoragePoolDesired _pool = Rows.StoragePool();
    private readonly ImageDesired _image = new() { Uuid = Guid.NewGuid(), Name = "golden" };
    private InstanceDesired _instance = null!;
    private VolumeDesired _volume = null!;
    private Link _link = null!;

    private VolumeDesired Volume => _link.State.Find<VolumeDesired>("volume", RowKey.Of(_volume.Uuid))!;

    private IEnumerable<(string Target, Guid? Host)> Tombstones =>
        _link.State.All<TombstoneDesired>().Select(tombstone => (tombstone.Target, tombstone.Host));

    [SetUp]
    public async Task OpenAsync()
    {
        _link = await Link.OpenAsync(await SharedServer.Server.CreateDatabaseAsync());
        _instance = Rows.Instance(_tenant);
        _volume = Rows.Volume(_tenant, _pool) with { Content = VolumeContent.Made };
        await _link.InsertAsync(
            ("tenant", _tenant), ("storage_pool", _pool), ("quota", Rows.Quota(_tenant, _pool)), ("image", _image),
            ("host", _source), ("host", _destination), ("host", _third), ("instance", _instance), ("volume", _volume),
            ("host_volume", new HostVolumeDesired { Host = _source.Uuid, Volume = _volume.Uuid }));
    }

    [TearDown]
    public async Task CloseAsync() => await _link.DisposeAsync();

    [Test]
    public async Task Each_copy_and_each_new_content_gets_a_number_that_none_had()
    {
        var numbers = new List<int?> { Volume.Generation };
        numbers.Add(await CopyAsync(_destination));
        numbers.Add(await CopyAsync(_third, CopyFill.Hypervisor));
        await RemoveAsync(_third);
        numbers.Add(await CopyAsync(_third));
        await _link.UpdateAsync("volume", Volume, Volume with { BaseImage = _image.Uuid });
        numbers.Add(Volume.Generation);
        await _link.UpdateAsync("volume", Volume, Volume with { BaseImage = null, Content = VolumeContent.Made });
        numbers.Add(await CopyAsync(_destination));
        await _link.UpdateAsync("volume", Volume, Volume with { Content = VolumeContent.Upload });
        numbers.Add(Volume.Generation);

        Assert.That(numbers, Is.EqualTo(new int?[] { 1, 2, 3, 4, 5, 6, 7 }));
        Assert.That(Volume.Generations, Is.EqualTo(7));
    }

    [Test]
    public async Task A_number_that_a_copy_is_to_have_is_not_taken_and_one_that_was_given_stays_given()
    {
        await _link.InsertAsync(("host_volume_copy", Copy(_destination, CopyFill.Fetch) with { Generation = 1 }));
        Assert.That(_link.State.All<HostVolumeCopyDesired>().Single().Generation, Is.EqualTo(2));

        await _link.ExecuteAsync("UPDATE volume SET generations = 1");

        Assert.That(await CopyAsync(_third), Is.EqualTo(3));
    }

    [Test]
    public async Task Two_that_copy_at_once_wait_for_each_other_and_get_numbers_of_their_own()
    {
        await using var connection = new NpgsqlConnection(_link.ConnectionString + ";Pooling=false");
        await connection.OpenAsync();
        await using var first = await connection.BeginTransactionAsync();
        await using var insert = new NpgsqlCommand(
            $"INSERT INTO host_volume_copy (host, volume, instance, fill) VALUES ('{_destination.Uuid}', '{_volume.Uuid}', '{_instance.Uuid}', 'fetch')", connection);
        await insert.ExecuteNonQueryAsync();

        var second = CopyAsync(_third);
        await Eventually.SeesAsync(
            "a copy that waits for the volume",
            _ => _link.QueryAsync<bool>("SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock')"),
            waits => waits || second.IsCompleted);
        Assert.That(second.IsCompleted, Is.False, "it waits");
        await first.CommitAsync();

        Assert.That(await second, Is.EqualTo(3));
    }

    [Test]
    public async Task A_copy_that_goes_leaves_a_tombstone_with_its_number()
    {
        await CopyAsync(_destination);

        await RemoveAsync(_destination);

        var tombstone = _link.State.All<TombstoneDesired>().Single();
        Assert.That(tombstone, Is.EqualTo(new TombstoneDesired
        {
            Uuid = tombstone.Uuid,
            Type = TombstoneType.Orphan,
            Target = $"volume-{_volume.Uuid}.2",
            StoragePool = _pool.Uuid,
            Host = _destination.Uuid,
            Size = _volume.Size,
        }));
    }

    [Test]
    public async Task A_copy_that_became_the_content_leaves_none()
    {
        var generation = await CopyAsync(_destination);
        var copy = _link.State.All<HostVolumeCopyDesired>().Single();
        var kept = _link.State.All<HostVolumeDesired>().Single();
        var (volumes, keepers, copies) = (Link.Catalog["volume"], Link.Catalog["host_volume"], Link.Catalog["host_volume_copy"]);

        await _link.Writer.WriteAsync(
            [
                new RowWrite.Update(volumes, RowKey.Of(_volume.Uuid), Volume, Volume with { Generation = generation!.Value }),
                new RowWrite.Update(keepers, keepers.KeyOf(RowPart.Desired, kept), kept, kept with { Host = _destination.Uuid }),
                new RowWrite.Update(copies, copies.KeyOf(RowPart.Desired, copy), copy, copy),
                new RowWrite.Delete(copies, copies.KeyOf(RowPart.Desired, copy)),
            ],
            CancellationToken.None);

        Assert.That((Tombstones, Volume.Generation, Volume.Content), Is.EqualTo((Array.Empty<(string, Guid?)>(), 2, VolumeContent.Made)));
        Assert.That(_link.State.All<HostVolumeDesired>().Single().Host, Is.EqualTo(_destination.Uuid));
    }

    [Test]
    public async Task With_its_instance_or_its_volume_a_copy_goes_and_leaves_a_tombstone([Values("instance", "volume", "tenant")] string what)
    {
        await CopyAsync(_destination);

        await _link.DeleteAsync(what, RowKey.Of(what == "instance" ? _instance.Uuid : what == "volume" ? _volume.Uuid : _tenant.Uuid));

        Assert.That(_link.State.Count("host_volume_copy"), Is.Zero);
        Assert.That(
            Tombstones,
            Is.EquivalentTo(new (string, Guid?)[] { ($"volume-{_volume.Uuid}.2", _destination.Uuid) }
                .Concat(what == "instance" ? [] : [(_volume.Uuid.ToString(), _source.Uuid)])));
    }

    [Test]
    public async Task A_host_that_is_gone_or_deleted_has_no_copy_and_nothing_to_remove([Values] bool isDeleted)
    {
        await CopyAsync(_destination);
        await CopyAsync(_third);
        await RemoveAsync(_third);

        foreach (var host in new[] { _destination, _third })
        {
            if (isDeleted)
                await _link.DeleteAsync("host", RowKey.Of(host.Uuid));
            else
                await _link.UpdateAsync("host", host, host with { State = HostState.Gone });
        }

        Assert.That((_link.State.Count("host_volume_copy"), Tombstones), Is.EqualTo((0, Array.Empty<(string, Guid?)>())));
    }

    [Test]
    public async Task The_keeper_that_is_given_up_takes_no_copy_along()
    {
        await CopyAsync(_destination);

        await _link.UpdateAsync("host", _source, _source with { State = HostState.Gone });

        Assert.That((_link.State.Count("host_volume"), _link.State.Count("host_volume_copy")), Is.EqualTo((0, 1)));
    }

    [TestCase("UPDATE volume SET content = 'upload'", false)]
    [TestCase("UPDATE volume SET base_image = (SELECT uuid FROM image)", false)]
    [TestCase("INSERT INTO snapshot (volume, name) SELECT uuid, 'now' FROM volume", false)]
    [TestCase("INSERT INTO snapshot (instance, name) SELECT uuid, 'now' FROM instance", false)]
    [TestCase("UPDATE volume SET name = 'other', size = size + 1", true)]
    public async Task An_order_that_makes_the_volume_another_thing_takes_what_was_fetched_away(string order, bool isKept)
    {
        await CopyAsync(_destination);
        await CopyAsync(_third, CopyFill.Hypervisor);

        await _link.ExecuteAsync(order);
        // A write that is seen is behind what was done beside it.
        await _link.InsertAsync(("config", Rows.Config("last", "1")));

        Assert.That(
            _link.State.All<HostVolumeCopyDesired>().Select(copy => copy.Fill),
            Is.EquivalentTo(isKept ? [CopyFill.Fetch, CopyFill.Hypervisor] : new[] { CopyFill.Hypervisor }));
        Assert.That(Tombstones, Is.EqualTo(isKept ? [] : new (string, Guid?)[] { ($"volume-{_volume.Uuid}.2", _destination.Uuid) }));
    }

    [Test]
    public async Task What_another_instance_may_have_had_meanwhile_is_not_what_was_copied([Values] bool isDeleted)
    {
        var disk = new VdiskDesired { Uuid = Guid.NewGuid(), Instance = _instance.Uuid, Volume = _volume.Uuid, Index = 0 };
        var other = Rows.Instance(_tenant, "other");
        await _link.InsertAsync(("vdisk", disk), ("instance", other));
        await CopyAsync(_destination);
        await CopyAsync(_third, CopyFill.Hypervisor);

        await _link.UpdateAsync("vdisk", disk, disk with { Index = 1, IopsMax = 100 });
        Assert.That(_link.State.Count("host_volume_copy"), Is.EqualTo(2));

        if (isDeleted)
            await _link.DeleteAsync("vdisk", RowKey.Of(disk.Uuid));
        else
            await _link.UpdateAsync("vdisk", disk with { Index = 1, IopsMax = 100 }, disk with { Index = 1, IopsMax = 100, Instance = other.Uuid });
        Assert.That(_link.State.Count("host_volume_copy"), Is.Zero);
    }

    [Test]
    public async Task A_host_that_keeps_it_again_may_let_it_be_used_so_what_was_fetched_is_outdated()
    {
        await CopyAsync(_destination);
        await CopyAsync(_third, CopyFill.Hypervisor);
        await _link.UpdateAsync("host", _source, _source with { State = HostState.Gone });
        await _link.UpdateAsync("host", _source with { State = HostState.Gone }, _source);

        await _link.InsertAsync(("host_volume", new HostVolumeDesired { Host = _source.Uuid, Volume = _volume.Uuid }));

        Assert.That(_link.State.All<HostVolumeCopyDesired>().Select(copy => copy.Fill), Is.EqualTo(new[] { CopyFill.Hypervisor }));
    }

    [Test]
    public async Task A_revert_takes_what_was_fetched_away()
    {
        await _link.ExecuteAsync("INSERT INTO snapshot (volume, name) SELECT uuid, 'before' FROM volume");
        await CopyAsync(_destination);

        await _link.ExecuteAsync("UPDATE volume SET revert = (SELECT uuid FROM snapshot)");
        await _link.InsertAsync(("config", Rows.Config("last", "1")));

        Assert.That(_link.State.Count("host_volume_copy"), Is.Zero);
    }

    [Test]
    public async Task Volumes_that_were_there_before_are_counted_from_what_they_have()
    {
        await using var source = NpgsqlDataSource.Create(await SharedServer.Server.CreateEmptyDatabaseAsync());
        var migrations = Migration.Embedded();
        await new SchemaMigrator([.. migrations.Where(migration => migration.Version < 23)], new TestLog<SchemaMigrator>()).ApplyAsync(source, CancellationToken.None);
        await using (var command = source.CreateCommand(
            $$"""
            INSERT INTO tenant (uuid, name) VALUES ('{{_tenant.Uuid}}', 'old');
            INSERT INTO storage_pool (uuid, name, type, config) VALUES ('{{_pool.Uuid}}', 'old', 'dir', '{"path": "/srv"}');
            INSERT INTO quota (tenant, type, "limit", storage_pool) VALUES ('{{_tenant.Uuid}}', 'storage', 100, '{{_pool.Uuid}}');
            INSERT INTO volume (uuid, tenant, name, size, storage_pool, content, generation)
                VALUES ('{{_volume.Uuid}}', '{{_tenant.Uuid}}', 'old', 10, '{{_pool.Uuid}}', 'made', 3);
            """))
            await command.ExecuteNonQueryAsync();

        await new SchemaMigrator(migrations, new TestLog<SchemaMigrator>()).ApplyAsync(source, CancellationToken.None);

        await using var generations = source.CreateCommand("SELECT generations FROM volume");
        Assert.That(await generations.ExecuteScalarAsync(), Is.EqualTo(3));
    }

    private HostVolumeCopyDesired Copy(HostDesired host, CopyFill fill) => new()
    {
        Host = host.Uuid,
        Volume = _volume.Uuid,
        Instance = _instance.Uuid,
        Fill = fill,
    };

    private async Task<int?> CopyAsync(HostDesired host, CopyFill fill = CopyFill.Fetch)
    {
        await _link.InsertAsync(("host_volume_copy", Copy(host, fill)));
        return _link.State.Find<HostVolumeCopyDesired>("host_volume_copy", KeyOf(host))!.Generation;
    }

    private Task RemoveAsync(HostDesired host) => _link.DeleteAsync("host_volume_copy", KeyOf(host));

    private RowKey KeyOf(HostDesired host) => RowKey.Of(host.Uuid.ToString(), _volume.Uuid.ToString());
}
