namespace PonyCloud.Database.Tests.Rules;

/// <summary>What no record of hosts, users and instances can say, but psql can; over the rows of <see cref="RefusalTests"/>.</summary>
public sealed partial class PlatformRules : RuleTable
{
    public override IEnumerable<BrokenRule> Rules =>
    [
        new("host_state_list", "UPDATE host SET state = 'lost'"),
        new("host_instance_host_gone", """
            UPDATE host SET state = 'gone';
            INSERT INTO host_instance SELECT host.uuid, instance.uuid FROM host, instance WHERE instance.name = 'unplaced'
            """),
        new("member_role_list", "UPDATE member SET role = 'king'"),
        new("instance_state_list", "UPDATE instance SET state = 'crashed'"),
        new("instance_boot_list", "UPDATE instance SET boot = 'floppy'"),
        new("instance_restart_list", "UPDATE instance SET restart = 'sometimes'"),
        new("instance_watchdog_list", "UPDATE instance SET watchdog = 'bark'"),
        new("instance_ns_hosts", "UPDATE instance SET ns = ARRAY['192.0.2.1/24'::inet]"),
        new("instance_ssh_keys_flat", "UPDATE instance SET ssh_keys = ARRAY['a', NULL]"),
        new("instance_template_immutable", "UPDATE instance SET template = true WHERE NOT template AND state = 'stopped'"),
        new("instance_tenant_immutable", "UPDATE instance SET tenant = NULL WHERE template"),
        new("instance_reboots_step", "UPDATE instance SET reboots = reboots + 2"),
        new("instance_resets_step", "UPDATE instance SET resets = resets + 2"),
        new("event_severity_list", "UPDATE event SET severity = 'bad'"),
        new("event_ctime_finite", "UPDATE event SET ctime = '-infinity'"),
        new("event_mtime_finite", "UPDATE event SET mtime = 'infinity'"),
        new("enrolment_expires_finite", "UPDATE enrolment SET expires = 'infinity'"),
        new("controller_pkey", "INSERT INTO controller (epoch) VALUES (7)"),
        new("controller_single_only", "INSERT INTO controller VALUES (false, 7)"),
        new("controller_epoch_range", "UPDATE controller SET epoch = -1"),
        new("cpu_profile_features_flat", "UPDATE cpu_profile SET features = ARRAY['a', NULL]"),
    ];
}
