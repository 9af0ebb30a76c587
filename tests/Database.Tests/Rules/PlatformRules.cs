namespace PonyCloud.Database.Tests.Rules;

/// <summary>What no record of hosts, users and instances can say, but psql can; over the rows of <see cref="RefusalTests"/>.</summary>
public sealed class PlatformRules : RuleTable
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
