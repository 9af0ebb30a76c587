namespace PonyCloud.Database.Tests.Rules;

public sealed partial class NetworkWorkRules
{
    private const string OwnNetworks = "/tenant/@d3/switch/@f6/network";
    private const string GroupPath = "/tenant/@d3/security-group";

    public override IEnumerable<BrokenByRequest> Requests =>
    [
        Patch("bond_mode_single", "/host/@a3/bond/@b4", "'mode':'single'", "mode"),
        Patch("nic_bond_single", "/host/@a3/nic/52:54:00:00:03:04", "'bond':'@b3'", "bond"),
        Patch("net_role_gateway_within", "/host/@a3/bond/@b3/role/@c2", "'gateway':'192.0.3.1'", "gateway"),
        Patch("net_role_gateway_within", "/host/@a3/bond/@b4/role/@c3", "'gateway':'192.0.2.1'", "gateway", change: "no address"),
        Patch("net_role_gateway_within", "/host/@a3/bond/@b3/role/@c2", "'prefix':28", "prefix", change: "the network shrinks"),
        Patch("network_routed_gateway", $"{OwnNetworks}/@14", "'gateway':null", "gateway"),
        Post("network_routed_gateway", OwnNetworks, "'range':'10.0.0.0/8','routed':true", "routed"),
        Patch("network_routed_switch", "/switch/@f8/network/@17", "'routed':true", "routed"),
        Patch("switch_type_routed", "/tenant/@d3/switch/@f6", "'type':'bridge'", "type"),
        Patch("network_service_address_within", $"{OwnNetworks}/@15", "'service_address':'198.18.3.254'", "service_address"),
        Patch("network_service_address_gateway", $"{OwnNetworks}/@15", "'service_address':'198.18.2.1'", "service_address"),
        Post("network_service_address_available", OwnNetworks, "'range':'10.0.0.1/32','gateway':'10.0.0.1','dhcp':true", "service_address"),
        Patch("network_own_given", $"{OwnNetworks}/@15", "'service_address':'198.18.2.9'", "service_address"),
        Patch("network_own_given", $"{OwnNetworks}/@15", "'routed':true", "routed", change: "a card is the gateway"),
        Patch("network_own_given", $"{OwnNetworks}/@18", "'gateway':'198.18.5.9'", "gateway", change: "the gateway moves"),
        Post("address_ip_own", $"{OwnNetworks}/@15/address", "'ip':'198.18.2.254'", "ip"),
        Patch("network_floating_given", "/switch/@f7/network/@16", "'floating':false", "floating"),
        Post("security_group_pkey", GroupPath, "'uuid':'@61','name':'twin'", "uuid", 409),
        Post("security_group_name_unique", GroupPath, "'name':'web'", "name", 409),
        Post("security_rule_pkey", $"{GroupPath}/@61/rule", "'uuid':'@64','direction':'egress'", "uuid", 409),
        Rule("security_rule_port_to_order", "'protocol':'tcp','port_from':2,'port_to':1", "port_to"),
        Rule("security_rule_port_from_protocol", "'protocol':'icmp','port_from':1,'port_to':2", "port_from"),
        Rule("security_rule_remote_range_family", "'protocol':'icmpv6','remote_range':'10.0.0.0/8'", "remote_range"),
        Rule("security_rule_remote_range_alone", "'remote_range':'10.0.0.0/8','remote_security_group':'@62'", "remote_range"),
        Rule("security_rule_remote_security_group_tenant", "'remote_security_group':'@63'", "remote_security_group"),
        Post("vnic_security_group_pkey", "/tenant/@d3/instance/@e6/vnic/@34/security-group", "'uuid':'@66','security_group':'@61'", "uuid", 409),
        Post("vnic_security_group_security_group_unique", "/tenant/@d3/instance/@e5/vnic/@33/security-group", "'security_group':'@61'", "security_group", 409),
        Post("vnic_security_group_tenant", "/tenant/@d3/instance/@e5/vnic/@33/security-group", "'security_group':'@63'", "security_group"),
        new("security_rule_remote_security_group_fkey", "DELETE", $"{GroupPath}/@61", null, "", 409, "in use"),
        new("vnic_security_group_security_group_fkey", "DELETE", $"{GroupPath}/@67", null, "", 409, "in use"),
    ];

    private static BrokenByRequest Rule(string rule, string fields, string field) =>
        Post(rule, $"{GroupPath}/@61/rule", $"'direction':'ingress',{fields}", field);

    private static BrokenByRequest Post(string rule, string path, string fields, string field, int status = 422) =>
        new(rule, "POST", path, Row(fields), Pointer(field), status);

    private static BrokenByRequest Patch(string rule, string path, string fields, string field, int status = 422, string change = "a change") =>
        new(rule, "PATCH", path, Row(fields), Pointer(field), status, change);

    private static string Row(string fields) => $"{{\"desired\":{{{fields.Replace('\'', '"')}}}}}";

    private static string Pointer(string field) => $"/desired/{field}";
}
