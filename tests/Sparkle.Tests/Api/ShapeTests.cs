using System.Net;
using Newtonsoft.Json.Linq;
using NUnit.Framework;
using PonyCloud.Shared.Entities;

namespace PonyCloud.Sparkle.Tests.Api;

public sealed class ShapeTests : ApiFixture
{
    private static string Instance => $"/api/v1/tenant/{TenantA}/instance/{InstanceA}";

    [TestCase("name,status", """{"desired":{"name":"web"},"current":{"status":"running"}}""")]
    [TestCase("desired.vcpu", """{"desired":{"vcpu":1}}""")]
    [TestCase("vcpu", """{"desired":{"vcpu":1},"current":{"vcpu":2}}""")]
    [TestCase("current.why,desired.cpu_profile,state", """{"desired":{"state":"stopped"},"current":{}}""")]
    public async Task Only_the_fields_that_were_asked_for_are_shown(string fields, string expected)
    {
        Database.Report(new InstanceCurrent { Uuid = InstanceA, Status = InstanceStatus.Running, Vcpu = 2 });
        Assert.That((await GetAsync($"{Instance}?fields={fields}", Token(Owner, TenantA))).Text, Is.EqualTo(expected));
        var collection = await GetAsync($"/api/v1/tenant/{TenantA}/instance?fields={fields}", Token(Owner, TenantA));
        Assert.That(collection.Json[InstanceA.ToString()]!.ToString(Newtonsoft.Json.Formatting.None), Is.EqualTo(expected));
    }

    [Test]
    public async Task All_fields_asked_for_are_the_row_in_its_usual_form()
    {
        Database.Put(new InstanceDesired { Uuid = InstanceA, Tenant = TenantA, Name = "web", Mem = 64, CpuProfile = Profile });
        Database.Report(
            new InstanceCurrent { Uuid = InstanceA, Status = InstanceStatus.Running, StaleSince = DateTimeOffset.UnixEpoch.AddMilliseconds(1) },
            new HostCurrent
            {
                Uuid = Host, AgentVersion = "1", BootId = "b", Kernel = "k", CpuModel = "c", Addresses = TextList.Of(["192.0.2.1"]),
                Held = JsonText.Parse("{\"token\":\"t\"}"), Status = HostStatus.Unreachable, LastSeen = DateTimeOffset.UnixEpoch,
                TransferToken = "nobody reads it",
            });
        foreach (var (entity, path) in new[] { ("instance", Instance), ("host", $"/api/v1/host/{Host}"), ("cpu_profile", $"/api/v1/cpu-profile/{Profile}") })
        {
            var columns = new[] { Database.Catalog[entity].Desired, Database.Catalog[entity].Current }
                .SelectMany(part => part?.Columns ?? []).Where(column => !column.IsSecret).Select(column => column.Name).Distinct();
            var whole = await GetAsync(path, Token(Alicorn));
            Assert.That((await GetAsync($"{path}?fields={string.Join(',', columns)}", Token(Alicorn))).Text, Is.EqualTo(whole.Text));
        }
    }

    [TestCase("colour")]
    [TestCase("desired.status")]
    [TestCase("current.name")]
    [TestCase("desired")]
    [TestCase("desired.desired.name")]
    [TestCase("name,")]
    [TestCase("")]
    public async Task Fields_that_are_not_there_are_refused(string fields)
    {
        var answer = await GetAsync($"{Instance}?fields={fields}", Token(Owner, TenantA));
        Assert.That(answer.Status, Is.EqualTo(HttpStatusCode.BadRequest));
        Assert.That((string)answer.Json["detail"]!, Does.StartWith("fields"));
    }

    [Test]
    public async Task Secrets_and_hidden_columns_are_no_fields()
    {
        Assert.That((await GetAsync($"/api/v1/user/{Owner}?fields=data", Token(Alicorn))).Status, Is.EqualTo(HttpStatusCode.BadRequest));
        Assert.That((await GetAsync($"{Instance}/event?fields=host", Token(Owner, TenantA))).Status, Is.EqualTo(HttpStatusCode.BadRequest));
    }

    [Test]
    public async Task A_tag_that_came_with_some_fields_is_good_for_a_change_of_the_row()
    {
        var some = await GetAsync($"{Instance}?fields=name", Token(Owner, TenantA));
        Assert.That(some.Headers.ETag, Is.EqualTo((await GetAsync(Instance, Token(Owner, TenantA))).Headers.ETag));
    }

    [Test]
    public async Task A_joined_row_is_inline()
    {
        Database.Put(new HostInstanceDesired { Host = Host, Instance = InstanceA });
        Database.Report(new InstanceCurrent { Uuid = InstanceA, Status = InstanceStatus.Running });
        var answer = await GetAsync($"/api/v1/host/{Host}/instance?join=instance,host", Token(Alicorn));
        var join = (JObject)answer.Json[InstanceA.ToString()]!["join"]!;
        Assert.That(join.Properties().Select(row => row.Name), Is.EqualTo((string[])["instance", "host"]));
        Assert.That(join["instance"]!.ToString(), Is.EqualTo((await GetAsync(Instance, Token(Alicorn))).Json.ToString()));
        Assert.That((string)join["host"]!["desired"]!["name"]!, Is.EqualTo("metal"));
    }

    [Test]
    public async Task The_tag_of_a_row_with_another_inline_covers_both()
    {
        Database.Put(new HostInstanceDesired { Host = Host, Instance = InstanceA });
        var path = $"/api/v1/host/{Host}/instance/{InstanceA}";
        var plain = (await GetAsync(path, Token(Alicorn))).Headers.ETag!.Tag;
        var joined = (await GetAsync($"{path}?join=instance", Token(Alicorn))).Headers.ETag!.Tag;
        Database.Report(new InstanceCurrent { Uuid = InstanceA, Status = InstanceStatus.Running });
        Assert.That((await GetAsync(path, Token(Alicorn))).Headers.ETag!.Tag, Is.EqualTo(plain));
        Assert.That((await GetAsync($"{path}?join=instance", Token(Alicorn))).Headers.ETag!.Tag, Is.Not.EqualTo(joined));
        Assert.That(joined.Split('.')[0], Is.EqualTo(plain.Split('.')[0]));
    }

    [Test]
    public async Task A_joined_row_shows_no_more_than_the_caller_may_see_of_it()
    {
        var members = $"/api/v1/tenant/{TenantA}/member?join=user,tenant";
        var theirs = await GetAsync(members, Token(Owner, TenantA));
        Assert.That(theirs.Json.Values().Select(row => ((JObject)row["join"]!).Properties().Single().Name), Is.All.EqualTo("tenant"));
        var ours = await GetAsync(members, Token(Alicorn));
        Assert.That(ours.Text, Does.Contain("\"join\":{\"user\":{\"desired\":{\"email\"").And.Not.Contain("hash"));
        var own = await GetAsync($"/api/v1/user/{Owner}/member?join=user,tenant", Token(Owner));
        Assert.That((string)own.Json.Values().Single()["join"]!["tenant"]!["desired"]!["name"]!, Is.EqualTo("a"));
        Assert.That(own.Text, Does.Not.Contain("hash"));
    }

    [Test]
    public async Task A_row_that_refers_to_nothing_joins_nothing()
    {
        var answer = await GetAsync($"{Instance}?join=cpu_profile", Token(Owner, TenantA));
        Assert.That(answer.Json["join"], Is.Empty);
        Database.Put(new InstanceDesired { Uuid = InstanceA, Tenant = TenantA, Name = "web", Mem = 64, CpuProfile = Profile });
        answer = await GetAsync($"{Instance}?join=cpu_profile", Token(Owner, TenantA));
        Assert.That((string)answer.Json["join"]!["cpu_profile"]!["desired"]!["model"]!, Is.EqualTo("qemu64"));
    }

    [TestCase("name")]
    [TestCase("host")]
    [TestCase("")]
    public async Task Joins_that_are_not_there_are_refused(string join)
    {
        var answer = await GetAsync($"{Instance}?join={join}", Token(Owner, TenantA));
        Assert.That(answer.Status, Is.EqualTo(HttpStatusCode.BadRequest));
        Assert.That((string)answer.Json["detail"]!, Does.StartWith("join"));
    }
}
