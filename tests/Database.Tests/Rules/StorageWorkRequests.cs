namespace PonyCloud.Database.Tests.Rules;

public sealed partial class StorageWorkRules
{
    private const string VolumePath = "/tenant/@74/volume";

    public override IEnumerable<BrokenByRequest> Requests =>
    [
        Patch("volume_base_one", $"{VolumePath}/@7a", "'base_volume':'@7d'", "base_volume"),
        Patch("volume_base_volume_other", $"{VolumePath}/@7d", "'base_volume':'@7d'", "base_volume"),
        Patch("volume_base_volume_tenant", $"{VolumePath}/@7d", "'base_volume':'@7b'", "base_volume"),
        Patch("volume_content_base", $"{VolumePath}/@7a", "'content':'made'", "content"),
        Patch("volume_revert_own", $"{VolumePath}/@79", "'revert':'@7f'", "revert"),
        Patch("volume_unit_unique", $"{VolumePath}/@7d", "'unit':1", "unit", 409),
        Patch("volume_unit_wiped", $"{VolumePath}/@7d", "'unit':5", "unit"),
        Patch("volume_storage_pool_kept", $"{VolumePath}/@79", "'storage_pool':'@77'", "storage_pool"),
        Delete("volume_base_volume_fkey", $"{VolumePath}/@7d"),
        Patch("extent_volume_tombstone", "/storage-pool/@82/extent/@83", "'volume':'@85'", "volume"),
        Post("host_storage_pool_pkey", "/host/@71/storage-pool", "'storage_pool':'@76'", "storage_pool", 409),
        Patch("host_storage_pool_steward_one", "/host/@72/storage-pool/@76", "'steward':true", "steward", 409),
        Post("host_storage_pool_host_gone", "/storage-pool/@77/host", "'host':'@73'", "host"),
        Post("tombstone_pkey", "/tombstone", "'uuid':'@81','target':'x','storage_pool':'@76','host':'@71'", "uuid", 409),
        Post("tombstone_type_orphan", "/tombstone", "'type':'volume','target':'@79','storage_pool':'@76','host':'@71'", "type"),
        Post("tombstone_target_uuid", "/tombstone", "'type':'image','target':'x','storage_pool':'@76','host':'@71'", "target"),
        Post("tombstone_volume_type", "/tombstone", "'target':'x','volume':'@79','storage_pool':'@76','host':'@71'", "volume"),
        Post("tombstone_host_orphan", "/storage-pool/@76/tombstone", "'target':'x'", "host"),
        Post("tombstone_host_gone", "/tombstone", "'target':'x','storage_pool':'@76','host':'@73'", "host"),
        new("tombstone_unit_done", "DELETE", "/tombstone/@81", null, "", Case: "what is not wiped"),
    ];

    private static BrokenByRequest Post(string rule, string path, string fields, string field, int status = 422) =>
        new(rule, "POST", path, Row(fields), Pointer(field), status);

    private static BrokenByRequest Patch(string rule, string path, string fields, string field, int status = 422) =>
        new(rule, "PATCH", path, Row(fields), Pointer(field), status, "a change");

    private static BrokenByRequest Delete(string rule, string path) => new(rule, "DELETE", path, null, "", 409, "in use");

    private static string Row(string fields) => $"{{\"desired\":{{{fields.Replace('\'', '"')}}}}}";

    private static string Pointer(string field) => $"/desired/{field}";
}
