using System.Net;
using Newtonsoft.Json.Linq;
using NUnit.Framework;
using PonyCloud.Shared.Entities;

namespace PonyCloud.Sparkle.Tests.Api;

/// <summary>Patches of the whole tree: many entities in one transaction.</summary>
public sealed class RootPatchTests : ApiFixture
{
    private const string Root = "/api/v1/";
    private const string Merge = "application/merge-patch+json";

    private static string A => $"/tenant/{TenantA}";

    private Task<Answer> PatchRootAsync(string patch, string? token = null, string path = Root) =>
        PatchAsync(path, token ?? Token(Alicorn), Filled(patch));

    private Task<Answer> MergeAsync(string path, string patch, string? token = null) =>
        SendAsync(HttpMethod.Patch, path, token ?? Token(Alicorn), Filled(patch), Merge);

    // Braces of JSON and of C# do not go together well.
    private static string Filled(string patch) => patch
        .Replace("<A>", A, StringComparison.Ordinal)
        .Replace("<TenantA>", TenantA.ToString(), StringComparison.Ordinal)
        .Replace("<TenantB>", TenantB.ToString(), StringComparison.Ordinal)
        .Replace("<InstanceA>", InstanceA.ToString(), StringComparison.Ordinal)
        .Replace("<InstanceB>", InstanceB.ToString(), StringComparison.Ordinal)
        .Replace("<Profile>", Profile.ToString(), StringComparison.Ordinal)
        .Replace("<Host>", Host.ToString(), StringComparison.Ordinal)
        .Replace("<Stranger>", Stranger, StringComparison.Ordinal);

    private T? Find<T>(string entity, object key)
        where T : class => Database.Snapshot![Database.Catalog[entity]].Find(RowKey.Of(key.ToString()!))?.Desired as T;

    private InstanceDesired Instance => Find<InstanceDesired>("instance", InstanceA)!;

    [Test]
    public async Task One_patch_changes_makes_and_removes_rows_of_many_entities()
    {
        Database.Put(new ConfigDesired { Key = "old", Value = JsonText.Parse("1") });
        var answer = await PatchRootAsync("""
            [{"op":"add","path":"/cpu-profile/$p","value":{"desired":{"name":"big","model":"EPYC"}}},
             {"op":"add","path":"/tenant/$t","value":{"desired":{"name":"new"},"children":{"member":{"$m":{"desired":{"user":"<Stranger>","role":"owner"}}}}}},
             {"op":"add","path":"/tenant/$t/instance/$i","value":{"desired":{"name":"one","mem":64,"cpu_profile":"$p"}}},
             {"op":"add","path":"<A>/instance/<InstanceA>/desired/cpu_profile","value":"$p"},
             {"op":"remove","path":"/config/old"},
             {"op":"add","path":"/config/new","value":{"desired":{"value":[1]}}},
             {"op":"add","path":"/config/new/desired/value/-","value":2}]
            """);
        Assert.That(answer.Status, Is.EqualTo(HttpStatusCode.OK), answer.ToString());
        var uuids = (JObject)answer.Json["uuids"]!;
        Assert.That(uuids.Properties().Select(name => name.Name), Is.EqualTo((string[])["$i", "$m", "$p", "$t"]));
        Assert.That(Database.Commits, Is.EqualTo(1));
        var profile = Guid.Parse((string)uuids["$p"]!);
        Assert.That(Instance.CpuProfile, Is.EqualTo(profile));
        Assert.That(Find<InstanceDesired>("instance", uuids["$i"]!), Has.Property("CpuProfile").EqualTo(profile).And.Property("Tenant").EqualTo(Guid.Parse((string)uuids["$t"]!)));
        Assert.That(Find<MemberDesired>("member", uuids["$m"]!), Has.Property("User").EqualTo(Stranger));
        Assert.That(Find<ConfigDesired>("config", "old"), Is.Null);
        Assert.That(Find<ConfigDesired>("config", "new")!.Value.Text, Is.EqualTo("[1,2]"));
    }

    [Test]
    public async Task One_operation_that_fails_leaves_everything_as_it_was()
    {
        var answer = await PatchRootAsync("""
            [{"op":"add","path":"/config/a","value":{"desired":{"value":1}}},
             {"op":"remove","path":"<A>/instance/<InstanceA>"},
             {"op":"replace","path":"<A>/desired/colour","value":1}]
            """);
        Assert.That(answer.Status, Is.EqualTo(HttpStatusCode.UnprocessableEntity), answer.ToString());
        Assert.That(answer.Pointer, Is.EqualTo("/2"));
        Assert.That(Database.Commits, Is.Zero);
    }

    [Test]
    public async Task All_errors_are_told_at_once_each_where_it_was_written()
    {
        var answer = await PatchRootAsync("""
            [{"op":"add","path":"/tenant/$t","value":{"desired":{"nam":"x"},"children":{"instance":{"$i":{"desired":{"name":"?","mem":1}}}}}},
             {"op":"replace","path":"<A>/instance/<InstanceA>/desired/mem","value":3},
             {"op":"x-merge","path":"<A>","value":{"desired":{"approved":"yes"},"instance":{"$n":{"desired":{"name":"n"}}}}}]
            """);
        Assert.That(answer.Status, Is.EqualTo(HttpStatusCode.UnprocessableEntity), answer.ToString());
        var pointers = answer.Json["errors"]!.Select(error => (string)error["pointer"]!);
        Assert.That(pointers, Is.EquivalentTo((string[])
        [
            "/0/value/desired/nam", "/0/value/desired/name", "/0/value/children/instance/$i/desired/name",
            "/0/value/children/instance/$i/desired/mem", "/1/value", "/2/value/desired/approved", "/2/value/instance/$n/desired",
        ]));
    }

    [Test]
    public async Task What_the_database_refuses_is_found_in_the_patch()
    {
        var answer = await PatchRootAsync("""
            [{"op":"test","path":"<A>/desired/name","value":"a"},
             {"op":"add","path":"<A>/instance/$i","value":{"desired":{"name":"web","mem":64}}}]
            """);
        Assert.That(answer.Status, Is.EqualTo(HttpStatusCode.Conflict), answer.ToString());
        Assert.That(answer.Pointer, Is.EqualTo("/1/value/desired/name"));
    }

    [Test]
    public async Task Foreign_rows_read_like_missing_ones_wherever_they_are_named()
    {
        var token = Token(Owner, TenantA);
        var missing = $"{InstanceB.ToString()[..^1]}7";
        var nobody = $"{TenantB.ToString()[..^1]}7";
        foreach (var patch in new[]
        {
            """[{"op":"remove","path":"/tenant/<TenantB>/instance/<InstanceB>"}]""",
            """[{"op":"test","path":"/tenant/<TenantB>/instance/<InstanceB>","value":{}}]""",
            """[{"op":"test","path":"/tenant/<TenantB>/instance","value":{}}]""",
            """[{"op":"remove","path":"/tenant/<TenantB>/instance"}]""",
            """[{"op":"replace","path":"/tenant/<TenantB>/desired/name","value":"x"}]""",
            """[{"op":"add","path":"/tenant/<TenantB>/instance/$a","value":{"desired":{"name":"x","mem":64}}}]""",
            """[{"op":"copy","from":"/tenant/<TenantB>/instance/<InstanceB>","path":"<A>/instance/$a"}]""",
            """[{"op":"copy","from":"<A>/instance/<InstanceB>/desired/name","path":"<A>/desired/name"}]""",
            """[{"op":"x-verify","path":"/tenant/<TenantB>","value":{}}]""",
            """[{"op":"x-verify","path":"<A>/instance/<InstanceB>/desired/name","value":"db"}]""",
            """[{"op":"x-merge","path":"/tenant/<TenantB>","value":{"desired":{"name":"x"}}}]""",
            """[{"op":"x-merge","path":"<A>/instance/<InstanceB>","value":{"desired":{"name":"x","mem":64}}}]""",
            """[{"op":"x-merge","path":"/tenant/<TenantB>/instance","value":{"<InstanceB>":null}}]""",
        })
        {
            var foreign = await PatchRootAsync(patch, token);
            var other = await PatchRootAsync(Filled(patch).Replace(InstanceB.ToString(), missing, StringComparison.Ordinal).Replace(TenantB.ToString(), nobody, StringComparison.Ordinal), token);
            Assert.That(foreign.Text.Replace(InstanceB.ToString(), missing, StringComparison.Ordinal).Replace(TenantB.ToString(), nobody, StringComparison.Ordinal), Is.EqualTo(other.Text), patch);
            Assert.That((int)foreign.Status, Is.EqualTo((int)other.Status).And.GreaterThanOrEqualTo(400).Or.EqualTo(200).And.EqualTo((int)other.Status), patch);
        }
        Assert.That(Database.Commits, Is.Zero);
        Assert.That(Find<InstanceDesired>("instance", InstanceB), Is.Not.Null);
    }

    [Test]
    public async Task Access_is_that_of_single_requests()
    {
        var admin = Token(Admin, TenantA);
        Assert.That((await PatchRootAsync("""[{"op":"add","path":"<A>/instance/$a","value":{"desired":{"name":"x","mem":64}}}]""", admin)).Status, Is.EqualTo(HttpStatusCode.OK));
        Assert.That((await MergeAsync(Root, """{"tenant":{"<TenantA>":{"instance":{"<InstanceA>":{"desired":{"mem":65}}}}}}""", admin)).Status, Is.EqualTo(HttpStatusCode.OK));
        foreach (var (patch, token, pointer) in new[]
        {
            ("""[{"op":"test","path":"/config","value":{}},{"op":"replace","path":"<A>/desired/name","value":"x"}]""", admin, "/0"),
            ("""[{"op":"replace","path":"<A>/desired/name","value":"a"}]""", admin, "/0"),
            ("""[{"op":"remove","path":"<A>"}]""", Token(Owner, TenantA), "/0"),
            ("""[{"op":"add","path":"<A>/desired/approved","value":false}]""", Token(Owner, TenantA), "/0/value"),
            ("""[{"op":"add","path":"/cpu-profile/$p","value":{"desired":{"name":"big","model":"EPYC"}}}]""", Token(Owner, TenantA), "/0"),
            ("""[{"op":"replace","path":"/cpu-profile/<Profile>/desired/name","value":"x"}]""", Token(Owner), "/0"),
            ("""[{"op":"remove","path":"<A>/member"}]""", admin, "/0"),
            ("""[{"op":"replace","path":"<A>/instance/<InstanceA>/desired/mem","value":65}]""", Token(Operator, TenantA), "/0"),
            ("""[{"op":"test","path":"<A>/instance/<InstanceA>/desired/mem","value":65}]""", Token(Owner), "/0"),
            ("""[{"op":"remove","path":"/host/<Host>/instance/<InstanceA>"}]""", Token(Owner, TenantA), "/0"),
        })
        {
            var answer = await PatchRootAsync(patch, token);
            Assert.That(answer.Status, Is.EqualTo(HttpStatusCode.Forbidden), $"{patch} {answer}");
            Assert.That(answer.Pointer, Is.EqualTo(pointer), patch);
        }
        var reader = await PatchRootAsync("""[{"op":"test","path":"<A>/instance/<InstanceA>/desired/mem","value":65},{"op":"test","path":"/cpu-profile/<Profile>/desired/name","value":"small"}]""", Token(Operator, TenantA));
        Assert.That(reader.Status, Is.EqualTo(HttpStatusCode.OK), reader.ToString());
    }

    [Test]
    public async Task A_test_sees_what_a_get_shows()
    {
        Database.Report(new InstanceCurrent { Uuid = InstanceA, Status = InstanceStatus.Running });
        var shown = (await GetAsync($"/api/v1{A}/instance/{InstanceA}", Token(Alicorn))).Text;
        var list = (await GetAsync($"/api/v1{A}/instance", Token(Alicorn))).Text;
        var answer = await PatchRootAsync($$"""
            [{"op":"test","path":"{{A}}/instance/{{InstanceA}}","value":{{shown}}},{"op":"test","path":"{{A}}/instance","value":{{list}}},
             {"op":"test","path":"{{A}}/instance/{{InstanceA.ToString().ToUpperInvariant()}}/current/status","value":"running"}]
            """);
        Assert.That(answer.Status, Is.EqualTo(HttpStatusCode.OK), answer.ToString());
        var failed = await PatchRootAsync("""
            [{"op":"test","path":"<A>/instance","value":{}},{"op":"test","path":"/tenant","value":{}},{"op":"test","path":"<A>/desired/name","value":"b"}]
            """);
        Assert.That(failed.Status, Is.EqualTo(HttpStatusCode.Conflict));
        Assert.That(failed.Json["errors"]!.Select(error => (string)error["pointer"]!), Is.EqualTo((string[])["/0", "/1", "/2"]));
    }

    [Test]
    public async Task A_row_is_copied_with_a_key_of_its_own_and_never_moved()
    {
        var copy = await PatchRootAsync("""
            [{"op":"copy","from":"<A>/instance/<InstanceA>","path":"<A>/instance/$c"},{"op":"replace","path":"<A>/instance/$c/desired/name","value":"twin"},
             {"op":"copy","from":"<A>/instance/<InstanceA>/desired/name","path":"/tenant/<TenantB>/desired/name"}]
            """);
        Assert.That(copy.Status, Is.EqualTo(HttpStatusCode.OK), copy.ToString());
        Assert.That(Find<InstanceDesired>("instance", copy.Json["uuids"]!["$c"]!), Is.EqualTo(Instance with { Uuid = Guid.Parse((string)copy.Json["uuids"]!["$c"]!), Name = "twin" }));
        Assert.That(Find<TenantDesired>("tenant", TenantB)!.Name, Is.EqualTo("web"));
        var move = await PatchRootAsync("""[{"op":"move","from":"<A>/instance/<InstanceA>","path":"/tenant/<TenantB>/instance/<InstanceA>"}]""");
        Assert.That(move.Status, Is.EqualTo(HttpStatusCode.UnprocessableEntity), move.ToString());
        Assert.That((string)move.Json["detail"]!, Does.StartWith("A row cannot be moved"));
    }

    [Test]
    public async Task A_collection_that_is_removed_is_emptied()
    {
        Database.Put(new ConfigDesired { Key = "a", Value = JsonText.Parse("1") }, new ConfigDesired { Key = "b", Value = JsonText.Parse("1") });
        Assert.That((await PatchRootAsync("""[{"op":"remove","path":"/config"},{"op":"add","path":"/config/c","value":{"desired":{"value":3}}}]""")).Status, Is.EqualTo(HttpStatusCode.OK));
        Assert.That((await GetAsync("/api/v1/config", Token(Alicorn))).Json.Properties().Select(row => row.Name), Is.EqualTo((string[])["c"]));
        Assert.That((await PatchRootAsync("""[{"op":"replace","path":"/config","value":{}}]""")).Pointer, Is.EqualTo("/0"));
    }

    [Test]
    public async Task A_row_that_is_removed_and_made_again_is_a_new_one()
    {
        Database.Put(new ConfigDesired { Key = "a", Value = JsonText.Parse("1") });
        var answer = await PatchRootAsync("""[{"op":"remove","path":"/config/a"},{"op":"add","path":"/config/a","value":{"desired":{"value":2}}}]""");
        Assert.That(answer.Status, Is.EqualTo(HttpStatusCode.OK), answer.ToString());
        Assert.That(Find<ConfigDesired>("config", "a")!.Value.Text, Is.EqualTo("2"));
        Assert.That(Log.Lines, Has.Some.Contains("delete config a, insert config a"));
    }

    [Test]
    public async Task A_row_patch_reaches_the_children_of_the_row()
    {
        var answer = await PatchRootAsync("""
            [{"op":"add","path":"/instance/$a","value":{"desired":{"name":"mail","mem":32}}},{"op":"add","path":"/desired/name","value":"alpha"}]
            """, path: $"/api/v1{A}");
        Assert.That(answer.Status, Is.EqualTo(HttpStatusCode.OK), answer.ToString());
        Assert.That((string)answer.Json["desired"]!["name"]!, Is.EqualTo("alpha"));
        Assert.That(Find<InstanceDesired>("instance", answer.Json["uuids"]!["$a"]!)!.Name, Is.EqualTo("mail"));
    }

    [Test]
    public async Task A_replaced_row_keeps_its_children_and_its_report()
    {
        Database.Report(new InstanceCurrent { Uuid = InstanceA, Status = InstanceStatus.Running });
        var answer = await PatchRootAsync("""
            [{"op":"replace","path":"<A>/instance/<InstanceA>/desired/mem","value":65},
             {"op":"replace","path":"<A>","value":{"desired":{"uuid":"<TenantA>","name":"alpha","approved":true}}},
             {"op":"add","path":"<A>/instance/<InstanceA>","value":{"desired":{"uuid":"<InstanceA>","tenant":"<TenantA>","name":"alpha","mem":66}}}]
            """);
        Assert.That(answer.Status, Is.EqualTo(HttpStatusCode.OK), answer.ToString());
        Assert.That((Find<TenantDesired>("tenant", TenantA)!.Name, Instance.Name, Instance.Mem), Is.EqualTo(("alpha", "alpha", 66L)));
    }

    [Test]
    public async Task A_merge_patch_changes_makes_and_removes_rows()
    {
        Database.Put(new ConfigDesired { Key = "old", Value = JsonText.Parse("1") }, new ConfigDesired { Key = "deep", Value = JsonText.Parse("""{"a":{"b":1},"c":2}""") });
        Database.Put(Instance with { CpuProfile = Profile });
        var answer = await MergeAsync(Root, """
            {"config":{"old":null,"missing":null,"deep":{"desired":{"value":{"a":{"b":null,"d":1}}}},"new":{"desired":{"value":{"x":null,"y":1}}}},
             "tenant":{"<TenantA>":{"desired":{"name":"alpha"},"instance":{
                "<InstanceA>":{"desired":{"cpu_profile":null,"mem":80}},
                "$n":{"desired":{"name":"n","mem":64,"cpu_profile":null}}}},
               "$t":{"desired":{"name":"new"},"children":{"instance":{"$m":{"desired":{"name":"m","mem":64}}}}}}}
            """);
        Assert.That(answer.Status, Is.EqualTo(HttpStatusCode.OK), answer.ToString());
        Assert.That(Database.Commits, Is.EqualTo(1));
        Assert.That(answer.Json["uuids"]!.Count(), Is.EqualTo(3));
        Assert.That(Find<ConfigDesired>("config", "old"), Is.Null);
        Assert.That(Find<ConfigDesired>("config", "deep")!.Value.Text, Is.EqualTo("""{"a":{"d":1},"c":2}"""));
        Assert.That(Find<ConfigDesired>("config", "new")!.Value.Text, Is.EqualTo("""{"y":1}"""));
        Assert.That((Instance.CpuProfile, Instance.Mem), Is.EqualTo(((Guid?)null, 80L)));
        Assert.That(Find<InstanceDesired>("instance", answer.Json["uuids"]!["$m"]!)!.Tenant, Is.EqualTo(Guid.Parse((string)answer.Json["uuids"]!["$t"]!)));
    }

    [TestCase("""{"desired":{"mem":3}}""", "out-of-range", "/desired/mem")]
    [TestCase("""{"desired":null}""", "missing-field", "/desired")]
    [TestCase("""{"desired":{"name":null}}""", "missing-field", "/desired/name")]
    [TestCase("""{"current":{"status":"running"}}""", "unknown-field", "/current")]
    [TestCase("""{"colour":{"$a":1}}""", "unknown-field", "/colour")]
    [TestCase("""{"children":1}""", "wrong-type", "/children")]
    [TestCase("null", "patch-failed", "")]
    [TestCase("[]", "wrong-type", "")]
    [TestCase("3", "wrong-type", "")]
    public async Task A_merge_patch_that_cannot_be_says_where(string patch, string type, string pointer)
    {
        var answer = await MergeAsync($"/api/v1{A}/instance/{InstanceA}", patch);
        Assert.That((int)answer.Status, Is.EqualTo(422), answer.ToString());
        Assert.That(answer.ProblemType, Is.EqualTo($"urn:ponycloud:problem:{type}"));
        Assert.That(answer.Pointer, Is.EqualTo(pointer));
        Assert.That(Database.Commits, Is.Zero);
    }

    [Test]
    public async Task A_merge_patch_of_a_collection_that_is_null_empties_it()
    {
        Database.Put(new ConfigDesired { Key = "a", Value = JsonText.Parse("1") });
        Assert.That((await MergeAsync("/api/v1/config", """{"a":null,"b":{"desired":{"value":1}}}""")).Status, Is.EqualTo(HttpStatusCode.OK));
        Assert.That((await MergeAsync(Root, """{"config":null}""")).Status, Is.EqualTo(HttpStatusCode.OK));
        Assert.That((await GetAsync("/api/v1/config", Token(Alicorn))).Text, Is.EqualTo("{}"));
    }

    [Test]
    public async Task What_is_verified_holds_until_the_commit()
    {
        var verify = """
            [{"op":"x-verify","path":"<A>/instance/<InstanceA>","value":{"desired":{"state":"stopped","cpu_profile":null}}},
             {"op":"x-verify","path":"<A>/desired/name","value":"a"},
             {"op":"add","path":"/config/a","value":{"desired":{"value":1}}}]
            """;
        Database.Interrupt(() => Database.Put(Instance with { Mem = 128 }));
        var unharmed = await PatchRootAsync(verify);
        Assert.That(unharmed.Status, Is.EqualTo(HttpStatusCode.OK), unharmed.ToString());
        Database.Interrupt(() => Database.Put(Instance with { State = InstanceState.Running }));
        var answer = await PatchRootAsync(verify.Replace("/config/a", "/config/b", StringComparison.Ordinal));
        Assert.That(answer.Status, Is.EqualTo(HttpStatusCode.PreconditionFailed), answer.ToString());
        Assert.That(answer.Pointer, Is.EqualTo("/0"));
        Assert.That(Find<ConfigDesired>("config", "b"), Is.Null);
    }

    [TestCase("""{"op":"x-verify","path":"/config","value":{}}""", "patch-failed")]
    [TestCase("""{"op":"x-verify","path":"/config/nothing","value":{}}""", "verify-failed")]
    [TestCase("""{"op":"x-verify","path":"/config/a/current","value":{}}""", "patch-failed")]
    [TestCase("""{"op":"x-verify","path":"/config/a","value":{"current":{}}}""", "verify-failed")]
    [TestCase("""{"op":"x-verify","path":"/config/a/desired","value":{"value":2}}""", "verify-failed")]
    public async Task What_cannot_be_verified_is_refused(string operation, string type)
    {
        Database.Put(new ConfigDesired { Key = "a", Value = JsonText.Parse("1") });
        var answer = await PatchRootAsync($"[{operation}]");
        Assert.That(answer.ProblemType, Is.EqualTo($"urn:ponycloud:problem:{type}"), answer.ToString());
        Assert.That(answer.Pointer, Is.EqualTo("/0"));
    }

    [Test]
    public async Task A_row_found_at_two_places_is_changed_at_one()
    {
        var member = Database.Snapshot![Database.Catalog["member"]].Rows.First(row => ((MemberDesired)row.Desired!).User == Admin).Key.Text;
        var answer = await PatchRootAsync($$"""
            [{"op":"replace","path":"{{A}}/member/{{member}}/desired/role","value":"owner"},{"op":"replace","path":"/user/{{Admin}}/member/{{member}}/desired/role","value":"operator"}]
            """);
        Assert.That(answer.ProblemType, Is.EqualTo("urn:ponycloud:problem:contradiction"), answer.ToString());
        Assert.That(answer.Pointer, Is.EqualTo("/1/value").Or.EqualTo("/1"));
    }

    [Test]
    public async Task The_root_says_what_it_takes()
    {
        var options = await SendAsync(HttpMethod.Options, Root, Token(Owner));
        Assert.That(options.ContentHeaders.Allow, Does.Contain("PATCH"));
        Assert.That(options.Headers.GetValues("Accept-Patch").Single(), Is.EqualTo("application/json-patch+json, application/merge-patch+json"));
        Assert.That((await SendAsync(HttpMethod.Delete, Root, Token(Alicorn))).Status, Is.EqualTo(HttpStatusCode.MethodNotAllowed));
        Assert.That((await SendAsync(HttpMethod.Patch, Root, Token(Alicorn), "[]")).Status, Is.EqualTo(HttpStatusCode.UnsupportedMediaType));
        Assert.That((await PatchRootAsync("[]", token: "none")).Status, Is.EqualTo(HttpStatusCode.Unauthorized));
    }
}
