namespace PonyCloud.Database.Tests.Rules;

/// <summary>Quotas of one tenant that are used up to the last piece, and what was metered of it.</summary>
public sealed partial class TenancyRules : RuleTable
{
    private const string Tenant = "aaaaaaaa-7000-4000-8000-000000000000";
    private const string Stopped = "aaaaaaaa-7000-4000-8000-000000000001";
    private const string Running = "aaaaaaaa-7000-4000-8000-000000000002";
    private const string Volume = "aaaaaaaa-7000-4000-8000-000000000003";
    private const string Vnic = "aaaaaaaa-7000-4000-8000-000000000004";
    private const string Pool = "cccccccc-7000-4000-8000-000000000001";
    private const string OtherPool = "cccccccc-7000-4000-8000-000000000002";
    private const string Profile = "cccccccc-7000-4000-8000-000000000003";
    private const string Switch = "cccccccc-7000-4000-8000-000000000004";
    private const string Network = "cccccccc-7000-4000-8000-000000000005";
    private const string Quota = "aaaaaaaa-7000-4000-8000-000000000009";
    private const string None = "dddddddd-7000-4000-8000-000000000000";

    public override string World => $$"""
        INSERT INTO tenant (uuid, name) VALUES ('{{Tenant}}', 'limited');
        INSERT INTO storage_pool (uuid, name, type, config) VALUES
            ('{{Pool}}', 'allowed', 'dir', '{"path": "/srv/a"}'), ('{{OtherPool}}', 'forbidden', 'dir', '{"path": "/srv/b"}');
        INSERT INTO cpu_profile (uuid, name, model) VALUES ('{{Profile}}', 'limited', 'qemu64');
        INSERT INTO switch (uuid, name) VALUES ('{{Switch}}', 'limited');
        INSERT INTO network (uuid, switch, range) VALUES ('{{Network}}', '{{Switch}}', '10.7.0.0/24');
        INSERT INTO quota (uuid, tenant, type, "limit") VALUES ('{{Quota}}', '{{Tenant}}', 'instances', 2);
        INSERT INTO quota (tenant, type, "limit") VALUES
            ('{{Tenant}}', 'vcpu', 2), ('{{Tenant}}', 'rcpu', 1), ('{{Tenant}}', 'mem', 116), ('{{Tenant}}', 'switches', 1), ('{{Tenant}}', 'ips', 1);
        INSERT INTO quota (tenant, type, "limit", storage_pool) VALUES ('{{Tenant}}', 'storage', 100, '{{Pool}}');
        INSERT INTO quota (tenant, type, "limit", cpu_profile) VALUES ('{{Tenant}}', 'vcpu', 0, '{{Profile}}');
        INSERT INTO instance (uuid, tenant, name, mem, vcpu, rcpu) VALUES ('{{Stopped}}', '{{Tenant}}', 'stopped', 16, 1, 0);
        INSERT INTO instance (uuid, tenant, name, mem, vcpu, rcpu, state) VALUES ('{{Running}}', '{{Tenant}}', 'running', 100, 2, 1, 'running');
        INSERT INTO volume (uuid, tenant, name, size, storage_pool) VALUES ('{{Volume}}', '{{Tenant}}', 'limited', 100, '{{Pool}}');
        INSERT INTO vnic (uuid, instance, switch) VALUES ('{{Vnic}}', '{{Stopped}}', '{{Switch}}');
        INSERT INTO address (network, vnic) VALUES ('{{Network}}', '{{Vnic}}');
        INSERT INTO switch (tenant, name) VALUES ('{{Tenant}}', 'limited');
        """;

    public override IEnumerable<BrokenRule> Rules =>
    [
        new("quota_pkey", $"INSERT INTO quota (uuid, tenant, type, \"limit\") VALUES ('{Quota}', '{Tenant}', 'storage', 1)"),
        new("quota_tenant_fkey", $"INSERT INTO quota (tenant, type, \"limit\") VALUES ('{None}', 'vcpu', 1)"),
        new("quota_storage_pool_fkey", $"INSERT INTO quota (tenant, type, \"limit\", storage_pool) VALUES ('{Tenant}', 'storage', 1, '{None}')"),
        new("quota_cpu_profile_fkey", $"INSERT INTO quota (tenant, type, \"limit\", cpu_profile) VALUES ('{Tenant}', 'mem', 1, '{None}')"),
        new("quota_network_fkey", $"INSERT INTO quota (tenant, type, \"limit\", network) VALUES ('{Tenant}', 'ips', 1, '{None}')"),
        new("quota_type_unique", $"INSERT INTO quota (tenant, type, \"limit\") VALUES ('{Tenant}', 'vcpu', 9)"),
        new("quota_type_list", $"UPDATE quota SET type = 'love' WHERE uuid = '{Quota}'"),
        new("quota_limit_range", "UPDATE quota SET \"limit\" = -1"),
        new("quota_storage_pool_type", $"UPDATE quota SET storage_pool = '{OtherPool}' WHERE uuid = '{Quota}'"),
        new("quota_cpu_profile_type", $"UPDATE quota SET cpu_profile = '{Profile}' WHERE uuid = '{Quota}'"),
        new("quota_network_type", $"UPDATE quota SET network = '{Network}' WHERE uuid = '{Quota}'"),
        new("instance_instances_quota", $"INSERT INTO instance (tenant, name, mem) VALUES ('{Tenant}', 'third', 16)"),
        new("instance_vcpu_quota", $"UPDATE instance SET vcpu = 3 WHERE uuid = '{Running}'"),
        new("instance_vcpu_quota", $"UPDATE instance SET state = 'paused' WHERE uuid = '{Stopped}'", "by its state"),
        new("instance_vcpu_quota", $"UPDATE instance SET cpu_profile = '{Profile}' WHERE uuid = '{Running}'", "of a CPU profile"),
        new("instance_rcpu_quota", $"UPDATE instance SET rcpu = 2 WHERE uuid = '{Running}'"),
        new("instance_mem_quota", $"UPDATE instance SET mem = 117 WHERE uuid = '{Running}'"),
        new("volume_size_quota", $"UPDATE volume SET size = 101 WHERE uuid = '{Volume}'"),
        new("volume_size_quota", $"INSERT INTO volume (tenant, name, size, storage_pool) VALUES ('{Tenant}', 'more', 1, '{Pool}')", "one more"),
        new("volume_storage_pool_quota", $"INSERT INTO volume (tenant, name, size, storage_pool) VALUES ('{Tenant}', 'more', 1, '{OtherPool}')"),
        new("address_network_quota", $"INSERT INTO address (network, vnic) VALUES ('{Network}', '{Vnic}')"),
        new("address_network_quota", $"""
            INSERT INTO address (network) VALUES ('{Network}');
            UPDATE address SET vnic = '{Vnic}' WHERE network = '{Network}'
            """, "one that was only kept"),
        new("switch_tenant_quota", $"INSERT INTO switch (tenant, name) VALUES ('{Tenant}', 'more')"),
        new("metering_pkey", "INSERT INTO metering SELECT uuid, tenant, type, kind, amount, gen_random_uuid(), start, \"end\" FROM metering"),
        new("metering_type_list", "UPDATE metering SET type = 'love'"),
        new("metering_kind_readable", """UPDATE metering SET kind = '"\ud800"'"""),
        new("metering_amount_range", "UPDATE metering SET amount = 0"),
        new("metering_start_finite", "UPDATE metering SET start = '-infinity'"),
        new("metering_end_finite", "UPDATE metering SET \"end\" = 'infinity'"),
        new("metering_end_order", "UPDATE metering SET \"end\" = start"),
        new("metering_start_overlap", """
            INSERT INTO metering (tenant, type, kind, amount, target, start)
            SELECT tenant, type, kind, amount, target, start + interval '1 year' FROM metering
            """),
    ];
}
