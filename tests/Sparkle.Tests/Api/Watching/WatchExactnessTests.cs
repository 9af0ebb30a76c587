using System.Net;
using Newtonsoft.Json.Linq;
using NUnit.Framework;
using PonyCloud.Shared.Entities;
using PonyCloud.Sparkle.Api;
using PonyCloud.Sparkle.Api.Watching;

namespace PonyCloud.Sparkle.Tests.Api.Watching;

/// <summary>
/// Whoever reads once and then applies the stream ends with exactly what a new read shows, whatever happens meanwhile and
/// however often the connection breaks.
/// </summary>
public sealed class WatchExactnessTests : WatchFixture
{
    private const int Steps = 150;
    private const string LastName = "the-end";

    protected override ApiOptions Options(ApiOptions options) => options with
    {
        // Short, so that some come back too late.
        Watch = new WatchOptions { HistorySets = 40 },
    };

    [Test]
    public async Task A_client_that_follows_has_what_a_read_shows([Values(1, 2, 3, 4, 5, 6, 7, 8)] int seed)
    {
        (string Token, bool IsSocket)[] clients =
        [
            (Token(Alicorn), true), (Token(Alicorn), false), (Token(Owner, TenantA), true), (Token(Operator, TenantA), false),
            (Token(Stranger, TenantB), true), (Token(Stranger), false), (Token(Owner), true),
        ];
        var following = clients.Select((client, i) => Task.Run(() => FollowAsync(client.Token, client.IsSocket, new Random(seed * 100 + i)))).ToArray();
        await ChangeAsync(new Random(seed));
        var followed = await Task.WhenAll(following);
        for (var i = 0; i < clients.Length; i++)
        {
            var (read, _) = await ReadAsync(clients[i].Token);
            Assert.That(Text(followed[i]), Is.EqualTo(Text(read)), $"client {i}");
        }
        Assert.That(Log.Lines, Has.None.StartsWith("Error"));

        static string Text(SortedDictionary<string, string> rows) => string.Join('\n', rows.Select(row => $"{row.Key} {row.Value}"));
    }

    private async Task<SortedDictionary<string, string>> FollowAsync(string token, bool isSocket, Random random)
    {
        SortedDictionary<string, string>? rows = null;
        var since = "";
        while (true)
        {
            if (rows is null)
                (rows, since) = await ReadAsync(token);
            WatchClient client;
            try
            {
                client = await WatchAsync(isSocket, token, $"?since={since}");
            }
            catch (HttpRequestException e) when (e.StatusCode == HttpStatusCode.Gone)
            {
                rows = null;
                continue;
            }
            await using (client)
            {
                for (var left = random.Next(1, 60); left > 0; left--)
                {
                    if (await client.NextAsync() is not { } message)
                    {
                        Assert.That(client.End!.Kind, Is.AnyOf("too-old", "access-changed"));
                        rows = null;
                        break;
                    }
                    since = message.Value<string>("revision")!;
                    foreach (var change in message["changes"]!.Cast<JObject>())
                        Apply(rows, change);
                    if (rows.Values.Any(row => row.Contains(LastName, StringComparison.Ordinal)))
                        return rows;
                }
            }
        }
    }

    private static void Apply(SortedDictionary<string, string> rows, JObject change)
    {
        var path = change.Value<string>("path")!;
        change.Remove("path");
        change.Remove("table");
        change.Remove("key");
        if (change.Count == 0)
            rows.Remove(path);
        else
            rows[path] = change.ToString(Newtonsoft.Json.Formatting.None);
    }

    /// <summary>Everything that the token may read, and the revision of the first read.</summary>
    private async Task<(SortedDictionary<string, string> Rows, string Revision)> ReadAsync(string token)
    {
        var rows = new SortedDictionary<string, string>(StringComparer.Ordinal);
        var since = await RevisionAsync(token);
        foreach (var root in Service<ResourceTree>().All.Where(node => node.Parent is null))
            await ReadBelowAsync("", root);
        return (rows, since);

        async Task ReadBelowAsync(string parent, ResourceNode node)
        {
            var answer = await GetAsync($"/api/v1{parent}/{node.Segment}", token);
            // Forbidden, or gone since its parent was read.
            if (answer.Status != HttpStatusCode.OK)
                return;
            foreach (var (key, row) in answer.Json)
            {
                var path = $"{parent}/{node.Segment}/{Uri.EscapeDataString(key)}";
                rows[path] = row!.ToString(Newtonsoft.Json.Formatting.None);
                foreach (var child in node.Children)
                    await ReadBelowAsync(path, child);
            }
        }
    }

    private async Task ChangeAsync(Random random)
    {
        var (a, b) = (Token(Admin, TenantA), Token(Stranger, TenantB));
        var places = Enumerable.Range(0, 4).Select(i => Guid.Parse($"eeeeeeee-0000-4000-8000-00000000000{i}")).ToArray();
        for (var step = 0; step < Steps; step++)
        {
            var isA = random.Next(2) == 0;
            var (token, tenant, own) = isA ? (a, TenantA, InstanceA) : (b, TenantB, InstanceB);
            var place = random.GetItems(places, 1)[0];
            switch (random.Next(13))
            {
                case 0:
                    await PostAsync($"/api/v1/tenant/{tenant}/instance", token, $$$"""{"desired":{"name":"n{{{step}}}","mem":64}}""");
                    break;
                case 1 or 2:
                    await PatchAsync($"/api/v1/tenant/{tenant}/instance/{own}", token, $$"""[{"op":"replace","path":"/desired/mem","value":{{64 + step}}}]""");
                    break;
                case 3:
                    Database.Put(Happening($"e{random.Next(4)}", random.Next(3) == 0 ? place : own, JsonText.Parse($"{step}")));
                    break;
                case 4:
                    Database.Remove("event", RowKey.Of($"e{random.Next(4)}"));
                    break;
                case 5:
                    // Also from one tenant to the other, which the API refuses and an operator with psql does not.
                    Database.Put(new InstanceDesired { Uuid = place, Tenant = tenant, Name = $"p{place.ToString()[^1]}", Mem = 64 });
                    break;
                case 6:
                    Database.Remove("instance", RowKey.Of(place));
                    break;
                case 7:
                    Database.Report(new InstanceCurrent { Uuid = place, Status = (InstanceStatus)random.Next(5) });
                    break;
                case 8:
                    Database.Put(new HostInstanceDesired { Host = Host, Instance = place });
                    Database.Report(new HostInstanceCurrent { Host = Host, Instance = place, Status = InstanceStatus.Running, Vcpu = step });
                    break;
                case 9:
                    Database.Report(Machine(random.Next(2) == 0 ? HostStatus.Present : HostStatus.Unreachable, step));
                    break;
                case 10:
                    Database.Put(
                        new CpuProfileDesired { Uuid = Profile, Name = $"profile-{step}", Model = "qemu64" },
                        new TenantDesired { Uuid = tenant, Name = $"{tenant.ToString()[0]}-{step}", Approved = true });
                    break;
                case 11 when random.Next(4) == 0:
                    // Somebody becomes a member, or is one no longer.
                    Database.Put(new MemberDesired { Uuid = places[0], User = Stranger, Tenant = TenantA, Role = (MemberRole)random.Next(3) });
                    break;
                case 11 when random.Next(2) == 0:
                    Database.Remove("member", RowKey.Of(places[0]));
                    break;
                case 12 when random.Next(2) == 0:
                    Database.Remove("host", RowKey.Of(Host));
                    break;
                case 12:
                    Database.Put(new HostDesired { Uuid = Host, Name = $"metal-{step}" });
                    break;
            }
        }
        Database.Put(new CpuProfileDesired { Uuid = Profile, Name = LastName, Model = "qemu64" });
    }

    private static HostCurrent Machine(HostStatus status, int step) => new()
    {
        Uuid = Host,
        Status = status,
        LastSeen = status == HostStatus.Unreachable ? DateTimeOffset.UnixEpoch.AddSeconds(step) : null,
        AgentVersion = "1",
        BootId = "1",
        Kernel = "1",
        CpuModel = "1",
    };
}
