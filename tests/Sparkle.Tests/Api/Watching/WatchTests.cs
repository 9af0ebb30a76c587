using System.Buffers.Text;
using System.Net;
using System.Net.WebSockets;
using System.Text;
using Newtonsoft.Json.Linq;
using NUnit.Framework;
using PonyCloud.Shared.Entities;
using PonyCloud.Sparkle.Api.Watching;

namespace PonyCloud.Sparkle.Tests.Api.Watching;

public sealed class WatchTests : WatchFixture
{
    private static readonly string PathA = $"/tenant/{TenantA}/instance/{InstanceA}";
    private static readonly string PathB = $"/tenant/{TenantB}/instance/{InstanceB}";

    [Test]
    public async Task A_change_reads_like_the_row_at_its_path([Values] bool isSocket)
    {
        await using var client = await BeginAsync(isSocket, Token(Owner, TenantA));
        Database.Put(WebServer(128));
        Database.Report(new InstanceCurrent { Uuid = InstanceA, Status = InstanceStatus.Running });
        await client.ChangeAsync();
        var message = await client.ChangeAsync();
        var change = (JObject)message["changes"]!.Single();
        Assert.That(change.Value<string>("path"), Is.EqualTo(PathA));
        Assert.That(change.Value<string>("table"), Is.EqualTo("instance"));
        Assert.That(change.Value<string>("key"), Is.EqualTo(InstanceA.ToString()));
        var row = (await GetAsync("/api/v1" + PathA, Token(Owner, TenantA))).Json;
        Assert.That(change["desired"]!.ToString(), Is.EqualTo(row["desired"]!.ToString()));
        Assert.That(change["current"]!.ToString(), Is.EqualTo(row["current"]!.ToString()));
        Assert.That(message.Value<string>("revision"), Is.EqualTo(await RevisionAsync(Token(Alicorn))));
    }

    [Test]
    public async Task A_row_that_is_gone_has_no_parts([Values] bool isSocket)
    {
        await using var client = await BeginAsync(isSocket, Token(Owner, TenantA));
        Database.Remove("instance", RowKey.Of(InstanceA));
        var change = (JObject)(await client.ChangeAsync())["changes"]!.Single();
        Assert.That(change.Properties().Select(property => property.Name), Is.EqualTo(new[] { "path", "table", "key" }));
    }

    [Test]
    public async Task A_tenant_hears_of_its_own_rows_only([Values] bool isSocket)
    {
        await using var client = await BeginAsync(isSocket, Token(Owner, TenantA));
        Database.Put(DatabaseServer(128));
        Database.Put(new HostDesired { Uuid = Host, Name = "renamed" });
        Database.Put(DatabaseServer(256), WebServer(256));
        Assert.That(Paths(await client.ChangeAsync()), Is.EqualTo(new[] { PathA }));
    }

    [Test]
    public async Task A_transaction_comes_as_one_message([Values] bool isSocket)
    {
        await using var client = await BeginAsync(isSocket, Token(Alicorn));
        Database.Put(WebServer(128), DatabaseServer(128), new CpuProfileDesired { Uuid = Profile, Name = "large", Model = "qemu64" });
        Assert.That(Paths(await client.ChangeAsync()), Is.EquivalentTo(new[] { PathA, PathB, $"/cpu-profile/{Profile}" }));
    }

    [Test]
    public async Task Everybody_hears_of_what_is_shared()
    {
        await using var tenant = await BeginAsync(true, Token(Stranger, TenantB));
        await using var user = await BeginAsync(false, Token(Owner));
        Database.Put(new CpuProfileDesired { Uuid = Profile, Name = "large", Model = "qemu64" });
        Assert.That(Paths(await tenant.ChangeAsync()), Is.EqualTo(new[] { $"/cpu-profile/{Profile}" }));
        Assert.That(Paths(await user.ChangeAsync()), Is.EqualTo(new[] { $"/cpu-profile/{Profile}" }));
    }

    [Test]
    public async Task A_row_is_reported_at_every_path_that_the_token_may_read()
    {
        await using var alicorn = await BeginAsync(true, Token(Alicorn));
        await using var tenant = await BeginAsync(true, Token(Operator, TenantA));
        Database.Put(Happening("1", InstanceA, JsonText.Parse("""{"secret":1}""")));
        Assert.That(Paths(await alicorn.ChangeAsync()), Is.EquivalentTo(new[] { "/event/1", $"/host/{Host}/event/1", $"{PathA}/event/1" }));
        var change = (await tenant.ChangeAsync())["changes"]!.Single();
        Assert.That(change.Value<string>("path"), Is.EqualTo($"{PathA}/event/1"));
        Assert.That(change["desired"]!["host"], Is.Null);
        Assert.That(change["desired"]!["data"], Is.Null);
    }

    [Test]
    public async Task What_a_path_does_not_show_is_not_reported_there()
    {
        Database.Put(Happening("1", InstanceA, JsonText.Parse("1")));
        await using var tenant = await BeginAsync(true, Token(Owner, TenantA));
        Database.Put(Happening("1", InstanceA, JsonText.Parse("2")));
        Database.Put(WebServer(512));
        Assert.That(Paths(await tenant.ChangeAsync()), Is.EqualTo(new[] { PathA }));
    }

    [Test]
    public async Task Secrets_and_changes_of_them_stay_inside()
    {
        await using var alicorn = await BeginAsync(true, Token(Alicorn));
        Database.Put(new UserDesired { Email = "new@a.example", Data = JsonText.Parse("""{"hash":"first"}""") });
        Database.Put(new UserDesired { Email = "new@a.example", Data = JsonText.Parse("""{"hash":"second"}""") });
        Database.Put(WebServer(128));
        var made = await alicorn.ChangeAsync();
        Assert.That(Paths(made), Is.EqualTo(new[] { "/user/new%40a.example" }));
        Assert.That(made.ToString(), Does.Not.Contain("first"));
        Assert.That(Paths(await alicorn.ChangeAsync()), Is.EqualTo(new[] { PathA }));
    }

    [Test]
    public async Task Rows_come_and_go_with_those_that_their_path_leads_through()
    {
        Database.Put(Happening("1", InstanceA));
        await using var client = await BeginAsync(true, Token(Owner, TenantA));
        Database.Remove("instance", RowKey.Of(InstanceA));
        var gone = await client.ChangeAsync();
        Assert.That(Paths(gone), Is.EquivalentTo(new[] { PathA, $"{PathA}/event/1" }));
        Assert.That(gone["changes"]!.Select(change => change["desired"]), Is.All.Null);
        Database.Put(WebServer(64));
        var back = await client.ChangeAsync();
        Assert.That(Paths(back), Is.EquivalentTo(new[] { PathA, $"{PathA}/event/1" }));
        Assert.That(back["changes"]!.Select(change => change["desired"]), Is.All.Not.Null);
    }

    [Test]
    public async Task A_silent_host_ages_what_it_reported()
    {
        Database.Put(new HostInstanceDesired { Host = Host, Instance = InstanceA });
        Database.Report(Machine(HostStatus.Present, null));
        Database.Report(new HostInstanceCurrent { Host = Host, Instance = InstanceA, Status = InstanceStatus.Running });
        await using var client = await BeginAsync(true, Token(Alicorn));
        Database.Report(Machine(HostStatus.Unreachable, DateTimeOffset.UnixEpoch));
        var message = await client.ChangeAsync();
        Assert.That(Paths(message), Is.EquivalentTo(new[] { $"/host/{Host}", $"/host/{Host}/instance/{InstanceA}" }));
        Assert.That(message["changes"]!.Select(change => change["stale_since"]), Is.All.Not.Null);

        static HostCurrent Machine(HostStatus status, DateTimeOffset? seen) => new()
        {
            Uuid = Host,
            Status = status,
            LastSeen = seen,
            AgentVersion = "1",
            BootId = "1",
            Kernel = "1",
            CpuModel = "1",
        };
    }

    [Test]
    public async Task Nothing_is_missed_between_a_read_and_the_stream_since_it([Values] bool isSocket)
    {
        var revision = await RevisionAsync(Token(Alicorn));
        Database.Put(WebServer(128));
        Database.Put(WebServer(256));
        await using var client = await WatchAsync(isSocket, Token(Owner, TenantA), $"?since={revision}");
        Assert.That((await client.NextAsync())!.Value<string>("revision"), Is.EqualTo(revision));
        Database.Put(WebServer(512));
        var seen = new List<long>();
        for (var i = 0; i < 3; i++)
            seen.Add((await client.ChangeAsync())["changes"]!.Single()["desired"]!.Value<long>("mem"));
        Assert.That(seen, Is.EqualTo(new[] { 128L, 256L, 512L }));
    }

    [Test]
    public async Task An_event_source_resumes_by_the_id_of_the_last_event()
    {
        var old = await RevisionAsync(Token(Alicorn));
        Database.Put(WebServer(128));
        var known = await RevisionAsync(Token(Alicorn));
        Database.Put(WebServer(256));
        await using var client = await EventClient.ConnectAsync(Http, Token(Owner, TenantA), $"?since={old}", lastEventId: known);
        Assert.That((await client.ChangeAsync())["changes"]!.Single()["desired"]!.Value<long>("mem"), Is.EqualTo(256));
    }

    [Test]
    public async Task Tables_and_paths_narrow_the_stream()
    {
        await using var tables = await BeginAsync(true, Token(Alicorn), "?table=host&table=cpu_profile");
        await using var paths = await BeginAsync(true, Token(Alicorn), $"?path={PathB}&path=/host");
        Database.Put(WebServer(128), DatabaseServer(128), new HostDesired { Uuid = Host, Name = "renamed" });
        Database.Put(Happening("1", InstanceB));
        Assert.That(Paths(await tables.ChangeAsync()), Is.EqualTo(new[] { $"/host/{Host}" }));
        Assert.That(Paths(await paths.ChangeAsync()), Is.EquivalentTo(new[] { PathB, $"/host/{Host}" }));
        Assert.That(Paths(await paths.ChangeAsync()), Is.EquivalentTo(new[] { $"/host/{Host}/event/1", $"{PathB}/event/1" }));
    }

    [TestCase("?table=nothing", 400)]
    [TestCase("?table=", 400)]
    [TestCase("?path=nothing", 400)]
    [TestCase("?path=/nothing", 400)]
    [TestCase("?since=", 400)]
    [TestCase("?since=12", 400)]
    [TestCase("?since=AAAAAAAAAAAAAAAAAAAAAA", 410)]
    [TestCase("?unknown=1", 400)]
    [TestCase("?token=x", 400)]
    [TestCase("?path=/host", 403)]
    [TestCase("?path=/tenant/bbbbbbbb-0000-4000-8000-000000000001/instance", 404)]
    public async Task A_stream_that_cannot_be_is_refused(string query, int status)
    {
        using var answer = await Http.SendAsync(EventClient.Request(Token(Owner, TenantA), query));
        Assert.That((int)answer.StatusCode, Is.EqualTo(status), await answer.Content.ReadAsStringAsync());
        Assert.That(answer.Content.Headers.ContentType!.MediaType, Is.EqualTo("application/problem+json"));
        Assert.That(Hub.Count, Is.Zero);
    }

    [Test]
    public async Task Who_asks_for_neither_kind_of_stream_is_told_which_there_are()
    {
        var answer = await GetAsync("/api/v1/watch", Token(Owner));
        Assert.That(answer.Status, Is.EqualTo(HttpStatusCode.NotAcceptable));
        Assert.That((await PostAsync("/api/v1/watch", Token(Owner), "{}")).Status, Is.EqualTo(HttpStatusCode.MethodNotAllowed));
        Assert.That((await GetAsync("/api/v1/watch")).Status, Is.EqualTo(HttpStatusCode.Unauthorized));
    }

    [Test]
    public async Task A_page_in_a_browser_offers_its_token_as_a_subprotocol()
    {
        var token = SocketProtocols.TokenPrefix + Base64Url.EncodeToString(Encoding.UTF8.GetBytes(Token(Owner, TenantA)));
        await using var client = await SocketClient.ConnectAsync(Address, null, "", token, SocketProtocols.Watch);
        Assert.That(client.Socket.SubProtocol, Is.EqualTo(SocketProtocols.Watch));
        await client.NextAsync();
        Database.Put(WebServer(128));
        Assert.That(Paths(await client.ChangeAsync()), Is.EqualTo(new[] { PathA }));
    }

    [Test]
    public void Wrong_tokens_and_subprotocols_are_refused()
    {
        var good = SocketProtocols.TokenPrefix + Base64Url.EncodeToString(Encoding.UTF8.GetBytes(Token(Owner, TenantA)));
        var bad = SocketProtocols.TokenPrefix + Base64Url.EncodeToString("nonsense"u8);
        Refused(null);
        Refused("nonsense");
        Refused(null, good);
        Refused(null, "something.else");
        Refused(null, bad, SocketProtocols.Watch);
        Refused(Token(Owner, TenantA), good, SocketProtocols.Watch);
        Refused(null, SocketProtocols.TokenPrefix + "!", SocketProtocols.Watch);

        void Refused(string? token, params string[] protocols) =>
            Assert.That(async () => await SocketClient.ConnectAsync(Address, token, "", protocols), Throws.InstanceOf<WebSocketException>());
    }
}
