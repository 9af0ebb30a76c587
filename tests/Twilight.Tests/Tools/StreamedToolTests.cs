using Microsoft.Extensions.Logging.Abstractions;
using NUnit.Framework;
using PonyCloud.TestKit.Processes;
using PonyCloud.Twilight.Tools;

namespace PonyCloud.Twilight.Tests.Tools;

public sealed class StreamedToolTests
{
    private static readonly ToolRunner Tools = new ToolRunner(Guid.NewGuid(), TimeProvider.System, NullLogger<ToolRunner>.Instance);

    [Test]
    public async Task What_goes_in_comes_out_byte_for_byte()
    {
        var content = new byte[1_000_000];
        new Random(1).NextBytes(content);
        await using var tool = Tools.Begin(new ToolCall("cat"));
        using var output = new MemoryStream();

        var reading = tool.Output.CopyToAsync(output);
        await tool.Input.WriteAsync(content);
        tool.Input.Close();
        await reading;
        await tool.EndAsync(CancellationToken.None);

        Assert.That(output.ToArray(), Is.EqualTo(content));
    }

    [Test]
    public async Task A_tool_that_fails_says_why()
    {
        await using var tool = Tools.Begin(new ToolCall("sh", "-c", "echo no such luck >&2; exit 3"));
        var failure = await Assert.ThrowsAsync<ToolException>(() => tool.EndAsync(CancellationToken.None));
        Assert.That(failure!.Message, Is.EqualTo("sh: no such luck"));
        Assert.That(failure.ExitCode, Is.EqualTo(3));
    }

    [Test]
    public void A_tool_that_is_not_there_does_not_start() =>
        Assert.That(() => Tools.Begin(new ToolCall("no-such-tool-of-anybody")), Throws.TypeOf<ToolException>());

    [Test]
    public async Task Disposed_of_it_is_killed_with_all_that_it_started()
    {
        var tool = Tools.Begin(new ToolCall("sh", "-c", "sleep 1000 & echo $!; wait"));
        using var reader = new StreamReader(tool.Output, leaveOpen: true);
        var child = (await reader.ReadLineAsync())!;

        await tool.DisposeAsync();

        Assert.That(tool.HasEnded);
        await Eventually.HoldsAsync("its child to end", () => !Directory.Exists($"/proc/{child}"));
    }

    [Test]
    public async Task Who_waits_no_longer_leaves_it_running()
    {
        await using var tool = Tools.Begin(new ToolCall("cat"));
        using var withdrawal = new CancellationTokenSource();
        var end = tool.EndAsync(withdrawal.Token);
        await withdrawal.CancelAsync();
        Assert.That(async () => await end, Throws.InstanceOf<OperationCanceledException>());
        Assert.That(tool.HasEnded, Is.False);
    }
}
