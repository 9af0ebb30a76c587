using Npgsql;
using PonyCloud.Shared.Entities;
using PonyCloud.TestKit.Processes;

namespace PonyCloud.Database.Tests;

/// <summary>Orders to a volume are counted by the database, so that what a host did for an older one is never taken for the newer.</summary>
[TestFixture]
public sealed class VolumeOrderTests
{
    private readonly TenantDesired _tenant = Rows.Tenant();
    private readonly StoragePoolDesired _pool = Rows.StoragePool();
    private readonly HostDesired _host = Rows.Host();
    private readonly ImageDesired _image = new() { Uuid = Guid.NewGuid(), Name = "golden" };
    private VolumeDesired _source = null!;
    private VolumeDesired _volume = null!;
    private SnapshotDesired _snapshot = null!;
    private Link _link = null!;

    private VolumeDesired Volume => _link.State.Find<VolumeDesired>("volume", RowKey.Of(_volume.Uuid))!;

    [SetUp]
    public async Task OpenAsync()
    {
        _link = await Link.OpenAsync(await SharedServer.Server.CreateDatabaseAsync());
        _source = Rows.Volume(_tenant, _pool, "source");
        _volume = Rows.Volume(_tenant, _pool) with { Content = VolumeContent.Made };
        _snapshot = new SnapshotDesired { Uuid = Guid.NewGuid(), Volume = _volume.Uuid, Name = "before" };
        await _link.InsertAsync(
            ("tenant", _tenant), ("storage_pool", _pool), ("quota", Rows.Quota(_tenant, _pool)), ("host", _host), ("image", _image),
            ("volume", _source), ("volume", _volume), ("snapshot", _snapshot));
    }

    [TearDown]
    public async Task CloseAsync() => await _link.DisposeAsync();

    [Test]
    public async Task Naming_something_to_fill_a_volume_from_orders_a_new_content()
    {
        await ChangeAsync(volume => volume with { BaseImage = _image.Uuid });
        Assert.That((Volume.Content, Volume.Generation), Is.EqualTo((VolumeContent.Pending, 2)));

        await ChangeAsync(volume => volume with { BaseImage = null, BaseVolume = _source.Uuid });
        Assert.That((Volume.Content, Volume.Generation), Is.EqualTo((VolumeContent.Pending, 3)), "another one");

        await ChangeAsync(volume => volume with { BaseVolume = null });
        Assert.That((Volume.Content, Volume.Generation), Is.EqualTo((VolumeContent.Pending, 4)), "an empty one");
    }

    [Test]
    public async Task What_the_platform_says_of_a_content_is_no_order_for_another()
    {
        await ChangeAsync(volume => volume with { BaseImage = _image.Uuid });

        await ChangeAsync(volume => volume with { BaseImage = null, Content = VolumeContent.Made });

        Assert.That(Volume, Is.EqualTo(_volume with { Generation = 2, Generations = 2 }));
    }

    [Test]
    public async Task An_upload_is_a_new_content()
    {
        await ChangeAsync(volume => volume with { Content = VolumeContent.Upload });

        Assert.That((Volume.Content, Volume.Generation), Is.EqualTo((VolumeContent.Upload, 2)));
    }

    [Test]
    public async Task A_volume_that_an_instance_has_is_sent_no_other_content()
    {
        var instance = Rows.Instance(_tenant);
        var disk = new VdiskDesired { Uuid = Guid.NewGuid(), Instance = instance.Uuid, Volume = _volume.Uuid, Index = 0 };
        await _link.InsertAsync(("instance", instance));
        await using var connection = new NpgsqlConnection(_link.ConnectionString + ";Pooling=false");
        await connection.OpenAsync();
        await using var attaching = await connection.BeginTransactionAsync();
        await using var attach = new NpgsqlCommand(
            $"INSERT INTO vdisk (uuid, instance, volume, index) VALUES ('{disk.Uuid}', '{instance.Uuid}', '{_volume.Uuid}', 0)", connection);
        await attach.ExecuteNonQueryAsync();

        var sending = _link.ExecuteAsync($"UPDATE volume SET content = 'upload' WHERE uuid = '{_volume.Uuid}'");
        await Eventually.SeesAsync(
            "an upload that waits for the disk",
            _ => _link.QueryAsync<bool>("SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock')"),
            waits => waits || sending.IsCompleted);
        Assert.That(sending.IsCompleted, Is.False, "it waits");
        await attaching.CommitAsync();

        Assert.That((await Assert.ThrowsAsync<PostgresException>(() => sending))!.ConstraintName, Is.EqualTo("volume_content_attached"));
    }

    [Test]
    public async Task Another_name_or_size_is_no_new_content()
    {
        await ChangeAsync(volume => volume with { Name = "other", Size = 20 });

        Assert.That(Volume, Is.EqualTo(_volume with { Name = "other", Size = 20 }));
    }

    [Test]
    public async Task Naming_a_snapshot_orders_one_more_revert_and_taking_it_back_none()
    {
        await ChangeAsync(volume => volume with { Revert = _snapshot.Uuid });
        Assert.That((Volume.Revert, Volume.Reverts), Is.EqualTo(((Guid?)_snapshot.Uuid, 1)));

        await ChangeAsync(volume => volume with { Revert = null });
        Assert.That((Volume.Revert, Volume.Reverts), Is.EqualTo(((Guid?)null, 1)));

        await ChangeAsync(volume => volume with { Revert = _snapshot.Uuid });
        Assert.That(Volume.Reverts, Is.EqualTo(2));
    }

    [Test]
    public async Task A_revert_waits_for_whoever_deletes_the_snapshot_and_is_refused()
    {
        await using var connection = new NpgsqlConnection(_link.ConnectionString + ";Pooling=false");
        await connection.OpenAsync();
        await using var deleting = await connection.BeginTransactionAsync();
        await using var delete = new NpgsqlCommand($"DELETE FROM snapshot WHERE uuid = '{_snapshot.Uuid}'", connection);
        await delete.ExecuteNonQueryAsync();

        var reverting = _link.ExecuteAsync($"UPDATE volume SET revert = '{_snapshot.Uuid}' WHERE uuid = '{_volume.Uuid}'");
        await Eventually.SeesAsync(
            "a revert that waits for the snapshot",
            _ => _link.QueryAsync<bool>("SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock')"),
            waits => waits || reverting.IsCompleted);
        Assert.That(reverting.IsCompleted, Is.False, "it waits");
        await deleting.CommitAsync();

        Assert.That((await Assert.ThrowsAsync<PostgresException>(() => reverting))!.ConstraintName, Is.EqualTo("volume_revert_own"));
    }

    [Test]
    public async Task A_volume_that_was_never_kept_may_be_ordered_elsewhere()
    {
        var elsewhere = Rows.StoragePool("elsewhere");
        await _link.InsertAsync(("storage_pool", elsewhere), ("quota", Rows.Quota(_tenant, elsewhere)));

        await _link.UpdateAsync("volume", _source, _source with { StoragePool = elsewhere.Uuid });

        Assert.That(_link.State.Find<VolumeDesired>("volume", RowKey.Of(_source.Uuid))!.StoragePool, Is.EqualTo(elsewhere.Uuid));
    }

    private Task ChangeAsync(Func<VolumeDesired, VolumeDesired> change) => _link.UpdateAsync("volume", Volume, change(Volume));
}
