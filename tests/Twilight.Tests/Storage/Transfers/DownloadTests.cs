using System.Net;
using NUnit.Framework;
using PonyCloud.TestKit.Processes;
using PonyCloud.Twilight.Storage.Transfers;
using PonyCloud.Twilight.Tests.Storage.Images;

namespace PonyCloud.Twilight.Tests.Storage.Transfers;

public sealed class DownloadTests
{
    private static readonly byte[] Content = FetcherBench.Content(3_000_001);

    private TransferBench _bench = null!;

    [SetUp]
    public async Task SetUpAsync() => _bench = await TransferBench.StartAsync();

    [TearDown]
    public async Task TearDownAsync() => await _bench.DisposeAsync();

    [TestCase(null, 0, 3_000_001)]
    [TestCase("bytes=0-", 0, 3_000_001)]
    [TestCase("bytes=0-99", 0, 100)]
    [TestCase("bytes=5-5", 5, 1)]
    [TestCase("bytes=1000000-", 1_000_000, 2_000_001)]
    [TestCase("bytes=2999999-4000000", 2_999_999, 2)]
    [TestCase("bytes=-5", 2_999_996, 5)]
    [TestCase("bytes=-9999999", 0, 3_000_001)]
    [TestCase("bytes=0-1,5-6", 0, 3_000_001)]
    [TestCase("lines=0-1", 0, 3_000_001)]
    [TestCase("nonsense", 0, 3_000_001)]
    public async Task The_bytes_that_are_asked_for_are_sent(string? range, int offset, int count)
    {
        _bench.Contents[TransferBench.Volume] = new MemoryContent(Content);

        using var response = await _bench.GetAsync(range);

        Assert.That(response.StatusCode, Is.EqualTo(count == Content.Length ? HttpStatusCode.OK : HttpStatusCode.PartialContent));
        Assert.That(
            response.Content.Headers.ContentRange?.ToString(),
            Is.EqualTo(count == Content.Length ? null : $"bytes {offset}-{offset + count - 1}/{Content.Length}"));
        Assert.That(await response.Content.ReadAsByteArrayAsync(), Is.EqualTo(Content[offset..(offset + count)]));
    }

    [TestCase("bytes=3000001-")]
    [TestCase("bytes=-0")]
    public async Task Bytes_beyond_the_end_are_told_not_to_be_there(string range)
    {
        _bench.Contents[TransferBench.Volume] = new MemoryContent(Content);
        using var response = await _bench.GetAsync(range);
        Assert.That(response.StatusCode, Is.EqualTo(HttpStatusCode.RequestedRangeNotSatisfiable));
        Assert.That(response.Content.Headers.ContentRange!.ToString(), Is.EqualTo("bytes */3000001"));
    }

    [Test]
    public async Task A_range_under_a_condition_gets_the_whole()
    {
        _bench.Contents[TransferBench.Volume] = new MemoryContent(Content);
        _bench.Http.DefaultRequestHeaders.TryAddWithoutValidation("If-Range", "\"one\"");
        using var response = await _bench.GetAsync("bytes=1-");
        Assert.That(response.Content.Headers.ContentLength, Is.EqualTo(Content.Length));
    }

    [Test]
    public async Task The_length_is_told_without_the_content()
    {
        _bench.Contents[TransferBench.Volume] = new MemoryContent(Content);
        using var response = await _bench.GetAsync(method: HttpMethod.Head);
        Assert.That(response.Content.Headers.ContentLength, Is.EqualTo(Content.Length));
        Assert.That(response.Headers.AcceptRanges, Is.EqualTo(["bytes"]));
    }

    [TestCase("", HttpStatusCode.OK)]
    [TestCase("?generation=1", HttpStatusCode.OK)]
    [TestCase("?generation=2", HttpStatusCode.PreconditionFailed)]
    [TestCase("?generation=-1", HttpStatusCode.BadRequest)]
    [TestCase("?generation=", HttpStatusCode.BadRequest)]
    public async Task Another_content_than_the_one_that_is_meant_is_not_sent(string query, HttpStatusCode status)
    {
        _bench.Contents[TransferBench.Volume] = new MemoryContent(Content);
        using var response = await _bench.GetAsync(query: query);
        Assert.That(response.StatusCode, Is.EqualTo(status));
    }

    [Test]
    public async Task What_is_not_there_or_not_whole_is_not_found()
    {
        using var missing = await _bench.GetAsync();
        _bench.Contents[TransferBench.Volume] = new MemoryContent(Content) { State = ContentState.Awaited };
        using var awaited = await _bench.GetAsync();
        using var elsewhere = await _bench.Http.GetAsync(new Uri("/etc/passwd", UriKind.Relative));
        using var removal = await _bench.GetAsync(method: HttpMethod.Delete);
        Assert.That(
            new[] { missing.StatusCode, awaited.StatusCode, elsewhere.StatusCode, removal.StatusCode },
            Is.EqualTo([HttpStatusCode.NotFound, HttpStatusCode.NotFound, HttpStatusCode.NotFound, HttpStatusCode.MethodNotAllowed]));
    }

    [Test]
    public async Task A_content_that_ends_too_early_is_cut_and_not_taken_for_whole()
    {
        _bench.Contents[TransferBench.Volume] = new MemoryContent(Content) { Length = Content.Length + 1 };
        using var response = await _bench.GetAsync();
        Assert.That(async () => await response.Content.ReadAsByteArrayAsync(), Throws.InstanceOf<HttpRequestException>());
    }

    [Test]
    public async Task A_content_that_cannot_be_opened_is_an_error()
    {
        _bench.Contents[TransferBench.Volume] = new MemoryContent(Content) { Disk = _ => Task.FromException(new IOException("broken")) };
        using var response = await _bench.GetAsync();
        Assert.That(response.StatusCode, Is.EqualTo(HttpStatusCode.InternalServerError));
    }

    [Test]
    public async Task One_transfer_too_many_is_told_so_and_has_its_place_when_another_ends()
    {
        var options = TransferBench.Options with { TransfersMax = 1 };
        await using var bench = await TransferBench.StartAsync(options);
        var (begun, disk) = (new TaskCompletionSource(), new TaskCompletionSource());
        bench.Contents[TransferBench.Volume] = new MemoryContent(Content)
        {
            Disk = token =>
            {
                begun.TrySetResult();
                return disk.Task.WaitAsync(token);
            },
        };

        var first = bench.GetAsync();
        await begun.Task;
        using var second = await bench.GetAsync();
        Assert.That(second.StatusCode, Is.EqualTo(HttpStatusCode.ServiceUnavailable));
        Assert.That(second.Headers.RetryAfter, Is.Not.Null);
        disk.SetResult();
        using (var response = await first)
            await response.Content.ReadAsByteArrayAsync();
        await Eventually.SeesAsync("the place to be free", _ => bench.GetAsync(), response => response.StatusCode == HttpStatusCode.OK);
    }
}
