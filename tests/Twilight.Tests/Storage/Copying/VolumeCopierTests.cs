using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging.Abstractions;
using NUnit.Framework;
using PonyCloud.TestKit.Processes;
using PonyCloud.TestKit.Storage;
using PonyCloud.TestKit.Time;
using PonyCloud.Twilight.Storage;
using PonyCloud.Twilight.Storage.Copying;
using PonyCloud.Twilight.Tools;

namespace PonyCloud.Twilight.Tests.Storage.Copying;

[CancelAfter(120_000)]
public sealed class VolumeCopierTests
{
    private readonly ToolRunner _tools = new(Guid.NewGuid(), TimeProvider.System, NullLogger<ToolRunner>.Instance);
    private TemporaryDirectory _home = null!;
    private QemuIo _io = null!;

    [SetUp]
    public void Make()
    {
        _home = new TemporaryDirectory("copier");
        _io = new QemuIo(_tools);
    }

    [TearDown]
    public void Remove() => _home.Dispose();

    [TestCase("raw", "qcow2")]
    [TestCase("qcow2", "raw")]
    [TestCase("qcow2", "qcow2")]
    public async Task The_whole_content_is_copied_and_zeros_take_no_room(string from, string to, CancellationToken cancellationToken)
    {
        var source = await MakeAsync("source", from, 64, cancellationToken);
        await _io.WriteAsync(source, 0, 0x41, cancellationToken);
        await _io.WriteAsync(source, 63, 0x42, cancellationToken);
        var target = await MakeAsync("target", to, 128, cancellationToken);

        await CopyAsync(source, target, null, cancellationToken);

        Assert.That(await _io.HoldsAsync(target, 0, 0x41, cancellationToken), Is.True);
        Assert.That(await _io.HoldsAsync(target, 63, 0x42, cancellationToken), Is.True);
        Assert.That(await _io.HoldsAsync(target, 127, 0, cancellationToken), Is.True);
        var used = await _tools.RunAsync(new ToolCall("stat", "-c", "%b", target.Path), cancellationToken);
        Assert.That(512 * long.Parse(used.Output), Is.LessThan(4 << 20));
    }

    [Test]
    public async Task What_is_larger_than_its_target_is_refused_in_words(CancellationToken cancellationToken)
    {
        var source = await MakeAsync("source", "qcow2", 64, cancellationToken);
        var target = await MakeAsync("target", "qcow2", 32, cancellationToken);

        var refusal = (await Assert.ThrowsAsync<StorageException>(() => CopyAsync(source, target, null, cancellationToken)))!;

        Assert.That(refusal.Message, Is.EqualTo($"{source.Path} has 64 MiB, more than the 32 MiB of what is to be filled from it."));
    }

    [Test]
    public async Task A_copy_that_is_withdrawn_ends_within_a_second(CancellationToken cancellationToken)
    {
        // A source that never answers: nobody writes to the pipe.
        var pipe = _home["pipe"];
        await _tools.RunAsync(new ToolCall("mkfifo", pipe), cancellationToken);
        using var withdrawn = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var running = CopyAsync(NodeOf(pipe, "raw"), await MakeAsync("target", "qcow2", 32, cancellationToken), null, withdrawn.Token);

        await withdrawn.CancelAsync();

        await Assert.CatchAsync<OperationCanceledException>(() => running.WaitAsync(TimeSpan.FromSeconds(1), cancellationToken));
    }

    [Test]
    public async Task What_is_told_of_the_copy_ends_with_all_of_it(CancellationToken cancellationToken)
    {
        var source = await MakeAsync("source", "raw", 32, cancellationToken);
        for (var mib = 0; mib < 8; mib++)
            await _io.WriteAsync(source, mib, 0x41, cancellationToken);
        var told = new Told();

        await CopyAsync(source, await MakeAsync("target", "qcow2", 32, cancellationToken), told, cancellationToken);

        Assert.That(told.All.Select(progress => progress.Percent), Is.Ordered);
        Assert.That(told.All[^1].Percent, Is.EqualTo(100));
        // The data, and what the format needs of its own.
        Assert.That(told.All[^1].Bytes, Is.InRange(8 << 20, 9 << 20));
    }

    [Test]
    public void The_rate_is_that_of_the_last_seconds()
    {
        var time = new SteppedTime();
        var meter = new CopyMeter(1000, time);

        WorkProgress? last = null;
        for (var second = 1; second <= 10; second++)
        {
            time.Advance(TimeSpan.FromSeconds(1));
            last = meter.Read($"    ({(second < 6 ? second : (10 * second) - 54)}.00/100%)");
        }

        Assert.That(last, Is.EqualTo(new WorkProgress(46, 460, 82)));
    }

    [TestCase("")]
    [TestCase("qemu-img: warning")]
    [TestCase("(x/100%)")]
    public void Other_lines_are_no_progress(string line) => Assert.That(new CopyMeter(1000, new SteppedTime()).Read(line), Is.Null);

    private Task CopyAsync(BlockNode source, BlockNode target, IProgress<WorkProgress>? progress, CancellationToken cancellationToken) =>
        new VolumeCopier(_tools, TimeProvider.System).CopyAsync(source, target, progress, cancellationToken);

    private async Task<BlockNode> MakeAsync(string name, string format, long size, CancellationToken cancellationToken)
    {
        await _tools.RunAsync(new ToolCall("qemu-img", "create", "-q", "-f", format, _home[name], $"{size}M"), cancellationToken);
        return NodeOf(_home[name], format);
    }

    private static BlockNode NodeOf(string path, string format) => new(new JsonObject
    {
        ["driver"] = format,
        ["file"] = new JsonObject { ["driver"] = "file", ["filename"] = path },
    })
    {
        Path = path,
    };

    private sealed class Told : IProgress<WorkProgress>
    {
        public List<WorkProgress> All { get; } = [];

        public void Report(WorkProgress value) => All.Add(value);
    }
}
