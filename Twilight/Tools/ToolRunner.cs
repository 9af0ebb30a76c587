using System.ComponentModel;
using System.Diagnostics;
using System.Text;
using Microsoft.Extensions.Logging;

namespace PonyCloud.Twilight.Tools;

/// <summary>Runs external programs as children of the agent, marked as the host's.</summary>
/// <param name="host">Whose tools they are, for <see cref="LeftoverTools"/>.</param>
public sealed partial class ToolRunner(Guid host, TimeProvider time, ILogger<ToolRunner> logger) : IToolRunner
{
    /// <summary>The environment variable with the mark.</summary>
    public const string Mark = "PONYCLOUD_TOOL_OF";

    public async Task<ToolResult> RunAsync(ToolCall call, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        using var deadline = new CancellationTokenSource(call.Timeout, time);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, deadline.Token);
        var process = Start(call);
        var run = FinishAsync(process, call, stop.Token);
        try
        {
            // The reading itself is not waited for once the call is over: a pipe that a grandchild holds never ends.
            var result = await run.WaitAsync(stop.Token);
            return call.Accepted.Contains(result.ExitCode) ? result : throw Failed(call, result);
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            Kill(process, call);
            cancellationToken.ThrowIfCancellationRequested();
            throw new ToolException(
                ToolFailure.TimedOut, $"{call.Tool} did not end within {call.Timeout.TotalSeconds:0.###} s and was stopped.");
        }
        catch (OutputBoundException)
        {
            Kill(process, call);
            throw new ToolException(ToolFailure.TooMuchOutput, $"{call.Tool} said more than {ToolOutput.CharsMax} characters and was stopped.");
        }
        finally
        {
            _ = run.ContinueWith(
                ended =>
                {
                    _ = ended.Exception;
                    process.Dispose();
                },
                CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
        }
    }

    private Process Start(ToolCall call)
    {
        var start = new ProcessStartInfo(call.Tool, call.Arguments)
        {
            // No tool keeps a directory busy that the agent happens to be in.
            WorkingDirectory = "/",
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        };
        start.Environment["LC_ALL"] = "C";
        if (!call.MayOutlive)
            start.Environment[Mark] = host.ToString();
        try
        {
            return Process.Start(start) ?? throw new InvalidOperationException($"{call.Tool} did not start.");
        }
        catch (Win32Exception exception)
        {
            throw new ToolException(ToolFailure.NotStarted, $"{call.Tool} could not be started: {exception.Message}", cause: exception);
        }
    }

    private static async Task<ToolResult> FinishAsync(Process process, ToolCall call, CancellationToken cancellationToken)
    {
        var output = ToolOutput.ReadAsync(process.StandardOutput, call.OnLine, cancellationToken);
        var error = ToolOutput.ReadAsync(process.StandardError, null, cancellationToken);
        await WriteAsync(process, call.Input, cancellationToken);
        // As each ends: one that says too much must not be waited out, since it would never end.
        await foreach (var read in Task.WhenEach(output, error))
            await read;
        await process.WaitForExitAsync(cancellationToken);
        return new ToolResult(process.ExitCode, await output, await error);
    }

    private static async Task WriteAsync(Process process, string? input, CancellationToken cancellationToken)
    {
        try
        {
            // At once, and not as the writer cuts it: of what a pipe takes at once the tool has all or nothing when this process dies.
            await process.StandardInput.BaseStream.WriteAsync(Encoding.UTF8.GetBytes(input ?? ""), cancellationToken);
            process.StandardInput.Close();
        }
        catch (IOException) when (!cancellationToken.IsCancellationRequested)
        {
            // It ended, or closed its input, without reading all: what it says and its exit code tell whether that was wrong.
        }
    }

    private static ToolException Failed(ToolCall call, ToolResult result)
    {
        var said = ToolOutput.LastWords(result.Error.Length > 0 ? result.Error : result.Output);
        return new ToolException(
            ToolFailure.Failed, said.Length > 0 ? $"{call.Tool}: {said}" : $"{call.Tool} ended with exit code {result.ExitCode}.", result.ExitCode);
    }

    private void Kill(Process process, ToolCall call)
    {
        try
        {
            process.Kill(entireProcessTree: true);
        }
        catch (Exception exception) when (exception is Win32Exception or InvalidOperationException or AggregateException)
        {
            // It ended just now, or the kernel holds one of them.
            LogNotKilled(exception, call.Tool);
        }
    }

    [LoggerMessage(EventId = 3201, Level = LogLevel.Debug, Message = "{Tool} was not there to be killed, or could not be.")]
    private partial void LogNotKilled(Exception exception, string tool);
}
