using System.Net;
using NUnit.Framework;
using PonyCloud.Shared.Entities;

namespace PonyCloud.Sparkle.Tests.Api;

public sealed class PatchingTests : ApiFixture
{
    private static string Instances => $"/api/v1/tenant/{TenantA}/instance";

    private InstanceDesired Instance =>
        (InstanceDesired)Database.Snapshot![Database.Catalog["instance"]].Find(RowKey.Of(InstanceA))!.Desired!;

    private Task<Answer> PatchRowAsync(string patch) => PatchAsync($"{Instances}/{InstanceA}", Token(Owner, TenantA), patch);

    [Test]
    public async Task A_row_becomes_what_the_patch_says()
    {
        var answer = await PatchRowAsync($$"""
            [{"op":"test","path":"/desired/name","value":"web"},{"op":"replace","path":"/desired/state","value":"running"},
             {"op":"add","path":"/desired/cpu_profile","value":"{{Profile}}"}]
            """);
        Assert.That(answer.Status, Is.EqualTo(HttpStatusCode.OK), answer.ToString());
        Assert.That(answer.Json["desired"]!["state"]!.ToString(), Is.EqualTo("running"));
        Assert.That(Instance.CpuProfile, Is.EqualTo(Profile));
        await PatchRowAsync("""[{"op":"remove","path":"/desired/cpu_profile"}]""");
        Assert.That(Instance.CpuProfile, Is.Null);
    }

    [TestCase("""[{"op":"test","path":"/desired/name","value":"mail"}]""", 409, "test-failed", "/0")]
    [TestCase("""[{"op":"test","path":"/desired/name","value":"web"},{"op":"remove","path":"/desired/nothing"}]""", 422, "patch-failed", "/1")]
    [TestCase("""[{"op":"replace","path":"/desired/mem","value":3}]""", 422, "out-of-range", "/0/value")]
    [TestCase("""[{"op":"replace","path":"/desired","value":{"name":"x"}}]""", 422, "immutable-field", "/0/value/uuid")]
    [TestCase("""[{"op":"replace","path":"/desired/uuid","value":"aaaaaaaa-0000-4000-8000-000000000009"}]""", 422, "immutable-field", "/0/value")]
    [TestCase("""[{"op":"replace","path":"/desired/tenant","value":"bbbbbbbb-0000-4000-8000-000000000001"}]""", 422, "immutable-field", "/0/value")]
    [TestCase("""[{"op":"remove","path":"/desired/tenant"}]""", 422, "immutable-field", "/0")]
    [TestCase("""[{"op":"remove","path":"/desired/name"}]""", 422, "missing-field", "/0")]
    [TestCase("""[{"op":"add","path":"/desired/colour","value":1}]""", 422, "unknown-field", "/0/value")]
    [TestCase("""[{"op":"add","path":"/current","value":{}}]""", 422, "unknown-field", "/0/value")]
    [TestCase("""[{"op":"remove","path":"/desired"}]""", 422, "missing-field", "/0")]
    [TestCase("""[{"op":"remove","path":""}]""", 422, "patch-failed", "/0")]
    [TestCase("""[{"op":"spam","path":""}]""", 400, "malformed-patch", "/0")]
    [TestCase("""{}""", 400, "malformed-patch", "")]
    public async Task A_patch_that_cannot_be_is_refused_as_a_whole(string patch, int status, string type, string pointer)
    {
        var answer = await PatchRowAsync(patch);
        Assert.That((int)answer.Status, Is.EqualTo(status), answer.ToString());
        Assert.That(answer.ProblemType, Is.EqualTo($"urn:ponycloud:problem:{type}"));
        Assert.That(answer.Pointer, Is.EqualTo(pointer));
        Assert.That(Database.Commits, Is.Zero);
    }

    [Test]
    public async Task A_patch_that_changes_nothing_writes_nothing()
    {
        Assert.That((await PatchRowAsync("[]")).Status, Is.EqualTo(HttpStatusCode.OK));
        Assert.That((await PatchRowAsync("""[{"op":"replace","path":"/desired/name","value":"web"}]""")).Status, Is.EqualTo(HttpStatusCode.OK));
        Assert.That(Database.Commits, Is.Zero);
    }

    [Test]
    public async Task A_secret_cannot_be_read_by_a_patch_and_outlives_one()
    {
        var path = $"/api/v1/user/{Owner}";
        var copy = await PatchAsync(path, Token(Owner), """[{"op":"test","path":"/desired/data","value":null}]""");
        Assert.That(copy.Status, Is.EqualTo(HttpStatusCode.UnprocessableEntity));
        await PatchAsync(path, Token(Alicorn), """[{"op":"replace","path":"/desired/alicorn","value":true}]""");
        Assert.That((await LoginAsync(Owner, Password)).Status, Is.EqualTo(HttpStatusCode.OK));
        await PatchAsync(path, Token(Alicorn), """[{"op":"add","path":"/desired/data","value":null}]""");
        Assert.That((await LoginAsync(Owner, Password)).Status, Is.EqualTo(HttpStatusCode.Unauthorized));
    }

    [Test]
    public async Task A_collection_takes_changes_new_rows_and_removals_at_once()
    {
        var other = Guid.Parse("aaaaaaaa-0000-4000-8000-000000000008");
        Database.Put(new InstanceDesired { Uuid = other, Tenant = TenantA, Name = "old", Mem = 64 });
        var answer = await PatchAsync(Instances, Token(Owner, TenantA), $$$"""
            [{"op":"remove","path":"/{{{other}}}"},
             {"op":"add","path":"/$n","value":{"desired":{"name":"old","mem":32} } },
             {"op":"replace","path":"/{{{InstanceA}}}/desired/mem","value":48}]
            """);
        Assert.That(answer.Status, Is.EqualTo(HttpStatusCode.OK), answer.ToString());
        Assert.That(Database.Commits, Is.EqualTo(1));
        var rows = (await GetAsync(Instances, Token(Owner, TenantA))).Json;
        Assert.That(rows.Properties().Select(row => row.Name), Is.EquivalentTo((string[])[InstanceA.ToString(), answer.Json["uuids"]!["$n"]!.ToString()]));
        Assert.That(Instance.Mem, Is.EqualTo(48));
    }

    [Test]
    public async Task A_patch_of_a_collection_does_not_reach_foreign_rows()
    {
        var token = Token(Owner, TenantA);
        var foreign = await PatchAsync(Instances, token, $$"""[{"op":"remove","path":"/{{InstanceB}}"}]""");
        var missing = await PatchAsync(Instances, token, $$"""[{"op":"remove","path":"/{{InstanceB.ToString()[..^1]}}7"}]""");
        Assert.That(foreign.Status, Is.EqualTo(HttpStatusCode.UnprocessableEntity));
        Assert.That(foreign.Text.Replace(InstanceB.ToString(), "", StringComparison.Ordinal),
            Is.EqualTo(missing.Text.Replace($"{InstanceB.ToString()[..^1]}7", "", StringComparison.Ordinal)));
        Assert.That(Database.Commits, Is.Zero);
    }

    [Test]
    public async Task Settings_are_named_by_their_keys()
    {
        var answer = await PatchAsync("/api/v1/config", Token(Alicorn), """
            [{"op":"add","path":"/spare","value":{"desired":{"value":2}}},{"op":"add","path":"/ratio","value":{"desired":{"key":"ratio","value":1.5}}}]
            """);
        Assert.That(answer.Status, Is.EqualTo(HttpStatusCode.OK), answer.ToString());
        Assert.That((await GetAsync("/api/v1/config", Token(Alicorn))).Text, Does.Contain("""{"key":"spare","value":2}"""));
        var other = await PatchAsync("/api/v1/config", Token(Alicorn), """[{"op":"add","path":"/a","value":{"desired":{"key":"b","value":2}}}]""");
        Assert.That(other.ProblemType, Is.EqualTo("urn:ponycloud:problem:contradiction"));
    }

    [Test]
    public async Task A_patch_is_applied_to_what_somebody_else_wrote_meanwhile()
    {
        Database.Interrupt(() => Database.Put(Instance with { Vcpu = 4 }));
        var answer = await PatchRowAsync("""[{"op":"replace","path":"/desired/mem","value":48}]""");
        Assert.That(answer.Status, Is.EqualTo(HttpStatusCode.OK), answer.ToString());
        Assert.That((Instance.Vcpu, Instance.Mem), Is.EqualTo((4, 48L)));
    }

    [Test]
    public async Task A_patch_gives_up_when_others_are_always_quicker()
    {
        for (var i = 0; i < 20; i++)
            Database.Interrupt(() => Database.Put(Instance with { Rcpu = Instance.Rcpu + 1 }));
        var answer = await PatchRowAsync("""[{"op":"replace","path":"/desired/mem","value":48}]""");
        Assert.That(answer.Status, Is.EqualTo(HttpStatusCode.Conflict), answer.ToString());
        Assert.That(answer.ProblemType, Is.EqualTo("urn:ponycloud:problem:concurrent-change"));
    }

    [Test]
    public async Task A_row_that_goes_while_it_is_patched_is_not_found()
    {
        var user = "gone@a.example";
        Database.Put(new UserDesired { Email = user });
        Database.Interrupt(() => Database.Remove("user", RowKey.Of(user)));
        var answer = await PatchAsync($"/api/v1/user/{user}", Token(Alicorn), """[{"op":"replace","path":"/desired/alicorn","value":true}]""");
        Assert.That(answer.Status, Is.EqualTo(HttpStatusCode.NotFound), answer.ToString());
    }
}
