namespace PonyCloud.Database.Tests.Rules;

public sealed partial class NetworkRules
{
    private const string Cards = "/tenant/@d1/instance/@e1/vnic";
    private const string Networks = "/tenant/@d1/switch/@f1/network";
    private const string Routes = $"{Networks}/@11/route";
    private const string Addresses = $"{Networks}/@11/address";

    public override IEnumerable<BrokenByRequest> Requests =>
    [
        new("bond_pkey", "POST", "/host/@a1/bond", """{"desired":{"uuid":"@b1"}}""", "/desired/uuid", 409),
        new("nic_pkey", "POST", "/host/@a2/nic", """{"desired":{"hwaddr":"52:54:00:00:00:01"}}""", "/desired/hwaddr", 409),
        new("nic_bond_host", "POST", "/host/@a1/nic", """{"desired":{"hwaddr":"52:54:00:00:00:03","bond":"@b2"}}""", "/desired/bond"),
        new("nic_hwaddr_unicast", "POST", "/host/@a1/nic", """{"desired":{"hwaddr":"01:00:5e:00:00:01"}}""", "/desired/hwaddr"),
        new("net_role_pkey", "POST", "/host/@a1/bond/@b1/role", """{"desired":{"uuid":"@c1","role":"core"}}""", "/desired/uuid", 409),
        new("net_role_prefix_fits", "POST", "/host/@a1/bond/@b1/role", """{"desired":{"role":"core","address":"192.0.2.11"}}""", "/desired/prefix"),
        new("net_role_prefix_fits", "PATCH", "/host/@a1/bond/@b1/role/@c1", """{"desired":{"prefix":33}}""", "/desired/prefix", Case: "too long"),
        new("net_role_address_unique", "POST", "/host/@a1/bond/@b1/role", """{"desired":{"role":"core","address":"192.0.2.10","prefix":25}}""", "/desired/address", 409),
        new("switch_pkey", "POST", "/switch", """{"desired":{"uuid":"@f1","name":"twin"}}""", "/desired/uuid", 409),
        new("switch_name_unique", "POST", "/tenant/@d1/switch", """{"desired":{"name":"own"}}""", "/desired/name", 409),
        new("switch_name_unique", "POST", "/switch", """{"desired":{"name":"shared"}}""", "/desired/name", 409, "shared"),
        new("switch_tag_vlan", "POST", "/switch", """{"desired":{"name":"a","type":"bridge","tag":4095}}""", "/desired/tag"),
        new("switch_tag_unique", "POST", "/switch", """{"desired":{"name":"a","type":"bridge","tag":7}}""", "/desired/tag", 409),
        new("network_pkey", "POST", Networks, """{"desired":{"uuid":"@11","range":"10.0.0.0/8"}}""", "/desired/uuid", 409),
        new("network_gateway_within", "POST", Networks, """{"desired":{"range":"10.0.0.0/8","gateway":"11.0.0.1"}}""", "/desired/gateway"),
        new("network_gateway_within", "PATCH", $"{Networks}/@11", """{"desired":{"range":"198.51.0.0/24"}}""", "/desired/range", Case: "the range moves"),
        new("network_range_overlap", "POST", Networks, """{"desired":{"range":"198.51.100.128/25"}}""", "/desired/range", 409),
        new("network_range_addresses", "PATCH", $"{Networks}/@11", """{"desired":{"range":"198.51.100.128/25","gateway":null}}""", "/desired/range"),
        new("network_range_routes", "PATCH", $"{Networks}/@11", """{"desired":{"range":"198.51.100.0/25"}}""", "/desired/range"),
        new("route_pkey", "POST", Routes, """{"desired":{"uuid":"@21","route":"10.0.0.0/8","via":"198.51.100.2"}}""", "/desired/uuid", 409),
        new("route_route_unique", "POST", Routes, """{"desired":{"route":"203.0.113.0/24","via":"198.51.100.2"}}""", "/desired/route", 409),
        new("route_via_family", "POST", Routes, """{"desired":{"route":"10.0.0.0/8","via":"2001:db8::1"}}""", "/desired/via"),
        new("route_via_within", "POST", Routes, """{"desired":{"route":"10.0.0.0/8","via":"198.51.101.2"}}""", "/desired/via"),
        new("vnic_pkey", "POST", Cards, """{"desired":{"uuid":"@31","switch":"@f1"}}""", "/desired/uuid", 409),
        new("vnic_switch_fkey", "DELETE", "/tenant/@d1/switch/@f1", null, "", 409, "in use"),
        new("vnic_index_available", "POST", "/tenant/@d1/instance/@e2/vnic", """{"desired":{"switch":"@f1"}}""", "/desired/index"),
        new("vnic_index_unique", "POST", Cards, """{"desired":{"switch":"@f1","index":5}}""", "/desired/index", 409),
        new("vnic_macaddr_unicast", "POST", Cards, """{"desired":{"switch":"@f1","macaddr":"01:00:5e:00:00:01"}}""", "/desired/macaddr"),
        new("vnic_macaddr_reserved", "POST", Cards, """{"desired":{"switch":"@f1","macaddr":"fe:54:00:00:00:01"}}""", "/desired/macaddr"),
        new("vnic_macaddr_unique", "POST", "/tenant/@d1/instance/@e4/vnic", """{"desired":{"switch":"@f1","macaddr":"52-54-00-00-01-01"}}""", "/desired/macaddr", 409),
        new("vnic_macaddr_once", "POST", Cards, """{"desired":{"switch":"@f3","macaddr":"52:54:00:00:01:01"}}""", "/desired/macaddr", 409),
        new("vnic_macaddr_template", "POST", "/instance/@e3/vnic", """{"desired":{"switch":"@f3","macaddr":"52:54:00:00:01:02"}}""", "/desired/macaddr"),
        new("vnic_switch_tenant", "POST", Cards, """{"desired":{"switch":"@f2"}}""", "/desired/switch"),
        new("vnic_switch_addresses", "PATCH", $"{Cards}/@31", """{"desired":{"switch":"@f3"}}""", "/desired/switch"),
        new("address_pkey", "POST", Addresses, """{"desired":{"uuid":"@41"}}""", "/desired/uuid", 409),
        new("address_network_fkey", "DELETE", $"{Networks}/@12", null, "", 409, "in use"),
        new("address_ip_available", "POST", $"{Networks}/@12/address", """{"desired":{}}""", "/desired/ip"),
        new("address_ip_available", "POST", $"{Cards}/@31/address", """{"desired":{"network":"@12"}}""", "/desired/ip", Case: "from the card"),
        new("address_ip_unique", "POST", Addresses, """{"desired":{"ip":"198.51.100.2"}}""", "/desired/ip", 409),
        new("address_ip_within", "POST", Addresses, """{"desired":{"ip":"198.51.101.9"}}""", "/desired/ip"),
        new("address_vnic_switch", "POST", "/switch/@f3/network/@13/address", """{"desired":{"vnic":"@31"}}""", "/desired/vnic"),
    ];
}
