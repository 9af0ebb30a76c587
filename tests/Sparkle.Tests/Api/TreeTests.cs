using System.Net;
using Newtonsoft.Json.Linq;
using NUnit.Framework;
using PonyCloud.Shared.Entities;
using PonyCloud.Sparkle.Api;

namespace PonyCloud.Sparkle.Tests.Api;

public sealed class TreeTests : ApiFixture
{
    [TestCase(Alicorn, false)]
    [TestCase(Owner, true)]
    [TestCase(Operator, true)]
    [TestCase(Owner, false)]
    [TestCase(Stranger, true)]
    public async Task Every_path_into_the_tree_is_one_that_the_caller_can_read_and_shows_the_same(string user, bool ofTenant)
    {
        Database.Put(new HostInstanceDesired { Host = Host, Instance = InstanceA });
        Database.Report(new InstanceCurrent { Uuid = InstanceA, Status = InstanceStatus.Running });
        var token = Token(user, ofTenant ? user == Stranger ? TenantB : TenantA : null);
        var tree = (await GetAsync("/api/v1/", token)).Json;
        Assert.That(tree.Properties().Select(collection => collection.Name), Is.Ordered.And.Not.Empty);
        foreach (var collection in tree.Properties())
            await CompareAsync($"/api/v1/{collection.Name}", (JObject)collection.Value, token);
    }

    [Test]
    public async Task Every_root_collection_that_is_not_in_the_tree_is_one_that_the_caller_cannot_read()
    {
        var roots = Database.Catalog.Mounts.Select(found => found.Mount).Where(mount => mount.Segments.Count == 1).Select(mount => mount.Segments[0]);
        foreach (var token in new[] { Token(Alicorn), Token(Owner, TenantA), Token(Owner) })
        {
            var tree = (await GetAsync("/api/v1", token)).Json;
            foreach (var root in roots)
            {
                var answer = await GetAsync($"/api/v1/{root}", token);
                Assert.That(tree.ContainsKey(root), Is.EqualTo(answer.Status == HttpStatusCode.OK), root);
            }
        }
    }

    [Test]
    public async Task Nothing_of_another_tenant_is_in_the_tree()
    {
        var tree = await GetAsync("/api/v1/", Token(Owner, TenantA));
        Assert.That(tree.Text, Does.Contain(InstanceA.ToString()).And.Not.Contains("bbbbbbbb-").And.Not.Contains(Host.ToString()));
        Assert.That((await GetAsync("/api/v1/", Token(Alicorn))).Text, Does.Contain("bbbbbbbb-").And.Not.Contains("\"hash\":\""));
    }

    [Test]
    public async Task The_depth_counts_levels_of_rows()
    {
        var one = (JObject)(await GetAsync("/api/v1/?depth=1", Token(Alicorn))).Json["tenant"]![TenantA.ToString()]!;
        Assert.That(one.Properties().Select(member => member.Name), Is.EqualTo((string[])["desired"]));
        var two = (await GetAsync("/api/v1?depth=2", Token(Alicorn))).Json["tenant"]![TenantA.ToString()]!["instance"]![InstanceA.ToString()]!;
        Assert.That(two["event"], Is.Null);
        var three = (await GetAsync("/api/v1/?depth=3", Token(Alicorn))).Json["tenant"]![TenantA.ToString()]!["instance"]![InstanceA.ToString()]!;
        Assert.That(three["event"], Is.Empty.And.InstanceOf<JObject>());
    }

    [TestCase("depth=0", "bad-parameter")]
    [TestCase("depth=deep", "bad-parameter")]
    [TestCase("state=running", "unknown-parameter")]
    [TestCase("limit=1&depth=1", "unknown-parameter")]
    public async Task Other_questions_are_not_for_the_tree(string query, string problem)
    {
        var answer = await GetAsync($"/api/v1/?{query}", Token(Alicorn));
        Assert.That(answer.Status, Is.EqualTo(HttpStatusCode.BadRequest));
        Assert.That(answer.ProblemType, Is.EqualTo($"urn:ponycloud:problem:{problem}"));
    }

    [Test]
    public async Task A_large_tree_arrives_whole()
    {
        for (var i = 0; i < 1000; i++)
            Database.Put(new InstanceDesired { Uuid = Guid.NewGuid(), Tenant = TenantA, Name = $"i{i}", Mem = 64 });
        var tree = await GetAsync("/api/v1/", Token(Owner, TenantA));
        Assert.That(tree.Json["tenant"]![TenantA.ToString()]!["instance"]!.Count(), Is.EqualTo(1001));
    }

    [Test]
    public async Task The_root_needs_a_token_and_says_what_can_be_done_there()
    {
        Assert.That((await GetAsync("/api/v1/")).Status, Is.EqualTo(HttpStatusCode.Unauthorized));
        Assert.That((await GetAsync("/api/v1/", Token(Alicorn))).Headers.Contains(Revisions.Header), Is.True);
        var options = await SendAsync(HttpMethod.Options, "/api/v1/", Token(Alicorn));
        Assert.That(options.ContentHeaders.Allow, Is.SupersetOf((string[])["GET", "HEAD", "OPTIONS"]));
        Assert.That((await DeleteAsync("/api/v1/", Token(Alicorn))).Status, Is.EqualTo(HttpStatusCode.MethodNotAllowed));
        Assert.That((await SendAsync(HttpMethod.Head, "/api/v1/", Token(Alicorn))).Text, Is.Empty);
    }

    private async Task CompareAsync(string path, JObject collection, string token)
    {
        var answer = await GetAsync(path, token);
        Assert.That(answer.Status, Is.EqualTo(HttpStatusCode.OK), path);
        Assert.That(collection.Properties().Select(row => row.Name), Is.EqualTo(answer.Json.Properties().Select(row => row.Name)), path);
        foreach (var row in collection.Properties())
        {
            var members = (JObject)row.Value;
            var parts = members.Properties().Where(member => member.Name is "desired" or "current" or "stale_since").ToList();
            Assert.That(new JObject(parts).ToString(), Is.EqualTo(answer.Json[row.Name]!.ToString()), path);
            foreach (var child in members.Properties().Except(parts))
                await CompareAsync($"{path}/{Uri.EscapeDataString(row.Name)}/{child.Name}", (JObject)child.Value, token);
        }
    }
}
