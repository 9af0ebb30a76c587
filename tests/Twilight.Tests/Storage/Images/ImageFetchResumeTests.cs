using System.Globalization;
using Microsoft.AspNetCore.Http;
using NUnit.Framework;
using PonyCloud.Twilight.Storage.Images;

namespace PonyCloud.Twilight.Tests.Storage.Images;

public sealed class ImageFetchResumeTests
{
    private static readonly byte[] Content = FetcherBench.Content(3_000_001);
    private static readonly byte[] Other = FetcherBench.Content(3_000_002);

    private FetcherBench _bench = null!;

    [SetUp]
    public void SetUp() => _bench = new FetcherBench();

    [TearDown]
    public void TearDown() => _bench.Dispose();

    [Test]
    public async Task A_broken_transfer_goes_on_where_it_was_cut()
    {
        var content = new CuttableContent(Content) { Cut = answer => answer == 0 ? 2_000_000 : null };
        await using var server = await ImageServer.StartAsync(content.AnswerAsync);

        await FetchesAsync(server, Content);

        Assert.That(server.Requests, Has.Count.EqualTo(2));
        Assert.That(RangeOf(server.Requests[1]), Is.InRange(1, 2_000_000));
        Assert.That(server.Requests[1].Headers["If-Range"], Is.EqualTo("\"one\""));
    }

    [Test]
    public async Task A_transfer_that_is_cut_again_and_again_comes_to_its_end([Values(1, 2, 3)] int seed)
    {
        var random = new Random(seed);
        _bench.Options = _bench.Options with { SoundAfter = 1 };
        var content = new CuttableContent(Content) { Cut = answer => answer < 20 ? random.Next(1, 200_000) : null };
        await using var server = await ImageServer.StartAsync(content.AnswerAsync);

        await FetchesAsync(server, Content);
    }

    [Test]
    public async Task A_time_of_modification_long_ago_is_as_good_as_a_tag()
    {
        var content = new CuttableContent(Content)
        {
            ETag = null,
            LastModified = new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero),
            Cut = answer => answer == 0 ? 2_000_000 : null,
        };
        await using var server = await ImageServer.StartAsync(content.AnswerAsync);

        await FetchesAsync(server, Content);

        Assert.That(RangeOf(server.Requests[1]), Is.GreaterThan(0));
    }

    [TestCase(null, false)]
    [TestCase("W/\"weak\"", false)]
    [TestCase(null, true)]
    public async Task Without_a_strong_validator_a_broken_transfer_begins_again(string? tag, bool isModifiedNow)
    {
        var content = new CuttableContent(Content)
        {
            ETag = tag,
            LastModified = isModifiedNow ? DateTimeOffset.UtcNow : null,
            Cut = answer => answer == 0 ? 2_000_000 : null,
        };
        await using var server = await ImageServer.StartAsync(content.AnswerAsync);

        await FetchesAsync(server, Content);

        Assert.That(server.Requests[1].Headers.Keys, Has.None.EqualTo("Range"));
    }

    [Test]
    public async Task A_content_that_changed_meanwhile_is_fetched_from_its_beginning()
    {
        var content = new CuttableContent(Content);
        content.Cut = answer =>
        {
            if (answer == 0)
                return 2_000_000;
            (content.Bytes, content.ETag) = (Other, "\"two\"");
            return null;
        };
        await using var server = await ImageServer.StartAsync(content.AnswerAsync);

        await FetchesAsync(server, Other);

        Assert.That(server.Requests, Has.Count.EqualTo(2));
    }

    [TestCase("bytes 5-3000000/3000001", "\"one\"")]
    [TestCase("bytes {0}-3000000/4000000", "\"one\"")]
    [TestCase("bytes {0}-3000000/3000001", "\"two\"")]
    [TestCase("bytes */3000001", "\"one\"")]
    [TestCase(null, "\"one\"")]
    public async Task A_part_that_does_not_go_on_there_is_not_taken(string? range, string tag)
    {
        var content = new CuttableContent(Content) { Cut = answer => answer == 0 ? 2_000_000 : null };
        await using var server = await ImageServer.StartAsync(async context =>
        {
            if (context.Request.Headers.Range.Count == 0)
            {
                await content.AnswerAsync(context);
                return;
            }
            var offset = context.Request.GetTypedHeaders().Range!.Ranges.Single().From;
            context.Response.StatusCode = StatusCodes.Status206PartialContent;
            context.Response.Headers.ETag = tag;
            context.Response.Headers.ContentRange = range is null ? default : string.Format(CultureInfo.InvariantCulture, range, offset);
            await context.Response.Body.WriteAsync(Other);
        });

        await FetchesAsync(server, Content);

        Assert.That(server.Requests, Has.Count.EqualTo(3), "cut, not gone on with, whole");
    }

    [Test]
    public async Task A_range_that_there_is_no_more_makes_it_begin_again()
    {
        var content = new CuttableContent(Content) { Cut = answer => answer == 0 ? 2_000_000 : null };
        await using var server = await ImageServer.StartAsync(context =>
        {
            if (context.Request.Headers.Range.Count == 0)
                return content.AnswerAsync(context);
            context.Response.StatusCode = StatusCodes.Status416RangeNotSatisfiable;
            return Task.CompletedTask;
        });

        await FetchesAsync(server, Content);
    }

    [TestCase(500)]
    [TestCase(503)]
    [TestCase(429)]
    [TestCase(408)]
    public async Task A_server_that_is_not_well_is_asked_again(int status)
    {
        var content = new CuttableContent(Content);
        var answers = 0;
        await using var server = await ImageServer.StartAsync(context =>
        {
            if (answers++ == 2)
                return content.AnswerAsync(context);
            context.Response.StatusCode = status;
            return Task.CompletedTask;
        });

        await FetchesAsync(server, Content);
    }

    [Test]
    public async Task A_server_that_never_gets_well_is_given_up_after_waits_that_grow()
    {
        var content = new CuttableContent(Content) { Cut = _ => 1000 };
        await using var server = await ImageServer.StartAsync(content.AnswerAsync);

        await _bench.FailsAsync(ImageFailure.Unreachable, FetcherBench.Image(server.Address.ToString()));

        Assert.That(server.Requests, Has.Count.EqualTo(1 + _bench.Options.RetriesMax));
        Assert.That(_bench.Time.Elapsed, Is.GreaterThanOrEqualTo(TimeSpan.FromSeconds(1 + 2 + 2 + 2 + 2)));
    }

    [Test]
    public async Task A_server_that_is_not_there_is_unreachable()
    {
        string address;
        await using (var server = await ImageServer.StartAsync(_ => Task.CompletedTask))
            address = server.Address.ToString();

        Assert.That(await _bench.FailsAsync(ImageFailure.Unreachable, FetcherBench.Image(address)), Does.Contain("refuses connections"));
        var nowhere = FetcherBench.Image("http://nowhere.example/");
        Assert.That(await _bench.FailsAsync(ImageFailure.Unreachable, nowhere), Does.Contain("resolved"));
    }

    private static long RangeOf(SeenRequest request) =>
        long.Parse(request.Headers["Range"]["bytes=".Length..].TrimEnd('-'), CultureInfo.InvariantCulture);

    private async Task FetchesAsync(ImageServer server, byte[] expected)
    {
        var image = FetcherBench.Image(server.Address.ToString(), checksum: FetcherBench.Sha256(expected));
        var fetched = await _bench.FetchPatientlyAsync(image);
        Assert.That(fetched.Bytes, Is.EqualTo(expected.Length));
        Assert.That(await File.ReadAllBytesAsync(_bench.Partial), Is.EqualTo(expected));
    }
}
