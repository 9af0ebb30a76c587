using System.Globalization;
using System.Net;
using System.Text;
using NUnit.Framework;
using PonyCloud.Shared.Entities;
using PonyCloud.Sparkle.Api;

namespace PonyCloud.Sparkle.Tests.Api;

/// <summary>Patches that nobody writes by accident: each has the right outcome or the right error, and never half of one.</summary>
public sealed class HostilePatchTests : ApiFixture
{
    protected override ApiOptions Options(ApiOptions options) => options with { PatchOperations = 3000 };

    private static string Value(string value) => """[{"op":"add","path":"/c/desired/value/x","value":VALUE}]""".Replace("VALUE", value, StringComparison.Ordinal);

    // On the collection of settings, in which c is {"a":[1,2,{"b":3}],"s":"text","~":1,"/":2,"":4}.
    [TestCase("""[{"op":"add","path":"/c/desired/value/a/2/b","value":4}]""", 200, null)]
    [TestCase("""[{"op":"add","path":"/c/desired/value/a/-","value":4}]""", 200, null)]
    [TestCase("""[{"op":"test","path":"/c/desired/value/~0","value":1},{"op":"test","path":"/c/desired/value/~1","value":2},{"op":"test","path":"/c/desired/value/","value":4}]""", 200, null)]
    [TestCase("""[{"op":"test","path":"/c/desired/value/~2","value":1}]""", 400, "/0")]
    [TestCase("""[{"op":"test","path":"/c/desired/value/a/01","value":2}]""", 422, "/0")]
    [TestCase("""[{"op":"test","path":"/c/desired/value/a/-","value":2}]""", 422, "/0")]
    [TestCase("""[{"op":"add","path":"/c/desired/value/a/1e0","value":2}]""", 422, "/0")]
    [TestCase("""[{"op":"add","path":"/c/desired/value/a/４","value":2}]""", 422, "/0")]
    [TestCase("""[{"op":"add","path":"/c/desired/value/s/0","value":2}]""", 422, "/0")]
    [TestCase("""[{"op":"add","path":"/c/desired/key/0","value":2}]""", 422, "/0")]
    [TestCase("""[{"op":"move","from":"/c/desired/value","path":"/c/desired/value/a/0"}]""", 422, "/0")]
    [TestCase("""[{"op":"move","from":"/c","path":"/c/desired/value/a/0"}]""", 422, "/0")]
    [TestCase("""[{"op":"remove","path":"/c/desired/value/s"},{"op":"test","path":"/c/desired/value/s","value":"text"}]""", 422, "/1")]
    [TestCase("""[{"op":"remove","path":"/c"},{"op":"replace","path":"/c/desired/value","value":1}]""", 422, "/1")]
    [TestCase("""[{"op":"remove","path":"/c"},{"op":"remove","path":"/c"}]""", 422, "/1")]
    [TestCase("""[{"op":"remove","path":"/c/desired"}]""", 422, "/0")]
    [TestCase("""[{"op":"remove","path":"/c/desired/key"}]""", 422, "/0")]
    [TestCase("""[{"op":"replace","path":"/c/desired/key","value":"d"}]""", 422, "/0/value")]
    [TestCase("""[{"op":"replace","path":"/c","value":5}]""", 422, "/0")]
    [TestCase("""[{"op":"copy","from":"/c/desired/key","path":"/c"}]""", 422, "/0")]
    [TestCase("""[{"op":"add","path":"/x","value":5},{"op":"add","path":"/x","value":{"children":{"config":5}}}]""", 422, "/1")]
    [TestCase("""[{"op":"add","path":"/x","value":{"desired":{"value":1},"children":{"config":5}}}]""", 422, "/0/value/children/config")]
    [TestCase("""[{"op":"replace","path":"/c","value":{"desired":{"key":"c","value":1},"children":{}}}]""", 422, "/0")]
    [TestCase("""[{"op":"add","path":"/c/current","value":{}}]""", 422, "/0/value")]
    [TestCase("""[{"op":"add","path":"/c/current/status","value":"x"}]""", 422, "/0")]
    [TestCase("""[{"op":"add","path":"/c/children","value":{}}]""", 422, "/0")]
    [TestCase("""[{"op":"add","path":"/c/children/x","value":{}}]""", 422, "/0")]
    [TestCase("""[{"op":"add","path":"/A B","value":{"desired":{"value":1}}}]""", 422, "/0/value/desired/key")]
    [TestCase("""[{"op":"add","path":"/","value":{"desired":{"value":1}}}]""", 422, "/0/value")]
    [TestCase("""[{"op":"add","path":"/x","value":{"desired":{"value":1}}},{"op":"add","path":"/x","value":{"desired":{"value":2}}}]""", 200, null)]
    [TestCase("""[{"op":"add","path":"","value":{}}]""", 422, "/0")]
    [TestCase("""[{"op":"move","from":"","path":"/c"}]""", 422, "/0")]
    [TestCase("""[{"op":"copy","from":"/c/desired","path":"/d"}]""", 422, "/0")]
    [TestCase("""[{"op":"copy","from":"/c","path":"/c/desired/value/a/0"}]""", 200, null)]
    [TestCase("""[{"op":"add","path":"/c/desired/value/n","value":123456789012345678901234567890}]""", 200, null)]
    [TestCase("""[{"op":"add","path":"/c/desired/value/n","value":1e400}]""", 400, null)]
    [TestCase("""[{"op":"add","path":"/c/desired/value/n","value":1,"value":2}]""", 400, null)]
    [TestCase("""[{"op":"add","path":"/c/desired/value/n","value":"\ud800"}]""", 400, null)]
    [TestCase("""[{"op":"add","path":"/c/desired/value/n","value":"\u0000"}]""", 400, null)]
    [TestCase("""[{"op":"ADD","path":"/c/desired/value/n","value":1}]""", 400, "/0")]
    [TestCase("""[{"op":"x-drop","path":"/c"},{"op":"add"},7,{"op":"test","path":"/c","value":{}}]""", 400, "/0")]
    [TestCase("""[{"op":"x-merge","path":"/c/desired/value/a/7","value":1}]""", 422, "/0/value")]
    [TestCase("""[{"op":"x-merge","path":"","value":[]}]""", 422, "/0/value")]
    public async Task Each_has_its_outcome(string patch, int status, string? pointer)
    {
        Database.Put(new ConfigDesired { Key = "c", Value = JsonText.Parse("""{"a":[1,2,{"b":3}],"s":"text","~":1,"/":2,"":4}""") });
        var before = (await GetAsync("/api/v1/config", Token(Alicorn))).Text;
        var answer = await PatchAsync("/api/v1/config", Token(Alicorn), patch);
        Assert.That((int)answer.Status, Is.EqualTo(status), answer.ToString());
        if (status == 200)
            return;
        Assert.That(answer.Pointer, Is.EqualTo(pointer), answer.ToString());
        Assert.That((await GetAsync("/api/v1/config", Token(Alicorn))).Text, Is.EqualTo(before));
        Assert.That(Database.Commits, Is.Zero);
    }

    [TestCase(14, 200)]
    [TestCase(15, 413)]
    public async Task Templates_make_no_more_than_a_patch_may(int instances, int status)
    {
        var template = Guid.NewGuid();
        Database.Put(
            new StoragePoolDesired { Uuid = Profile, Name = "fast", Type = StoragePoolType.Dir, Config = JsonText.Parse("{}") },
            new InstanceDesired { Uuid = template, Name = "large", Template = true, Mem = 64 });
        Database.Put([.. Enumerable.Range(0, 100).Select(i => new VdiskDesired
        {
            Uuid = Guid.NewGuid(),
            Instance = template,
            StoragePool = Profile,
            Size = 1,
            Index = i,
        })]);
        var patch = new StringBuilder("[")
            .AppendJoin(',', Enumerable.Range(0, instances).Select(i => $$$"""{"op":"add","path":"/$i{{{i}}}","value":{"template":"{{{template}}}","desired":{"name":"i{{{i}}}"} } }"""))
            .Append(']');
        // Each is 201 rows: the instance, its disks and their volumes.
        var answer = await PatchAsync($"/api/v1/tenant/{TenantA}/instance", Token(Owner, TenantA), patch.ToString());
        Assert.That((int)answer.Status, Is.EqualTo(status), answer.Text[..Math.Min(answer.Text.Length, 300)]);
        Assert.That(Database.Commits, Is.EqualTo(status == 200 ? 1 : 0));
    }

    // On the instances of a tenant.
    [TestCase("""[{"op":"add","path":"/$a","value":{"desired":{"name":"x","mem":64,"uuid":"$b"}}}]""", "contradiction", "/0/value/desired/uuid")]
    [TestCase("""[{"op":"add","path":"/$a","value":{"desired":{"name":"x","mem":64,"cpu_profile":"$a"}}}]""", "bad-format", "/0/value/desired/cpu_profile")]
    [TestCase("""[{"op":"add","path":"/$a","value":{"desired":{"name":"x","mem":64,"cpu_profile":"$b"}}},{"op":"add","path":"/$b","value":{"desired":{"name":"y","mem":64,"cpu_profile":"$a"}}}]""", "bad-format", "/0/value/desired/cpu_profile")]
    [TestCase("""[{"op":"add","path":"/$a","value":{"desired":{"name":"x","mem":1e30}}}]""", "out-of-range", "/0/value/desired/mem")]
    [TestCase("""[{"op":"add","path":"/$a","value":{"desired":{"name":"x","mem":64.5}}}]""", "wrong-type", "/0/value/desired/mem")]
    [TestCase("""[{"op":"add","path":"/$a","value":{"desired":{"name":"x","mem":64},"current":{}}}]""", "unknown-field", "/0/value/current")]
    [TestCase("""[{"op":"add","path":"/$a/desired/name","value":"x"}]""", "patch-failed", "/0")]
    [TestCase("""[{"op":"add","path":"/aaaaaaaa-0000-4000-8000-000000000002/desired/tenant","value":"bbbbbbbb-0000-4000-8000-000000000001"}]""", "immutable-field", "/0/value")]
    [TestCase("""[{"op":"remove","path":"/AAAAAAAA-0000-4000-8000-000000000002"},{"op":"test","path":"/aaaaaaaa-0000-4000-8000-000000000002/desired/name","value":"web"}]""", "patch-failed", "/1")]
    public async Task Rows_and_placeholders_have_their_rules(string patch, string type, string pointer)
    {
        var answer = await PatchAsync($"/api/v1/tenant/{TenantA}/instance", Token(Alicorn), patch);
        Assert.That(answer.ProblemType, Is.EqualTo($"urn:ponycloud:problem:{type}"), answer.ToString());
        Assert.That(answer.Pointer, Is.EqualTo(pointer), answer.ToString());
        Assert.That(Database.Commits, Is.Zero);
    }

    [Test]
    public async Task One_name_is_one_row_in_the_whole_patch()
    {
        var answer = await PatchAsync("/api/v1/", Token(Alicorn), """
            [{"op":"add","path":"/tenant/$a","value":{"desired":{"name":"x"}}},{"op":"add","path":"/cpu-profile/$a","value":{"desired":{"name":"x","model":"EPYC"}}}]
            """);
        Assert.That(answer.ProblemType, Is.EqualTo("urn:ponycloud:problem:contradiction"), answer.ToString());
        Assert.That(Database.Commits, Is.Zero);
    }

    [Test]
    public async Task A_patch_of_very_many_levels_is_refused()
    {
        var deep = new string('[', 10_000) + new string(']', 10_000);
        Assert.That((await PatchAsync("/api/v1/config", Token(Alicorn), Value(deep))).Status, Is.EqualTo(HttpStatusCode.BadRequest));
        var path = string.Concat(Enumerable.Repeat("/a", 100_000));
        Database.Put(new ConfigDesired { Key = "c", Value = JsonText.Parse("{}") });
        var answer = await PatchAsync("/api/v1/config", Token(Alicorn), $$"""[{"op":"test","path":"/c/desired/value{{path}}","value":1}]""");
        Assert.That(answer.Status, Is.EqualTo(HttpStatusCode.UnprocessableEntity));
    }

    [Test]
    public async Task A_row_does_not_nest_deeper_by_patches_than_by_a_post()
    {
        Database.Put(new ConfigDesired { Key = "c", Value = JsonText.Parse("{}") });
        var path = "/c/desired/value";
        var last = HttpStatusCode.OK;
        var levels = 0;
        for (; levels < 100 && last == HttpStatusCode.OK; levels++)
        {
            path += "/x";
            last = (await PatchAsync("/api/v1/config", Token(Alicorn), $$$"""[{"op":"add","path":"{{{path}}}","value":{}}]""")).Status;
        }
        Assert.That((last, levels), Is.EqualTo((HttpStatusCode.UnprocessableEntity, 30)));
        Assert.That((await PatchAsync("/api/v1/config", Token(Alicorn), """[{"op":"add","path":"/c/desired/value/y","value":1}]""")).Status, Is.EqualTo(HttpStatusCode.OK));
    }

    [Test]
    public async Task Many_operations_are_carried_out_and_too_many_are_refused()
    {
        var patch = new StringBuilder("[");
        for (var i = 0; i < 3000; i++)
        {
            patch.Append(i == 0 ? "" : ",").Append(
                CultureInfo.InvariantCulture, $$$"""{"op":"add","path":"/k{{{i}}}","value":{"desired":{"value":1} } }""");
        }
        Assert.That((await PatchAsync("/api/v1/config", Token(Alicorn), patch + "]")).Status, Is.EqualTo(HttpStatusCode.OK));
        Assert.That((await GetAsync("/api/v1/config", Token(Alicorn))).Json.Count, Is.EqualTo(3000));
        var more = await PatchAsync("/api/v1/config", Token(Alicorn), patch + """,{"op":"remove","path":"/k1"}]""");
        Assert.That(more.Status, Is.EqualTo(HttpStatusCode.RequestEntityTooLarge), more.ToString());
        Assert.That(Database.Commits, Is.EqualTo(1));
    }

    [Test]
    public async Task Very_many_errors_are_told_in_part()
    {
        var rows = string.Join(',', Enumerable.Range(0, 1500).Select(i => $$$$"""{"op":"add","path":"/k{{{{i}}}}","value":{"desired":{}}}"""));
        var answer = await PatchAsync("/api/v1/config", Token(Alicorn), $"[{rows}]");
        Assert.That(answer.Status, Is.EqualTo(HttpStatusCode.UnprocessableEntity));
        Assert.That(answer.Json["errors"]!.Count(), Is.EqualTo(256));
    }

    [Test]
    public async Task A_bomb_of_copies_does_not_go_off()
    {
        Database.Put(new ConfigDesired { Key = "c", Value = JsonText.Parse("[1]") });
        var copies = string.Join(',', Enumerable.Repeat("""{"op":"copy","from":"/c/desired/value","path":"/c/desired/value/-"}""", 60));
        var rows = string.Join(',', Enumerable.Range(0, 60).Select(i => $$"""{"op":"copy","from":"/c","path":"/c/desired/value/-"}"""));
        foreach (var bomb in new[] { copies, rows })
        {
            var answer = await PatchAsync("/api/v1/config", Token(Alicorn), $"[{bomb}]");
            Assert.That(answer.Status, Is.EqualTo(HttpStatusCode.UnprocessableEntity), answer.Text.Length > 500 ? "" : answer.ToString());
        }
        Assert.That(Database.Commits, Is.Zero);
    }

    [Test]
    public async Task Rows_that_came_by_another_way_can_be_patched()
    {
        Database.Put(new ConfigDesired { Key = "c", Value = JsonText.Parse("""{"z":1e3,"a":null,"a":[1]}""") });
        var answer = await PatchAsync("/api/v1/config/c", Token(Alicorn), """[{"op":"test","path":"/desired/key","value":"c"}]""");
        Assert.That(answer.Status, Is.EqualTo(HttpStatusCode.OK), answer.ToString());
        Assert.That(Database.Commits, Is.Zero);
    }
}
