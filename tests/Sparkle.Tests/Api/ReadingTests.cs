using System.Net;
using Newtonsoft.Json.Linq;
using NUnit.Framework;
using PonyCloud.Shared.Entities;
using PonyCloud.Sparkle.Control;

namespace PonyCloud.Sparkle.Tests.Api;

public sealed class ReadingTests : ApiFixture
{
    [Test]
    public async Task A_row_shows_its_parts_and_leaves_out_what_is_null()
    {
        Database.Report(new InstanceCurrent { Uuid = InstanceA, Status = InstanceStatus.Running });
        var answer = await GetAsync($"/api/v1/tenant/{TenantA}/instance/{InstanceA}", Token(Owner, TenantA));
        Assert.That(answer.Status, Is.EqualTo(HttpStatusCode.OK), answer.ToString());
        Assert.That(answer.Json["desired"]!["name"]!.Value<string>(), Is.EqualTo("web"));
        Assert.That(answer.Json["desired"]!["cpu_profile"], Is.Null);
        Assert.That(answer.Json["current"]!["status"]!.Value<string>(), Is.EqualTo("running"));
        Assert.That(answer.Headers.CacheControl!.NoStore, Is.True);
        Assert.That(answer.Headers.GetValues("X-Content-Type-Options").Single(), Is.EqualTo("nosniff"));
    }

    [Test]
    public async Task A_collection_holds_the_rows_of_its_parent_in_the_order_of_their_keys()
    {
        for (var i = 9; i > 3; i--)
            Database.Put(new InstanceDesired { Uuid = Guid.Parse($"aaaaaaaa-0000-4000-8000-00000000000{i}"), Tenant = TenantA, Name = $"i{i}", Mem = 64 });
        foreach (var slash in new[] { "", "/" })
        {
            var answer = await GetAsync($"/api/v1/tenant/{TenantA}/instance{slash}", Token(Owner, TenantA));
            var keys = answer.Json.Properties().Select(member => member.Name).ToArray();
            Assert.That(keys, Has.Length.EqualTo(7).And.Ordered.And.No.Member(InstanceB.ToString()));
        }
    }

    [Test]
    public async Task A_large_collection_arrives_whole()
    {
        for (var i = 0; i < 2000; i++)
            Database.Put(new ConfigDesired { Key = $"k{i:0000}", Value = JsonText.Parse("\"some value of a setting\"") });
        var answer = await GetAsync("/api/v1/config", Token(Alicorn));
        Assert.That(answer.Json.Count, Is.EqualTo(2000));
        Assert.That(answer.ContentHeaders.ContentType!.MediaType, Is.EqualTo("application/json"));
    }

    [Test]
    public async Task A_composite_key_shows_the_part_that_the_path_leaves_open()
    {
        Database.Put(new HostInstanceDesired { Host = Host, Instance = InstanceA });
        var all = await GetAsync($"/api/v1/host/{Host}/instance", Token(Alicorn));
        Assert.That(all.Json.Properties().Select(member => member.Name), Is.EqualTo((string[])[InstanceA.ToString()]));
        var one = await GetAsync($"/api/v1/host/{Host}/instance/{InstanceA.ToString().ToUpperInvariant()}", Token(Alicorn));
        Assert.That(one.Json["desired"]!["host"]!.Value<string>(), Is.EqualTo(Host.ToString()));
    }

    [Test]
    public async Task A_card_that_moves_reads_as_each_host_sees_it_beside_what_is_ordered()
    {
        const string Card = "52:54:00:12:ab:ff";
        var next = Guid.NewGuid();
        Database.Put(new HostDesired { Uuid = next, Name = "next" }, new NicDesired { Hwaddr = Card, Host = next });
        Database.Report(
            new HostNicCurrent { Host = Host, Nic = Card, Status = LinkStatus.Active, Link = "eth0", Speed = 10_000, Carrier = true },
            new HostNicCurrent { Host = next, Nic = Card, Status = LinkStatus.Missing });

        // Whichever way the address is written.
        var before = await GetAsync($"/api/v1/host/{Host}/nic-status/52-54-00-12-AB-FF?join=nic", Token(Alicorn));
        var after = await GetAsync($"/api/v1/host/{next}/nic-status?join=nic", Token(Alicorn));

        Assert.That(before.Json["current"]!.Value<string>("status"), Is.EqualTo("active"), before.ToString());
        Assert.That(before.Json["join"]!["nic"]!["desired"]!.Value<string>("host"), Is.EqualTo(next.ToString()));
        Assert.That(after.Json[Card]!["current"]!.Value<string>("status"), Is.EqualTo("missing"), after.ToString());
    }

    [Test]
    public async Task Keys_are_percent_decoded_segment_by_segment()
    {
        Assert.That((await GetAsync("/api/v1/user/owner%40a.example", Token(Owner))).Status, Is.EqualTo(HttpStatusCode.OK));
        Assert.That((await GetAsync("/api/v1/user/owner%40a.example%2Fmember", Token(Alicorn))).Status, Is.EqualTo(HttpStatusCode.NotFound));
    }

    [TestCase("/api/v1/pony")]
    [TestCase("/api/v1//")]
    [TestCase("/api/v1s")]
    [TestCase("/api/v1/tenant//instance")]
    [TestCase("/api/v1/tenant/not-a-uuid")]
    [TestCase("/api/v1/tenant/aaaaaaaa-0000-4000-8000-000000000001/instance/bbbbbbbb-0000-4000-8000-000000000002")]
    [TestCase("/api/v1/host/eeeeeeee-0000-4000-8000-000000000001/instance")]
    [TestCase("/elsewhere")]
    [TestCase("/")]
    public async Task What_is_not_there_is_a_problem(string path)
    {
        var answer = await GetAsync(path, Token(Alicorn));
        Assert.That(answer.Status, Is.EqualTo(HttpStatusCode.NotFound));
        Assert.That(answer.ContentHeaders.ContentType!.MediaType, Is.EqualTo("application/problem+json"));
        Assert.That(answer.ProblemType, Is.EqualTo("urn:ponycloud:problem:not-found"));
    }

    [Test]
    public async Task Hidden_columns_and_secrets_are_in_no_answer()
    {
        var happened = DateTimeOffset.UnixEpoch;
        Database.Put(new EventDesired
        {
            Hash = "e1", Ctime = happened, Mtime = happened, Count = 1, Type = "instance-crashed",
            Severity = EventSeverity.Error, Host = Host, Instance = InstanceA, Data = JsonText.Parse("{\"host\":\"metal\"}"),
        });
        var theirs = await GetAsync($"/api/v1/tenant/{TenantA}/instance/{InstanceA}/event/e1", Token(Owner, TenantA));
        Assert.That(theirs.Json["desired"]!["type"]!.Value<string>(), Is.EqualTo("instance-crashed"));
        Assert.That(theirs.Json["desired"]!["host"], Is.Null);
        Assert.That(theirs.Json["desired"]!["data"], Is.Null);
        var ours = await GetAsync($"/api/v1/host/{Host}/event/e1", Token(Alicorn));
        Assert.That(ours.Json["desired"]!["host"]!.Value<string>(), Is.EqualTo(Host.ToString()));
        Assert.That((await GetAsync("/api/v1/user", Token(Alicorn))).Text, Does.Not.Contain("hash").And.Contains("owner@a.example"));
    }

    [Test]
    public async Task Reports_of_a_silent_host_say_how_old_they_are()
    {
        var seen = new DateTimeOffset(2026, 3, 4, 5, 6, 7, TimeSpan.Zero);
        var host = new HostCurrent { Uuid = Host, AgentVersion = "1", BootId = "b", Kernel = "k", CpuModel = "c" };
        Database.Report(host, new HostInstanceCurrent { Host = Host, Instance = InstanceA, Status = InstanceStatus.Running });
        var path = $"/api/v1/host/{Host}/instance/{InstanceA}";
        Assert.That((await GetAsync(path, Token(Alicorn))).Json["stale_since"], Is.Null);
        Database.Report(host with { Status = HostStatus.Unreachable, LastSeen = seen });
        Assert.That((await GetAsync(path, Token(Alicorn))).Text, Does.Contain("\"stale_since\":\"2026-03-04T05:06:07Z\""));
        Assert.That((await GetAsync($"/api/v1/host/{Host}", Token(Alicorn))).Text, Does.Contain("\"stale_since\":\"2026-03-04T05:06:07Z\""));
    }

    [Test]
    public async Task Unknown_query_parameters_are_named()
    {
        var answer = await GetAsync("/api/v1/host?colour=pink&size=1", Token(Alicorn));
        Assert.That(answer.Status, Is.EqualTo(HttpStatusCode.BadRequest));
        Assert.That(answer.Text, Does.Contain("colour, size"));
    }

    [Test]
    public async Task A_head_request_is_a_get_without_the_body()
    {
        var answer = await SendAsync(HttpMethod.Head, "/api/v1/host", Token(Alicorn));
        Assert.That(answer.Status, Is.EqualTo(HttpStatusCode.OK));
        Assert.That(answer.ContentHeaders.ContentLength, Is.GreaterThan(0));
        Assert.That(answer.Text, Is.Empty);
    }

    [Test]
    public async Task Reads_go_on_while_the_database_is_away_and_say_so()
    {
        Database.Database = new DatabaseLink(false, new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero), "gone");
        var answer = await GetAsync($"/api/v1/host/{Host}", Token(Alicorn));
        Assert.That(answer.Status, Is.EqualTo(HttpStatusCode.OK));
        Assert.That(answer.Headers.GetValues("PonyCloud-Database-Down-Since").Single(), Is.EqualTo("2026-01-02T03:04:05Z"));
    }

    [Test]
    public async Task Nothing_is_answered_before_the_first_load()
    {
        var token = Token(Alicorn);
        Database.IsLoaded = false;
        var answer = await GetAsync("/api/v1/host", token);
        Assert.That(answer.Status, Is.EqualTo(HttpStatusCode.ServiceUnavailable));
        Assert.That(answer.Headers.RetryAfter, Is.Not.Null);
        Assert.That((await GetAsync("/self/readiness")).Status, Is.EqualTo(HttpStatusCode.ServiceUnavailable));
        Assert.That((await GetAsync("/self/liveliness")).Status, Is.EqualTo(HttpStatusCode.OK));
    }

    [Test]
    public async Task One_that_another_has_replaced_is_not_ready_and_still_answers_reads()
    {
        Database.ActiveEpoch = null;
        Assert.That((await GetAsync("/self/readiness")).Status, Is.EqualTo(HttpStatusCode.ServiceUnavailable));
        Assert.That((await GetAsync("/self/liveliness")).Status, Is.EqualTo(HttpStatusCode.OK));
        Assert.That((await GetAsync("/api/v1/host", Token(Alicorn))).Status, Is.EqualTo(HttpStatusCode.OK));
    }

    [Test]
    public async Task The_controller_speaks_of_itself()
    {
        Assert.That((await GetAsync("/self/ping")).Status, Is.EqualTo(HttpStatusCode.OK));
        Assert.That((await GetAsync("/self/started")).Status, Is.EqualTo(HttpStatusCode.OK));
        Assert.That((await GetAsync("/self/info")).Status, Is.EqualTo(HttpStatusCode.Unauthorized));
        var info = await GetAsync("/self/info", Token(Owner, TenantA));
        Assert.That(info.Json["database"]!["up"]!.Value<bool>(), Is.True);
        Assert.That(info.Json["tenant"]!.Value<string>(), Is.EqualTo(TenantA.ToString()));
    }
}
