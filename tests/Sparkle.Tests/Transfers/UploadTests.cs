using System.Net;
using NUnit.Framework;
using PonyCloud.Shared.Entities;
using PonyCloud.Sparkle.Control;
using PonyCloud.Sparkle.Database;
using PonyCloud.TestKit.Processes;

namespace PonyCloud.Sparkle.Tests.Transfers;

public sealed class UploadTests : TransferFixture
{
    private byte[] _content = null!;

    [SetUp]
    public void MakeContent() => _content = Noise(MiB + (MiB / 2) + 77);

    [TestCase(false)]
    [TestCase(true)]
    public async Task A_whole_content_is_on_the_host_when_it_is_answered(bool withDigest)
    {
        var answer = await UploadAsync(_content, digest: withDigest ? DigestOf(_content) : null);
        Assert.That(answer.Status, Is.EqualTo(HttpStatusCode.Created), answer.ToString());
        var kept = Keeper.Find(Volume);
        Assert.That((kept.Generation, kept.Finished is not null), Is.EqualTo((2, true)));
        AssertSame(kept.Bytes[..kept.Offset], _content);
    }

    [Test]
    public async Task The_order_stands_before_the_first_byte_is_sent()
    {
        Database.Put(
            new ImageDesired { Uuid = Pool, Name = "golden" },
            Row with { Content = VolumeContent.Pending, BaseImage = Pool, Revert = Pool });
        VolumeDesired? ordered = null;
        Keeper.Fault((_, next) =>
        {
            ordered = Row;
            return next();
        });
        await UploadAsync(_content);
        Assert.That(ordered, Is.EqualTo(Row with { Content = VolumeContent.Upload, Generation = 2, Generations = 2, BaseImage = null, Revert = null }));
        Assert.That(Log.Lines, Has.Some.Contains($"update volume {Volume}"), "who ordered it is in the log");
    }

    [Test]
    public async Task A_new_content_gets_a_number_that_no_copy_of_the_volume_had()
    {
        Database.Put(Row with { Generations = 4 });
        await UploadAsync(_content);
        Assert.That((Row.Generation, Row.Generations, Keeper.Find(Volume).Generation), Is.EqualTo((5, 5, 5)));
    }

    [Test]
    public async Task A_content_in_parts_is_whole_with_the_last()
    {
        var first = await PartAsync(_content, 0, MiB);
        Assert.That((first.Status, first.Offset, first.Range), Is.EqualTo((HttpStatusCode.PermanentRedirect, (long?)MiB, $"bytes=0-{MiB - 1}")));
        Assert.That((await PartAsync(_content, MiB, _content.Length, DigestOf(_content))).Status, Is.EqualTo(HttpStatusCode.Created));
        AssertSame(Keeper.Find(Volume).Bytes[.._content.Length], _content);
        Assert.That(Row.Generation, Is.EqualTo(2), "one order");
    }

    [Test]
    public async Task An_upload_that_is_cut_again_and_again_goes_on_at_its_offset()
    {
        var random = new Random(7);
        var digest = DigestOf(_content);
        var status = HttpStatusCode.PermanentRedirect;
        await PartAsync(_content, 0, 1);
        for (var cuts = 0; status != HttpStatusCode.Created; cuts++)
        {
            var asked = await AskAsync(_content.Length);
            Assert.That(asked.Status, Is.EqualTo(HttpStatusCode.PermanentRedirect));
            var offset = (int)asked.Offset!.Value;
            if (cuts < 6)
                CutAfter(random.Next(1, MiB / 4));
            status = (await PartAsync(_content, offset, _content.Length, digest)).Status;
            Assert.That(status, Is.EqualTo(HttpStatusCode.ServiceUnavailable).Or.EqualTo(HttpStatusCode.Created));
        }
        AssertSame(Keeper.Find(Volume).Bytes[.._content.Length], _content);
        Assert.That(Row.Generation, Is.EqualTo(2));
    }

    [Test]
    public async Task What_a_client_sent_before_it_went_is_kept()
    {
        var sent = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        using var request = Request(HttpMethod.Put, User);
        using var gone = new CancellationTokenSource();
        request.Content = new EndlessContent(_content, 300_000, sent.Task);
        var sending = Http.SendAsync(request, gone.Token);
        await Eventually.HoldsAsync("the host to have the bytes", () => Row.Generation == 2 && Keeper.Find(Volume).Offset == 300_000);
        await gone.CancelAsync();
        Assert.That(async () => await sending, Throws.InstanceOf<OperationCanceledException>());
        await Keeper.Abandoned.Task.WaitAsync(Eventually.Patience);
        sent.SetResult();

        Assert.That((await AskAsync(_content.Length)).Offset, Is.EqualTo(300_000));
        Assert.That((await PartAsync(_content, 300_000, _content.Length, DigestOf(_content))).Status, Is.EqualTo(HttpStatusCode.Created));
    }

    [Test]
    public async Task A_part_elsewhere_is_told_where_to_go_on()
    {
        await PartAsync(_content, 0, MiB);
        foreach (var from in (int[])[0, 5, MiB + 1])
        {
            var wrong = await PartAsync(_content, from, _content.Length, DigestOf(_content));
            Assert.That((wrong.Status, wrong.ProblemType, wrong.Offset), Is.EqualTo((HttpStatusCode.Conflict, "wrong-offset", (long?)MiB)));
        }
        Assert.That(Keeper.Seen.Count(request => request.Method == "PUT"), Is.EqualTo(1), "no byte of it was sent on");
    }

    [TestCase(VolumeContent.Pending, 0)]
    [TestCase(VolumeContent.Made, null)]
    public async Task A_part_of_nothing_begins_nothing(VolumeContent content, int? offset)
    {
        Database.Put(Row with { Content = content });
        var answer = await PartAsync(_content, 7, _content.Length, DigestOf(_content));
        Assert.That((answer.ProblemType, answer.Offset, Row.Generation), Is.EqualTo(("wrong-offset", (long?)offset, 1)), answer.ToString());
    }

    [Test]
    public async Task To_ask_orders_nothing()
    {
        Database.Put(Row with { Content = VolumeContent.Pending });
        var asked = await AskAsync(_content.Length);
        Assert.That((asked.Status, asked.Offset, asked.Range), Is.EqualTo((HttpStatusCode.PermanentRedirect, (long?)0, (string?)null)));
        Assert.That((Row.Generation, Database.Commits), Is.EqualTo((1, 0)));
    }

    [Test]
    public async Task A_wrong_checksum_begins_it_again()
    {
        var wrong = await UploadAsync(_content, digest: DigestOf([1]));
        Assert.That((wrong.ProblemType, wrong.Offset), Is.EqualTo(("wrong-digest", (long?)0)), wrong.ToString());
        Assert.That((await AskAsync(_content.Length)).Offset, Is.Zero);
        Assert.That((await PartAsync(_content, 0, _content.Length, DigestOf(_content))).Status, Is.EqualTo(HttpStatusCode.Created));
    }

    [Test]
    public async Task What_completes_it_a_second_time_is_told_the_same()
    {
        await UploadAsync(_content, digest: DigestOf(_content));
        Database.Put(Row with { Content = VolumeContent.Made });
        Assert.That((await AskAsync(_content.Length, DigestOf(_content))).Status, Is.EqualTo(HttpStatusCode.Created));
        Assert.That((await AskAsync(_content.Length, DigestOf([1]))).ProblemType, Is.EqualTo("wrong-offset"));
    }

    [Test]
    public async Task An_upload_that_is_begun_anew_is_another_content()
    {
        await PartAsync(_content, 0, MiB);
        Assert.That((await UploadAsync(_content)).Status, Is.EqualTo(HttpStatusCode.Created));
        Assert.That((Row.Generation, Keeper.Find(Volume).Generation), Is.EqualTo((3, 3)));
    }

    [Test]
    public async Task An_empty_file_is_a_content()
    {
        Assert.That((await UploadAsync([])).Status, Is.EqualTo(HttpStatusCode.Created));
        Assert.That((Keeper.Find(Volume).Generation, Keeper.Find(Volume).Offset), Is.EqualTo((2, 0)));
    }

    [Test]
    public async Task A_host_that_has_not_heard_of_the_order_is_waited_for()
    {
        HearsOrders = false;
        var uploading = UploadAsync(_content);
        await Eventually.HoldsAsync("Sparkle to ask twice", () => Keeper.Seen.Count(request => request.Method == "HEAD") > 1);
        Keeper.Await(Volume, 2, 2 * MiB);
        Assert.That((await uploading).Status, Is.EqualTo(HttpStatusCode.Created));
    }

    [Test]
    public async Task What_is_larger_than_the_volume_is_refused_before_it_is_sent()
    {
        var answer = await AskAsync((2 * MiB) + 1);
        Assert.That(answer.ProblemType, Is.EqualTo("too-large"));
        Assert.That(answer.Text, Does.Contain("2097152"), "what it has");
    }

    [Test]
    public async Task A_volume_that_an_instance_has_is_left_alone()
    {
        Database.Put(new VdiskDesired { Uuid = Guid.NewGuid(), Instance = InstanceA, Volume = Volume, Index = 0 });
        var answer = await UploadAsync(_content);
        Assert.That((answer.Status, answer.ProblemType), Is.EqualTo((HttpStatusCode.Conflict, "in-use")));
        Assert.That((Row.Content, Row.Generation), Is.EqualTo((VolumeContent.Made, 1)));
    }

    [Test]
    public async Task What_only_the_database_sees_attached_is_left_alone_as_well()
    {
        Database.FailNext(new WriteRefusedException(Refusal.Rule, 0, "volume_content_attached", ["content"], "Words.", new InvalidOperationException()));
        Assert.That((await UploadAsync(_content)).ProblemType, Is.EqualTo("in-use"));
    }

    [Test]
    public async Task Without_a_keeper_no_content_is_given_up()
    {
        Database.Remove("host_volume", RowKey.Of(Host.ToString(), Volume.ToString()));
        Assert.That((await UploadAsync(_content)).Status, Is.EqualTo(HttpStatusCode.ServiceUnavailable));
        Assert.That(Row.Content, Is.EqualTo(VolumeContent.Made));
    }

    [Test]
    public async Task Without_the_database_nothing_is_taken()
    {
        Database.Database = new DatabaseLink(false, DateTimeOffset.UnixEpoch);
        Assert.That((await UploadAsync(_content)).Status, Is.EqualTo(HttpStatusCode.ServiceUnavailable));
        Assert.That(Keeper.Seen, Is.Empty);
    }

    [Test]
    public async Task A_volume_that_goes_ends_its_upload() => await EndByAsync(() => Database.Remove("volume", RowKey.Of(Volume)), "not-found");

    [Test]
    public async Task Another_order_ends_the_upload() =>
        await EndByAsync(() => Database.Put(Row with { Content = VolumeContent.Pending, Generation = 3 }), "content-withdrawn");

    [TestCase("bytes 0-9/*")]
    [TestCase("bytes */*")]
    [TestCase("bytes 0-4/10")]
    [TestCase("lines 0-9/10")]
    [TestCase("10")]
    public async Task A_range_that_is_none_is_refused(string range) =>
        Assert.That((await UploadAsync(new byte[10], range)).ProblemType, Is.EqualTo("malformed-request"));

    [TestCase("sha-256=:AAAA:")]
    [TestCase("sha-512=:AAAA:")]
    [TestCase("x")]
    public async Task A_checksum_that_is_none_is_refused(string digest) =>
        Assert.That((await UploadAsync(_content, digest: digest)).ProblemType, Is.EqualTo("malformed-request"));

    [Test]
    public async Task The_last_part_needs_the_checksum()
    {
        await PartAsync(_content, 0, MiB);
        Assert.That((await PartAsync(_content, MiB, _content.Length)).ProblemType, Is.EqualTo("malformed-request"));
    }

    [Test]
    public async Task What_does_not_say_how_long_it_is_is_refused()
    {
        using var request = Request(HttpMethod.Put, User);
        request.Headers.TransferEncodingChunked = true;
        Assert.That((await SendAsync(request, new ByteArrayContent(_content))).ProblemType, Is.EqualTo("length-required"));
    }

    [Test]
    public async Task What_is_packed_is_refused()
    {
        using var request = Request(HttpMethod.Put, User);
        var content = new ByteArrayContent(_content);
        content.Headers.ContentEncoding.Add("gzip");
        Assert.That((await SendAsync(request, content)).ProblemType, Is.EqualTo("unsupported-media-type"));
    }

    private void CutAfter(int count) => Keeper.Fault(async (context, _) =>
    {
        var kept = Keeper.Find(Volume);
        await context.Request.Body.ReadExactlyAsync(kept.Bytes.AsMemory(kept.Offset, count));
        kept.Offset += count;
        context.Abort();
    });

    private async Task EndByAsync(Action change, string problem)
    {
        var never = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        using var request = Request(HttpMethod.Put, User);
        request.Content = new EndlessContent(_content, 1000, never.Task);
        var sending = Http.SendAsync(request);
        await Eventually.HoldsAsync("the host to have the bytes", () => Row.Generation == 2 && Keeper.Find(Volume).Offset == 1000);
        change();
        await Keeper.Abandoned.Task.WaitAsync(Eventually.Patience);
        never.SetResult();
        using var answer = await sending;
        Assert.That(await answer.Content.ReadAsStringAsync(), Does.Contain($":{problem}\""));
    }

    /// <summary>Sends so many bytes, and the rest later.</summary>
    private sealed class EndlessContent(byte[] bytes, int first, Task later) : HttpContent
    {
        protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) =>
            SerializeToStreamAsync(stream, context, CancellationToken.None);

        // Who goes away waits for nothing.
        protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context, CancellationToken cancellationToken)
        {
            await stream.WriteAsync(bytes.AsMemory(0, first), cancellationToken);
            await stream.FlushAsync(cancellationToken);
            await later.WaitAsync(cancellationToken);
            await stream.WriteAsync(bytes.AsMemory(first), cancellationToken);
        }

        protected override bool TryComputeLength(out long length)
        {
            length = bytes.Length;
            return true;
        }
    }
}
