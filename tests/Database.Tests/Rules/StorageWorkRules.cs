namespace PonyCloud.Database.Tests.Rules;

/// <summary>
/// The rules of what hosts keep and what is left to remove, over two hosts and one that is gone, pools of units, of files and
/// of extents, and volumes of two tenants.
/// </summary>
public sealed partial class StorageWorkRules : RuleTable
{
    public override string World => """
        INSERT INTO host (uuid, name, state) VALUES (u('71'), 'keeper', 'present'), (u('72'), 'idle', 'present'), (u('73'), 'lost', 'gone');
        INSERT INTO tenant (uuid, name) VALUES (u('74'), 'work-a'), (u('75'), 'work-b');
        INSERT INTO storage_pool (uuid, name, type, config, shareable) VALUES
            (u('76'), 'units', 'iscsi', '{"portal": "x", "target": "y"}', true), (u('77'), 'files', 'dir', '{"path": "/srv"}', false),
            (u('82'), 'extents', 'shared-lvm', '{"name": "vg"}', true);
        INSERT INTO quota (tenant, type, "limit", storage_pool)
            SELECT t.uuid, 'storage', 1000000, p.uuid FROM tenant t, storage_pool p
            WHERE t.uuid IN (u('74'), u('75')) AND p.uuid IN (u('76'), u('77'), u('82'));
        INSERT INTO disk (id, type, storage_pool, size) VALUES ('wwn-71', 'local', u('82'), 1000);
        INSERT INTO image (uuid, name) VALUES (u('78'), 'fetched');
        INSERT INTO volume (uuid, tenant, name, size, storage_pool, content, unit) VALUES (u('79'), u('74'), 'made', 10, u('76'), 'made', 1);
        INSERT INTO volume (uuid, tenant, name, size, storage_pool, base_image) VALUES (u('7a'), u('74'), 'filling', 10, u('76'), u('78'));
        INSERT INTO volume (uuid, tenant, name, size, storage_pool) VALUES
            (u('7b'), u('75'), 'foreign', 10, u('76')), (u('7c'), u('74'), 'empty', 10, u('76')), (u('7d'), u('74'), 'source', 10, u('76')),
            (u('84'), u('74'), 'cut', 10, u('82')), (u('85'), u('74'), 'next', 10, u('82'));
        UPDATE volume SET base_volume = u('7d') WHERE uuid = u('7c');
        INSERT INTO snapshot (uuid, volume, name, state) VALUES (u('7e'), u('79'), 'before', 'present'), (u('7f'), u('79'), 'going', 'deleted');
        INSERT INTO host_storage_pool (host, storage_pool, steward) VALUES (u('71'), u('76'), true), (u('72'), u('76'), false);
        INSERT INTO host_volume (host, volume) VALUES (u('71'), u('7a'));
        INSERT INTO instance (uuid, tenant, name, vcpu, mem) VALUES (u('86'), u('74'), 'moving', 1, 64);
        INSERT INTO host_volume_copy (host, volume, instance, fill) VALUES (u('72'), u('7a'), u('86'), 'fetch');
        INSERT INTO image_copy (uuid, image, storage_pool, host) VALUES (u('80'), u('78'), u('76'), u('71'));
        INSERT INTO tombstone (uuid, target, storage_pool, host, unit) VALUES (u('81'), 'units:5', u('76'), u('71'), 5);
        INSERT INTO extent (uuid, storage_pool, disk, range, volume) VALUES (u('83'), u('82'), 'wwn-71', '[100,200)', u('84'));
        DELETE FROM volume WHERE uuid = u('84');
        """.Uuids();

    public override IEnumerable<BrokenRule> Rules =>
        ((IEnumerable<BrokenRule>)[.. Volumes, .. Places, .. Tombstones]).Select(rule => rule with { Sql = rule.Sql.Uuids() });

    private static IEnumerable<BrokenRule> Volumes =>
    [
        new("volume_base_volume_fkey", "UPDATE volume SET base_volume = u('99') WHERE uuid = u('79')"),
        new("volume_base_volume_fkey", "DELETE FROM volume WHERE uuid = u('7d')", "a volume that is to be copied"),
        new("volume_base_one", "UPDATE volume SET base_volume = u('7d') WHERE uuid = u('7a')"),
        new("volume_base_volume_other", "UPDATE volume SET base_volume = uuid WHERE uuid = u('7d')"),
        new("volume_base_volume_tenant", "UPDATE volume SET base_volume = u('7b') WHERE uuid = u('7d')", "of another tenant"),
        new("volume_base_volume_tenant",
            "INSERT INTO volume (uuid, name, size, storage_pool) VALUES (u('99'), 'x', 1, u('76')); UPDATE volume SET base_volume = u('99') WHERE uuid = u('7d')",
            "of nobody"),
        new("volume_content_list", "UPDATE volume SET content = 'lost' WHERE uuid = u('79')"),
        new("volume_content_base", "UPDATE volume SET content = 'made' WHERE uuid = u('7a')", "made, and still to be filled"),
        new("volume_content_base", "UPDATE volume SET content = 'upload' WHERE uuid = u('7c')", "sent by somebody, and to be a copy"),
        new("volume_generation_range", "UPDATE volume SET generation = 0 WHERE uuid = u('79')"),
        new("volume_reverts_range", "UPDATE volume SET reverts = -1 WHERE uuid = u('79')"),
        new("volume_revert_own", "UPDATE volume SET revert = u('7e') WHERE uuid = u('7d')", "of another volume"),
        new("volume_revert_own", "UPDATE volume SET revert = u('7f') WHERE uuid = u('79')", "that is to go"),
        new("volume_revert_own", "UPDATE volume SET revert = u('99') WHERE uuid = u('79')", "that is not there"),
        new("volume_cleared_range", "UPDATE volume SET cleared = 0 WHERE uuid = u('79')"),
        new("volume_cleared_range", "INSERT INTO volume (name, size, storage_pool, cleared) VALUES ('x', 10, u('76'), 1073741825)", "too much"),
        new("volume_unit_range", "UPDATE volume SET unit = 65536 WHERE uuid = u('79')"),
        new("volume_unit_unique", "UPDATE volume SET unit = 1 WHERE uuid = u('7d')"),
        new("volume_unit_wiped", "UPDATE volume SET unit = 5 WHERE uuid = u('7d')"),
        new("volume_storage_pool_kept", "UPDATE volume SET storage_pool = u('77') WHERE uuid = u('7a')", "while a host fills it"),
        new("volume_storage_pool_kept", "UPDATE volume SET storage_pool = u('77') WHERE uuid = u('79')", "once it is made"),
        new("extent_tombstone_fkey", "UPDATE extent SET volume = NULL, tombstone = u('99') WHERE uuid = u('83')"),
        new("extent_tombstone_fkey", "DELETE FROM tombstone WHERE target = u('84')", "what is not wiped"),
        new("extent_volume_tombstone", "UPDATE extent SET volume = u('85') WHERE uuid = u('83')"),
    ];

    private static IEnumerable<BrokenRule> Places =>
    [
        new("host_storage_pool_pkey", "INSERT INTO host_storage_pool (host, storage_pool) VALUES (u('71'), u('76'))"),
        new("host_storage_pool_host_fkey", "INSERT INTO host_storage_pool (host, storage_pool) VALUES (u('99'), u('76'))"),
        new("host_storage_pool_storage_pool_fkey", "INSERT INTO host_storage_pool (host, storage_pool) VALUES (u('71'), u('99'))"),
        new("host_storage_pool_steward_one", "UPDATE host_storage_pool SET steward = true WHERE host = u('72')"),
        new("host_storage_pool_host_gone", "INSERT INTO host_storage_pool (host, storage_pool) VALUES (u('73'), u('76'))"),
        new("host_volume_pkey", "INSERT INTO host_volume (host, volume) VALUES (u('71'), u('7a'))"),
        new("host_volume_host_fkey", "INSERT INTO host_volume (host, volume) VALUES (u('99'), u('79'))"),
        new("host_volume_volume_fkey", "INSERT INTO host_volume (host, volume) VALUES (u('71'), u('99'))"),
        new("host_volume_source_volume_fkey", "UPDATE host_volume SET source_volume = u('99')"),
        new("host_volume_volume_key", "INSERT INTO host_volume (host, volume) VALUES (u('72'), u('7a'))"),
        new("host_volume_host_gone", "INSERT INTO host_volume (host, volume) VALUES (u('73'), u('79'))"),
        new("host_volume_copy_pkey", "INSERT INTO host_volume_copy (host, volume, instance, fill) VALUES (u('72'), u('7a'), u('86'), 'fetch')"),
        new("host_volume_copy_host_fkey", "INSERT INTO host_volume_copy (host, volume, instance, fill) VALUES (u('99'), u('7a'), u('86'), 'fetch')"),
        new("host_volume_copy_volume_fkey", "INSERT INTO host_volume_copy (host, volume, instance, fill) VALUES (u('72'), u('99'), u('86'), 'fetch')"),
        new("host_volume_copy_instance_fkey", "INSERT INTO host_volume_copy (host, volume, instance, fill) VALUES (u('71'), u('7a'), u('99'), 'fetch')"),
        new("host_volume_copy_fill_list", "INSERT INTO host_volume_copy (host, volume, instance, fill) VALUES (u('71'), u('7a'), u('86'), 'hope')"),
        new("host_volume_copy_generation_range", "UPDATE host_volume_copy SET generation = 0"),
        new("host_volume_copy_fixed", "UPDATE host_volume_copy SET fill = 'hypervisor'"),
        new("host_volume_copy_host_gone", "INSERT INTO host_volume_copy (host, volume, instance, fill) VALUES (u('73'), u('7a'), u('86'), 'fetch')"),
        new("image_copy_pkey", "INSERT INTO image_copy (uuid, image, storage_pool, host) VALUES (u('80'), u('78'), u('77'), u('71'))"),
        new("image_copy_image_fkey", "INSERT INTO image_copy (image, storage_pool, host) VALUES (u('99'), u('76'), u('71'))"),
        new("image_copy_storage_pool_fkey", "INSERT INTO image_copy (image, storage_pool, host) VALUES (u('78'), u('99'), u('71'))"),
        new("image_copy_host_fkey", "INSERT INTO image_copy (image, storage_pool, host) VALUES (u('78'), u('77'), u('99'))"),
        new("image_copy_unique", "INSERT INTO image_copy (image, storage_pool, host) VALUES (u('78'), u('76'), u('71'))"),
        new("image_copy_host_gone", "UPDATE image_copy SET host = u('73')"),
    ];

    private static IEnumerable<BrokenRule> Tombstones =>
    [
        new("tombstone_pkey", MakeOrphan("uuid, target", "u('81'), 'x'")),
        new("tombstone_type_list", MakeOrphan("target, type", "u('99')::text, 'bond'")),
        new("tombstone_type_orphan", MakeOrphan("target, type", "u('79')::text, 'volume'")),
        new("tombstone_target_length", MakeOrphan("target", "''")),
        new("tombstone_target_uuid", MakeOrphan("target, type", "'x', 'image'")),
        new("tombstone_volume_fkey", MakeOrphan("target, type, volume", "u('99')::text, 'snapshot', u('99')")),
        new("tombstone_volume_type", MakeOrphan("target, type", "u('7e')::text, 'snapshot'"), "a snapshot of nothing"),
        new("tombstone_volume_type", MakeOrphan("target, volume", "'x', u('79')"), "an orphan of a volume"),
        new("tombstone_storage_pool_fkey", "INSERT INTO tombstone (target, storage_pool, host) VALUES ('x', u('99'), u('71'))"),
        new("tombstone_host_fkey", "INSERT INTO tombstone (target, storage_pool, host) VALUES ('x', u('76'), u('99'))"),
        new("tombstone_host_orphan", "UPDATE tombstone SET host = NULL WHERE uuid = u('81')"),
        new("tombstone_host_gone", "UPDATE tombstone SET host = u('73') WHERE uuid = u('81')"),
        new("tombstone_unit_range", MakeOrphan("target, unit", "'x', 65536")),
        new("tombstone_unit_done", "DELETE FROM tombstone WHERE uuid = u('81')"),
        new("tombstone_size_range", MakeOrphan("target, size", "'x', -1")),
    ];

    private static string MakeOrphan(string columns, string values) =>
        $"INSERT INTO tombstone (storage_pool, host, {columns}) VALUES (u('76'), u('71'), {values})";
}
