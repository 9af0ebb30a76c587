using System.Diagnostics;
using Microsoft.Extensions.Logging.Abstractions;
using NUnit.Framework;
using PonyCloud.TestKit.Processes;
using PonyCloud.TestKit.Time;
using PonyCloud.Twilight.Tools;

namespace PonyCloud.Twilight.Tests.Tools;

public sealed class ToolRunnerTests
{
    private static readonly Guid Host = Guid.NewGuid();

    private readonly ManualTime _time = new();
    private ToolRunner _tools = null!;

    [SetUp]
    public void Make() => _tools = new ToolRunner(Host, _time, NullLogger<ToolRunner>.Instance);

    [Test]
    public async Task It_answers_what_a_tool_said()
    {
        var result = await RunAsync(new ToolCall("sh", "-c", "read line; echo \"got $line\"; echo beware >&2") { Input = "a word\n" });

        Assert.That(result, Is.EqualTo(new ToolResult(0, "got a word\n", "beware\n")));
    }

    [Test]
    public async Task A_failure_has_the_words_of_the_tool()
    {
        var failure = (await Assert.ThrowsAsync<ToolException>(() => RunAsync(new ToolCall("sh", "-c", "echo no such >&2; echo pool >&2; exit 3"))))!;

        Assert.That((failure.Failure, failure.ExitCode, failure.Message), Is.EqualTo((ToolFailure.Failed, 3, "sh: no such pool")));
    }

    [Test]
    public async Task An_exit_code_can_be_accepted()
    {
        var result = await RunAsync(new ToolCall("sh", "-c", "exit 3") { Accepted = [0, 3] });

        Assert.That(result.ExitCode, Is.EqualTo(3));
    }

    [Test]
    public async Task A_tool_that_is_not_there_is_named()
    {
        var failure = (await Assert.ThrowsAsync<ToolException>(() => RunAsync(new ToolCall("no-such-tool"))))!;

        Assert.That(failure.Failure, Is.EqualTo(ToolFailure.NotStarted));
        Assert.That(failure.Message, Does.StartWith("no-such-tool could not be started"));
    }

    [Test]
    public async Task Lines_come_as_they_are_said_also_those_that_overwrite_each_other()
    {
        var lines = new List<string>();

        var result = await RunAsync(new ToolCall("printf", @"(1%%)\r(2%%)\r\nend") { OnLine = lines.Add });

        Assert.That(lines, Is.EqualTo(new[] { "(1%)", "(2%)", "end" }));
        Assert.That(result.Output, Is.Empty);
    }

    [Test]
    public async Task A_tool_that_takes_too_long_is_killed_with_what_it_started()
    {
        var (call, said) = Sleeper();
        var running = RunAsync(call with { Timeout = TimeSpan.FromSeconds(5) });
        var processes = await said.Task;

        _time.Advance(TimeSpan.FromSeconds(5));

        var failure = (await Assert.ThrowsAsync<ToolException>(() => running))!;
        Assert.That(failure.Failure, Is.EqualTo(ToolFailure.TimedOut));
        Assert.That(failure.Message, Is.EqualTo("sh did not end within 5 s and was stopped."));
        await AreGoneAsync(processes);
    }

    [Test]
    public async Task A_tool_that_is_withdrawn_is_killed_with_what_it_started()
    {
        using var withdrawn = new CancellationTokenSource();
        var (call, said) = Sleeper();
        var running = _tools.RunAsync(call, withdrawn.Token);
        var processes = await said.Task;

        await withdrawn.CancelAsync();

        await Assert.CatchAsync<OperationCanceledException>(() => running);
        await AreGoneAsync(processes);
    }

    [Test]
    public async Task A_child_that_holds_the_output_open_holds_nobody_up()
    {
        using var withdrawn = new CancellationTokenSource();
        var said = new TaskCompletionSource<int>(TaskCreationOptions.RunContinuationsAsynchronously);
        var call = new ToolCall("sh", "-c", "setsid sleep 1000 & echo $!") { OnLine = line => said.TrySetResult(int.Parse(line)) };
        var running = _tools.RunAsync(call, withdrawn.Token);
        var child = await said.Task;

        await withdrawn.CancelAsync();

        await Assert.CatchAsync<OperationCanceledException>(() => running);
        // It left the family, which only its mark tells.
        new LeftoverTools(Host, NullLogger<LeftoverTools>.Instance).End();
        await AreGoneAsync([child]);
    }

    [Test]
    public async Task A_tool_that_talks_without_end_is_stopped()
    {
        var failure = (await Assert.ThrowsAsync<ToolException>(() => RunAsync(new ToolCall("yes"))))!;

        Assert.That(failure.Failure, Is.EqualTo(ToolFailure.TooMuchOutput));
    }

    [Test]
    public async Task What_an_earlier_agent_left_is_ended_and_the_tools_of_another_host_are_not()
    {
        using var end = new CancellationTokenSource();
        var (mine, mineSaid) = Sleeper();
        var (foreign, foreignSaid) = Sleeper();
        var running = RunAsync(mine);
        var other = new ToolRunner(Guid.NewGuid(), _time, NullLogger<ToolRunner>.Instance).RunAsync(foreign, end.Token);
        var processes = await mineSaid.Task;
        var others = await foreignSaid.Task;

        new LeftoverTools(Host, NullLogger<LeftoverTools>.Instance).End();

        await Assert.ThrowsAsync<ToolException>(() => running);
        await AreGoneAsync(processes);
        Assert.That(others.Select(IsAlive), Is.All.True);
        await end.CancelAsync();
        await Assert.CatchAsync<OperationCanceledException>(() => other);
    }

    [Test]
    public async Task What_must_not_be_cut_off_is_left_to_end()
    {
        using var end = new CancellationTokenSource();
        var (call, said) = Sleeper();
        var running = _tools.RunAsync(call with { MayOutlive = true }, end.Token);
        var processes = await said.Task;

        new LeftoverTools(Host, NullLogger<LeftoverTools>.Instance).End();

        Assert.That(processes.Select(IsAlive), Is.All.True);
        await end.CancelAsync();
        await Assert.CatchAsync<OperationCanceledException>(() => running);
    }

    private Task<ToolResult> RunAsync(ToolCall call) => _tools.RunAsync(call, CancellationToken.None);

    /// <summary>A tool that ends by itself long after the test, and tells its process and that of its child.</summary>
    private static (ToolCall Call, TaskCompletionSource<int[]> Said) Sleeper()
    {
        var said = new TaskCompletionSource<int[]>(TaskCreationOptions.RunContinuationsAsynchronously);
        var call = new ToolCall("sh", "-c", "sleep 1000 & echo $$ $!; wait")
        {
            Timeout = Timeout.InfiniteTimeSpan,
            OnLine = line => said.TrySetResult([.. line.Split(' ').Select(int.Parse)]),
        };
        return (call, said);
    }

    private static Task<int> AreGoneAsync(IReadOnlyList<int> processes) => Eventually.SeesAsync(
        "the end of the processes", _ => Task.FromResult(processes.Count(IsAlive)), alive => alive == 0);

    private static bool IsAlive(int process)
    {
        try
        {
            using var found = Process.GetProcessById(process);
            // One that nobody has waited for yet is dead all the same.
            return File.ReadAllText($"/proc/{process}/stat").Split(") ")[^1][0] != 'Z';
        }
        catch (Exception exception) when (exception is ArgumentException or IOException or InvalidOperationException)
        {
            return false;
        }
    }
}
