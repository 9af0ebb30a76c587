using Newtonsoft.Json.Linq;
using PonyCloud.Shared.Entities;
using PonyCloud.Sparkle.Api.Watching;
using PonyCloud.TestKit.Processes;

namespace PonyCloud.Sparkle.Tests.Api.Watching;

public abstract class WatchFixture : ApiFixture
{
    internal WatchHub Hub => Service<WatchHub>();

    protected Task<SocketClient> SocketAsync(string token, string query = "") => SocketClient.ConnectAsync(Address, token, query);

    protected Task<EventClient> EventsAsync(string token, string query = "") => EventClient.ConnectAsync(Http, token, query);

    protected async Task<WatchClient> WatchAsync(bool isSocket, string token, string query = "") =>
        isSocket ? await SocketAsync(token, query) : await EventsAsync(token, query);

    /// <summary>Begins a stream, and reads the message that says where.</summary>
    protected async Task<WatchClient> BeginAsync(bool isSocket, string token, string query = "")
    {
        var client = await WatchAsync(isSocket, token, query);
        await client.NextAsync();
        return client;
    }

    protected Task NobodyWatchesAsync() => Eventually.SeesAsync("the end of all streams", _ => Task.FromResult(Hub.Count), count => count == 0);

    protected async Task<string> RevisionAsync(string token) =>
        (await GetAsync("/api/v1/tenant", token)).Headers.GetValues("PonyCloud-Revision").Single();

    protected static InstanceDesired WebServer(long mem) => new()
    {
        Uuid = InstanceA,
        Tenant = TenantA,
        Name = "web",
        Mem = mem,
    };

    protected static InstanceDesired DatabaseServer(long mem) => new()
    {
        Uuid = InstanceB,
        Tenant = TenantB,
        Name = "db",
        Mem = mem,
    };

    protected static EventDesired Happening(string hash, Guid? instance, JsonText? data = null) => new()
    {
        Hash = hash,
        Ctime = DateTimeOffset.UnixEpoch,
        Mtime = DateTimeOffset.UnixEpoch,
        Count = 1,
        Type = "instance-crashed",
        Severity = EventSeverity.Warning,
        Host = Host,
        Instance = instance,
        Data = data,
    };

    protected static IEnumerable<string> Paths(JObject message) => message["changes"]!.Select(change => change.Value<string>("path")!);
}
