using System.Net;
using System.Security.Cryptography;
using NUnit.Framework;
using PonyCloud.TestKit.Processes;
using PonyCloud.Twilight.Storage.Images;

namespace PonyCloud.Twilight.Tests.Storage.Images;

public sealed class ImageFetcherTests
{
    private static readonly byte[] Content = FetcherBench.Content(3_000_001);

    private FetcherBench _bench = null!;

    [SetUp]
    public void SetUp() => _bench = new FetcherBench();

    [TearDown]
    public void TearDown() => _bench.Dispose();

    [Test]
    public async Task A_content_with_the_right_checksum_is_fetched_whole()
    {
        await using var server = await ImageServer.StartAsync(new CuttableContent(Content).AnswerAsync);
        var sha512 = $"sha512:{Convert.ToHexStringLower(SHA512.HashData(Content))}";

        foreach (var checksum in new[] { FetcherBench.Sha256(Content), sha512, null })
        {
            var fetched = await _bench.FetchAsync(FetcherBench.Image(server.Address.ToString(), checksum: checksum));

            Assert.That(fetched, Is.EqualTo(new FetchedImage(Content.Length, checksum ?? FetcherBench.Sha256(Content))));
            Assert.That(await File.ReadAllBytesAsync(_bench.Partial), Is.EqualTo(Content));
        }
    }

    [Test]
    public async Task A_content_with_another_checksum_is_not_kept()
    {
        await using var server = await ImageServer.StartAsync(new CuttableContent(Content).AnswerAsync);
        var image = FetcherBench.Image(server.Address.ToString(), checksum: FetcherBench.Sha256([1]));

        var why = await _bench.FailsAsync(ImageFailure.Mismatch, image);

        Assert.That(why, Does.Contain(FetcherBench.Sha256(Content)));
        Assert.That(server.Requests, Has.Count.EqualTo(1), "another try would bring the same");
    }

    [Test]
    public async Task Nothing_but_the_question_is_sent()
    {
        var proxy = HttpClient.DefaultProxy;
        try
        {
            HttpClient.DefaultProxy = new WebProxy("http://127.0.0.1:1");
            await using var server = await ImageServer.StartAsync(context =>
            {
                context.Response.Headers.SetCookie = "a=b";
                if (context.Request.Path == "/image")
                    context.Response.Redirect("/there?signature=1");
                return Task.CompletedTask;
            });

            await _bench.FetchAsync(FetcherBench.Image(new Uri(server.Address, "/image").ToString()));

            Assert.That(server.Requests.Select(request => request.Path), Is.EqualTo(["/image", "/there?signature=1"]));
            Assert.That(
                server.Requests.SelectMany(request => request.Headers.Keys).Distinct(),
                Is.EquivalentTo(["Host", "User-Agent", "Accept-Encoding"]));
        }
        finally
        {
            HttpClient.DefaultProxy = proxy;
        }
    }

    [Test]
    public async Task It_is_told_how_far_the_fetch_is()
    {
        var time = _bench.Time;
        await using var server = await ImageServer.StartAsync(async context =>
        {
            context.Response.ContentLength = 3000;
            for (var i = 0; i < 3; i++)
            {
                await context.Response.Body.WriteAsync(new byte[1000]);
                time.Advance(TimeSpan.FromSeconds(1));
            }
        });
        var told = new Told();

        await _bench.FetchAsync(FetcherBench.Image(server.Address.ToString()), progress: told);

        Assert.That((told.Progress[^1].Bytes, told.Progress[^1].Total), Is.EqualTo((3000L, (long?)3000)));
        Assert.That(told.Progress.Select(progress => progress.BytesPerSecond), Has.Some.InRange(1, 3000));
        Assert.That(told.Progress.Select(progress => progress.Bytes), Is.Ordered);
    }

    [Test]
    public async Task A_server_without_an_end_is_stopped_at_the_largest_size()
    {
        _bench.Options = _bench.Options with { BytesMax = 4 << 20 };
        var gone = new TaskCompletionSource();
        await using var server = await ImageServer.StartAsync(async context =>
        {
            context.RequestAborted.Register(gone.SetResult);
            while (!context.RequestAborted.IsCancellationRequested)
                await context.Response.Body.WriteAsync(Content);
        });

        var why = await _bench.FailsAsync(ImageFailure.Refused, FetcherBench.Image(server.Address.ToString()));

        Assert.That(why, Does.Contain("4 MiB"));
        await gone.Task.WaitAsync(Eventually.Patience);
        Assert.That(server.Requests, Has.Count.EqualTo(1));
    }

    [Test]
    public async Task A_content_that_is_announced_too_large_is_not_even_begun()
    {
        _bench.Options = _bench.Options with { BytesMax = 1 << 20 };
        var told = new Told();
        await using var server = await ImageServer.StartAsync(new CuttableContent(Content).AnswerAsync);

        await Assert.ThrowsAsync<ImageException>(() => _bench.FetchAsync(FetcherBench.Image(server.Address.ToString()), progress: told));

        Assert.That(told.Progress, Is.Empty);
    }

    [TestCase(404)]
    [TestCase(403)]
    [TestCase(206)]
    [TestCase(204)]
    public async Task An_answer_that_is_no_content_is_final(int status)
    {
        await using var server = await ImageServer.StartAsync(context =>
        {
            context.Response.StatusCode = status;
            return Task.CompletedTask;
        });

        var why = await _bench.FailsAsync(ImageFailure.Refused, FetcherBench.Image(server.Address.ToString()));

        Assert.That(why, Does.EndWith($"status {status}."));
        Assert.That(server.Requests, Has.Count.EqualTo(1));
    }

    [Test]
    public async Task A_content_that_is_packed_on_the_way_is_refused()
    {
        await using var server = await ImageServer.StartAsync(context =>
        {
            context.Response.Headers.ContentEncoding = "gzip";
            return context.Response.Body.WriteAsync(Content).AsTask();
        });

        Assert.That(await _bench.FailsAsync(ImageFailure.Refused, FetcherBench.Image(server.Address.ToString())), Does.Contain("packed"));
    }

    [Test]
    public async Task A_certificate_that_nobody_vouches_for_is_refused_and_one_that_is_known_is_taken()
    {
        var (certificate, trust) = FetcherBench.Certificate();
        using var _ = certificate;
        await using var server = await ImageServer.StartAsync(new CuttableContent(Content).AnswerAsync, certificate);
        var image = FetcherBench.Image(server.Address.ToString());

        Assert.That(await _bench.FailsAsync(ImageFailure.Refused, image), Does.Contain("certificate"));
        Assert.That(server.Requests, Is.Empty);

        _bench.Options = _bench.Options with { Trust = trust };
        Assert.That((await _bench.FetchAsync(image)).Bytes, Is.EqualTo(Content.Length));
    }

    [Test]
    public async Task A_full_disk_is_said_to_be_full()
    {
        await using var server = await ImageServer.StartAsync(new CuttableContent(Content).AnswerAsync);
        File.CreateSymbolicLink(_bench.Partial, "/dev/full");

        var why = await _bench.FailsAsync(ImageFailure.Host, FetcherBench.Image(server.Address.ToString()));

        Assert.That(why, Is.EqualTo("The storage pool is full."));
    }

    [TestCase(null)]
    [TestCase("ftp://a/b")]
    [TestCase("http://user:secret@a/b")]
    [TestCase("/etc/passwd")]
    [TestCase("http:")]
    public async Task A_source_that_leads_nowhere_is_refused(string? source) =>
        Assert.That(await _bench.FailsAsync(ImageFailure.Refused, FetcherBench.Image(source)), Does.Contain("source_uri"));

    private sealed class Told : IProgress<FetchProgress>
    {
        public List<FetchProgress> Progress { get; } = [];

        public void Report(FetchProgress value) => Progress.Add(value);
    }
}
