using System.Net;
using Microsoft.AspNetCore.Http;
using NUnit.Framework;
using PonyCloud.Shared.Entities;
using PonyCloud.Sparkle.Control;
using PonyCloud.TestKit.Processes;

namespace PonyCloud.Sparkle.Tests.Transfers;

public sealed class DownloadTests : TransferFixture
{
    private static readonly Guid Disk = Guid.Parse("aaaaaaaa-0000-4000-8000-000000000008");

    [Test]
    public async Task A_content_is_sent_as_it_is()
    {
        using var answer = await OpenAsync();
        Assert.That(answer.StatusCode, Is.EqualTo(HttpStatusCode.OK));
        Assert.That(answer.Content.Headers.ContentType!.MediaType, Is.EqualTo("application/octet-stream"));
        Assert.That(answer.Content.Headers.ContentLength, Is.EqualTo(Bytes.Length));
        Assert.That(answer.Headers.AcceptRanges, Is.EqualTo(["bytes"]));
        Assert.That(answer.Headers.ETag!.IsWeak, Is.False);
        AssertSame(await answer.Content.ReadAsByteArrayAsync(), Bytes);
    }

    [Test]
    public async Task HEAD_tells_the_length_and_the_tag_and_takes_no_place()
    {
        using var request = Request(HttpMethod.Head, User);
        using var answer = await Http.SendAsync(request);
        Assert.That((answer.StatusCode, answer.Content.Headers.ContentLength), Is.EqualTo((HttpStatusCode.OK, (long?)Bytes.Length)));
        Assert.That(answer.Headers.ETag!.ToString(), Is.EqualTo((await DownloadAsync()).Tag));
    }

    [TestCase("bytes=0-9", 0, 10)]
    [TestCase("bytes=2097150-", 2097150, 2097152)]
    [TestCase("bytes=2097150-9999999", 2097150, 2097152)]
    [TestCase("bytes=-7", 2097145, 2097152)]
    public async Task A_range_is_a_part(string range, int from, int to)
    {
        var part = await DownloadAsync(("Range", range));
        Assert.That((part.Status, part.Range), Is.EqualTo((HttpStatusCode.PartialContent, $"bytes {from}-{to - 1}/{Bytes.Length}")));
        Assert.That(part.Bytes, Is.EqualTo(Bytes[from..to]));
    }

    [TestCase("bytes=0-1,4-5")]
    [TestCase("lines=1-2")]
    [TestCase("nonsense")]
    public async Task What_is_not_one_range_gets_the_whole(string range) =>
        Assert.That((await DownloadAsync(("Range", range))).Bytes, Has.Length.EqualTo(Bytes.Length));

    [Test]
    public async Task A_range_beyond_the_end_is_told_where_the_end_is()
    {
        var beyond = await DownloadAsync(("Range", "bytes=2097152-"));
        Assert.That((beyond.Status, beyond.Range), Is.EqualTo((HttpStatusCode.RequestedRangeNotSatisfiable, "bytes */2097152")));
    }

    [Test]
    public async Task A_download_that_is_cut_again_and_again_goes_on_with_its_tag()
    {
        var random = new Random(5);
        var got = new List<byte>();
        var tag = (string?)null;
        while (got.Count < Bytes.Length)
        {
            CutAfter(random.Next(1, MiB));
            using var answer = await (tag is null ? OpenAsync() : OpenAsync(("Range", $"bytes={got.Count}-"), ("If-Range", tag)));
            Assert.That(answer.StatusCode, Is.EqualTo(tag is null ? HttpStatusCode.OK : HttpStatusCode.PartialContent));
            tag ??= answer.Headers.ETag!.ToString();
            await ReadAsync(answer, got);
        }
        AssertSame([.. got], Bytes);
    }

    [Test]
    public async Task A_content_with_another_tag_is_sent_whole()
    {
        var tag = (await DownloadAsync()).Tag!;
        Database.Put(Attached());
        Database.Remove("vdisk", RowKey.Of(Disk));
        var again = await DownloadAsync(("Range", "bytes=5-"), ("If-Range", tag));
        Assert.That((again.Status, again.Bytes.Length), Is.EqualTo((HttpStatusCode.OK, Bytes.Length)));
        Assert.That(again.Tag, Is.Not.Null.And.Not.EqualTo(tag), "an instance had it meanwhile");
    }

    [Test]
    public async Task What_an_instance_has_is_sent_and_has_no_tag()
    {
        Database.Put(Attached());
        var content = await DownloadAsync();
        AssertSame(content.Bytes, Bytes);
        Assert.That(content.Tag, Is.Null);
    }

    [Test]
    public async Task A_content_with_a_tag_is_cut_before_an_instance_can_change_it() => await CutByAsync(() => Database.Put(Attached()));

    [Test]
    public async Task A_volume_that_goes_ends_its_download() => await CutByAsync(() => Database.Remove("volume", RowKey.Of(Volume)));

    [Test]
    public async Task A_volume_that_is_ordered_deleted_ends_its_download() =>
        await CutByAsync(() => Database.Put(Row with { State = VolumeState.Deleted }));

    [Test]
    public async Task Another_content_ends_the_download() =>
        await CutByAsync(() => Database.Put(Row with { Content = VolumeContent.Pending, Generation = 2 }));

    [Test]
    public async Task Another_keeper_ends_the_download() =>
        await CutByAsync(() => Database.Remove("host_volume", RowKey.Of(Host.ToString(), Volume.ToString())));

    [Test]
    public async Task Whoever_is_no_member_any_more_gets_no_more() =>
        await CutByAsync(() => Database.Remove("member", RowKey.Of(TenantA.ToString()[..^1] + "4")));

    [Test]
    public async Task Who_goes_away_is_no_longer_served_by_the_host()
    {
        var held = Hold();
        using (var answer = await OpenAsync())
        {
            await answer.Content.ReadAsStreamAsync();
            Assert.That(Keeper.Abandoned.Task.IsCompleted, Is.False);
        }
        await held.WaitAsync(Eventually.Patience);
    }

    [TestCase(VolumeContent.Pending)]
    [TestCase(VolumeContent.Upload)]
    public async Task What_is_not_made_is_not_sent(VolumeContent content)
    {
        Database.Put(Row with { Content = content });
        var answer = await SendAsync(HttpMethod.Get, Path, User);
        Assert.That(answer.ProblemType, Does.EndWith(":content-not-ready"), answer.ToString());
        Assert.That(Keeper.Seen, Is.Empty);
    }

    [Test]
    public async Task Downloads_go_on_without_the_database()
    {
        Database.Database = new DatabaseLink(false, DateTimeOffset.UnixEpoch);
        AssertSame((await DownloadAsync()).Bytes, Bytes);
    }

    [Test]
    public async Task A_parameter_is_refused() =>
        Assert.That((await SendAsync(HttpMethod.Get, Path + "?generation=7", User)).ProblemType, Does.EndWith(":unknown-parameter"));

    private static VdiskDesired Attached() => new() { Uuid = Disk, Instance = InstanceA, Volume = Volume, Index = 0 };

    /// <summary>Has the host send so much of its answer, and then fall silent until Sparkle goes.</summary>
    private Task Hold()
    {
        var gone = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Keeper.Fault(async (context, _) =>
        {
            context.Response.ContentLength = Bytes.Length;
            await context.Response.Body.WriteAsync(Bytes.AsMemory(0, 1000));
            await using var registration = context.RequestAborted.Register(() => gone.TrySetResult());
            await gone.Task;
        });
        return gone.Task;
    }

    private async Task CutByAsync(Action change)
    {
        var held = Hold();
        using var answer = await OpenAsync();
        await using var stream = await answer.Content.ReadAsStreamAsync();
        await stream.ReadExactlyAsync(new byte[1000]);
        change();
        Assert.That(async () => await stream.ReadAsync(new byte[1]), Throws.InstanceOf<IOException>(), "a cut, and no end");
        await held.WaitAsync(Eventually.Patience);
    }

    private void CutAfter(int count) => Keeper.Fault(async (context, next) =>
    {
        var range = context.Request.GetTypedHeaders().Range;
        var from = (int)(range?.Ranges.Single().From ?? 0);
        if (from + count >= Bytes.Length)
        {
            await next();
            return;
        }
        context.Response.ContentLength = Bytes.Length - from;
        if (range is not null)
        {
            context.Response.StatusCode = StatusCodes.Status206PartialContent;
            context.Response.Headers.ContentRange = $"bytes {from}-{Bytes.Length - 1}/{Bytes.Length}";
        }
        await context.Response.Body.WriteAsync(Bytes.AsMemory(from, count));
        await context.Response.Body.FlushAsync();
        context.Abort();
    });

    private static async Task ReadAsync(HttpResponseMessage answer, List<byte> into)
    {
        var buffer = new byte[64 * 1024];
        try
        {
            await using var stream = await answer.Content.ReadAsStreamAsync();
            for (int count; (count = await stream.ReadAsync(buffer)) > 0;)
                into.AddRange(buffer.AsSpan(0, count));
        }
        catch (IOException exception)
        {
            TestContext.Out.WriteLine($"cut at {into.Count}: {exception.Message}");
        }
    }
}
