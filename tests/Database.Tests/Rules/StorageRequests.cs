namespace PonyCloud.Database.Tests.Rules;

public sealed partial class StorageRules
{
    private const string VolumePath = $"/tenant/{Tenant}/volume";
    private const string VdiskPath = $"/tenant/{Tenant}/instance/{Instance}/vdisk";
    private const string OtherVdiskPath = $"/tenant/{Tenant}/instance/{Second}/vdisk";
    private const string TemplateVdiskPath = $"/tenant/{Tenant}/instance/{Template}/vdisk";
    private const string ExtentPath = $"/storage-pool/{Pool}/extent";
    private const string MemberPath = $"/tenant/{Tenant}/affinity-group/{Group}/instance";

    public override IEnumerable<BrokenByRequest> Requests =>
    [
        Post("storage_pool_pkey", "/storage-pool", $"'uuid':'{Pool}','name':'x','type':'dir','config':{{'path':'/'}}", "uuid", 409),
        Post("storage_pool_config_type", "/storage-pool", "'name':'x','type':'dir','config':{'host':'x'}", "config"),
        Post("storage_pool_secret_type", "/storage-pool", "'name':'x','type':'dir','config':{'path':'/'},'secret':{'password':'x'}", "secret"),
        Patch("extent_disk_pool", "/disk/wwn-1", $"'storage_pool':'{OtherPool}'", "storage_pool", 409),
        Post("extent_disk_pool", ExtentPath, "'disk':'wwn-3','range':'[0,1)'", "disk", name: "a disk of no pool"),
        Delete("extent_disk_fkey", "/disk/wwn-1"),
        Post("disk_pkey", "/disk", "'id':'wwn-1','type':'local'", "id", 409),
        Post("disk_targets_of_type", "/disk", "'id':'x','type':'fc'", "targets"),
        Patch("disk_size_extents", "/disk/wwn-1", "'size':199", "size"),
        Post("image_pkey", "/image", $"'uuid':'{Image}','name':'x'", "uuid", 409),
        Post("image_source_uri_file", $"/tenant/{Tenant}/image", "'name':'x','source_uri':'file:///etc/shadow'", "source_uri"),
        Post("volume_pkey", VolumePath, $"'uuid':'{Free}','name':'x','size':1,'storage_pool':'{Pool}'", "uuid", 409),
        Patch("volume_size_shrunk", $"{VolumePath}/{Free}", "'size':99", "size"),
        Patch("volume_base_image_tenant", $"{VolumePath}/{Free}", $"'base_image':'{ForeignImage}'", "base_image"),
        Patch("volume_image_tenant", $"{VolumePath}/{Free}", $"'image':'{ForeignImage}'", "image"),
        Patch("volume_content_attached", $"{VolumePath}/{Attached}", "'content':'upload'", "content"),
        Patch("volume_state_attached", $"{VolumePath}/{Attached}", "'state':'deleted'", "state"),
        Patch("volume_shareable_attached", $"{VolumePath}/{Shared}", "'shareable':false", "shareable"),
        Delete("vdisk_volume_fkey", $"{VolumePath}/{Attached}"),
        Post("extent_pkey", ExtentPath, $"'uuid':'{Vdisk}','disk':'wwn-1','range':'[0,1)'", "uuid", 409),
        Patch("extent_volume_pool", $"{VolumePath}/{Attached}", $"'storage_pool':'{OtherPool}'", "storage_pool", 409),
        Post("extent_range_bounds", ExtentPath, "'disk':'wwn-1','range':'[1073741823,1073741825)'", "range"),
        Post("extent_range_free", ExtentPath, "'disk':'wwn-1','range':'[199,300)'", "range", 409),
        Post("extent_range_disk", ExtentPath, "'disk':'wwn-1','range':'[999,1001)'", "range"),
        Post("extent_order_unique", ExtentPath, $"'disk':'wwn-1','range':'[0,1)','volume':'{Attached}'", "order", 409),
        Post("vdisk_pkey", OtherVdiskPath, $"'uuid':'{Vdisk}','volume':'{Free}'", "uuid", 409),
        Post("vdisk_content_one", VdiskPath, "'bus':'virtio'", "storage_pool"),
        Post("vdisk_size_pool", TemplateVdiskPath, $"'storage_pool':'{Pool}'", "size"),
        Post("vdisk_content_template", TemplateVdiskPath, $"'volume':'{Free}'", "volume"),
        Post("vdisk_base_image_pool", VdiskPath, $"'volume':'{Free}','base_image':'{Image}'", "base_image"),
        Post("vdisk_base_image_tenant", TemplateVdiskPath, $"'storage_pool':'{Pool}','size':1,'base_image':'{ForeignImage}'", "base_image"),
        Post("vdisk_index_unique", VdiskPath, $"'volume':'{Free}','index':0", "index", 409),
        Post("vdisk_volume_unique", VdiskPath, $"'volume':'{Shared}'", "volume", 409),
        Post("vdisk_volume_tenant", VdiskPath, $"'volume':'{Foreign}'", "volume"),
        Post("vdisk_volume_deleted", VdiskPath, $"'volume':'{Deleted}'", "volume"),
        Post("vdisk_volume_attached", OtherVdiskPath, $"'volume':'{Attached}'", "volume"),
        Post("vdisk_image_tenant", VdiskPath, $"'image':'{ForeignImage}'", "image"),
        Post("snapshot_pkey", $"{VolumePath}/{Free}/snapshot", $"'uuid':'{Vdisk}','name':'x'", "uuid", 409),
        Post("snapshot_content_one", $"{VolumePath}/{Free}/snapshot", $"'instance':'{Instance}','name':'x'", "instance"),
        Post("affinity_group_pkey", $"/tenant/{Tenant}/affinity-group", $"'uuid':'{Group}','name':'x','type':'affinity'", "uuid", 409),
        Post("affinity_group_instance_pkey", MemberPath, $"'uuid':'{Vdisk}','instance':'{Second}'", "uuid", 409),
        Post("affinity_group_instance_unique", MemberPath, $"'instance':'{Instance}'", "instance", 409),
        Post("affinity_group_instance_tenant", MemberPath, $"'instance':'{ForeignInstance}'", "instance"),
    ];

    private static BrokenByRequest Post(string rule, string path, string fields, string field, int status = 422, string? name = null) =>
        new(rule, "POST", path, Row(fields), Pointer(field), status, name);

    private static BrokenByRequest Patch(string rule, string path, string fields, string field, int status = 422) =>
        new(rule, "PATCH", path, Row(fields), Pointer(field), status, "a change");

    private static BrokenByRequest Delete(string rule, string path) => new(rule, "DELETE", path, null, "", 409, "in use");

    private static string Row(string fields) => $"{{\"desired\":{{{fields.Replace('\'', '"')}}}}}";

    private static string Pointer(string field) => $"/desired/{field}";
}
