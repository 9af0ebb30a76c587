using System.Net;
using Newtonsoft.Json.Linq;
using NUnit.Framework;
using PonyCloud.Shared.Entities;

namespace PonyCloud.Sparkle.Tests.Api;

/// <summary>Storage through every path that shows it, and through none that should not.</summary>
public sealed class StorageTests : ApiFixture
{
    private static readonly Guid Pool = Guid.Parse("cccccccc-0000-4000-8000-000000000005");
    private static readonly Guid Image = Guid.Parse("cccccccc-0000-4000-8000-000000000006");

    [SetUp]
    public void PutPool() => Database.Put(
        new StoragePoolDesired
        {
            Uuid = Pool,
            Name = "san",
            Type = StoragePoolType.Iscsi,
            Config = JsonText.Parse("""{"portal":"192.0.2.1","target":"iqn.2001-04.com.example:san"}"""),
            Secret = JsonText.Parse("""{"user":"pony","password":"hush hush"}"""),
        },
        new ImageDesired { Uuid = Image, Name = "debian", SourceUri = "https://example.org/debian.qcow2" });

    [Test]
    public async Task A_tree_with_a_volume_in_an_instance_is_made_at_once_and_read_through_every_path()
    {
        var uuids = await MakeTreeAsync();
        var (tenant, volume, instance, vdisk) = (uuids["$t"], uuids["$v"], uuids["$i"], uuids["$d"]);
        Assert.That(Database.Commits, Is.EqualTo(1));

        foreach (var path in (string[])
            [$"/tenant/{tenant}/instance/{instance}/vdisk/{vdisk}", $"/tenant/{tenant}/volume/{volume}/vdisk/{vdisk}"])
        {
            var row = (await GetAsync($"/api/v1{path}", Token(Owner, Guid.Parse(tenant)))).Json["desired"]!;
            Assert.That((row.Value<string>("volume"), row.Value<string>("instance")), Is.EqualTo((volume, instance)), path);
        }
        foreach (var (path, key, token) in new[]
        {
            ($"/tenant/{tenant}/volume/{volume}/snapshot", uuids["$s"], Token(Owner, Guid.Parse(tenant))),
            ($"/tenant/{tenant}/image", uuids["$m"], Token(Owner, Guid.Parse(tenant))),
            ($"/tenant/{tenant}/image/{uuids["$m"]}/volume", uuids["$c"], Token(Owner, Guid.Parse(tenant))),
            ($"/tenant/{tenant}/affinity-group/{uuids["$g"]}/instance", uuids["$n"], Token(Owner, Guid.Parse(tenant))),
            ($"/tenant/{tenant}/instance/{instance}/affinity-group", uuids["$n"], Token(Owner, Guid.Parse(tenant))),
            ("/image", Image.ToString(), Token(Owner, Guid.Parse(tenant))),
            ("/pool", Pool.ToString(), Token(Owner, Guid.Parse(tenant))),
        })
        {
            Assert.That((await GetAsync($"/api/v1{path}", token)).Json.Properties().Select(row => row.Name), Is.EqualTo([key]), path);
        }
        foreach (var (path, token) in new[]
        {
            ($"/tenant/{tenant}/volume", Token(Owner, Guid.Parse(tenant))), ($"/storage-pool/{Pool}/volume", Token(Alicorn)),
        })
        {
            Assert.That(
                (await GetAsync($"/api/v1{path}", token)).Json.Properties().Select(row => row.Name), Is.EquivalentTo([volume, uuids["$c"]]), path);
        }
    }

    [Test]
    public async Task A_foreign_tenant_sees_none_of_it_and_refers_to_none()
    {
        var uuids = await MakeTreeAsync();
        var stranger = Token(Stranger, TenantB);
        foreach (var path in (string[])
        [
            $"/tenant/{uuids["$t"]}/volume/{uuids["$v"]}", $"/tenant/{TenantB}/volume/{uuids["$v"]}", $"/tenant/{TenantB}/image/{uuids["$m"]}",
            $"/tenant/{TenantB}/instance/{InstanceB}/vdisk/{uuids["$d"]}", $"/tenant/{TenantB}/affinity-group/{uuids["$g"]}", $"/image/{uuids["$m"]}",
        ])
        {
            Assert.That((await GetAsync($"/api/v1{path}", stranger)).Status, Is.EqualTo(HttpStatusCode.NotFound), path);
        }
        foreach (var (path, body, field) in new[]
        {
            ($"/tenant/{TenantB}/instance/{InstanceB}/vdisk", $$"""{"volume":"{{uuids["$v"]}}"}""", "volume"),
            ($"/tenant/{TenantB}/instance/{InstanceB}/vdisk", $$"""{"image":"{{uuids["$m"]}}"}""", "image"),
            ($"/tenant/{TenantB}/volume", $$"""{"name":"x","size":1,"storage_pool":"{{Pool}}","base_image":"{{uuids["$m"]}}"}""", "base_image"),
            ($"/tenant/{TenantB}/instance/{InstanceB}/affinity-group", $$"""{"affinity_group":"{{uuids["$g"]}}"}""", "affinity_group"),
        })
        {
            var answer = await PostAsync($"/api/v1{path}", stranger, $$"""{"desired":{{body}}}""");
            Assert.That(answer.ProblemType, Does.EndWith("unknown-reference"), answer.ToString());
            Assert.That(answer.Pointer, Is.EqualTo($"/desired/{field}"));
            // What is nobody's reads the same.
            var nobody = await PostAsync($"/api/v1{path}", stranger, $$"""{"desired":{{body.Replace(uuids["$v"], Guid.NewGuid().ToString(), StringComparison.Ordinal)
                .Replace(uuids["$m"], Guid.NewGuid().ToString(), StringComparison.Ordinal).Replace(uuids["$g"], Guid.NewGuid().ToString(), StringComparison.Ordinal)}}}""");
            Assert.That((nobody.Status, nobody.ProblemType, nobody.Pointer), Is.EqualTo((answer.Status, answer.ProblemType, answer.Pointer)));
        }
    }

    [TestCase("/disk")]
    [TestCase("/storage-pool/cccccccc-0000-4000-8000-000000000005/volume")]
    [TestCase("/storage-pool/cccccccc-0000-4000-8000-000000000005/extent")]
    [TestCase("/image/cccccccc-0000-4000-8000-000000000006/volume")]
    [TestCase("/host/cccccccc-0000-4000-8000-000000000001/volume")]
    public async Task What_several_tenants_have_together_is_for_operators(string path)
    {
        Assert.That((await GetAsync($"/api/v1{path}", Token(Owner, TenantA))).Status, Is.EqualTo(HttpStatusCode.Forbidden));
        Assert.That((await GetAsync($"/api/v1{path}", Token(Alicorn))).Status, Is.EqualTo(HttpStatusCode.OK));
    }

    [Test]
    public async Task A_tenant_sees_that_a_pool_is_there_and_not_where_it_is_and_how_full()
    {
        Database.Report(new StoragePoolCurrent { Uuid = Pool, Status = StorageStatus.Broken, Ordered = 7, Why = "No route to 192.0.2.7." });

        var seen = await GetAsync($"/api/v1/pool/{Pool}", Token(Owner, TenantA));
        Assert.That(((JObject)seen.Json["desired"]!).Properties().Select(column => column.Name), Is.EquivalentTo(["uuid", "name", "type", "shareable"]));
        Assert.That(((JObject)seen.Json["current"]!).Properties().Select(column => column.Name), Is.EqualTo(["uuid"]));
        Assert.That((await GetAsync($"/api/v1/storage-pool/{Pool}", Token(Owner, TenantA))).Status, Is.EqualTo(HttpStatusCode.Forbidden));
        Assert.That((await GetAsync($"/api/v1/storage-pool/{Pool}", Token(Alicorn))).Json["current"]!["why"], Is.Not.Null);
        Assert.That((await DeleteAsync($"/api/v1/pool/{Pool}", Token(Alicorn))).Status, Is.EqualTo(HttpStatusCode.MethodNotAllowed), "it is written where all of it is seen");
    }

    [Test]
    public async Task A_secret_is_written_and_never_read()
    {
        var path = $"/api/v1/storage-pool/{Pool}";
        StoragePoolDesired Stored() => (StoragePoolDesired)Database.Snapshot![Entity].Find(RowKey.Of(Pool))!.Desired!;

        Assert.That((await GetAsync(path, Token(Alicorn))).Json["desired"]!["secret"], Is.Null);
        var renamed = await PatchAsync(path, Token(Alicorn), """[{"op":"replace","path":"/desired/name","value":"SAN"}]""");
        Assert.That(Stored().Secret!.Text, Does.Contain("hush"), "a change of something else leaves it");
        var changed = await PatchAsync(path, Token(Alicorn), """[{"op":"add","path":"/desired/secret","value":{"user":"pony","password":"not a word"}}]""");
        Assert.That(Stored().Secret!.Text, Does.Contain("not a word"));
        foreach (var answer in (Answer[])[renamed, changed])
        {
            Assert.That(answer.Status, Is.EqualTo(HttpStatusCode.OK), answer.ToString());
            Assert.That(answer.Text, Does.Not.Contain("secret").And.Not.Contain("hush").And.Not.Contain("word"));
        }
        Assert.That(Log.Lines, Has.None.Contains("hush").And.None.Contains("not a word"));
        Assert.That((await PatchAsync(path, Token(Alicorn), """[{"op":"test","path":"/desired/secret","value":{}}]""")).Status, Is.Not.EqualTo(HttpStatusCode.OK));
        await PatchAsync(path, Token(Alicorn), """[{"op":"add","path":"/desired/secret","value":null}]""");
        Assert.That(Stored().Secret, Is.Null);
    }

    [TestCase("[0,10]")]
    [TestCase("[5,5)")]
    [TestCase("7")]
    public async Task A_range_is_told_how_it_is_written(string range)
    {
        Database.Put(new DiskDesired { Id = "wwn-1", Type = DiskType.Local, StoragePool = Pool, Size = 100 });
        var answer = await PostAsync("/api/v1/disk/wwn-1/extent", Token(Alicorn), $$"""{"desired":{"storage_pool":"{{Pool}}","range":"{{range}}"} }""");
        Assert.That(answer.ProblemType, Does.EndWith("bad-format"), answer.ToString());
        Assert.That(answer.Pointer, Is.EqualTo("/desired/range"));
        var good = await PostAsync("/api/v1/disk/wwn-1/extent", Token(Alicorn), $$"""{"desired":{"storage_pool":"{{Pool}}","range":"[0,10)"} }""");
        var read = await GetAsync(good.Headers.Location!.ToString(), Token(Alicorn));
        Assert.That((string?)read.Json["desired"]!["range"], Is.EqualTo("[0,10)"));
    }

    private Entity Entity => Database.Catalog["storage_pool"];

    private async Task<Dictionary<string, string>> MakeTreeAsync()
    {
        var answer = await PostAsync("/api/v1/tenant", Token(Alicorn), $$$"""
            {"desired":{"uuid":"$t","name":"c","approved":true},"children":{
              "member":{"$o":{"desired":{"user":"{{{Owner}}}","role":"owner"} } },
              "instance":{"$i":{"desired":{"name":"x","mem":64},"children":{"vdisk":{"$d":{"desired":{"volume":"$v"} } } } } },
              "volume":{
                "$v":{"desired":{"name":"root","size":1024,"storage_pool":"{{{Pool}}}","base_image":"$m"},
                  "children":{"snapshot":{"$s":{"desired":{"name":"first"} } } } },
                "$c":{"desired":{"name":"copy","size":1024,"storage_pool":"{{{Pool}}}","image":"$m"} } },
              "image":{"$m":{"desired":{"name":"golden"} } },
              "affinity-group":{"$g":{"desired":{"name":"apart","type":"anti-affinity"},
                "children":{"instance":{"$n":{"desired":{"instance":"$i"} } } } } } } }
            """);
        Assert.That(answer.Status, Is.EqualTo(HttpStatusCode.Created), answer.ToString());
        return ((JObject)answer.Json["uuids"]!).Properties().ToDictionary(name => name.Name, name => name.Value.ToString());
    }
}
