using System.Net;
using NUnit.Framework;
using PonyCloud.TestKit.Processes;
using PonyCloud.TestKit.Time;
using PonyCloud.Twilight.Storage.Transfers;
using PonyCloud.Twilight.Tests.Storage.Images;

namespace PonyCloud.Twilight.Tests.Storage.Transfers;

public sealed class UploadTests
{
    private static readonly byte[] Content = FetcherBench.Content(3_000_001);
    private static readonly string Digest = TransferBench.DigestOf(Content);

    private TransferBench _bench = null!;
    private MemoryContent _content = null!;

    [SetUp]
    public async Task SetUpAsync()
    {
        _bench = await TransferBench.StartAsync();
        _content = Awaited(4_000_000);
    }

    [TearDown]
    public async Task TearDownAsync() => await _bench.DisposeAsync();

    [Test]
    public async Task A_content_in_one_part_is_whole_when_its_checksum_is_right()
    {
        using var response = await _bench.PutAsync(Content, 0, Content.Length, Digest);

        Assert.That(response.StatusCode, Is.EqualTo(HttpStatusCode.Created));
        IsThere();
        Assert.That(_content.Bytes.AsSpan(Content.Length).ContainsAnyExcept((byte)0), Is.False, "the rest of the volume");
    }

    [Test]
    public async Task Parts_make_a_whole_and_the_checksum_may_come_after_them()
    {
        var offset = 0L;
        while (offset < Content.Length)
        {
            using var part = await _bench.PutAsync(Content, (int)offset, Math.Min(700_000, Content.Length - (int)offset));
            Assert.That(part.StatusCode, Is.EqualTo(HttpStatusCode.NoContent));
            Assert.That(TransferBench.OffsetOf(part), Is.GreaterThan(offset));
            offset = TransferBench.OffsetOf(part);
            using var told = await _bench.GetAsync(method: HttpMethod.Head);
            Assert.That((told.StatusCode, TransferBench.OffsetOf(told)), Is.EqualTo((HttpStatusCode.NoContent, offset)));
        }
        Assert.That(_content.State, Is.EqualTo(ContentState.Awaited));

        using var response = await _bench.FinishAsync(Content.Length, Digest);

        Assert.That(response.StatusCode, Is.EqualTo(HttpStatusCode.Created));
        IsThere();
    }

    [Test]
    public async Task A_part_at_another_offset_is_told_where_to_go_on()
    {
        using var first = await _bench.PutAsync(Content, 0, 1_000_000);
        using var gap = await _bench.PutAsync(Content, 2_000_000, 1000);
        using var again = await _bench.PutAsync(Content, 0, 1_000_000);
        using var early = await _bench.FinishAsync(Content.Length, Digest);
        foreach (var response in new[] { gap, again, early })
        {
            Assert.That(response.StatusCode, Is.EqualTo(HttpStatusCode.Conflict));
            Assert.That(TransferBench.OffsetOf(response), Is.EqualTo(1_000_000 / TransferLimits.Block * TransferLimits.Block));
        }
    }

    [Test]
    public async Task With_another_checksum_it_begins_again_and_nothing_of_it_is_left()
    {
        var other = FetcherBench.Content(Content.Length);
        other[^1] ^= 1;
        using var wrong = await _bench.PutAsync(other, 0, other.Length, Digest);
        Assert.That(wrong.StatusCode, Is.EqualTo(HttpStatusCode.UnprocessableEntity));
        Assert.That(TransferBench.OffsetOf(wrong), Is.Zero);
        Assert.That(wrong.Headers.GetValues("Repr-Digest"), Is.EqualTo([TransferBench.DigestOf(other)]));
        Assert.That(_content.State, Is.EqualTo(ContentState.Awaited));

        using var right = await _bench.PutAsync(Content, 0, Content.Length, Digest);
        Assert.That(right.StatusCode, Is.EqualTo(HttpStatusCode.Created));
        Assert.That(_content.Erasures, Is.EqualTo(1));
        IsThere();
    }

    [TestCase(null)]
    [TestCase("sha-256=:AAAA:")]
    [TestCase("sha-512=:AAAA:")]
    [TestCase("nonsense")]
    public async Task Without_a_checksum_it_is_never_whole(string? digest)
    {
        using var last = await _bench.PutAsync(Content, 0, Content.Length, digest);
        using var end = await _bench.FinishAsync(Content.Length, digest);
        Assert.That((last.StatusCode, end.StatusCode), Is.EqualTo((HttpStatusCode.NoContent, HttpStatusCode.BadRequest)));
        Assert.That(_content.State, Is.EqualTo(ContentState.Awaited));
    }

    [Test]
    public async Task Whoever_did_not_get_the_answer_gets_it_again()
    {
        using var first = await _bench.PutAsync(Content, 0, Content.Length, Digest);
        using var again = await _bench.FinishAsync(Content.Length, Digest);
        using var other = await _bench.FinishAsync(Content.Length, TransferBench.DigestOf([1]));
        Assert.That((again.StatusCode, other.StatusCode), Is.EqualTo((HttpStatusCode.Created, HttpStatusCode.Conflict)));
        Assert.That(TransferBench.OffsetOf(again), Is.EqualTo(Content.Length));
    }

    [Test]
    public async Task A_volume_that_has_its_content_keeps_it()
    {
        _content.State = ContentState.Whole;
        using var response = await _bench.PutAsync(Content, 0, Content.Length, Digest);
        Assert.That(response.StatusCode, Is.EqualTo(HttpStatusCode.Conflict));
        Assert.That(_content.Bytes.AsSpan().ContainsAnyExcept((byte)0), Is.False);
    }

    [Test]
    public async Task A_late_upload_of_an_earlier_generation_is_refused()
    {
        using var late = await _bench.Http.SendAsync(
            TransferBench.Part(0, new ByteArrayContent(Content), Content.Length, Content.Length, Digest, "?generation=0"));
        using var none = await _bench.Http.SendAsync(
            TransferBench.Part(0, new ByteArrayContent(Content), Content.Length, Content.Length, Digest, ""));
        Assert.That((late.StatusCode, none.StatusCode), Is.EqualTo((HttpStatusCode.PreconditionFailed, HttpStatusCode.BadRequest)));
    }

    [Test]
    public async Task What_does_not_fit_or_changes_its_size_is_refused()
    {
        using var large = await _bench.PutAsync(Content, 0, 1000, total: 4_000_001);
        using var first = await _bench.PutAsync(Content, 0, 8192);
        using var other = await _bench.PutAsync(Content, 8192, 8192, total: 2_000_000);
        Assert.That(
            new[] { large.StatusCode, first.StatusCode, other.StatusCode },
            Is.EqualTo([HttpStatusCode.RequestEntityTooLarge, HttpStatusCode.NoContent, HttpStatusCode.BadRequest]));
    }

    [Test]
    public async Task A_part_that_does_not_say_where_it_belongs_is_refused()
    {
        using var request = TransferBench.Part(0, new ByteArrayContent(Content), Content.Length, Content.Length, Digest);
        request.Content!.Headers.ContentRange = null;
        using var response = await _bench.Http.SendAsync(request);
        Assert.That(response.StatusCode, Is.EqualTo(HttpStatusCode.BadRequest));
    }

    [Test]
    public async Task An_upload_that_hangs_is_cut_off_by_a_newer_one()
    {
        var body = new HangingContent(Content.AsMemory(0, 2_000_000), Content.Length);
        var hanging = _bench.Http.SendAsync(TransferBench.Part(0, body, Content.Length, Content.Length, Digest));
        await body.Hangs;

        using var newer = await _bench.PutAsync(Content, 0, Content.Length, Digest);

        // What the older has brought counts, as far as it came in.
        Assert.That(newer.StatusCode, Is.EqualTo(HttpStatusCode.Conflict));
        var offset = (int)TransferBench.OffsetOf(newer);
        Assert.That(async () => await hanging, Throws.InstanceOf<HttpRequestException>());
        using var rest = await _bench.PutAsync(Content, offset, Content.Length - offset, Digest);
        Assert.That(rest.StatusCode, Is.EqualTo(HttpStatusCode.Created));
        IsThere();
    }

    [Test]
    public async Task A_disk_that_fails_makes_it_begin_again()
    {
        _content.Disk = _ => Task.FromException(new IOException("broken"));
        using var broken = await _bench.PutAsync(Content, 0, Content.Length, Digest);
        Assert.That((broken.StatusCode, TransferBench.OffsetOf(broken)), Is.EqualTo((HttpStatusCode.InternalServerError, 0L)));
        _content.Disk = _ => Task.CompletedTask;

        using var again = await _bench.PutAsync(Content, 0, Content.Length, Digest);

        Assert.That(again.StatusCode, Is.EqualTo(HttpStatusCode.Created));
        Assert.That(_content.Erasures, Is.EqualTo(1));
        IsThere();
    }

    [Test]
    public async Task A_disk_that_hangs_keeps_a_newer_upload_waiting_so_long_and_no_longer()
    {
        var time = new ManualTime();
        await using var bench = await TransferBench.StartAsync(time: time);
        var content = new MemoryContent(new byte[4_000_000]) { State = ContentState.Awaited };
        var hangs = new TaskCompletionSource();
        content.Disk = token =>
        {
            hangs.TrySetResult();
            return new TaskCompletionSource().Task.WaitAsync(token);
        };
        bench.Contents[TransferBench.Volume] = content;
        var hanging = bench.PutAsync(Content, 0, Content.Length);
        await hangs.Task;

        var newer = bench.PutAsync(Content, 0, Content.Length, Digest);
        await time.WaitForTimerAsync(TransferBench.Options.FlushLimit);
        content.Disk = _ => Task.CompletedTask;
        Assert.That((newer.IsCompleted, content.Open), Is.EqualTo((false, 1)));
        time.Advance(TransferBench.Options.FlushLimit);

        using var response = await newer;
        Assert.That(response.StatusCode, Is.EqualTo(HttpStatusCode.Created));
        Assert.That(content.Erasures, Is.EqualTo(1));
        Assert.That(async () => await hanging, Throws.InstanceOf<HttpRequestException>());
    }

    [Test]
    public async Task A_peer_that_is_too_slow_is_cut_off()
    {
        // The least grace that there is.
        var server = TransferBench.ServerOptions with { RateMin = 1_000_000, Grace = TimeSpan.FromSeconds(1.1) };
        await using var bench = await TransferBench.StartAsync(server: server);
        bench.Contents[TransferBench.Volume] = new MemoryContent(new byte[4_000_000]) { State = ContentState.Awaited };
        using var body = new HangingContent(Content.AsMemory(0, 10_000), Content.Length);

        Assert.That(
            async () => await bench.Http.SendAsync(TransferBench.Part(0, body, Content.Length, Content.Length)),
            Throws.InstanceOf<HttpRequestException>());

        using var told = await bench.GetAsync(method: HttpMethod.Head);
        Assert.That(TransferBench.OffsetOf(told), Is.EqualTo(8192), "what came in, in whole blocks");
    }

    [Test]
    public async Task An_upload_whose_volume_goes_ends_at_once()
    {
        using var withdrawal = new CancellationTokenSource();
        _content = Awaited(4_000_000, withdrawal.Token);
        using var body = new HangingContent(Content.AsMemory(0, 10_000), Content.Length);
        var upload = _bench.Http.SendAsync(TransferBench.Part(0, body, Content.Length, Content.Length));
        await body.Hangs;
        await Eventually.HoldsAsync("the upload to have begun", () => _content.Open == 1);

        await withdrawal.CancelAsync();

        await Eventually.HoldsAsync("the writer to be given up", () => _content.Open == 0);
        body.Cut();
        Assert.That(async () => await upload, Throws.InstanceOf<HttpRequestException>());
    }

    private MemoryContent Awaited(int length, CancellationToken withdrawn = default)
    {
        var content = new MemoryContent(new byte[length]) { State = ContentState.Awaited, Withdrawn = withdrawn };
        _bench.Contents[TransferBench.Volume] = content;
        return content;
    }

    private void IsThere()
    {
        Assert.That(_content.State, Is.EqualTo(ContentState.Whole));
        Assert.That(_content.Bytes.AsSpan(0, Content.Length).SequenceEqual(Content));
        Assert.That(_content.Open, Is.Zero);
    }
}
