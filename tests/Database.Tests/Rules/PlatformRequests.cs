namespace PonyCloud.Database.Tests.Rules;

public sealed partial class PlatformRules
{
    private const string Key = "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7";

    public override string World => $"""
        INSERT INTO host (uuid, name, agent_key) VALUES (u('51'), 'metal', '{Key}');
        INSERT INTO cpu_profile (uuid, name, model) VALUES (u('52'), 'small', 'qemu64');
        INSERT INTO tenant (uuid, name) VALUES (u('53'), 'platform');
        INSERT INTO "user" (email, tokens_valid_from) VALUES ('member@platform.example', '2020-01-02T00:00:00Z');
        INSERT INTO member (uuid, "user", tenant, role) VALUES (u('54'), 'member@platform.example', u('53'), 'owner');
        INSERT INTO instance (uuid, tenant, name, mem, cpu_profile) VALUES (u('55'), u('53'), 'web', 64, u('52'));
        INSERT INTO instance (uuid, tenant, name, mem, template) VALUES (u('56'), u('53'), 'pattern', 64, true);
        INSERT INTO config VALUES ('platform.key', '1');
        INSERT INTO enrolment (hash, expires) VALUES (repeat('5', 64), '2090-01-01');
        """.Uuids();

    public override IEnumerable<BrokenByRequest> Requests =>
    [
        new("host_pkey", "POST", "/host", """{"desired":{"uuid":"@51","name":"twin"}}""", "/desired/uuid", 409),
        new("host_agent_key_unique", "POST", "/host", $$$"""{"desired":{"uuid":"@5f","name":"twin","agent_key":"{{{Key}}}"}}""", "/desired/agent_key", 409),
        new("cpu_profile_pkey", "POST", "/cpu-profile", """{"desired":{"uuid":"@52","name":"twin","model":"qemu64"}}""", "/desired/uuid", 409),
        new("tenant_pkey", "POST", "/tenant", """{"desired":{"uuid":"@53","name":"twin"}}""", "/desired/uuid", 409),
        new("user_pkey", "POST", "/user", """{"desired":{"email":"member@platform.example"}}""", "/desired/email", 409),
        new("user_tokens_valid_from_rises", "PATCH", "/user/member%40platform.example", """{"desired":{"tokens_valid_from":"2020-01-01T00:00:00Z"}}""", "/desired/tokens_valid_from"),
        new("member_pkey", "POST", "/tenant/@53/member", """{"desired":{"uuid":"@54","user":"luna@canterlot.example","role":"owner"}}""", "/desired/uuid", 409),
        new("member_user_unique", "POST", "/tenant/@53/member", """{"desired":{"user":"member@platform.example","role":"admin"}}""", "/desired/user", 409),
        new("config_pkey", "POST", "/config", """{"desired":{"key":"platform.key","value":2}}""", "/desired/key", 409),
        new("enrolment_pkey", "POST", "/enrolment", $$$"""{"desired":{"hash":"{{{new string('5', 64)}}}","expires":"2090-01-01T00:00:00Z"}}""", "/desired/hash", 409),
        new("instance_pkey", "POST", "/tenant/@53/instance", """{"desired":{"uuid":"@55","name":"twin","mem":64}}""", "/desired/uuid", 409),
        new("instance_name_unique", "POST", "/tenant/@53/instance", """{"desired":{"name":"web","mem":64}}""", "/desired/name", 409),
        new("instance_rcpu_within_vcpu", "POST", "/tenant/@53/instance", """{"desired":{"name":"a","mem":64,"rcpu":3}}""", "/desired/rcpu"),
        new("instance_tenant_required", "POST", "/instance", """{"desired":{"name":"a","mem":64}}""", "/desired/tenant"),
        new("instance_template_stopped", "PATCH", "/tenant/@53/instance/@56", """{"desired":{"state":"running"}}""", "/desired/state"),
        new("instance_reboots_step", "PATCH", "/tenant/@53/instance/@55", """{"desired":{"reboots":2}}""", "/desired/reboots"),
        new("instance_resets_step", "PATCH", "/tenant/@53/instance/@55", """{"desired":{"resets":2}}""", "/desired/resets"),
        new("instance_cpu_profile_fkey", "DELETE", "/cpu-profile/@52", null, "", 409, "in use"),
    ];
}
