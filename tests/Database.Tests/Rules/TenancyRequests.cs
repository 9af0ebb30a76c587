namespace PonyCloud.Database.Tests.Rules;

public sealed partial class TenancyRules
{
    private const string InstancePath = $"/tenant/{Tenant}/instance";
    private const string VolumePath = $"/tenant/{Tenant}/volume";

    public override IEnumerable<BrokenByRequest> Requests =>
    [
        new("instance_instances_quota", "POST", InstancePath, """{"desired":{"name":"third","mem":16}}""", "/desired/tenant"),
        new("instance_vcpu_quota", "PATCH", $"{InstancePath}/{Running}", """{"desired":{"vcpu":3}}""", "/desired/vcpu"),
        new("instance_rcpu_quota", "PATCH", $"{InstancePath}/{Running}", """{"desired":{"rcpu":2}}""", "/desired/rcpu"),
        new("instance_mem_quota", "PATCH", $"{InstancePath}/{Running}", """{"desired":{"mem":117}}""", "/desired/mem"),
        new("volume_size_quota", "PATCH", $"{VolumePath}/{Volume}", """{"desired":{"size":101}}""", "/desired/size"),
        new("volume_storage_pool_quota", "POST", VolumePath, $$$"""{"desired":{"name":"more","size":1,"storage_pool":"{{{OtherPool}}}"}}""", "/desired/storage_pool"),
        new("address_network_quota", "POST", $"{InstancePath}/{Stopped}/vnic/{Vnic}/address", $$$"""{"desired":{"network":"{{{Network}}}"}}""", "/desired/network"),
        new("switch_tenant_quota", "POST", $"/tenant/{Tenant}/switch", """{"desired":{"name":"more"}}""", "/desired/tenant"),
    ];
}
