using System.Net;
using System.Text.Json.Nodes;
using NUnit.Framework;
using PonyCloud.TestKit.Processes;
using PonyCloud.Twilight.Storage;
using PonyCloud.Twilight.Storage.Transfers;
using PonyCloud.Twilight.Storage.Transfers.Qemu;
using PonyCloud.Twilight.Tests.Storage.Images;

namespace PonyCloud.Twilight.Tests.Storage.Transfers;

/// <summary>Transfers from and to a qcow2, by QEMU's own tools.</summary>
public sealed class BlockNodeTransferTests
{
    // Of whole sectors, and of no whole blocks.
    private const int Length = (6 << 20) + 512;

    private const long Large = 1L << 30;

    private static readonly byte[] Content = WithHoles(FetcherBench.Content(Length));

    private TransferBench _bench = null!;
    private int _leases;

    [SetUp]
    public async Task SetUpAsync()
    {
        _leases = 0;
        _bench = await TransferBench.StartAsync();
    }

    [TearDown]
    public async Task TearDownAsync()
    {
        await _bench.DisposeAsync();
        Assert.That(_leases, Is.Zero, "leases that are left");
    }

    [TestCase(0, Length)]
    [TestCase(1, 1)]
    [TestCase(4095, 2)]
    [TestCase(1_234_567, 3_000_000)]
    [TestCase(Length - 1, 1)]
    public async Task Any_bytes_of_a_qcow2_are_sent_as_the_guest_sees_them(int offset, int count)
    {
        Serve(await _bench.Qcow2Async(Content), ContentState.Whole);

        using var response = await _bench.GetAsync($"bytes={offset}-{offset + count - 1}");
        var bytes = await response.Content.ReadAsByteArrayAsync();

        Assert.That(bytes.AsSpan().SequenceEqual(Content.AsSpan(offset, count)));
        await _bench.HasNoChildrenAsync();
    }

    [Test]
    public async Task An_upload_that_is_cut_at_any_byte_is_gone_on_with_and_comes_whole([Values(1, 2, 3)] int seed)
    {
        var content = Serve(await _bench.Qcow2Async(Length), ContentState.Awaited);
        var random = new Random(seed);
        var offset = 0;
        for (var cuts = 0; cuts < 4; cuts++)
        {
            var count = random.Next(1, Length - offset);
            using var body = new HangingContent(Content.AsMemory(offset, count), Length - offset);
            var upload = _bench.Http.SendAsync(TransferBench.Part(offset, body, Length - offset, Length));
            await body.Hangs;
            body.Cut();
            Assert.That(async () => await upload, Throws.InstanceOf<HttpRequestException>());
            // Asked for an offset that cannot be, the server lets the cut one come to its end and says where it is.
            using var told = await _bench.PutAsync(Content, Length - 1, 1);
            Assert.That(told.StatusCode, Is.EqualTo(HttpStatusCode.Conflict));
            Assert.That(TransferBench.OffsetOf(told), Is.InRange(offset, offset + count));
            offset = (int)TransferBench.OffsetOf(told);
        }

        using var rest = await _bench.PutAsync(Content, offset, Length - offset, TransferBench.DigestOf(Content));

        Assert.That(rest.StatusCode, Is.EqualTo(HttpStatusCode.Created));
        Assert.That(content.IsFinished);
        await _bench.HasNoChildrenAsync();
        Assert.That((await _bench.ReadQcow2Async()).AsSpan().SequenceEqual(Content));
    }

    [Test]
    public async Task With_another_checksum_nothing_of_it_stays_in_the_qcow2()
    {
        Serve(await _bench.Qcow2Async(Length), ContentState.Awaited);
        var other = FetcherBench.Content(Length);
        using var wrong = await _bench.PutAsync(other, 0, Length, TransferBench.DigestOf(Content));
        Assert.That((wrong.StatusCode, TransferBench.OffsetOf(wrong)), Is.EqualTo((HttpStatusCode.UnprocessableEntity, 0L)));

        // The first part again, and no more: what it does not cover is empty.
        using var part = await _bench.PutAsync(Content, 0, 1 << 20, total: Length);
        Assert.That(part.StatusCode, Is.EqualTo(HttpStatusCode.NoContent));
        await _bench.HasNoChildrenAsync();
        var seen = await _bench.ReadQcow2Async();
        Assert.That(seen.AsSpan(0, 1 << 20).SequenceEqual(Content.AsSpan(0, 1 << 20)));
        Assert.That(seen.AsSpan(1 << 20).ContainsAnyExcept((byte)0), Is.False);
    }

    [Test]
    public async Task Zeros_are_brought_as_holes()
    {
        Serve(await _bench.Qcow2Async(Length), ContentState.Awaited);
        var zeros = new byte[Length];
        using var response = await _bench.PutAsync(zeros, 0, Length, TransferBench.DigestOf(zeros));
        Assert.That(response.StatusCode, Is.EqualTo(HttpStatusCode.Created));
        Assert.That(new FileInfo(_bench["disk"]).Length, Is.LessThan(1 << 20));
    }

    [Test]
    public async Task A_download_that_nobody_reads_leaves_no_tool_behind()
    {
        // More than all buffers on the way hold.
        Serve(await _bench.Qcow2Async(Large), ContentState.Whole, length: Large);
        using (await _bench.GetAsync())
            Assert.That(_bench.Children(), Is.SupersetOf(new[] { "nbdcopy", "qemu-nbd" }));
        await _bench.HasNoChildrenAsync();
    }

    [Test]
    public async Task A_volume_that_goes_takes_its_transfers_along([Values] bool isUpload)
    {
        using var withdrawal = new CancellationTokenSource();
        await BeginAsync(isUpload, withdrawal.Token);

        await withdrawal.CancelAsync();

        await _bench.HasNoChildrenAsync();
    }

    [Test]
    public async Task The_end_of_the_server_is_the_end_of_its_transfers([Values] bool isUpload)
    {
        await BeginAsync(isUpload, CancellationToken.None);
        await _bench.Server.StopAsync(CancellationToken.None);
        Assert.That(_bench.Children(), Is.Empty);
    }

    [Test]
    public async Task A_node_that_cannot_be_opened_is_an_error_and_leaves_no_tool_behind()
    {
        var nowhere = new JsonObject
        {
            ["driver"] = "qcow2",
            ["file"] = new JsonObject { ["driver"] = "file", ["filename"] = "/nowhere/at/all" },
        };
        Serve(new BlockNode(nowhere) { Path = "/nowhere/at/all" }, ContentState.Whole);
        using var response = await _bench.GetAsync();
        Assert.That(response.StatusCode, Is.EqualTo(HttpStatusCode.InternalServerError));
        await _bench.HasNoChildrenAsync();
    }

    [Test]
    public async Task A_node_that_cannot_be_written_makes_the_upload_begin_again()
    {
        // It has the size that it says, and no room.
        File.CreateSymbolicLink(_bench["disk"], "/dev/full");
        var full = new JsonObject
        {
            ["driver"] = "raw",
            ["size"] = Length,
            ["file"] = new JsonObject { ["driver"] = "file", ["filename"] = _bench["disk"] },
        };
        Serve(new BlockNode(full) { Path = _bench["disk"] }, ContentState.Awaited);
        using var response = await _bench.PutAsync(Content, 0, Length);
        Assert.That((response.StatusCode, TransferBench.OffsetOf(response)), Is.EqualTo((HttpStatusCode.InternalServerError, 0L)));
        await _bench.HasNoChildrenAsync();
    }

    private static byte[] WithHoles(byte[] content)
    {
        content.AsSpan(1 << 20, 1 << 20).Clear();
        content.AsSpan(content.Length - 70_000).Clear();
        content[^1] = 1;
        return content;
    }

    /// <summary>A transfer that is under way and does not get on.</summary>
    private async Task BeginAsync(bool isUpload, CancellationToken withdrawn)
    {
        Serve(await _bench.Qcow2Async(Large), isUpload ? ContentState.Awaited : ContentState.Whole, Large, withdrawn);
        if (isUpload)
        {
            var body = new HangingContent(Content.AsMemory(0, 3 << 20), Large);
            _ = _bench.Http.SendAsync(TransferBench.Part(0, body, Large, Large), CancellationToken.None);
            await body.Hangs;
        }
        else
        {
            _ = await _bench.GetAsync();
        }
        await Eventually.HoldsAsync("the tools to run", () => _bench.Children().Contains("nbdcopy"));
    }

    private FinishedContent Serve(BlockNode node, ContentState state, long length = Length, CancellationToken withdrawn = default)
    {
        var finished = new FinishedContent();
        Func<bool, CancellationToken, Task<IBlockLease>> open = (_, _) => Task.FromResult<IBlockLease>(new Lease(node, this));
        _bench.Contents[TransferBench.Volume] = new BlockNodeContent(_bench.Access, open)
        {
            Generation = 1,
            State = state,
            Length = length,
            Withdrawn = withdrawn,
            Finish = _ =>
            {
                finished.IsFinished = true;
                return Task.CompletedTask;
            },
        };
        return finished;
    }

    private sealed class FinishedContent
    {
        public bool IsFinished { get; set; }
    }

    private sealed class Lease : IBlockLease
    {
        private readonly BlockNodeTransferTests _tests;

        public Lease(BlockNode node, BlockNodeTransferTests tests)
        {
            Node = node;
            _tests = tests;
            Interlocked.Increment(ref _tests._leases);
        }

        public BlockNode Node { get; }

        public ValueTask DisposeAsync()
        {
            Interlocked.Decrement(ref _tests._leases);
            return ValueTask.CompletedTask;
        }
    }
}
