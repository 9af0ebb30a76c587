using System.Net;
using Microsoft.Extensions.Logging.Abstractions;
using NUnit.Framework;
using PonyCloud.Shared.Http;
using PonyCloud.TestKit.Processes;
using PonyCloud.Twilight.Consoles;
using PonyCloud.Twilight.Tools;

namespace PonyCloud.Twilight.Tests.Consoles;

/// <summary>Logs of consoles: what is read of them, and what is kept.</summary>
public sealed class ConsoleLogTests
{
    private const int Kept = 64 << 10;

    private static readonly ConsoleOptions Options = new() { LogKept = Kept };

    [TestCase(100, null, null, 0)]
    [TestCase(100, 30L, null, 30)]
    [TestCase(100, 100L, null, 100)]
    [TestCase(100, null, 10L, 90)]
    [TestCase(100, 30L, 10L, 90)]
    [TestCase(100, 95L, 10L, 95)]
    [TestCase(100, null, 1000L, 0)]
    [TestCase(100, null, 0L, 100)]
    [TestCase(100, 101L, null, 0, Description = "of an older log")]
    [TestCase(Kept + 100, null, null, 100)]
    [TestCase(Kept + 100, 30L, null, 100, Description = "gone")]
    [TestCase(Kept + 100, 130L, null, 130)]
    public void A_part_begins_where_it_was_asked_for_or_later(long end, long? offset, long? tail, long begin) =>
        Assert.That(ConsoleLogs.Begin(end, offset, tail, Kept), Is.EqualTo(begin));

    [Test]
    public async Task The_end_of_a_log_is_read_and_where_it_is()
    {
        await using var bench = await ConsoleBench.StartAsync();
        await File.WriteAllTextAsync(bench.Log, "one two three");
        using var answer = await bench.ReadLogAsync("?tail=5");
        Assert.That(await answer.Content.ReadAsStringAsync(), Is.EqualTo("three"));
        Assert.That(answer.Headers.GetValues(ConsoleHeaders.Offset), Is.EqualTo(["8"]));
        Assert.That(answer.Headers.GetValues(ConsoleHeaders.End), Is.EqualTo(["13"]));
    }

    [Test]
    public async Task What_makes_no_sense_is_refused_and_what_is_not_there_is_not_found()
    {
        await using var bench = await ConsoleBench.StartAsync();
        using var missing = await bench.ReadLogAsync();
        using var wrong = await bench.ReadLogAsync("?tail=-1");
        Assert.That((missing.StatusCode, wrong.StatusCode), Is.EqualTo((HttpStatusCode.NotFound, HttpStatusCode.BadRequest)));
    }

    [Test]
    public async Task A_log_that_grows_is_cut_at_its_beginning_and_keeps_its_offsets()
    {
        await using var bench = await ConsoleBench.StartAsync(Options);
        using var keeper = Keeper(bench, new ToolRunner(Guid.NewGuid(), TimeProvider.System, NullLogger<ToolRunner>.Instance));
        await using var guest = new FileStream(bench.Log, FileMode.Append, FileAccess.Write, FileShare.ReadWrite | FileShare.Delete, 1);
        var text = new byte[3 * Kept];
        new Random(3).NextBytes(text);
        await guest.WriteAsync(text);

        await keeper.LookAsync(CancellationToken.None);

        await guest.WriteAsync(new byte[10]);
        Assert.That(new FileInfo(bench.Log).Length, Is.EqualTo(text.Length + 10));
        var blocks = (await ChildProcess.RunAsync("stat", ["-c", "%b", bench.Log])).Trim();
        Assert.That(long.Parse(blocks, null) * 512, Is.LessThanOrEqualTo(2 * Kept), "what it takes of the disk");
        using var answer = await bench.ReadLogAsync();
        var read = await answer.Content.ReadAsByteArrayAsync();
        Assert.That(read[..^10].AsSpan().SequenceEqual(text.AsSpan(^(Kept - 10)..)), "the last is whole");
    }

    [Test]
    public async Task A_log_that_cannot_be_cut_is_emptied()
    {
        await using var bench = await ConsoleBench.StartAsync(Options);
        using var keeper = Keeper(bench, new NoHoles());
        await File.WriteAllBytesAsync(bench.Log, new byte[3 * Kept]);
        await keeper.LookAsync(CancellationToken.None);
        Assert.That(new FileInfo(bench.Log).Length, Is.Zero);
    }

    [Test]
    public async Task A_log_that_is_short_is_left_alone_and_one_that_begins_anew_is_cut_again()
    {
        await using var bench = await ConsoleBench.StartAsync(Options);
        var tools = new NoHoles();
        using var keeper = Keeper(bench, tools);
        await File.WriteAllBytesAsync(bench.Log, new byte[2 * Kept]);
        await keeper.LookAsync(CancellationToken.None);
        Assert.That(tools.Calls, Is.Zero);
        for (var start = 1; start <= 2; start++)
        {
            await keeper.BeforeStartAsync(ConsoleBench.Instance, CancellationToken.None);
            await File.WriteAllBytesAsync(bench.Log, new byte[3 * Kept]);
            await keeper.LookAsync(CancellationToken.None);
            Assert.That(tools.Calls, Is.EqualTo(start));
        }
    }

    private static ConsoleLogKeeper Keeper(ConsoleBench bench, IToolRunner tools) =>
        new(bench.Domains, Options, tools, TimeProvider.System, NullLogger<ConsoleLogKeeper>.Instance);

    /// <summary>A file system without holes.</summary>
    private sealed class NoHoles : IToolRunner
    {
        public int Calls { get; private set; }

        public Task<ToolResult> RunAsync(ToolCall call, CancellationToken cancellationToken)
        {
            Calls++;
            throw new ToolException(ToolFailure.Failed, "Operation not supported");
        }
    }
}
