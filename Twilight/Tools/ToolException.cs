namespace PonyCloud.Twilight.Tools;

public enum ToolFailure
{
    /// <summary>There is no such program, or it may not be run.</summary>
    NotStarted,

    /// <summary>It ended with an exit code that was not accepted.</summary>
    Failed,

    /// <summary>It did not end in time, and was killed.</summary>
    TimedOut,

    /// <summary>It said more than anybody wants to keep, and was killed.</summary>
    TooMuchOutput,
}

/// <summary>A tool did not do what it was run for. The message has the last that it said.</summary>
public sealed class ToolException(ToolFailure failure, string message, int? exitCode = null, Exception? cause = null)
    : Exception(message, cause)
{
    public ToolFailure Failure => failure;

    public int? ExitCode => exitCode;
}
