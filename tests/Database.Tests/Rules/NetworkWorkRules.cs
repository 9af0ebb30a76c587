namespace PonyCloud.Database.Tests.Rules;

/// <summary>
/// The rules of what hosts need to make networks, over a host with two bonds, a switch that the platform routes, a floating
/// network, and security groups of two tenants.
/// </summary>
public sealed partial class NetworkWorkRules : RuleTable
{
    public override string World => """
        INSERT INTO host (uuid, name) VALUES (u('a3'), 'links');
        INSERT INTO bond (uuid, host, mode) VALUES (u('b3'), u('a3'), 'single'), (u('b4'), u('a3'), 'active-backup');
        INSERT INTO nic VALUES ('52:54:00:00:03:01', u('a3'), u('b3')), ('52:54:00:00:03:02', u('a3'), u('b4')),
            ('52:54:00:00:03:03', u('a3'), u('b4')), ('52:54:00:00:03:04', u('a3'), NULL);
        INSERT INTO net_role (uuid, bond, role, address, prefix, gateway) VALUES (u('c2'), u('b3'), 'management', '192.0.2.20', 24, '192.0.2.1');
        INSERT INTO net_role (uuid, bond, role) VALUES (u('c3'), u('b4'), 'virtual');
        INSERT INTO tenant (uuid, name) VALUES (u('d3'), 'groups-a'), (u('d4'), 'groups-b');
        INSERT INTO instance (uuid, tenant, name, mem) VALUES (u('e5'), u('d3'), 'in', 64), (u('e6'), u('d3'), 'out', 64);
        INSERT INTO switch (uuid, tenant, name, tag) VALUES (u('f6'), u('d3'), 'routed', 4001), (u('f7'), NULL, 'outside', 4002);
        INSERT INTO switch (uuid, name, type, tag) VALUES (u('f8'), 'vlan', 'bridge', 4003);
        INSERT INTO network (uuid, switch, range, gateway, dhcp, routed, floating) VALUES
            (u('14'), u('f6'), '198.18.1.0/24', '198.18.1.1', true, true, false), (u('15'), u('f6'), '198.18.2.0/24', '198.18.2.1', true, false, false),
            (u('16'), u('f7'), '198.18.3.0/24', NULL, false, false, true), (u('17'), u('f8'), '198.18.4.0/24', '198.18.4.1', false, false, false),
            (u('18'), u('f6'), '198.18.5.0/24', '198.18.5.1', true, true, false);
        INSERT INTO vnic (uuid, instance, switch) VALUES (u('33'), u('e5'), u('f6')), (u('34'), u('e6'), u('f6'));
        INSERT INTO address (uuid, network, vnic, ip) VALUES (u('44'), u('16'), u('33'), '198.18.3.9'), (u('45'), u('15'), u('33'), '198.18.2.9');
        INSERT INTO address (uuid, network, ip) VALUES (u('46'), u('15'), '198.18.2.1'), (u('47'), u('18'), '198.18.5.9');
        INSERT INTO security_group (uuid, tenant, name) VALUES (u('61'), u('d3'), 'web'), (u('62'), u('d3'), 'data'), (u('63'), u('d4'), 'foreign'), (u('67'), u('d3'), 'plain');
        INSERT INTO security_rule (uuid, security_group, direction, protocol, port_from, port_to) VALUES (u('64'), u('61'), 'ingress', 'tcp', 80, 80);
        INSERT INTO security_rule (uuid, security_group, direction, remote_security_group) VALUES (u('65'), u('62'), 'ingress', u('61'));
        INSERT INTO vnic_security_group (uuid, vnic, security_group) VALUES (u('66'), u('33'), u('61')), (u('68'), u('34'), u('67'));
        """.Uuids();

    public override IEnumerable<BrokenRule> Rules =>
        ((IEnumerable<BrokenRule>)[.. Hosts, .. Networks, .. Groups, .. GroupRules]).Select(rule => rule with { Sql = rule.Sql.Uuids() });

    private static IEnumerable<BrokenRule> Hosts =>
    [
        new("bond_mtu_range", "UPDATE bond SET mtu = 1279 WHERE uuid = u('b3')"),
        new("bond_mode_single", "UPDATE bond SET mode = 'single' WHERE uuid = u('b4')"),
        new("nic_bond_single", "UPDATE nic SET bond = u('b3') WHERE hwaddr = '52:54:00:00:03:04'"),
        new("nic_bond_single", "INSERT INTO nic VALUES ('52:54:00:00:03:05', u('a3'), u('b3'))", "a new card"),
        new("net_role_gateway_host", "UPDATE net_role SET gateway = '192.0.2.1/24' WHERE uuid = u('c2')"),
        new("net_role_gateway_within", "UPDATE net_role SET gateway = '192.0.3.1' WHERE uuid = u('c2')"),
        new("net_role_gateway_within", "UPDATE net_role SET gateway = address WHERE uuid = u('c2')", "the host itself"),
        new("net_role_gateway_within", "UPDATE net_role SET gateway = '2001:db8::1' WHERE uuid = u('c2')", "family"),
        new("net_role_gateway_within", "UPDATE net_role SET gateway = '192.0.2.1' WHERE uuid = u('c3')", "no address"),
        new("net_role_gateway_within", "UPDATE net_role SET prefix = 28 WHERE uuid = u('c2')", "the network shrinks"),
        new("net_role_prefix_fits", "UPDATE net_role SET prefix = 33 WHERE uuid = u('c2')", "with a gateway"),
    ];

    private static IEnumerable<BrokenRule> Networks =>
    [
        new("network_routed_gateway", "UPDATE network SET gateway = NULL WHERE uuid = u('14')"),
        new("network_routed_switch", "UPDATE network SET routed = true WHERE uuid = u('17')"),
        new("network_routed_switch", "INSERT INTO network (switch, range, gateway, routed) VALUES (u('f8'), '10.0.0.0/8', '10.0.0.1', true)", "a new network"),
        new("switch_type_routed", "UPDATE switch SET type = 'bridge' WHERE uuid = u('f6')"),
        new("network_service_address_host", "UPDATE network SET service_address = '198.18.2.254/24' WHERE uuid = u('15')"),
        new("network_service_address_within", "UPDATE network SET service_address = '198.18.3.254' WHERE uuid = u('15')"),
        new("network_service_address_within", "UPDATE network SET service_address = '198.18.2.255' WHERE uuid = u('15')", "broadcast"),
        new("network_service_address_gateway", "UPDATE network SET service_address = gateway WHERE uuid = u('15')"),
        new("network_service_address_available",
            "INSERT INTO network (switch, range, gateway, dhcp) VALUES (u('f6'), '10.0.0.1/32', '10.0.0.1', true)"),
        new("network_own_given", "UPDATE network SET service_address = '198.18.2.9' WHERE uuid = u('15')"),
        new("network_own_given", "UPDATE network SET routed = true WHERE uuid = u('15')", "a card is the gateway"),
        new("network_own_given", "UPDATE network SET gateway = '198.18.5.9' WHERE uuid = u('18')", "the gateway moves"),
        new("address_ip_own", "INSERT INTO address (network, ip) VALUES (u('15'), '198.18.2.254')"),
        new("address_ip_own", "UPDATE address SET ip = '198.18.2.254' WHERE uuid = u('45')", "a change"),
        new("address_ip_own", "INSERT INTO address (network, ip) VALUES (u('14'), '198.18.1.1')", "the gateway"),
        new("network_floating_given", "UPDATE network SET floating = false WHERE uuid = u('16')"),
        new("vnic_link_list", "UPDATE vnic SET link = 'sideways' WHERE uuid = u('33')"),
    ];

    private static IEnumerable<BrokenRule> Groups =>
    [
        new("security_group_pkey", "INSERT INTO security_group (uuid, tenant, name) VALUES (u('61'), u('d3'), 'twin')"),
        new("security_group_tenant_fkey", "INSERT INTO security_group (tenant, name) VALUES (u('99'), 'a')"),
        new("security_group_name_length", "UPDATE security_group SET name = '' WHERE uuid = u('61')"),
        new("security_group_name_unique", "UPDATE security_group SET name = 'data' WHERE uuid = u('61')"),
        new("security_group_description_length", "UPDATE security_group SET description = repeat('a', 1025) WHERE uuid = u('61')"),
        new("security_group_tenant_immutable", "UPDATE security_group SET tenant = u('d4') WHERE uuid = u('61')"),
        new("vnic_security_group_pkey", "INSERT INTO vnic_security_group (uuid, vnic, security_group) VALUES (u('66'), u('33'), u('62'))"),
        new("vnic_security_group_vnic_fkey", "INSERT INTO vnic_security_group (vnic, security_group) VALUES (u('99'), u('61'))"),
        new("vnic_security_group_security_group_fkey", "INSERT INTO vnic_security_group (vnic, security_group) VALUES (u('33'), u('99'))"),
        new("vnic_security_group_security_group_fkey", "DELETE FROM security_group WHERE uuid = u('67')", "in use"),
        new("vnic_security_group_security_group_unique", "INSERT INTO vnic_security_group (vnic, security_group) VALUES (u('33'), u('61'))"),
        new("vnic_security_group_immutable", "UPDATE vnic_security_group SET vnic = u('33') WHERE uuid = u('68')"),
        new("vnic_security_group_immutable", "UPDATE vnic_security_group SET security_group = u('62') WHERE uuid = u('68')", "the group"),
        new("vnic_security_group_tenant", "INSERT INTO vnic_security_group (vnic, security_group) VALUES (u('33'), u('63'))"),
    ];

    private static IEnumerable<BrokenRule> GroupRules =>
    [
        new("security_rule_pkey", MakeRule("uuid", "u('64')")),
        new("security_rule_security_group_fkey", "INSERT INTO security_rule (security_group, direction) VALUES (u('99'), 'ingress')"),
        new("security_rule_remote_security_group_fkey", MakeRule("remote_security_group", "u('99')")),
        new("security_rule_remote_security_group_fkey",
            "DELETE FROM vnic_security_group; DELETE FROM security_group WHERE uuid = u('61')", "in use"),
        new("security_rule_direction_list", "UPDATE security_rule SET direction = 'both'"),
        new("security_rule_protocol_list", MakeRule("protocol", "'sctp'")),
        new("security_rule_port_from_range", MakeRule("protocol, port_from, port_to", "'udp', 0, 1")),
        new("security_rule_port_to_range", MakeRule("protocol, port_from, port_to", "'udp', 1, 65536")),
        new("security_rule_port_to_order", MakeRule("protocol, port_from, port_to", "'udp', 2, 1")),
        new("security_rule_port_to_order", MakeRule("protocol, port_from", "'udp', 1"), "no last"),
        new("security_rule_port_to_order", MakeRule("protocol, port_to", "'udp', 1"), "no first"),
        new("security_rule_port_from_protocol", MakeRule("protocol, port_from, port_to", "'icmp', 1, 2")),
        new("security_rule_port_from_protocol", MakeRule("port_from, port_to", "1, 2"), "of every protocol"),
        new("security_rule_remote_range_family", MakeRule("protocol, remote_range", "'icmp', '2001:db8::/32'")),
        new("security_rule_remote_range_family", MakeRule("protocol, remote_range", "'icmpv6', '10.0.0.0/8'"), "the other way round"),
        new("security_rule_remote_range_alone", MakeRule("remote_range, remote_security_group", "'10.0.0.0/8', u('62')")),
        new("security_rule_remote_security_group_tenant", MakeRule("remote_security_group", "u('63')")),
        new("security_rule_security_group_immutable", "UPDATE security_rule SET security_group = u('62') WHERE uuid = u('64')"),
    ];

    private static string MakeRule(string columns, string values) =>
        $"INSERT INTO security_rule (security_group, direction, {columns}) VALUES (u('61'), 'ingress', {values})";
}
