using System.Net;
using System.Net.Sockets;
using System.Text;
using Newtonsoft.Json.Linq;
using NUnit.Framework;
using PonyCloud.EndToEnd.Tests.Networks;
using PonyCloud.TestKit.Processes;

namespace PonyCloud.EndToEnd.Tests.Motto;

/// <summary>Virtual infrastructure behaves like a real one: volumes, repairs, and work that takes long.</summary>
public sealed class StorageMottoTests : MottoFixture
{
    private readonly TemporaryDirectory _directory = new("motto");

    private string PoolPath => _directory["pool"];

    [OneTimeTearDown]
    public void Tidy() => _directory.Dispose();

    [Test, Behaviour(10)]
    public async Task A_volume_is_deleted_at_once_and_what_it_left_is_reclaimed_behind_it()
    {
        var volume = await VolumeAsync(await PoolAsync(Ill, PoolPath));
        await CutAsync(Ill);
        await IsAsync(Ill, "unreachable");

        await Tenant.Api.DeleteAsync(volume);

        Assert.That((await Tenant.Api.SendAsync(HttpMethod.Get, volume)).Status, Is.EqualTo(HttpStatusCode.NotFound));
        Assert.That(await UsedAsync("storage"), Is.Zero);
        Assert.That(Files(volume), Is.Not.Empty);
        Assert.That((await TombstonesAsync(volume)).Count, Is.EqualTo(1));

        await MendAsync(Ill);
        await Eventually.HoldsAsync("the content to go", () => Files(volume).Length == 0);
        await Eventually.SeesAsync("the tombstone to go", _ => TombstonesAsync(volume), stones => stones.Count == 0);
    }

    [Test, Behaviour(11)]
    public async Task Every_repair_is_a_verb_of_the_API()
    {
        var pool = await PoolAsync(Ill, PoolPath);
        var volume = await VolumeAsync(pool);
        await Ill.KillTwilightAsync();
        await IsAsync(Ill, "unreachable");
        await Tenant.Api.DeleteAsync(volume);
        // Nobody will come back to remove it: an operator says that it is done with.
        var stone = (await TombstonesAsync(volume)).Single();
        await Alicorn.SendAsync(HttpMethod.Patch, $"/tombstone/{stone}", new { desired = new { done = true } }, "application/merge-patch+json");
        await Eventually.SeesAsync("the tombstone to go", _ => TombstonesAsync(volume), stones => stones.Count == 0);

        // The host comes back all the same, and what it still has is listed; it goes on an operator's word.
        Ill.StartTwilight();
        var uuid = volume.Split('/')[^1];
        await Eventually.SeesAsync(
            "the orphan", _ => Alicorn.GetAsync($"/host/{Ill.Uuid}/orphan"),
            rows => rows.Properties().Any(row => row.Value.SelectToken("current.target")?.Value<string>() == uuid));
        var file = Files(volume).Single();
        await Alicorn.CreateAsync("/tombstone", new { target = Path.GetFileName(file), storage_pool = pool, host = Ill.Uuid });
        await Eventually.HoldsAsync("the file to go", () => !File.Exists(file));
    }

    [Test, Behaviour(16)]
    public async Task Work_that_takes_long_says_what_it_does_and_is_withdrawn_at_once()
    {
        using var server = Site.Make(() => new TcpListener(IPAddress.Parse(CloudSite.SparkleAddress), 0));
        server.Start();
        var serving = ServeForEverAsync(server);
        var pool = await PoolAsync(Ill, PoolPath);
        var image = await Alicorn.CreateAsync(
            "/image", new { name = "endless", source_uri = $"http://{CloudSite.SparkleAddress}:{((IPEndPoint)server.LocalEndpoint).Port}/image" });
        var volume = await Tenant.Api.CreateAsync(
            $"/tenant/{Tenant.Uuid}/volume", new { name = "slow", size = 64, storage_pool = pool, base_image = image });
        var path = $"/tenant/{Tenant.Uuid}/volume/{volume}";
        await Eventually.SeesAsync(
            "bytes to come", _ => Alicorn.GetAsync($"/host/{Ill.Uuid}/image"),
            rows => rows.Properties().Any(row => row.Value.SelectToken("current.bytes")?.Value<long>() > 0));
        Assert.That((await Tenant.Api.GetAsync(path)).SelectToken("current.status")!.Value<string>(), Is.AnyOf("waiting", "preparing"));

        await Tenant.Api.DeleteAsync(path);
        await Alicorn.DeleteAsync($"/image/{image}");

        // Whoever fetched it has hung up.
        await serving.WaitAsync(Eventually.Patience);
        Assert.That(Directory.GetFiles(PoolPath), Is.Empty);
    }

    /// <summary>Answers one request with an image that never ends, until the other side has hung up.</summary>
    private static async Task ServeForEverAsync(TcpListener server)
    {
        using var client = await server.AcceptTcpClientAsync();
        await using var stream = client.GetStream();
        await stream.WriteAsync(Encoding.ASCII.GetBytes("HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nContent-Length: 33554432\r\n\r\n"));
        var piece = new byte[4096];
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(50));
        try
        {
            while (await timer.WaitForNextTickAsync())
                await stream.WriteAsync(piece);
        }
        catch (IOException)
        {
            // The end that is waited for.
        }
    }

    private string[] Files(string volume) => Directory.GetFiles(PoolPath, $"volume-{volume.Split('/')[^1]}*");

    private async Task<IReadOnlyList<string>> TombstonesAsync(string volume) =>
    [
        .. (await Alicorn.GetAsync("/tombstone")).Properties()
            .Where(row => row.Value.SelectToken("desired.target")?.Value<string>() == volume.Split('/')[^1])
            .Select(row => row.Name),
    ];
}
