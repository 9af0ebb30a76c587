using System.Net;
using System.Net.WebSockets;
using Microsoft.Extensions.Hosting;
using NUnit.Framework;
using PonyCloud.Shared.Entities;
using PonyCloud.Sparkle.Api;
using PonyCloud.Sparkle.Api.Watching;
using PonyCloud.TestKit.Processes;
using PonyCloud.TestKit.Time;

namespace PonyCloud.Sparkle.Tests.Api.Watching;

public sealed class WatchEndTests : WatchFixture
{
    private static readonly RowKey OwnersMembership = RowKey.Of("aaaaaaaa-0000-4000-8000-000000000003");

    private readonly ManualTime _time = new();

    protected override TimeProvider Clock => _time;

    protected override ApiOptions Options(ApiOptions options) => options with
    {
        TokenLifetime = TimeSpan.FromHours(1),
        Watch = new WatchOptions
        {
            Max = 6,
            MaxPerUser = 4,
            QueueSets = 16,
            HistorySets = 8,
            HistoryBytes = 1024 * 1024,
            PeerTimeout = TimeSpan.FromMinutes(2),
            Farewell = TimeSpan.FromSeconds(30),
        },
    };

    [Test]
    public async Task A_membership_that_ends_ends_the_stream([Values] bool isSocket)
    {
        await using var client = await BeginAsync(isSocket, Token(Owner, TenantA));
        await using var colleague = await BeginAsync(isSocket, Token(Admin, TenantA));
        Database.Remove("member", OwnersMembership);
        Database.Put(WebServer(128));
        Assert.That(await client.NextAsync(), Is.Null, "nothing is sent after it");
        Assert.That(client.End, Is.EqualTo(new StreamEnd(isSocket ? 4410 : 410, "access-changed")));
        Assert.That(Paths(await colleague.ChangeAsync()).Single(), Does.EndWith(InstanceA.ToString()));
    }

    [Test]
    public async Task Another_role_or_password_or_a_tenant_that_is_gone_ends_the_stream()
    {
        await using var owner = await BeginAsync(true, Token(Owner, TenantA));
        await using var admin = await BeginAsync(true, Token(Admin));
        await using var stranger = await BeginAsync(true, Token(Stranger, TenantB));
        var member = (MemberDesired)Database.Snapshot![Database.Catalog["member"]].Find(OwnersMembership)!.Desired!;
        Database.Put(member with { Role = MemberRole.Operator });
        Database.Put(new UserDesired { Email = Admin, Data = JsonText.Parse("""{"method":"password","hash":"other"}""") });
        Database.Remove("tenant", RowKey.Of(TenantB));
        foreach (var client in (WatchClient[])[owner, admin, stranger])
            Assert.That(await client.EndAsync(), Is.EqualTo(new StreamEnd(4410, "access-changed")));
    }

    [Test]
    public async Task What_was_read_with_other_rights_cannot_be_resumed()
    {
        var revision = await RevisionAsync(Token(Owner));
        Database.Put(new MemberDesired { Uuid = Guid.NewGuid(), User = Owner, Tenant = TenantB, Role = MemberRole.Owner });
        await using var user = await SocketAsync(Token(Owner), $"?since={revision}");
        Assert.That(await user.EndAsync(), Is.EqualTo(new StreamEnd(4410, "too-old")));
        await using var unconcerned = await SocketAsync(Token(Owner, TenantA), $"?since={revision}");
        Assert.That(await unconcerned.NextAsync(), Is.Not.Null);
    }

    [Test]
    public async Task A_token_that_runs_out_ends_the_stream([Values] bool isSocket)
    {
        var token = Token(Owner, TenantA);
        // A whole hour at once would be as many marks as it has rounds, and the stream would end of those.
        _time.Advance(TimeSpan.FromHours(1) - TimeSpan.FromSeconds(1));
        await using var client = await BeginAsync(isSocket, token);
        await _time.WaitForTimerAsync(TimeSpan.FromSeconds(10));
        _time.Advance(TimeSpan.FromSeconds(10));
        Assert.That(await client.EndAsync(), Is.EqualTo(new StreamEnd(isSocket ? 1008 : 401, "unauthenticated")));
    }

    [Test]
    public async Task A_quiet_stream_says_how_far_it_is([Values] bool isSocket)
    {
        await using var client = await BeginAsync(isSocket, Token(Owner, TenantA));
        await using var other = await BeginAsync(true, Token(Stranger, TenantB));
        Database.Put(DatabaseServer(128));
        await other.ChangeAsync();
        await _time.WaitForTimerAsync(TimeSpan.FromSeconds(10));
        // The first round only notes who is quiet.
        _time.Advance(TimeSpan.FromSeconds(10));
        await _time.WaitForTimerAsync(TimeSpan.FromSeconds(10));
        _time.Advance(TimeSpan.FromSeconds(10));
        var mark = (await client.NextAsync())!;
        Assert.That(mark["changes"], Is.Empty);
        Assert.That(mark.Value<string>("revision"), Is.EqualTo(await RevisionAsync(Token(Alicorn))));
    }

    [Test]
    public async Task A_revision_before_the_history_is_too_old([Values] bool isSocket)
    {
        var revision = await RevisionAsync(Token(Alicorn));
        await using var follower = await BeginAsync(true, Token(Alicorn));
        for (var i = 1; i <= 9; i++)
        {
            Database.Put(WebServer(100 + i));
            await follower.ChangeAsync();
        }
        if (isSocket)
        {
            await using var client = await SocketAsync(Token(Alicorn), $"?since={revision}");
            Assert.That(await client.EndAsync(), Is.EqualTo(new StreamEnd(4410, "too-old")));
            return;
        }
        using var answer = await Http.SendAsync(EventClient.Request(Token(Alicorn), $"?since={revision}"));
        Assert.That(answer.StatusCode, Is.EqualTo(HttpStatusCode.Gone));
    }

    [Test]
    public async Task A_change_too_large_to_pass_on_ends_the_streams()
    {
        await using var client = await BeginAsync(true, Token(Alicorn));
        Database.Put([.. Enumerable.Range(0, 3000).Select(i => new InstanceDesired { Uuid = Guid.NewGuid(), Tenant = TenantA, Name = $"i{i}", Mem = 64 })]);
        Assert.That(await client.EndAsync(), Is.EqualTo(new StreamEnd(4410, "too-old")));
        Assert.That(Hub.History.Bytes, Is.Zero);
        await using var again = await BeginAsync(true, Token(Alicorn));
        Database.Put(WebServer(128));
        Assert.That(await again.ChangeAsync(), Is.Not.Null);
    }

    [Test]
    public async Task A_slow_reader_is_told_so_and_the_others_go_on([Values] bool isSocket)
    {
        await using var slow = await BeginAsync(isSocket, Token(Alicorn));
        await using var quick = await BeginAsync(true, Token(Alicorn));
        var large = new string('x', 400_000);
        // Far more than sockets and queues hold.
        for (var i = 0; i < 60; i++)
        {
            Database.Put(Happening("1", null, JsonText.Parse($"\"{large}{i}\"")));
            await quick.ChangeAsync();
        }
        Assert.That(await slow.EndAsync(), Is.EqualTo(new StreamEnd(isSocket ? 1013 : 429, "slow-reader")));
        Database.Put(WebServer(128));
        Assert.That(await quick.ChangeAsync(), Is.Not.Null);
    }

    [TestCase(16)]
    [TestCase(16 * 1024 * 1024)]
    public async Task A_client_that_sends_data_is_told_to_listen(int length)
    {
        await using var client = (SocketClient)await BeginAsync(true, Token(Owner, TenantA));
        using var limit = new CancellationTokenSource(Eventually.Patience);
        var sending = client.Socket.SendAsync(new byte[length].AsMemory(), WebSocketMessageType.Binary, endOfMessage: true, limit.Token).AsTask();
        Assert.That(await client.EndAsync(), Is.EqualTo(new StreamEnd(1008, "malformed-request")));
        await sending;
        await NobodyWatchesAsync();
    }

    [Test]
    public async Task A_client_that_is_gone_is_forgotten([Values] bool isSocket)
    {
        var client = await BeginAsync(isSocket, Token(Owner, TenantA));
        Assert.That(Hub.Count, Is.EqualTo(1));
        await client.DisposeAsync();
        await NobodyWatchesAsync();
    }

    [Test]
    public async Task Streams_are_bounded_in_all_and_for_each_user()
    {
        var clients = new List<WatchClient>();
        for (var i = 0; i < 4; i++)
            clients.Add(await BeginAsync(i % 2 == 0, Token(Owner, TenantA)));
        using (var answer = await Http.SendAsync(EventClient.Request(Token(Owner), "")))
        {
            Assert.That(answer.StatusCode, Is.EqualTo(HttpStatusCode.TooManyRequests));
            Assert.That(answer.Headers.RetryAfter, Is.Not.Null);
        }
        for (var i = 0; i < 2; i++)
            clients.Add(await BeginAsync(true, Token(Admin)));
        using (var answer = await Http.SendAsync(EventClient.Request(Token(Alicorn), "")))
            Assert.That(answer.StatusCode, Is.EqualTo(HttpStatusCode.ServiceUnavailable));
        foreach (var client in clients)
            await client.DisposeAsync();
        await NobodyWatchesAsync();
        await using var next = await BeginAsync(true, Token(Owner));
    }

    [Test]
    public async Task A_controller_that_stops_says_so([Values] bool isSocket)
    {
        await using var client = await BeginAsync(isSocket, Token(Owner, TenantA));
        Service<IHostApplicationLifetime>().StopApplication();
        Assert.That(await client.EndAsync(), Is.EqualTo(new StreamEnd(isSocket ? 1001 : 503, "unavailable")));
        using var answer = await Http.SendAsync(EventClient.Request(Token(Owner), ""));
        Assert.That(answer.StatusCode, Is.EqualTo(HttpStatusCode.ServiceUnavailable));
    }
}
