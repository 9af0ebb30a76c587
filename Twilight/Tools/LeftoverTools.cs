using System.Diagnostics;
using Microsoft.Extensions.Logging;

namespace PonyCloud.Twilight.Tools;

/// <summary>Ends the tools that an agent of this host left running when it was killed.</summary>
public sealed partial class LeftoverTools(Guid host, ILogger<LeftoverTools> logger)
{
    /// <summary>Kills them by their ids. One that the kernel holds dies when it is let go.</summary>
    public void End()
    {
        var mark = $"{ToolRunner.Mark}={host}";
        foreach (var process in Process.GetProcesses())
        {
            using (process)
            {
                if (process.Id == Environment.ProcessId || !IsMarked(process.Id, mark))
                    continue;
                LogEnding(process.ProcessName, process.Id);
                try
                {
                    process.Kill();
                }
                catch (InvalidOperationException exception)
                {
                    LogEnded(exception, process.Id);
                }
            }
        }
    }

    private static bool IsMarked(int process, string mark)
    {
        try
        {
            return File.ReadAllText($"/proc/{process}/environ").Split('\0').Contains(mark);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // It has ended, or is none of ours.
            return false;
        }
    }

    [LoggerMessage(EventId = 3202, Level = LogLevel.Warning, Message = "Ending {Tool} (process {Process}), which an earlier agent left running.")]
    private partial void LogEnding(string tool, int process);

    [LoggerMessage(EventId = 3203, Level = LogLevel.Debug, Message = "Process {Process} has ended by itself.")]
    private partial void LogEnded(Exception exception, int process);
}
