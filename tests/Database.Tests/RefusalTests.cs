using Dapper;
using Npgsql;
using PonyCloud.Database.Tests.Rules;
using PonyCloud.Shared.Entities;
using PonyCloud.Sparkle.Database;

namespace PonyCloud.Database.Tests;

/// <summary>Every rule of the schema is broken once, and comes back under its name with its comment.</summary>
[TestFixture]
public sealed class RefusalTests
{
    private static readonly TenantDesired Tenant = Rows.Tenant();
    private static readonly HostDesired Host = Rows.Host() with { AgentKey = Rows.AgentKey('k') };
    private static readonly HostDesired OtherHost = Rows.Host();
    private static readonly CpuProfileDesired Profile = Rows.CpuProfile();
    private static readonly UserDesired User = Rows.User();
    private static readonly MemberDesired Member = Rows.Member(User, Tenant);
    private static readonly InstanceDesired Instance = Rows.Instance(Tenant) with { CpuProfile = Profile.Uuid };
    private static readonly InstanceDesired Unplaced = Rows.Instance(Tenant, "unplaced");
    private static readonly InstanceDesired Template = Rows.Instance(Tenant, "template") with { Template = true };
    private static readonly HostInstanceDesired Place = Rows.Place(Host, Instance);
    private static readonly ConfigDesired Config = Rows.Config("key", "1");
    private static readonly EventDesired Event = Rows.Event();
    private static readonly EnrolmentDesired Enrolment = Rows.Enrolment();

    private static readonly RevocationDesired Revocation = new() { Uuid = Guid.NewGuid(), Expires = DateTimeOffset.UnixEpoch.AddYears(90) };

    private Link _link = null!;

    private static IEnumerable<TestCaseData> Violations =>
    [
        Case("host_pkey", "host", Host with { Name = "twin" }, Refusal.Duplicate, "uuid"),
        Case("host_name_length", "host", Rows.Host(new string('x', 254)), Refusal.Rule, "name"),
        Case("host_info_length", "host", Rows.Host() with { Info = new string('x', 4097) }, Refusal.Rule, "info"),
        Case("host_agent_key_format", "host", Rows.Host() with { AgentKey = "short" }, Refusal.Rule, "agent_key"),
        Case("host_confirm_removals_format", "host", Rows.Host() with { ConfirmRemovals = "yes" }, Refusal.Rule, "confirm_removals"),
        Case("host_agent_key_unique", "host", Rows.Host() with { AgentKey = Host.AgentKey }, Refusal.Duplicate, "agent_key"),
        Case("cpu_profile_pkey", "cpu_profile", Profile, Refusal.Duplicate, "uuid"),
        Case("cpu_profile_name_length", "cpu_profile", Rows.CpuProfile() with { Name = "" }, Refusal.Rule, "name"),
        Case("cpu_profile_model_format", "cpu_profile", Rows.CpuProfile() with { Model = "a b" }, Refusal.Rule, "model"),
        Case("cpu_profile_features_format", "cpu_profile", Rows.CpuProfile() with { Features = TextList.Of(["a b"]) }, Refusal.Rule, "features"),
        Case("config_pkey", "config", Config, Refusal.Duplicate, "key"),
        Case("config_key_format", "config", Rows.Config("Key", "1"), Refusal.Rule, "key"),
        Case("user_pkey", "user", User, Refusal.Duplicate, "email"),
        Case("user_email_format", "user", Rows.User("pinkie"), Refusal.Rule, "email"),
        Case("user_email_printable", "user", Rows.User("a\u0001@b"), Refusal.Rule, "email"),
        Case("user_email_length", "user", Rows.User("a@" + new string('b', 253)), Refusal.Rule, "email"),
        Case("tenant_pkey", "tenant", Tenant, Refusal.Duplicate, "uuid"),
        Case("tenant_name_length", "tenant", Rows.Tenant(""), Refusal.Rule, "name"),
        Case("member_pkey", "member", Member, Refusal.Duplicate, "uuid"),
        Case("member_user_fkey", "member", Rows.Member(Rows.User("nobody@example.org"), Tenant), Refusal.MissingReference, "user"),
        Case("member_tenant_fkey", "member", Rows.Member(User, Rows.Tenant()), Refusal.MissingReference, "tenant"),
        Case("member_user_unique", "member", Rows.Member(User, Tenant), Refusal.Duplicate, "user", "tenant"),
        Case("instance_pkey", "instance", Instance with { Name = "twin" }, Refusal.Duplicate, "uuid"),
        Case("instance_tenant_fkey", "instance", Rows.Instance(Rows.Tenant()), Refusal.MissingReference, "tenant"),
        Case("instance_cpu_profile_fkey", "instance", Rows.Instance(Tenant, "a") with { CpuProfile = Guid.NewGuid() }, Refusal.MissingReference, "cpu_profile"),
        Case("instance_name_unique", "instance", Rows.Instance(Tenant), Refusal.Duplicate, "tenant", "name"),
        Case("instance_name_format", "instance", Rows.Instance(Tenant, "-a"), Refusal.Rule, "name"),
        Case("instance_vcpu_range", "instance", Rows.Instance(Tenant, "a") with { Vcpu = 513 }, Refusal.Rule, "vcpu"),
        Case("instance_rcpu_range", "instance", Rows.Instance(Tenant, "a") with { Rcpu = -1 }, Refusal.Rule, "rcpu"),
        Case("instance_rcpu_within_vcpu", "instance", Rows.Instance(Tenant, "a") with { Rcpu = 3 }, Refusal.Rule, "rcpu", "vcpu"),
        Case("instance_mem_range", "instance", Rows.Instance(Tenant, "a") with { Mem = 15 }, Refusal.Rule, "mem"),
        Case("instance_stop_timeout_range", "instance", Rows.Instance(Tenant, "a") with { StopTimeout = 86_401 }, Refusal.Rule, "stop_timeout"),
        Case("instance_tenant_required", "instance", Rows.Instance(Tenant) with { Tenant = null }, Refusal.Rule, "tenant", "template"),
        Case("instance_template_stopped", "instance", Template with { State = InstanceState.Running }, Refusal.Rule, "template", "state"),
        Case("instance_reboots_range", "instance", Rows.Instance(Tenant, "a") with { Reboots = -1 }, Refusal.Rule, "reboots"),
        Case("instance_resets_range", "instance", Rows.Instance(Tenant, "a") with { Resets = -1 }, Refusal.Rule, "resets"),
        Case("instance_ns_count", "instance", Rows.Instance(Tenant, "a") with { Ns = Many("192.0.2.1", 17) }, Refusal.Rule, "ns"),
        Case("instance_user_data_length", "instance", Rows.Instance(Tenant, "a") with { UserData = new string('x', 65_537) }, Refusal.Rule, "user_data"),
        Case("instance_ssh_keys_count", "instance", Rows.Instance(Tenant, "a") with { SshKeys = Many("ssh-ed25519 A", 65) }, Refusal.Rule, "ssh_keys"),
        Case("instance_ssh_keys_length", "instance", Rows.Instance(Tenant, "a") with { SshKeys = Many(new string('x', 4097), 1) }, Refusal.Rule, "ssh_keys"),
        Case("instance_ssh_keys_format", "instance", Rows.Instance(Tenant, "a") with { SshKeys = Many("a\nb", 1) }, Refusal.Rule, "ssh_keys"),
        Case("host_instance_instance_template", "host_instance", Rows.Place(Host, Template), Refusal.Rule, "instance"),
        Case("host_instance_pkey", "host_instance", Place, Refusal.Duplicate, "host", "instance"),
        Case("host_instance_host_fkey", "host_instance", Rows.Place(Rows.Host(), Unplaced), Refusal.MissingReference, "host"),
        Case("host_instance_instance_fkey", "host_instance", Place with { Instance = Guid.NewGuid() }, Refusal.MissingReference, "instance"),
        Case("host_instance_instance_key", "host_instance", Rows.Place(OtherHost, Instance), Refusal.Duplicate, "instance"),
        Case("event_pkey", "event", Event, Refusal.Duplicate, "hash"),
        Case("event_hash_format", "event", Event with { Hash = "abc" }, Refusal.Rule, "hash"),
        Case("event_mtime_order", "event", Rows.Event('c') with { Mtime = Event.Ctime.AddDays(-1) }, Refusal.Rule, "ctime", "mtime"),
        Case("enrolment_pkey", "enrolment", Enrolment, Refusal.Duplicate, "hash"),
        Case("enrolment_hash_format", "enrolment", Rows.Enrolment('E'), Refusal.Rule, "hash"),
        Case("enrolment_name_length", "enrolment", Rows.Enrolment('d') with { Name = new string('x', 254) }, Refusal.Rule, "name"),
        Case("revocation_pkey", "revocation", Revocation, Refusal.Duplicate, "uuid"),
        Case("event_count_positive", "event", Rows.Event('c') with { Count = 0 }, Refusal.Rule, "count"),
    ];

    private static readonly IReadOnlyList<RuleTable> Tables = RuleTable.All();

    private static IEnumerable<TestCaseData> ByHand => Tables.SelectMany(table => table.Rules)
        .Select(rule => new TestCaseData(rule).SetArgDisplayNames(rule.Case is null ? rule.Constraint : $"{rule.Constraint}, {rule.Case}"));

    [OneTimeSetUp]
    public async Task OpenAsync()
    {
        _link = await Link.OpenAsync(await SharedServer.Server.CreateDatabaseAsync());
        await _link.InsertAsync(
            ("tenant", Tenant), ("host", Host), ("host", OtherHost), ("cpu_profile", Profile), ("user", User), ("member", Member),
            ("instance", Instance), ("instance", Unplaced), ("instance", Template),
            ("host_instance", Place), ("config", Config), ("event", Event),
            ("enrolment", Enrolment), ("revocation", Revocation));
        foreach (var table in Tables.Where(table => table.World.Length > 0))
            await _link.ExecuteAsync(table.World);
        // Whoever counts transactions later is not to see those late.
        await _link.InsertAsync(("config", Rows.Config("worlds", "1")));
    }

    [OneTimeTearDown]
    public async Task CloseAsync() => await _link.DisposeAsync();

    [TestCaseSource(nameof(Violations))]
    public async Task A_broken_rule_is_named(string constraint, string entity, object record, Refusal refusal, string[] columns)
    {
        var before = _link.State.Transactions.Count;
        // The broken write comes second as given, and first as carried out or not.
        var refused = await CatchAsync(() => _link.InsertAsync(("config", Rows.Config("innocent", "1")), (entity, record)));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(refused.Constraint, Is.EqualTo(constraint));
            Assert.That(refused.Refusal, Is.EqualTo(refusal));
            Assert.That(refused.Write, Is.EqualTo(1));
            Assert.That(refused.Columns, Is.EquivalentTo(columns));
            Assert.That(refused.Message, Is.EqualTo(await CommentAsync(constraint)).And.Not.Empty);
            Assert.That(_link.State.Transactions, Has.Count.EqualTo(before));
        }
    }

    [TestCaseSource(nameof(ByHand))]
    public async Task A_rule_holds_for_whoever_writes_and_has_words_for_users(BrokenRule rule)
    {
        var refused = (await Assert.ThrowsAsync<PostgresException>(() => _link.ExecuteAsync(rule.Sql)))!;

        using (Assert.EnterMultipleScope())
        {
            Assert.That(refused.ConstraintName, Is.EqualTo(rule.Constraint), refused.MessageText);
            // The comment, or what a function raises by itself.
            Assert.That(await CommentAsync(rule.Constraint) ?? refused.MessageText, Does.Match("^[A-Z].*\\.$"));
        }
    }

    [Test]
    public async Task No_rule_is_left_out()
    {
        await using var connection = new NpgsqlConnection(_link.ConnectionString);
        // Constraints, those of triggers among them, and names that a function raises by itself.
        var all = (await connection.QueryAsync<string>("""
            SELECT conname::text FROM pg_constraint
            WHERE connamespace = 'public'::regnamespace AND conrelid <> 'schema_migration'::regclass
            UNION
            SELECT (regexp_matches(prosrc, 'CONSTRAINT = ''(\w+)''', 'g'))[1] FROM pg_proc WHERE pronamespace = 'public'::regnamespace
            """)).ToList();
        var broken = Violations.Select(data => (string)data.Arguments[0]!)
            .Concat(Tables.SelectMany(table => table.Rules).Select(rule => rule.Constraint)).ToHashSet();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(all.Except(broken), Is.Empty, "rules that nothing breaks");
            Assert.That(broken.Except(all), Is.Empty, "rules that are not there");
        }
    }

    [Test]
    public async Task A_profile_in_use_stays()
    {
        var refused = await CatchAsync(() => _link.DeleteAsync("cpu_profile", RowKey.Of(Profile.Uuid)));

        Assert.That(refused.Refusal, Is.EqualTo(Refusal.StillReferenced));
        Assert.That(refused.Constraint, Is.EqualTo("instance_cpu_profile_fkey"));
        Assert.That(refused.Message, Does.Contain("in use"));
    }

    [TestCase("2020-01-02", "2020-01-01", false)]
    [TestCase("2020-01-02", null, false)]
    [TestCase("2020-01-02", "2020-01-03", true)]
    [TestCase("2999-01-01", "2020-01-01", false)]
    [TestCase("2999-01-01", "2998-01-01", true)]
    [TestCase(null, "2020-01-01", true)]
    public async Task Ended_tokens_of_a_user_stay_so(string? before, string? after, bool isTaken)
    {
        var old = Rows.User($"{Guid.NewGuid():N}@a.example") with { TokensValidFrom = Day(before) };
        await _link.InsertAsync(("user", old));
        var update = () => _link.UpdateAsync("user", old, old with { TokensValidFrom = Day(after) });

        if (isTaken)
            await update();
        else
            Assert.That((await CatchAsync(update)).Constraint, Is.EqualTo("user_tokens_valid_from_rises"));

        static DateTimeOffset? Day(string? text) => text is null ? null : DateTimeOffset.Parse(text + "T00:00:00Z");
    }

    [Test]
    public async Task A_trigger_that_raises_is_a_rule_with_its_own_words()
    {
        await _link.ExecuteAsync("""
            CREATE FUNCTION refuse_sunday() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN RAISE EXCEPTION 'Not on a Sunday.' USING CONSTRAINT = 'config_key_sunday'; END $$;
            CREATE TRIGGER refuse_sunday BEFORE INSERT ON config FOR EACH ROW WHEN (NEW.key = 'sunday') EXECUTE FUNCTION refuse_sunday();
            """);

        var refused = await CatchAsync(() => _link.InsertAsync(("config", Rows.Config("sunday", "1"))));
        await _link.ExecuteAsync("DROP FUNCTION refuse_sunday CASCADE");

        Assert.That((refused.Refusal, refused.Constraint, refused.Message), Is.EqualTo((Refusal.Rule, "config_key_sunday", "Not on a Sunday.")));
    }

    private static TestCaseData Case(string constraint, string entity, object record, Refusal refusal, params string[] columns) =>
        new TestCaseData(constraint, entity, record, refusal, columns).SetArgDisplayNames(constraint);

    private static TextList Many(string item, int count) => TextList.Of(Enumerable.Repeat(item, count));

    private static async Task<WriteRefusedException> CatchAsync(Func<Task> write)
    {
        try
        {
            await write();
        }
        catch (WriteRefusedException e)
        {
            return e;
        }
        throw new AssertionException("The write was not refused.");
    }

    private async Task<string?> CommentAsync(string constraint)
    {
        await using var connection = new NpgsqlConnection(_link.ConnectionString);
        return await connection.ExecuteScalarAsync<string>(
            "SELECT obj_description(oid, 'pg_constraint') FROM pg_constraint WHERE conname = @constraint", new { constraint });
    }
}
