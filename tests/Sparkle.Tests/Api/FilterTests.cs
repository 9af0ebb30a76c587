using System.Net;
using FsCheck;
using FsCheck.Fluent;
using NUnit.Framework;
using PonyCloud.Shared.Entities;

namespace PonyCloud.Sparkle.Tests.Api;

public sealed class FilterTests : ApiFixture
{
    private static readonly Guid OtherProfile = Guid.Parse("dddddddd-0000-4000-8000-000000000002");

    private static string Instances => $"/api/v1/tenant/{TenantA}/instance";

    [Test]
    public void Filtering_is_what_a_plain_scan_finds_for_operators_and_tenants_alike()
    {
        string[] tokens = [Token(Owner, TenantA), Token(Alicorn)];
        var instance =
            from number in Gen.Choose(100, 115)
            from state in Gen.Elements(InstanceState.Running, InstanceState.Paused, InstanceState.Stopped)
            from profile in Gen.Elements<Guid?>(null, Profile, OtherProfile)
            from tenant in Gen.Elements(TenantA, TenantB)
            select new InstanceDesired { Uuid = Uuid(number), Tenant = tenant, Name = $"i{number}", Mem = 64, State = state, CpuProfile = profile };
        var run =
            from instances in Gen.ListOf(instance)
            from states in Gen.SubListOf(InstanceState.Running, InstanceState.Paused, InstanceState.Stopped)
            from profiles in Gen.SubListOf(Profile, OtherProfile)
            from uuids in Gen.SubListOf(Enumerable.Range(100, 16).Select(Uuid))
            from byKey in Gen.Elements(true, false)
            from token in Gen.Elements(tokens)
            select (instances, states, profiles, byKey ? uuids : [], token);
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(60).WithEndSize(30), Prop.ForAll(Arb.From(run), made =>
        {
            var (instances, states, profiles, uuids, token) = made;
            for (var i = 100; i <= 115; i++)
                Database.Remove("instance", RowKey.Of(Uuid(i)));
            Database.Put([.. instances]);
            var wanted = Database.Snapshot![Database.Catalog["instance"]].Rows.Select(row => (InstanceDesired)row.Desired!)
                .Where(row => row.Tenant == TenantA
                    && (states.Count == 0 || states.Contains(row.State))
                    && (profiles.Count == 0 || (row.CpuProfile is { } profile && profiles.Contains(profile)))
                    && (uuids.Count == 0 || uuids.Contains(row.Uuid)))
                .Select(row => row.Uuid.ToString()).Order(StringComparer.Ordinal);
            var query = string.Join('&', states.Select(state => $"state={Database.Catalog["instance"].Desired!.Column("state")!.EnumName(state)}")
                .Concat(profiles.Select(profile => $"cpu_profile={profile.ToString().ToUpperInvariant()}"))
                .Concat(uuids.Select(uuid => $"uuid={uuid}")));
            var answer = GetAsync($"{Instances}?{query}", token).GetAwaiter().GetResult();
            Assert.That(answer.Json.Properties().Select(row => row.Name), Is.EqualTo(wanted), query);
        }));
    }

    [Test]
    public async Task What_is_can_be_asked_for_like_what_was_ordered()
    {
        Database.Report(new InstanceCurrent { Uuid = InstanceA, Status = InstanceStatus.Crashed });
        Assert.That((await GetAsync($"{Instances}?status=crashed&status=broken", Token(Owner, TenantA))).Json, Has.Count.EqualTo(1));
        Assert.That((await GetAsync($"{Instances}?status=running", Token(Owner, TenantA))).Json, Is.Empty);
    }

    [Test]
    public async Task A_row_on_its_way_is_found_under_both_values()
    {
        Database.Put(new HostInstanceDesired { Host = Host, Instance = InstanceA });
        foreach (var query in new[] { $"instance={InstanceA}", $"host={Host}&instance={InstanceA}&instance={InstanceB}" })
            Assert.That((await GetAsync($"/api/v1/host/{Host}/instance?{query}", Token(Alicorn))).Json, Has.Count.EqualTo(1), query);
        Assert.That((await GetAsync($"/api/v1/host/{Host}/instance?instance={InstanceB}", Token(Alicorn))).Json, Is.Empty);
    }

    [TestCase("tenant/{0}/instance?state=sleeping", "state")]
    [TestCase("tenant/{0}/instance?state=", "state")]
    [TestCase("tenant/{0}/instance?cpu_profile=small", "cpu_profile")]
    [TestCase("tenant/{0}/instance?uuid=7", "uuid")]
    [TestCase("tenant/{0}/instance?state=running&state=sleeping", "state")]
    public async Task A_value_that_the_column_cannot_have_is_refused(string path, string parameter)
    {
        var answer = await GetAsync($"/api/v1/{string.Format(null, path, TenantA)}", Token(Owner, TenantA));
        Assert.That(answer.Status, Is.EqualTo(HttpStatusCode.BadRequest), answer.ToString());
        Assert.That(answer.ProblemType, Is.EqualTo("urn:ponycloud:problem:bad-parameter"));
        Assert.That((string)answer.Json["detail"]!, Does.StartWith(parameter));
    }

    [Test]
    public async Task A_column_that_is_hidden_or_not_indexed_is_no_parameter()
    {
        var happened = DateTimeOffset.UnixEpoch;
        Database.Put(new EventDesired
        {
            Hash = "e1",
            Ctime = happened,
            Mtime = happened,
            Count = 1,
            Type = "instance-crashed",
            Severity = EventSeverity.Error,
            Host = Host,
            Instance = InstanceA,
        });
        var path = $"{Instances}/{InstanceA}/event";
        Assert.That((await GetAsync($"{path}?type=instance-crashed", Token(Owner, TenantA))).Json, Has.Count.EqualTo(1));
        Assert.That((await GetAsync($"{path}?type=instance-started", Token(Owner, TenantA))).Json, Is.Empty);
        foreach (var name in new[] { $"host={Host}", "count=1" })
        {
            var answer = await GetAsync($"{path}?{name}", Token(Owner, TenantA));
            Assert.That(answer.Status, Is.EqualTo(HttpStatusCode.BadRequest), answer.ToString());
            Assert.That(answer.ProblemType, Is.EqualTo("urn:ponycloud:problem:unknown-parameter"));
        }
        Assert.That((await GetAsync($"{path}?severity=error", Token(Owner, TenantA))).Json, Has.Count.EqualTo(1));
        Assert.That((await GetAsync($"{path}?severity=info", Token(Owner, TenantA))).Json, Is.Empty);
        Assert.That((await GetAsync($"/api/v1/event?host={Host}", Token(Alicorn))).Json, Has.Count.EqualTo(1));
        Assert.That((await GetAsync("/api/v1/user?data=x", Token(Alicorn))).Status, Is.EqualTo(HttpStatusCode.BadRequest));
    }

    [TestCase("tenant/{0}/instance?state=running&State=stopped", "State")]
    [TestCase("tenant/{0}/instance?STATE=running", "STATE")]
    [TestCase("tenant/{0}/instance?limit=1&Limit=2", "Limit")]
    [TestCase("tenant/{0}?fields=name&%46ields=uuid", "Fields")]
    [TestCase("?depth=1&Depth=1", "Depth")]
    [TestCase("watch?table=instance&Table=host", "Table")]
    public async Task A_name_in_another_case_is_another_name(string path, string unknown)
    {
        var answer = await SendAsync(
            HttpMethod.Get, $"/api/v1/{string.Format(null, path, TenantA)}", Token(Owner, TenantA), header: ("Accept", "application/json, text/event-stream"));
        Assert.That(answer.ProblemType, Is.EqualTo("urn:ponycloud:problem:unknown-parameter"), answer.ToString());
        Assert.That((string)answer.Json["detail"]!, Is.EqualTo($"Unknown query parameters: {unknown}."));
    }

    [Test]
    public async Task A_foreign_uuid_matches_nothing()
    {
        foreach (var query in new[] { $"uuid={InstanceB}", $"tenant={TenantB}", $"cpu_profile={InstanceB}" })
            Assert.That((await GetAsync($"{Instances}?{query}", Token(Owner, TenantA))).Json, Is.Empty, query);
        Assert.That((await GetAsync($"/api/v1/tenant?uuid={TenantB}&uuid={TenantA}", Token(Owner))).Json.Properties().Select(row => row.Name),
            Is.EqualTo((string[])[TenantA.ToString()]));
        Assert.That((await GetAsync($"/api/v1/user?email={Stranger}", Token(Owner))).Json, Is.Empty);
    }

    [Test]
    public async Task Whoever_may_not_list_may_not_filter()
    {
        Assert.That((await GetAsync($"/api/v1/tenant/{TenantB}/instance?uuid={InstanceB}", Token(Owner, TenantA))).Status, Is.EqualTo(HttpStatusCode.NotFound));
        Assert.That((await GetAsync("/api/v1/host?agent_key=x", Token(Owner, TenantA))).Status, Is.EqualTo(HttpStatusCode.Forbidden));
    }

    private static Guid Uuid(int number) => Guid.Parse($"eeeeeeee-0000-4000-8000-{number:000000000000}");
}
