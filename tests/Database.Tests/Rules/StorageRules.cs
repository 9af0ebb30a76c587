namespace PonyCloud.Database.Tests.Rules;

/// <summary>
/// Pools, disks, images, volumes and what hangs on them, of two tenants. A uuid starts with what it is of (a and b the
/// tenants, c whatever belongs to nobody) and ends with what it is.
/// </summary>
public sealed partial class StorageRules : RuleTable
{
    private const string A = "aaaaaaaa-5000-4000-8000-00000000000";
    private const string B = "bbbbbbbb-5000-4000-8000-00000000000";
    private const string C = "cccccccc-5000-4000-8000-00000000000";
    private const string Tenant = A + "0";
    private const string Free = A + "1";
    private const string Attached = A + "2";
    private const string Shared = A + "3";
    private const string Instance = A + "4";
    private const string Second = A + "5";
    private const string Template = A + "6";
    private const string Image = A + "7";
    private const string Group = A + "8";
    private const string Vdisk = A + "9";
    private const string Deleted = A + "a";
    private const string OtherTenant = B + "0";
    private const string Foreign = B + "1";
    private const string ForeignInstance = B + "4";
    private const string ForeignImage = B + "7";
    private const string Pool = C + "1";
    private const string OtherPool = C + "2";
    private const string PublicImage = C + "7";
    private const string New = "dddddddd-5000-4000-8000-000000000000";

    public override string World => $$"""
        INSERT INTO tenant (uuid, name) VALUES ('{{Tenant}}', 'storage-a'), ('{{OtherTenant}}', 'storage-b');
        INSERT INTO storage_pool (uuid, name, type, config) VALUES
            ('{{Pool}}', 'lvm', 'shared-lvm', '{"name": "vg"}'), ('{{OtherPool}}', 'dir', 'dir', '{"path": "/srv"}');
        INSERT INTO disk (id, type, storage_pool, size) VALUES ('wwn-1', 'local', '{{Pool}}', 1000), ('wwn-2', 'local', '{{Pool}}', NULL),
            ('wwn-3', 'local', NULL, 1000);
        INSERT INTO image (uuid, tenant, name) VALUES ('{{Image}}', '{{Tenant}}', 'a'), ('{{ForeignImage}}', '{{OtherTenant}}', 'b'),
            ('{{PublicImage}}', NULL, 'c');
        INSERT INTO quota (tenant, type, "limit", storage_pool)
            SELECT tenant.uuid, 'storage', 1000000, storage_pool.uuid FROM tenant, storage_pool;
        INSERT INTO volume (uuid, tenant, name, size, storage_pool, shareable) VALUES
            ('{{Free}}', '{{Tenant}}', 'free', 100, '{{Pool}}', false), ('{{Attached}}', '{{Tenant}}', 'attached', 100, '{{Pool}}', false),
            ('{{Shared}}', '{{Tenant}}', 'shared', 100, '{{Pool}}', true), ('{{Foreign}}', '{{OtherTenant}}', 'foreign', 100, '{{Pool}}', false);
        INSERT INTO volume (uuid, tenant, name, size, storage_pool, state) VALUES ('{{Deleted}}', '{{Tenant}}', 'deleted', 100, '{{Pool}}', 'deleted');
        INSERT INTO instance (uuid, tenant, name, mem, template) VALUES ('{{Instance}}', '{{Tenant}}', 'one', 64, false),
            ('{{Second}}', '{{Tenant}}', 'two', 64, false), ('{{Template}}', '{{Tenant}}', 'storage-template', 64, true),
            ('{{ForeignInstance}}', '{{OtherTenant}}', 'foreign', 64, false);
        INSERT INTO vdisk (uuid, instance, volume) VALUES ('{{Vdisk}}', '{{Instance}}', '{{Attached}}');
        INSERT INTO vdisk (instance, volume) VALUES ('{{Instance}}', '{{Shared}}'), ('{{Second}}', '{{Shared}}');
        INSERT INTO extent (uuid, storage_pool, disk, range, volume) VALUES ('{{Vdisk}}', '{{Pool}}', 'wwn-1', '[100,200)', '{{Attached}}');
        INSERT INTO snapshot (uuid, volume, name) VALUES ('{{Vdisk}}', '{{Attached}}', 'before');
        INSERT INTO snapshot (instance, name) VALUES ('{{Second}}', 'before');
        INSERT INTO affinity_group (uuid, tenant, name, type) VALUES ('{{Group}}', '{{Tenant}}', 'apart', 'anti-affinity');
        INSERT INTO affinity_group_instance (uuid, affinity_group, instance) VALUES ('{{Vdisk}}', '{{Group}}', '{{Instance}}');
        """;

    public override IEnumerable<BrokenRule> Rules =>
        [.. Pools, .. Disks, .. Images, .. Volumes, .. Extents, .. Vdisks, .. Snapshots, .. Groups];

    private static IEnumerable<BrokenRule> Pools =>
    [
        new("storage_pool_pkey", MakePool($"'{Pool}'", "'x'", "'dir'", """{"path": "/"}""")),
        new("storage_pool_name_length", MakePool("'" + New + "'", "''", "'dir'", """{"path": "/"}""")),
        new("storage_pool_type_list", MakePool("'" + New + "'", "'x'", "'zfs'", "{}")),
        new("storage_pool_type_immutable", $"UPDATE storage_pool SET type = 'logical' WHERE uuid = '{Pool}'"),
        new("storage_pool_size_range", "UPDATE storage_pool SET size = 0"),
        .. from config in (string[])
            [
                """dir []""", """dir "/srv" """, """dir {}""", """dir {"path": ""}""", """dir {"path": 1}""", """dir {"path": "/", "password": "x"}""",
                """logical {"path": "x"}""", """netfs {"host": "x"}""", """iscsi {"portal": "x"}""", """gluster {"host": "x"}""", """shared-lvm null""",
                """rbd {"pool": "x"}""", """rbd {"pool": "x", "monitors": []}""", """rbd {"pool": "x", "monitors": "y"}""",
                """rbd {"pool": "x", "monitors": [""]}""", """rbd {"pool": "x", "monitors": [1]}""", """rbd {"monitors": ["y"]}""", """rbd 7""",
            ]
            let parts = config.Split(' ', 2)
            select new BrokenRule("storage_pool_config_type", MakePool("'" + New + "'", "'x'", $"'{parts[0]}'", parts[1]), config),
        .. from secret in (string[])
            [
                """dir {"path": "/"} {"password": "x"}""", """iscsi {"portal":"x","target":"y"} {"user":"x"}""", """rbd {"pool":"x","monitors":["y"]} "x" """,
                """rbd {"pool":"x","monitors":["y"]} {"key":"x","more":"y"}""",
            ]
            let cut = secret.LastIndexOf("} ", StringComparison.Ordinal) is var at and > 0 ? at + 1 : 0
            let space = secret.IndexOf(' ', StringComparison.Ordinal)
            select new BrokenRule(
                "storage_pool_secret_type",
                $"INSERT INTO storage_pool (name, type, config, secret) VALUES ('x', '{secret[..space]}', '{secret[space..cut]}', '{secret[cut..]}')",
                secret),
    ];

    private static IEnumerable<BrokenRule> Disks =>
    [
        new("disk_pkey", "INSERT INTO disk (id, type) VALUES ('wwn-1', 'local')"),
        new("disk_id_format", "INSERT INTO disk (id, type) VALUES ('a/b', 'local')"),
        new("disk_type_list", "INSERT INTO disk (id, type) VALUES ('x', 'nvme')"),
        new("disk_targets_flat", "INSERT INTO disk (id, type, targets) VALUES ('x', 'local', ARRAY[NULL])"),
        new("disk_targets_count", "INSERT INTO disk (id, type, targets) VALUES ('x', 'iscsi', array_fill('p/iqn.a/0'::text, ARRAY[65]))"),
        new("disk_targets_format", "INSERT INTO disk (id, type, targets) VALUES ('x', 'iscsi', ARRAY['p/iqn.a/0 '])"),
        new("disk_targets_of_type", "INSERT INTO disk (id, type, targets) VALUES ('x', 'local', ARRAY['p/iqn.a/0'])", "local"),
        new("disk_targets_of_type", "INSERT INTO disk (id, type) VALUES ('x', 'fc')", "fc without"),
        new("disk_targets_of_type", "INSERT INTO disk (id, type, targets) VALUES ('x', 'fc', ARRAY['50:06:01:60:3b:a0:11:22/0', 'x'])", "fc"),
        new("disk_targets_of_type", "INSERT INTO disk (id, type, targets) VALUES ('x', 'iscsi', ARRAY['p/x/0'])", "iscsi"),
        new("disk_storage_pool_fkey", $"INSERT INTO disk (id, type, storage_pool) VALUES ('x', 'local', '{New}')"),
        new("disk_size_range", "INSERT INTO disk (id, type, size) VALUES ('x', 'local', 0)"),
        new("disk_size_extents", "UPDATE disk SET size = 199 WHERE id = 'wwn-1'", "smaller"),
        new("disk_size_extents", "UPDATE disk SET size = NULL WHERE id = 'wwn-1'", "unknown"),
        new("extent_disk_pool", $"UPDATE disk SET storage_pool = '{OtherPool}' WHERE id = 'wwn-1'", "a disk that leaves its pool"),
        new("extent_disk_fkey", "DELETE FROM disk WHERE id = 'wwn-1'", "a disk in use"),
        new("extent_storage_pool_fkey", $"DELETE FROM vdisk; DELETE FROM volume; DELETE FROM storage_pool WHERE uuid = '{Pool}'", "a pool in use"),
    ];

    private static IEnumerable<BrokenRule> Images =>
    [
        new("image_pkey", $"INSERT INTO image (uuid, name) VALUES ('{Image}', 'x')"),
        new("image_tenant_fkey", $"INSERT INTO image (tenant, name) VALUES ('{New}', 'x')"),
        new("image_name_length", "INSERT INTO image (name) VALUES ('')"),
        new("image_description_length", "INSERT INTO image (name, description) VALUES ('x', repeat('x', 4097))"),
        new("image_type_list", "INSERT INTO image (name, type) VALUES ('x', 'floppy')"),
        .. from uri in (string[])
            ["ftp://x/y", "http://", "HTTP://x/y", "https://me:secret@x/y", "https://x/a b", "file:///", "file://x/y", "file:/etc/shadow", "/etc/shadow"]
            select new BrokenRule("image_source_uri_format", $"INSERT INTO image (name, source_uri) VALUES ('x', '{uri}')", uri),
        new("image_source_uri_length", "INSERT INTO image (name, source_uri) VALUES ('x', 'http://x/' || repeat('x', 2048))"),
        new("image_source_uri_file", $"INSERT INTO image (name, tenant, source_uri) VALUES ('x', '{Tenant}', 'file:///etc/shadow')"),
        new("image_checksum_format", "INSERT INTO image (name, checksum) VALUES ('x', 'md5:0')"),
        new("image_tenant_immutable", $"UPDATE image SET tenant = NULL WHERE uuid = '{Image}'"),
        new("vdisk_image_fkey", $"{MakeVdisk(Second, image: PublicImage)}; DELETE FROM image WHERE uuid = '{PublicImage}'", "an image in use"),
        new("volume_base_image_fkey",
            $"UPDATE volume SET base_image = '{PublicImage}' WHERE uuid = '{Free}'; DELETE FROM image WHERE uuid = '{PublicImage}'", "an image in use"),
    ];

    private static IEnumerable<BrokenRule> Volumes =>
    [
        new("volume_pkey", MakeVolume($"'{Free}'", "name")),
        new("volume_tenant_fkey", $"INSERT INTO volume (tenant, name, size, storage_pool) VALUES ('{New}', 'x', 1, '{Pool}')"),
        new("volume_name_length", MakeVolume($"'{New}'", "''")),
        new("volume_state_list", "UPDATE volume SET state = 'broken'"),
        new("volume_size_range", $"UPDATE volume SET size = 1073741825 WHERE uuid = '{Free}'"),
        new("volume_storage_pool_fkey", $"UPDATE volume SET storage_pool = '{New}' WHERE uuid = '{Free}'"),
        new("volume_storage_pool_fkey", $"DELETE FROM extent; DELETE FROM storage_pool WHERE uuid = '{Pool}'", "a pool in use"),
        new("volume_base_image_fkey", $"UPDATE volume SET base_image = '{New}' WHERE uuid = '{Free}'"),
        new("volume_image_fkey", $"UPDATE volume SET image = '{New}' WHERE uuid = '{Free}'"),
        new("volume_tenant_immutable", $"UPDATE volume SET tenant = '{OtherTenant}' WHERE uuid = '{Free}'"),
        new("volume_size_shrunk", $"UPDATE volume SET size = 99 WHERE uuid = '{Free}'"),
        new("volume_base_image_tenant", $"UPDATE volume SET base_image = '{ForeignImage}' WHERE uuid = '{Free}'"),
        new("volume_image_tenant", $"UPDATE volume SET image = '{ForeignImage}' WHERE uuid = '{Free}'", "of another tenant"),
        new("volume_image_tenant", $"UPDATE volume SET image = '{PublicImage}' WHERE uuid = '{Free}'", "of everybody"),
        new("volume_content_attached", $"UPDATE volume SET content = 'upload' WHERE uuid = '{Attached}'"),
        new("volume_state_attached", $"UPDATE volume SET state = 'deleted' WHERE uuid = '{Attached}'"),
        new("volume_shareable_attached", $"UPDATE volume SET shareable = false WHERE uuid = '{Shared}'"),
        new("vdisk_volume_fkey", $"DELETE FROM volume WHERE uuid = '{Attached}'", "a volume in use"),
        new("extent_volume_pool", $"UPDATE volume SET storage_pool = '{OtherPool}' WHERE uuid = '{Attached}'", "a volume that leaves its pool"),
    ];

    private static IEnumerable<BrokenRule> Extents =>
    [
        new("extent_pkey", MakeExtent("[0,1)", uuid: Vdisk)),
        new("extent_storage_pool_fkey", $"UPDATE extent SET volume = NULL; {MakeExtent("[0,1)", pool: New)}"),
        new("extent_disk_fkey", MakeExtent("[0,1)", disk: "nowhere")),
        new("extent_volume_fkey", MakeExtent("[0,1)", volume: $"'{New}'")),
        new("extent_disk_pool", MakeExtent("[0,1)", disk: "wwn-3")),
        new("extent_volume_pool", $"INSERT INTO volume (uuid, name, size, storage_pool) VALUES ('{New}', 'x', 1, '{OtherPool}'); {MakeExtent("[0,1)", volume: $"'{New}'")}"),
        .. from range in (string[])["empty", "[,5)", "[5,)", "[-1,5)", "[1073741823,1073741825)"]
            select new BrokenRule("extent_range_bounds", MakeExtent(range), range),
        .. from range in (string[])["[100,200)", "[199,300)", "[0,101)", "[0,1000)", "[150,151)"]
            select new BrokenRule("extent_range_free", MakeExtent(range), range),
        new("extent_range_disk", MakeExtent("[999,1001)"), "behind its end"),
        new("extent_range_disk", MakeExtent("[0,1)", disk: "wwn-2"), "of an unknown size"),
        new("extent_range_disk", "UPDATE extent SET range = '[100,1001)'", "a larger one"),
        new("extent_order_range", "UPDATE extent SET \"order\" = -1"),
        new("extent_order_unique", MakeExtent("[0,1)", volume: $"'{Attached}'")),
    ];

    private static IEnumerable<BrokenRule> Vdisks =>
    [
        new("vdisk_pkey", $"INSERT INTO vdisk (uuid, instance, volume) VALUES ('{Vdisk}', '{Second}', '{Free}')"),
        new("vdisk_instance_fkey", MakeVdisk(New, volume: Free)),
        new("vdisk_volume_fkey", MakeVdisk(Instance, volume: New)),
        new("vdisk_image_fkey", MakeVdisk(Instance, image: New)),
        new("vdisk_storage_pool_fkey", $"INSERT INTO vdisk (instance, storage_pool, size) VALUES ('{Template}', '{New}', 1)"),
        new("vdisk_content_one", $"INSERT INTO vdisk (instance) VALUES ('{Instance}')", "nothing"),
        new("vdisk_content_one", $"INSERT INTO vdisk (instance, volume, image) VALUES ('{Instance}', '{Free}', '{Image}')", "both"),
        new("vdisk_size_range", $"INSERT INTO vdisk (instance, storage_pool, size) VALUES ('{Template}', '{Pool}', 0)"),
        new("vdisk_size_pool", $"INSERT INTO vdisk (instance, volume, size) VALUES ('{Instance}', '{Free}', 1)", "a size too much"),
        new("vdisk_size_pool", $"INSERT INTO vdisk (instance, storage_pool) VALUES ('{Template}', '{Pool}')", "no size"),
        new("vdisk_base_image_fkey", MakeTemplateVdisk(New)),
        new("vdisk_base_image_fkey", $"{MakeTemplateVdisk(Image)}; DELETE FROM image WHERE uuid = '{Image}'", "an image in use"),
        new("vdisk_base_image_pool", $"INSERT INTO vdisk (instance, volume, base_image) VALUES ('{Instance}', '{Free}', '{Image}')", "a volume"),
        new("vdisk_base_image_pool", $"INSERT INTO vdisk (instance, image, base_image) VALUES ('{Template}', '{Image}', '{Image}')", "a CD-ROM"),
        new("vdisk_base_image_tenant", MakeTemplateVdisk(ForeignImage), "of another tenant"),
        new("vdisk_base_image_tenant", $"""
            INSERT INTO instance (uuid, name, mem, template) VALUES ('{New}', 'everybodys', 64, true);
            INSERT INTO vdisk (instance, storage_pool, size, base_image) VALUES ('{New}', '{Pool}', 1, '{Image}')
            """, "of a tenant, for everybody"),
        new("vdisk_base_image_tenant", $"""
            INSERT INTO instance (uuid, name, mem, template) VALUES ('{New}', 'everybodys', 64, true);
            {MakeTemplateVdisk(Image)};
            UPDATE vdisk SET instance = '{New}' WHERE base_image IS NOT NULL
            """, "in a template that becomes everybody's"),
        new("vdisk_content_template", $"INSERT INTO vdisk (instance, storage_pool, size) VALUES ('{Instance}', '{Pool}', 1)", "no template"),
        new("vdisk_content_template", MakeVdisk(Template, volume: Free), "a template"),
        new("vdisk_index_range", $"INSERT INTO vdisk (instance, volume, index) VALUES ('{Instance}', '{Free}', 256)"),
        new("vdisk_index_range", $"""
            INSERT INTO vdisk (instance, image) SELECT '{Second}', '{PublicImage}' FROM generate_series(1, 256)
            """, "no place is left"),
        new("vdisk_index_unique", $"INSERT INTO vdisk (instance, volume, index) VALUES ('{Instance}', '{Free}', 0)"),
        new("vdisk_volume_unique", MakeVdisk(Instance, volume: Shared)),
        new("vdisk_bus_list", "UPDATE vdisk SET bus = 'usb'"),
        new("vdisk_bus_list", "UPDATE vdisk SET bus = 'ide'", "the machine has none"),
        new("vdisk_cache_list", "UPDATE vdisk SET cache = 'default'"),
        new("vdisk_iops_max_range", "UPDATE vdisk SET iops_max = 0"),
        new("vdisk_bandwidth_max_range", "UPDATE vdisk SET bandwidth_max = 0"),
        new("vdisk_volume_tenant", MakeVdisk(Instance, volume: Foreign), "of another tenant"),
        new("vdisk_volume_tenant", $"UPDATE vdisk SET instance = '{ForeignInstance}' WHERE uuid = '{Vdisk}'", "to another tenant"),
        new("vdisk_volume_tenant",
            $"INSERT INTO volume (uuid, name, size, storage_pool) VALUES ('{New}', 'x', 1, '{Pool}'); {MakeVdisk(Instance, volume: New)}", "of nobody"),
        new("vdisk_volume_deleted", $"UPDATE volume SET state = 'deleted' WHERE uuid = '{Free}'; {MakeVdisk(Instance, volume: Free)}"),
        new("vdisk_volume_attached", MakeVdisk(Second, volume: Attached)),
        new("vdisk_image_tenant", MakeVdisk(Instance, image: ForeignImage)),
    ];

    private static IEnumerable<BrokenRule> Snapshots =>
    [
        new("snapshot_pkey", $"INSERT INTO snapshot (uuid, volume, name) VALUES ('{Vdisk}', '{Free}', 'x')"),
        new("snapshot_volume_fkey", $"INSERT INTO snapshot (volume, name) VALUES ('{New}', 'x')"),
        new("snapshot_instance_fkey", $"INSERT INTO snapshot (instance, name) VALUES ('{New}', 'x')"),
        new("snapshot_content_one", "INSERT INTO snapshot (name) VALUES ('x')", "nothing"),
        new("snapshot_content_one", $"INSERT INTO snapshot (volume, instance, name) VALUES ('{Free}', '{Instance}', 'x')", "both"),
        new("snapshot_name_length", "UPDATE snapshot SET name = ''"),
        new("snapshot_state_list", "UPDATE snapshot SET state = 'taken'"),
        new("snapshot_volume_immutable", $"UPDATE snapshot SET volume = '{Free}' WHERE uuid = '{Vdisk}'"),
        new("snapshot_instance_immutable", $"UPDATE snapshot SET instance = '{Instance}' WHERE instance = '{Second}'"),
    ];

    private static IEnumerable<BrokenRule> Groups =>
    [
        new("affinity_group_pkey", $"INSERT INTO affinity_group (uuid, tenant, name, type) VALUES ('{Group}', '{Tenant}', 'x', 'affinity')"),
        new("affinity_group_tenant_fkey", $"INSERT INTO affinity_group (tenant, name, type) VALUES ('{New}', 'x', 'affinity')"),
        new("affinity_group_name_length", "UPDATE affinity_group SET name = ''"),
        new("affinity_group_type_list", "UPDATE affinity_group SET type = 'indifferent'"),
        new("affinity_group_tenant_immutable", $"UPDATE affinity_group SET tenant = '{OtherTenant}'"),
        new("affinity_group_instance_pkey", MakeMember(Second, uuid: Vdisk)),
        new("affinity_group_instance_affinity_group_fkey", MakeMember(Second, group: New)),
        new("affinity_group_instance_instance_fkey", MakeMember(New)),
        new("affinity_group_instance_unique", MakeMember(Instance)),
        new("affinity_group_instance_tenant", MakeMember(ForeignInstance)),
    ];

    private static string MakePool(string uuid, string name, string type, string config) =>
        $"INSERT INTO storage_pool (uuid, name, type, config) VALUES ({uuid}, {name}, {type}, '{config}')";

    private static string MakeVolume(string uuid, string name) =>
        $"INSERT INTO volume (uuid, tenant, name, size, storage_pool) SELECT {uuid}, tenant, {name}, size, storage_pool FROM volume WHERE uuid = '{Free}'";

    private static string MakeExtent(string range, string uuid = New, string pool = Pool, string disk = "wwn-1", string volume = "NULL") =>
        $"INSERT INTO extent (uuid, storage_pool, disk, range, volume) VALUES ('{uuid}', '{pool}', '{disk}', '{range}', {volume})";

    private static string MakeVdisk(string instance, string? volume = null, string? image = null) =>
        $"INSERT INTO vdisk (instance, {(volume is null ? "image" : "volume")}) VALUES ('{instance}', '{volume ?? image}')";

    private static string MakeTemplateVdisk(string image) =>
        $"INSERT INTO vdisk (instance, storage_pool, size, base_image) VALUES ('{Template}', '{Pool}', 1, '{image}')";

    private static string MakeMember(string instance, string group = Group, string uuid = New) =>
        $"INSERT INTO affinity_group_instance (uuid, affinity_group, instance) VALUES ('{uuid}', '{group}', '{instance}')";
}
