using Dapper;
using Npgsql;
using PonyCloud.Shared.Entities;
using PonyCloud.Sparkle.Database;

namespace PonyCloud.Database.Tests;

/// <summary>What is deleted is gone at once, and what stays of it in a pool is known until a host has removed it.</summary>
[TestFixture]
public sealed class TombstoneTests
{
    private readonly TenantDesired _tenant = Rows.Tenant();
    private readonly HostDesired _keeper = Rows.Host();
    private readonly HostDesired _other = Rows.Host("ponyville");
    private readonly StoragePoolDesired _own = Rows.StoragePool("own");
    private readonly StoragePoolDesired _shared = Rows.StoragePool("shared") with { Shareable = true };
    private readonly DiskDesired _disk = new() { Id = "wwn-1", Type = DiskType.Local, Size = 10_000 };
    private readonly ImageDesired _image = new() { Uuid = Guid.NewGuid(), Name = "golden" };
    private Link _link = null!;

    [SetUp]
    public async Task OpenAsync()
    {
        _link = await Link.OpenAsync(await SharedServer.Server.CreateDatabaseAsync());
        await _link.InsertAsync(
            ("tenant", _tenant), ("host", _keeper), ("host", _other), ("storage_pool", _own), ("storage_pool", _shared), ("image", _image),
            ("quota", Rows.Quota(_tenant, _own)), ("quota", Rows.Quota(_tenant, _shared)), ("disk", _disk with { StoragePool = _shared.Uuid }));
    }

    [TearDown]
    public async Task CloseAsync() => await _link.DisposeAsync();

    [Test]
    public async Task A_volume_that_a_host_keeps_leaves_one_with_all_it_had_in_the_same_transaction()
    {
        var volume = await MakeAsync(_shared, row => row with { Unit = 7 });
        var extent = new ExtentDesired { Uuid = Guid.NewGuid(), StoragePool = _shared.Uuid, Disk = _disk.Id, Range = new LongRange(0, 10), Volume = volume.Uuid };
        await _link.InsertAsync(("extent", extent));

        await DeleteAsync(volume);

        var tombstone = _link.State.All<TombstoneDesired>().Single();
        using (Assert.EnterMultipleScope())
        {
            Assert.That(tombstone, Is.EqualTo(new TombstoneDesired
            {
                Uuid = tombstone.Uuid,
                Type = TombstoneType.Volume,
                Target = volume.Uuid.ToString(),
                StoragePool = _shared.Uuid,
                Host = _keeper.Uuid,
                Unit = 7,
                Size = volume.Size,
            }));
            Assert.That(_link.State.All<ExtentDesired>().Single(), Is.EqualTo(extent with { Volume = null, Tombstone = tombstone.Uuid }));
            Assert.That(_link.State.All<HostVolumeDesired>(), Is.Empty);
            Assert.That(
                _link.State.Transactions[^1].OfType<DatabaseChange.OfRow>().Select(change => change.Change.Entity.Name).Distinct(),
                Is.EquivalentTo(["volume", "host_volume", "extent", "tombstone", "metering"]), "no moment without either");
        }
    }

    [Test]
    public async Task What_nobody_was_told_to_make_leaves_none()
    {
        var volume = await MakeAsync(_shared, isKept: false);

        await DeleteAsync(volume);

        Assert.That(_link.State.All<TombstoneDesired>(), Is.Empty);
    }

    [Test]
    public async Task What_was_made_and_has_no_keeper_leaves_one_for_whoever_reaches_it([Values] bool isShared)
    {
        var volume = await MakeAsync(isShared ? _shared : _own, row => row with { Content = VolumeContent.Made }, isKept: false);

        await DeleteAsync(volume);

        Assert.That(_link.State.All<TombstoneDesired>().Select(tombstone => tombstone.Host), Is.EqualTo(isShared ? new Guid?[] { null } : []));
    }

    [Test]
    public async Task Space_that_is_handed_on_stays_taken_until_it_is_said_to_be_wiped()
    {
        var volume = await MakeAsync(_shared, row => row with { Unit = 7 });
        await _link.InsertAsync(("extent", new ExtentDesired
        {
            Uuid = Guid.NewGuid(),
            StoragePool = _shared.Uuid,
            Disk = _disk.Id,
            Range = new LongRange(0, 10),
            Volume = volume.Uuid,
        }));
        await DeleteAsync(volume);
        var tombstone = _link.State.All<TombstoneDesired>().Single();

        var refused = (await Assert.ThrowsAsync<WriteRefusedException>(() => _link.DeleteAsync("tombstone", RowKey.Of(tombstone.Uuid))))!;
        Assert.That(refused.Constraint, Is.EqualTo("extent_tombstone_fkey").Or.EqualTo("tombstone_unit_done"));
        await _link.Writer.WriteAsync(
            [
                new RowWrite.Update(Link.Catalog["tombstone"], RowKey.Of(tombstone.Uuid), tombstone, tombstone with { Done = true }),
                new RowWrite.Delete(Link.Catalog["tombstone"], RowKey.Of(tombstone.Uuid)),
            ],
            CancellationToken.None);

        Assert.That((_link.State.Count("tombstone"), _link.State.Count("extent")), Is.EqualTo((0, 0)));
    }

    [Test]
    public async Task A_snapshot_leaves_one_inside_of_its_volume_and_takes_the_order_to_revert_back()
    {
        var volume = await MakeAsync(_own, row => row with { Content = VolumeContent.Made });
        var snapshot = await SnapAsync(volume);
        await ExecuteAsync($"UPDATE volume SET revert = '{snapshot.Uuid}'");

        await _link.DeleteAsync("snapshot", RowKey.Of(snapshot.Uuid));

        var tombstone = _link.State.All<TombstoneDesired>().Single();
        using (Assert.EnterMultipleScope())
        {
            Assert.That((tombstone.Type, tombstone.Target, tombstone.Volume, tombstone.Host),
                Is.EqualTo((TombstoneType.Snapshot, snapshot.Uuid.ToString(), (Guid?)volume.Uuid, (Guid?)_keeper.Uuid)));
            Assert.That(_link.State.All<VolumeDesired>().Single(), Is.EqualTo(volume with { Reverts = 1 }));
        }
        await DeleteAsync(volume);
        Assert.That(_link.State.All<TombstoneDesired>().Select(left => left.Type), Is.EqualTo([TombstoneType.Volume]), "it goes with the volume");
    }

    [Test]
    public async Task A_snapshot_that_is_ordered_to_go_takes_the_order_to_revert_back()
    {
        var volume = await MakeAsync(_own, row => row with { Content = VolumeContent.Made });
        var snapshot = await SnapAsync(volume);
        await ExecuteAsync($"UPDATE volume SET revert = '{snapshot.Uuid}'");

        await _link.UpdateAsync("snapshot", snapshot, snapshot with { State = SnapshotState.Deleted });

        Assert.That(_link.State.All<VolumeDesired>().Single().Revert, Is.Null);
    }

    [Test]
    public async Task An_image_leaves_one_for_each_of_its_copies()
    {
        await _link.InsertAsync(
            ("image_copy", Copy(_own, _keeper)), ("image_copy", Copy(_own, _other)), ("image_copy", Copy(_shared, _other)));

        await _link.DeleteAsync("image", RowKey.Of(_image.Uuid));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(_link.State.Count("image_copy"), Is.Zero);
            Assert.That(
                _link.State.All<TombstoneDesired>().Select(left => (left.Type, left.Target, left.StoragePool, left.Host)),
                Is.EquivalentTo([
                    (TombstoneType.Image, _image.Uuid.ToString(), _own.Uuid, (Guid?)_keeper.Uuid),
                    (TombstoneType.Image, _image.Uuid.ToString(), _own.Uuid, (Guid?)_other.Uuid),
                    (TombstoneType.Image, _image.Uuid.ToString(), _shared.Uuid, (Guid?)_other.Uuid),
                ]));
        }
    }

    [Test]
    public async Task A_tenant_goes_at_once_and_leaves_tombstones_only()
    {
        var volume = await MakeAsync(_shared);
        await SnapAsync(volume);
        await _link.InsertAsync(("volume", Rows.Volume(_tenant, _shared, "copy") with { BaseVolume = volume.Uuid }));

        await _link.DeleteAsync("tenant", RowKey.Of(_tenant.Uuid));

        Assert.That(
            (_link.State.Count("tenant"), _link.State.Count("volume"), _link.State.Count("snapshot"), _link.State.Count("tombstone")),
            Is.EqualTo((0, 0, 0, 1)));
    }

    [Test]
    public async Task A_host_that_is_gone_hands_on_what_others_reach_and_drops_the_rest([Values] bool isDeleted)
    {
        var shared = await MakeAsync(_shared);
        var unit = await MakeAsync(_own, row => row with { Name = "unit", Unit = 3 });
        var own = await MakeAsync(_own, row => row with { Name = "own" });
        var kept = await MakeAsync(_shared, row => row with { Name = "kept" });
        await _link.InsertAsync(
            ("image_copy", Copy(_own, _keeper)),
            ("host_storage_pool", new HostStoragePoolDesired { Host = _keeper.Uuid, StoragePool = _own.Uuid }),
            ("tombstone", new TombstoneDesired { Uuid = Guid.NewGuid(), Target = "some/orphan", StoragePool = _shared.Uuid, Host = _keeper.Uuid }));
        foreach (var volume in (VolumeDesired[])[shared, unit, own])
            await DeleteAsync(volume);

        if (isDeleted)
            await _link.DeleteAsync("host", RowKey.Of(_keeper.Uuid));
        else
            await _link.UpdateAsync("host", _keeper, _keeper with { State = HostState.Gone });

        using (Assert.EnterMultipleScope())
        {
            Assert.That(
                _link.State.All<TombstoneDesired>().Select(left => (left.Target, left.Host)),
                Is.EquivalentTo([(shared.Uuid.ToString(), (Guid?)null), (unit.Uuid.ToString(), null)]), "a unit is handed on wiped only");
            Assert.That(_link.State.All<VolumeDesired>(), Is.EqualTo(new[] { kept }), "it waits for another keeper");
            foreach (var entity in (string[])["host_volume", "image_copy", "host_storage_pool"])
                Assert.That(_link.State.Count(entity), Is.Zero, entity);
        }
    }

    [Test]
    public async Task A_volume_that_goes_while_its_host_is_given_up_is_not_left_to_that_host()
    {
        var volume = await MakeAsync(_shared);
        await using var connection = new NpgsqlConnection(_link.ConnectionString + ";Pooling=false");
        await connection.OpenAsync();
        await using (var deleting = await connection.BeginTransactionAsync())
        {
            await connection.ExecuteAsync($"DELETE FROM volume WHERE uuid = '{volume.Uuid}'");
            var given = _link.UpdateAsync("host", _keeper, _keeper with { State = HostState.Gone });
            await deleting.CommitAsync();
            await given;
        }

        Assert.That(_link.State.All<TombstoneDesired>().Select(left => left.Host), Is.EqualTo(new Guid?[] { null }));
    }

    private async Task<VolumeDesired> MakeAsync(StoragePoolDesired pool, Func<VolumeDesired, VolumeDesired>? with = null, bool isKept = true)
    {
        var plain = Rows.Volume(_tenant, pool);
        var volume = with?.Invoke(plain) ?? plain;
        await _link.InsertAsync(("volume", volume));
        if (isKept)
            await _link.InsertAsync(("host_volume", new HostVolumeDesired { Host = _keeper.Uuid, Volume = volume.Uuid }));
        return volume;
    }

    private async Task<SnapshotDesired> SnapAsync(VolumeDesired volume)
    {
        var snapshot = new SnapshotDesired { Uuid = Guid.NewGuid(), Volume = volume.Uuid, Name = "before" };
        await _link.InsertAsync(("snapshot", snapshot));
        return snapshot;
    }

    private Task DeleteAsync(VolumeDesired volume) => _link.DeleteAsync("volume", RowKey.Of(volume.Uuid));

    // Seen by whoever counts what follows.
    private async Task ExecuteAsync(string sql)
    {
        await _link.ExecuteAsync(sql);
        await _link.InsertAsync(("config", Rows.Config("executed", "1")));
    }

    private ImageCopyDesired Copy(StoragePoolDesired pool, HostDesired host) => new()
    {
        Uuid = Guid.NewGuid(),
        Image = _image.Uuid,
        StoragePool = pool.Uuid,
        Host = host.Uuid,
    };
}
