namespace PonyCloud.Database.Tests.Rules;

/// <summary>The rules of instances that grow while they run and that move, over one that does both and a template.</summary>
public sealed class InstanceLifeRules : RuleTable
{
    public override string World => """
        INSERT INTO host (uuid, name) VALUES (u('91'), 'from'), (u('92'), 'to');
        INSERT INTO tenant (uuid, name) VALUES (u('93'), 'movers');
        INSERT INTO instance (uuid, tenant, name, mem, mem_max, vcpu_max) VALUES (u('94'), u('93'), 'web', 64, 128, 2);
        INSERT INTO instance (uuid, tenant, name, mem) VALUES (u('95'), u('93'), 'data', 64);
        INSERT INTO instance (uuid, tenant, name, mem, template) VALUES (u('96'), u('93'), 'mover-pattern', 64, true);
        INSERT INTO migration VALUES (u('94'), u('92'));
        """.Uuids();

    public override IEnumerable<BrokenRule> Rules => ((IEnumerable<BrokenRule>)
    [
        new("instance_vcpu_max_range", "UPDATE instance SET vcpu_max = 513 WHERE uuid = u('94')"),
        new("instance_vcpu_within_max", "UPDATE instance SET vcpu = 3 WHERE uuid = u('94')"),
        new("instance_mem_max_range", "UPDATE instance SET mem_max = 16777217 WHERE uuid = u('94')"),
        new("instance_mem_within_max", "UPDATE instance SET mem = 129 WHERE uuid = u('94')"),
        new("instance_firmware_list", "UPDATE instance SET firmware = 'openboot' WHERE uuid = u('94')"),
        new("migration_pkey", "INSERT INTO migration VALUES (u('94'), u('91'))"),
        new("migration_instance_fkey", "INSERT INTO migration VALUES (u('9f'), u('91'))"),
        new("migration_destination_host_fkey", "INSERT INTO migration VALUES (u('95'), u('9f'))"),
        new("migration_instance_template", "INSERT INTO migration VALUES (u('96'), u('91'))"),
    ]).Select(rule => rule with { Sql = rule.Sql.Uuids() });

    public override IEnumerable<BrokenByRequest> Requests =>
    [
        new("instance_vcpu_within_max", "PATCH", "/tenant/@93/instance/@94", """{"desired":{"vcpu":3}}""", "/desired/vcpu"),
        new("instance_mem_within_max", "PATCH", "/tenant/@93/instance/@94", """{"desired":{"mem":129}}""", "/desired/mem"),
        new("migration_pkey", "POST", "/migration", """{"desired":{"instance":"@94","destination_host":"@91"}}""", "/desired/instance", 409),
        new("migration_instance_template", "POST", "/migration", """{"desired":{"instance":"@96","destination_host":"@91"}}""", "/desired/instance"),
    ];
}
