using System.Diagnostics;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using Newtonsoft.Json.Linq;
using NUnit.Framework;
using PonyCloud.EndToEnd.Tests.Platform;
using PonyCloud.TestKit.Processes;

namespace PonyCloud.EndToEnd.Tests;

/// <summary>Volumes from the order of a tenant to a file on the host, and back to nothing.</summary>
[NonParallelizable]
public sealed class StorageTests : PlatformFixture
{
    private const int ImageMib = 64;

    private readonly TemporaryDirectory _directory = new("storage");
    private Guid _pool;
    private Guid _image;

    private string PoolPath => _directory["pool"];

    private string ImagePath => _directory["image.raw"];

    private string Volumes => $"/tenant/{Running.Tenant}/volume";

    [Test]
    public async Task A_volume_is_made_from_an_image_grown_reverted_and_gone()
    {
        var volume = await CreateAsync("life", new { base_image = _image, size = ImageMib });
        var file = (await IsReadyAsync(volume)).SelectToken("current.path")!.Value<string>()!;
        await SameContentAsync(file);

        var snapshot = await Running.Owner.CreateAsync($"{Volumes}/{volume}/snapshot", new { name = "before" });
        await Eventually.SeesAsync(
            "the snapshot", _ => Running.Alicorn.GetAsync($"/host/{Running.Host}/snapshot"),
            rows => rows.SelectToken($"['{snapshot}'].current.status")?.Value<string>() == "ready");
        await ChildProcess.RunAsync("qemu-io", ["-f", "qcow2", "-c", "write -P 0x55 1M 1M", file]);
        await Running.Owner.ReplaceAsync($"{Volumes}/{volume}", "size", ImageMib * 2);
        await IsReadyAsync(volume, size: ImageMib * 2);
        var reverted = await Running.Owner.SendAsync(
            HttpMethod.Patch, $"{Volumes}/{volume}", new { desired = new { revert = snapshot } }, "application/merge-patch+json");
        Assert.That((int)reverted.Status, Is.InRange(200, 204), reverted.Text);
        await Eventually.SeesAsync("the order to be carried out", _ => RowAsync(volume), row => row.SelectToken("desired.revert") is null);
        await ChildProcess.RunAsync("qemu-io", ["-f", "qcow2", "-r", "-c", $"read -P {FirstByte(1)} 1M 1M", file]);

        await Running.Owner.DeleteAsync($"{Volumes}/{volume}");
        Assert.That((await Running.Owner.SendAsync(HttpMethod.Get, $"{Volumes}/{volume}")).Status, Is.EqualTo(HttpStatusCode.NotFound));
        await NothingIsLeftAsync(volume);
    }

    [Test]
    public async Task A_copy_of_a_volume_has_its_content_and_lives_on_without_it()
    {
        var first = await CreateAsync("first", new { base_image = _image, size = ImageMib });
        await IsReadyAsync(first);
        var copy = await CreateAsync("copy", new { base_volume = first, size = ImageMib });
        var file = (await IsReadyAsync(copy)).SelectToken("current.path")!.Value<string>()!;

        await Running.Owner.DeleteAsync($"{Volumes}/{first}");

        await NothingIsLeftAsync(first);
        await SameContentAsync(file);
        await Running.Owner.DeleteAsync($"{Volumes}/{copy}");
        await NothingIsLeftAsync(copy);
    }

    [Test]
    public async Task A_volume_is_deleted_while_its_host_stands_still_and_goes_when_the_host_is_back()
    {
        var volume = await CreateAsync("frozen", new { size = 8 });
        await IsReadyAsync(volume);
        await SignalAsync("STOP");
        try
        {
            var watch = Stopwatch.StartNew();
            await Running.Owner.DeleteAsync($"{Volumes}/{volume}");
            Assert.That(watch.Elapsed, Is.LessThan(TimeSpan.FromSeconds(5)), "an order to let go waits for nobody");
            Assert.That(FilesOf(volume), Is.Not.Empty);
        }
        finally
        {
            await SignalAsync("CONT");
        }
        await NothingIsLeftAsync(volume);
    }

    [Test]
    public async Task A_content_is_sent_in_parts_and_fetched_again()
    {
        const int Size = 8 << 20;
        const int First = 3 << 20;
        var content = new byte[Size];
        new Random(5).NextBytes(content);
        var volume = await CreateAsync("sent", new { size = Size >> 20 });
        await IsMadeAsync(volume);

        var part = await SendAsync(volume, content[..First], $"bytes 0-{First - 1}/{Size}");
        Assert.That(((int)part.Status, part.Header), Is.EqualTo((308, $"{First}")), Encoding.UTF8.GetString(part.Content));
        Assert.That((await RowAsync(volume)).SelectToken("desired.content")?.Value<string>(), Is.EqualTo("upload"));
        var whole = await SendAsync(
            volume, content[First..], $"bytes {First}-{Size - 1}/{Size}", $"sha-256=:{Convert.ToBase64String(SHA256.HashData(content))}:");
        Assert.That(whole.Status, Is.EqualTo(HttpStatusCode.Created), Encoding.UTF8.GetString(whole.Content));

        await IsMadeAsync(volume);
        var fetched = await Running.Owner.TransferAsync(HttpMethod.Get, ContentOf(volume), null, new Dictionary<string, string>(), "ETag");
        Assert.That((fetched.Status, fetched.Content.AsSpan().SequenceEqual(content)), Is.EqualTo((HttpStatusCode.OK, true)));
        var range = await Running.Owner.TransferAsync(
            HttpMethod.Get, ContentOf(volume), null, new Dictionary<string, string> { ["Range"] = $"bytes={First}-{First + 99}" }, "ETag");
        Assert.That(range.Status, Is.EqualTo(HttpStatusCode.PartialContent));
        Assert.That(range.Content, Is.EqualTo(content[First..(First + 100)]));
        await Running.Owner.DeleteAsync($"{Volumes}/{volume}");
        await NothingIsLeftAsync(volume);
    }

    [Test]
    public async Task What_no_row_explains_is_listed_and_goes_on_an_operators_word_only()
    {
        var volume = await CreateAsync("foreign", new { size = 8 });
        await IsReadyAsync(volume);
        var stranger = Guid.NewGuid();
        var orphan = Path.Combine(PoolPath, $"volume-{stranger}.1");
        File.Copy(FilesOf(volume).Single(), orphan);
        File.WriteAllText(Path.Combine(PoolPath, "notes.txt"), "not the platform's");

        var row = await Eventually.SeesAsync(
            "the orphan", async _ => Find(await Running.Alicorn.GetAsync($"/host/{Running.Host}/orphan"), stranger), found => found is not null);
        Assert.That(File.Exists(orphan));
        await Running.Alicorn.CreateAsync(
            "/tombstone", new { target = Path.GetFileName(orphan), storage_pool = _pool, host = Running.Host });

        await Eventually.SeesAsync("the orphan to go", _ => Task.FromResult(File.Exists(orphan)), there => !there);
        Assert.That(row!.SelectToken("current.storage_pool")?.Value<string>(), Is.EqualTo(_pool.ToString()));
        Assert.That(File.Exists(Path.Combine(PoolPath, "notes.txt")));
        Assert.That(FilesOf(volume), Is.Not.Empty);
        await Running.Owner.DeleteAsync($"{Volumes}/{volume}");
        await NothingIsLeftAsync(volume);
    }

    [Test]
    public async Task A_file_that_somebody_deleted_is_missed_and_not_made_anew()
    {
        var volume = await CreateAsync("lost", new { size = 8 });
        await IsReadyAsync(volume);
        await IsMadeAsync(volume);
        File.Delete(FilesOf(volume).Single());
        await SignalAsync("KILL");
        await Running.Twilight.DisposeAsync();
        Running.StartTwilight();

        var row = await Eventually.SeesAsync(
            "the volume to be broken", _ => KeptAsync(volume), kept => kept.SelectToken("current.status")?.Value<string>() == "broken");
        Assert.That(row.SelectToken("current.why")?.Value<string>(), Is.Not.Empty);
        Assert.That(FilesOf(volume), Is.Empty);
        await Running.Owner.DeleteAsync($"{Volumes}/{volume}");
        await NothingIsLeftAsync(volume);
    }

    [OneTimeTearDown]
    public void Tidy() => _directory.Dispose();

    protected override async Task PrepareAsync()
    {
        var content = new byte[ImageMib << 20];
        for (var mib = 0; mib < ImageMib; mib++)
            Array.Fill(content, FirstByte(mib), mib << 20, 1 << 20);
        await File.WriteAllBytesAsync(ImagePath, content);
        _pool = await Running.Alicorn.CreateAsync("/storage-pool", new { name = "local", type = "dir", config = new { path = PoolPath } });
        await Running.Alicorn.PostAsync($"/storage-pool/{_pool}/host", new { desired = new { host = Running.Host } });
        await Running.Alicorn.PostAsync(
            $"/tenant/{Running.Tenant}/quota", new { desired = new { type = "storage", limit = 1_000_000, storage_pool = _pool } });
        _image = await Running.Alicorn.CreateAsync("/image", new { name = "base", source_uri = $"file://{ImagePath}" });
        var pool = await Eventually.SeesAsync(
            "the pool to be ready", _ => Running.Alicorn.GetAsync($"/host/{Running.Host}/storage-pool/{_pool}"),
            row => row.SelectToken("current.status")?.Value<string>() == "ready");
        Assert.That(pool.SelectToken("current.capacity")?.Value<long>(), Is.GreaterThan(0));
    }

    private static byte FirstByte(int mib) => (byte)(mib + 1);

    private static JToken? Find(JObject rows, Guid target) =>
        rows.Properties().Select(property => property.Value).SingleOrDefault(row => row.SelectToken("current.target")?.Value<string>() == target.ToString());

    private async Task<Guid> CreateAsync(string name, object more)
    {
        var desired = JObject.FromObject(more);
        desired["name"] = name;
        desired["storage_pool"] = _pool;
        return await Running.Owner.CreateAsync(Volumes, desired);
    }

    private Task<JObject> RowAsync(Guid volume) => Running.Owner.GetAsync($"{Volumes}/{volume}");

    private Task<JObject> KeptAsync(Guid volume) => Running.Alicorn.GetAsync($"/host/{Running.Host}/volume/{volume}");

    private Task<JObject> IsReadyAsync(Guid volume, long? size = null) => Eventually.SeesAsync(
        "the volume to be ready",
        async _ => (await Running.Alicorn.SendAsync(HttpMethod.Get, $"/host/{Running.Host}/volume/{volume}")) is { Status: HttpStatusCode.OK } answer
            ? answer.Body
            : new JObject(),
        row => row.SelectToken("current.status")?.Value<string>() == "ready" && (size is null || row.SelectToken("current.size")?.Value<long>() == size));

    private Task<JObject> IsMadeAsync(Guid volume) => Eventually.SeesAsync(
        "the content to be known as made", _ => RowAsync(volume), row => row.SelectToken("desired.content")?.Value<string>() == "made");

    private Task<string> SameContentAsync(string file) =>
        ChildProcess.RunAsync("qemu-img", ["compare", "-f", "raw", "-F", "qcow2", ImagePath, file]);

    private string ContentOf(Guid volume) => $"{Volumes}/{volume}/content";

    private Task<(HttpStatusCode Status, byte[] Content, string? Header)> SendAsync(Guid volume, byte[] part, string range, string? digest = null)
    {
        var headers = new Dictionary<string, string> { ["Content-Range"] = range };
        if (digest is not null)
            headers["Repr-Digest"] = digest;
        return Running.Owner.TransferAsync(HttpMethod.Put, ContentOf(volume), part, headers, "Upload-Offset");
    }

    private string[] FilesOf(Guid volume) => Directory.GetFiles(PoolPath, $"volume-{volume}*");

    private async Task NothingIsLeftAsync(Guid volume)
    {
        await Eventually.SeesAsync("the files to go", _ => Task.FromResult(FilesOf(volume).Length), files => files == 0);
        await Eventually.SeesAsync(
            "the tombstone to go", _ => Running.Alicorn.GetAsync("/tombstone"),
            rows => !rows.Properties().Any(row => row.Value.SelectToken("desired.target")?.Value<string>() == volume.ToString()));
    }

    private Task<string> SignalAsync(string signal) => ChildProcess.RunAsync("kill", [$"-{signal}", $"{Running.Twilight.Id}"]);
}
