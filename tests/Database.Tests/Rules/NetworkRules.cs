using System.Text.RegularExpressions;

namespace PonyCloud.Database.Tests.Rules;

/// <summary>The rules of networks, over a host with a bond, a tenant with an instance on its switch, and a full network.</summary>
public sealed partial class NetworkRules : RuleTable
{
    public override string World => """
        INSERT INTO host (uuid, name) VALUES (u('a1'), 'net-1'), (u('a2'), 'net-2');
        INSERT INTO bond (uuid, host) VALUES (u('b1'), u('a1')), (u('b2'), u('a2'));
        INSERT INTO nic VALUES ('52:54:00:00:00:01', u('a1'), u('b1')), ('52:54:00:00:00:02', u('a1'), NULL);
        INSERT INTO net_role (uuid, bond, role, address, prefix) VALUES (u('c1'), u('b1'), 'management', '192.0.2.10', 24);
        INSERT INTO tenant (uuid, name) VALUES (u('d1'), 'net-1'), (u('d2'), 'net-2');
        INSERT INTO instance (uuid, tenant, name, mem) VALUES (u('e1'), u('d1'), 'net', 64), (u('e2'), u('d1'), 'full', 64), (u('e4'), u('d1'), 'empty', 64);
        INSERT INTO instance (uuid, name, mem, template) VALUES (u('e3'), 'net-template', 64, true);
        INSERT INTO switch (uuid, tenant, name) VALUES (u('f1'), u('d1'), 'own'), (u('f2'), u('d2'), 'foreign'), (u('f3'), NULL, 'shared');
        INSERT INTO switch (uuid, tenant, name, type, tag) VALUES (u('f4'), NULL, 'untagged', 'bridge', NULL), (u('f5'), NULL, 'tagged', 'bridge', 7);
        INSERT INTO network (uuid, switch, range, gateway) VALUES
            (u('11'), u('f1'), '198.51.100.0/24', '198.51.100.1'), (u('12'), u('f1'), '203.0.113.0/30', NULL), (u('13'), u('f3'), '198.51.100.0/24', NULL);
        INSERT INTO route (uuid, network, route, via) VALUES (u('21'), u('11'), '203.0.113.0/24', '198.51.100.200');
        INSERT INTO vnic (uuid, instance, switch, macaddr, index) VALUES (u('31'), u('e1'), u('f1'), '52:54:00:00:01:01', 5);
        INSERT INTO vnic (uuid, instance, switch) VALUES (u('32'), u('e3'), u('f3'));
        INSERT INTO vnic (instance, switch) SELECT u('e2'), u('f3') FROM generate_series(1, 32);
        INSERT INTO address (uuid, network, vnic) VALUES (u('41'), u('11'), u('31')), (u('42'), u('12'), NULL), (u('43'), u('12'), NULL);
        """.Uuids();

    public override IEnumerable<BrokenRule> Rules => Broken.Select(rule => rule with { Sql = rule.Sql.Uuids() });

    private static IEnumerable<BrokenRule> Broken =>
    [
        new("bond_pkey", "INSERT INTO bond (uuid, host) VALUES (u('b1'), u('a1'))"),
        new("bond_host_fkey", "INSERT INTO bond (host) VALUES (u('99'))"),
        new("bond_mode_list", "UPDATE bond SET mode = 'broadcast'"),
        new("bond_lacp_rate_list", "UPDATE bond SET lacp_rate = 'never'"),
        new("bond_xmit_hash_policy_list", "UPDATE bond SET xmit_hash_policy = 'layer8'"),
        new("bond_host_immutable", "UPDATE bond SET host = u('a1') WHERE uuid = u('b2')"),
        new("nic_pkey", "INSERT INTO nic VALUES ('52:54:00:00:00:01', u('a2'), NULL)"),
        new("nic_host_fkey", "INSERT INTO nic VALUES ('52:54:00:00:00:03', u('99'), NULL)"),
        new("nic_bond_fkey", "INSERT INTO nic VALUES ('52:54:00:00:00:03', u('a1'), u('99'))"),
        new("nic_bond_host", "INSERT INTO nic VALUES ('52:54:00:00:00:03', u('a1'), u('b2'))"),
        new("nic_bond_host", "UPDATE nic SET host = u('a2') WHERE bond = u('b1')", "the card moves"),
        new("nic_hwaddr_unicast", "INSERT INTO nic VALUES ('01:00:5e:00:00:01', u('a1'), NULL)"),
        new("nic_hwaddr_unicast", "INSERT INTO nic VALUES ('00:00:00:00:00:00', u('a1'), NULL)", "zero"),
        new("net_role_pkey", "INSERT INTO net_role (uuid, bond, role) VALUES (u('c1'), u('b1'), 'core')"),
        new("net_role_bond_fkey", "INSERT INTO net_role (bond, role) VALUES (u('99'), 'core')"),
        new("net_role_vlan_id_range", "INSERT INTO net_role (bond, role, vlan_id) VALUES (u('b1'), 'core', 4095)"),
        new("net_role_role_list", "UPDATE net_role SET role = 'fun'"),
        new("net_role_address_host", "UPDATE net_role SET address = '192.0.2.10/24'"),
        new("net_role_prefix_range", "UPDATE net_role SET prefix = -1"),
        new("net_role_prefix_fits", "UPDATE net_role SET prefix = 33"),
        new("net_role_prefix_fits", "UPDATE net_role SET prefix = NULL", "none"),
        new("net_role_address_unique", "INSERT INTO net_role (bond, role, address, prefix) VALUES (u('b1'), 'core', '192.0.2.10', 25)"),
        new("net_role_bond_immutable", "UPDATE net_role SET bond = u('b2')"),
        new("switch_pkey", "INSERT INTO switch (uuid, name) VALUES (u('f1'), 'twin')"),
        new("switch_tenant_fkey", "INSERT INTO switch (tenant, name) VALUES (u('99'), 'a')"),
        new("switch_name_length", "INSERT INTO switch (name) VALUES ('')"),
        new("switch_name_unique", "INSERT INTO switch (tenant, name) VALUES (u('d1'), 'own')"),
        new("switch_name_unique", "INSERT INTO switch (name) VALUES ('shared')", "shared"),
        new("switch_type_list", "INSERT INTO switch (name, type) VALUES ('a', 'hub')"),
        new("switch_tag_range", "INSERT INTO switch (name, tag) VALUES ('a', 16777216)"),
        new("switch_tag_vlan", "INSERT INTO switch (name, type, tag) VALUES ('a', 'bridge', 4095)"),
        new("switch_tag_available", "SET session_replication_role = replica; INSERT INTO switch (name) VALUES ('a')"),
        new("switch_tag_unique", "INSERT INTO switch (name, type, tag) VALUES ('a', 'bridge', 7)"),
        new("switch_tag_unique", "INSERT INTO switch (name, type) VALUES ('a', 'bridge')", "untagged"),
        new("switch_tenant_immutable", "UPDATE switch SET tenant = u('d2') WHERE uuid = u('f3')"),
        new("network_pkey", "INSERT INTO network (uuid, switch, range) VALUES (u('11'), u('f1'), '10.0.0.0/8')"),
        new("network_switch_fkey", "INSERT INTO network (switch, range) VALUES (u('99'), '10.0.0.0/8')"),
        new("network_vlan_tag_range", "UPDATE network SET vlan_tag = 0"),
        new("network_gateway_host", "UPDATE network SET gateway = '198.51.100.1/24' WHERE uuid = u('11')"),
        new("network_gateway_within", "UPDATE network SET gateway = '198.51.101.1' WHERE uuid = u('11')"),
        new("network_gateway_within", "UPDATE network SET gateway = '198.51.100.255' WHERE uuid = u('11')", "broadcast"),
        new("network_gateway_within", "UPDATE network SET gateway = '2001:db8::1' WHERE uuid = u('11')", "family"),
        new("network_ns_hosts", "UPDATE network SET ns = ARRAY['192.0.2.1', NULL]::inet[]"),
        new("network_ns_count", "UPDATE network SET ns = array_fill('192.0.2.1'::inet, ARRAY[17])"),
        new("network_range_overlap", "INSERT INTO network (switch, range) VALUES (u('f1'), '198.51.100.128/25')"),
        new("network_switch_immutable", "UPDATE network SET switch = u('f4') WHERE uuid = u('13')"),
        new("network_range_addresses", "UPDATE network SET range = '198.51.100.128/25', gateway = NULL WHERE uuid = u('11')"),
        new("network_range_routes", "UPDATE network SET range = '198.51.100.0/25' WHERE uuid = u('11')"),
        new("route_pkey", "INSERT INTO route (uuid, network, route, via) VALUES (u('21'), u('11'), '10.0.0.0/8', '198.51.100.2')"),
        new("route_network_fkey", "INSERT INTO route (network, route, via) VALUES (u('99'), '10.0.0.0/8', '198.51.100.2')"),
        new("route_route_unique", "INSERT INTO route (network, route, via) VALUES (u('11'), '203.0.113.0/24', '198.51.100.2')"),
        new("route_via_host", "UPDATE route SET via = '198.51.100.2/24'"),
        new("route_via_family", "UPDATE route SET via = '2001:db8::1'"),
        new("route_via_within", "UPDATE route SET via = '198.51.101.2'"),
        new("route_network_immutable", "UPDATE route SET network = u('13')"),
        new("vnic_pkey", "INSERT INTO vnic (uuid, instance, switch) VALUES (u('31'), u('e1'), u('f1'))"),
        new("vnic_instance_fkey", "INSERT INTO vnic (instance, switch) VALUES (u('99'), u('f1'))"),
        new("vnic_switch_fkey", "INSERT INTO vnic (instance, switch) VALUES (u('e1'), u('99'))"),
        new("vnic_switch_fkey", "DELETE FROM switch WHERE uuid = u('f1')", "in use"),
        new("vnic_index_range", "INSERT INTO vnic (instance, switch, index) VALUES (u('e1'), u('f1'), 32)"),
        new("vnic_index_available", "INSERT INTO vnic (instance, switch) VALUES (u('e2'), u('f1'))"),
        new("vnic_index_unique", "INSERT INTO vnic (instance, switch, index) VALUES (u('e1'), u('f1'), 5)"),
        new("vnic_macaddr_unicast", "INSERT INTO vnic (instance, switch, macaddr) VALUES (u('e1'), u('f1'), '01:00:5e:00:00:01')"),
        new("vnic_macaddr_unicast", "INSERT INTO vnic (instance, switch, macaddr) VALUES (u('e1'), u('f1'), '00:00:00:00:00:00')", "zero"),
        new("vnic_macaddr_reserved", "INSERT INTO vnic (instance, switch, macaddr) VALUES (u('e1'), u('f1'), 'fe:54:00:00:00:01')"),
        new("vnic_macaddr_unique", "INSERT INTO vnic (instance, switch, macaddr) VALUES (u('e1'), u('f1'), '52:54:00:00:01:01')"),
        new("vnic_macaddr_once", "INSERT INTO vnic (instance, switch, macaddr) VALUES (u('e1'), u('f3'), '52:54:00:00:01:01')"),
        new("vnic_macaddr_template", "INSERT INTO vnic (instance, switch, macaddr) VALUES (u('e3'), u('f3'), '52:54:00:00:01:02')"),
        new("vnic_model_list", "UPDATE vnic SET model = 'ne2k'"),
        new("vnic_bandwidth_in_mbit_range", "UPDATE vnic SET bandwidth_in_mbit = 0"),
        new("vnic_bandwidth_out_mbit_range", "UPDATE vnic SET bandwidth_out_mbit = 1000001"),
        new("vnic_instance_immutable", "UPDATE vnic SET instance = u('e1') WHERE uuid = u('32')"),
        new("vnic_switch_tenant", "INSERT INTO vnic (instance, switch) VALUES (u('e1'), u('f2'))"),
        new("vnic_switch_tenant", "INSERT INTO vnic (instance, switch) VALUES (u('e3'), u('f1'))", "public template"),
        new("vnic_switch_addresses", "UPDATE vnic SET switch = u('f3') WHERE uuid = u('31')"),
        new("address_pkey", "INSERT INTO address (uuid, network) VALUES (u('41'), u('11'))"),
        new("address_network_fkey", "INSERT INTO address (network) VALUES (u('99'))"),
        new("address_network_fkey", "DELETE FROM network WHERE uuid = u('12')", "in use"),
        new("address_vnic_fkey", "INSERT INTO address (network, vnic) VALUES (u('11'), u('99'))"),
        new("address_ip_host", "INSERT INTO address (network, ip) VALUES (u('11'), '198.51.100.9/24')"),
        new("address_ip_available", "INSERT INTO address (network) VALUES (u('12'))"),
        new("address_ip_unique", "INSERT INTO address (network, ip) VALUES (u('12'), '203.0.113.1')"),
        new("address_ip_within", "INSERT INTO address (network, ip) VALUES (u('11'), '198.51.101.9')"),
        new("address_ip_within", "INSERT INTO address (network, ip) VALUES (u('11'), '198.51.100.0')", "the network"),
        new("address_ip_within", "INSERT INTO address (network, ip) VALUES (u('11'), '198.51.100.255')", "broadcast"),
        new("address_ip_within", "UPDATE address SET ip = '2001:db8::1' WHERE uuid = u('41')", "family"),
        new("address_ptr_length", "UPDATE address SET ptr = repeat('a.', 126) || 'aa'"),
        new("address_ptr_format", "UPDATE address SET ptr = '-.example.org'"),
        new("address_vnic_switch", "INSERT INTO address (network, vnic) VALUES (u('13'), u('31'))"),
        new("address_network_immutable", "UPDATE address SET network = u('13') WHERE uuid = u('42')"),
    ];
}

/// <summary>Uuids that read well.</summary>
internal static class ShortUuids
{
    private const string Long = "00000000-0000-4000-8000-0000000000$1";

    /// <summary>Writes <c>u('a1')</c> out.</summary>
    public static string Uuids(this string sql) => Regex.Replace(sql, @"\bu\('(\w\w)'\)", $"'{Long}'");

    /// <summary>Writes <c>@a1</c> out.</summary>
    public static string UuidsInRequest(this string text) => Regex.Replace(text, @"@([0-9a-f]{2})\b", Long);
}
