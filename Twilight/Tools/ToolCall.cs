namespace PonyCloud.Twilight.Tools;

/// <summary>A program to run.</summary>
/// <param name="Tool">Its name, found by PATH, or its path.</param>
/// <param name="Arguments">As they are; no shell sees them. Nothing secret: every user of the machine can read them.</param>
public sealed record ToolCall(string Tool, params IReadOnlyList<string> Arguments)
{
    /// <summary>How long it may take. Work of unknown length has <see cref="System.Threading.Timeout.InfiniteTimeSpan"/>, and ends when it is withdrawn.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>What it reads from standard input; null for nothing.</summary>
    public string? Input { get; init; }

    /// <summary>
    /// Called with each line of standard output as it comes, on any thread; a carriage return ends a line too, as progress
    /// indicators use it. Such output is not kept.
    /// </summary>
    public Action<string>? OnLine { get; init; }

    /// <summary>
    /// It ends soon by itself, and cut off in its middle it would leave the kernel's state half changed, such as a device that stays
    /// suspended: the next agent lets it end.
    /// </summary>
    public bool MayOutlive { get; init; }

    /// <summary>Exit codes that are no failure.</summary>
    public IReadOnlyList<int> Accepted { get; init; } = [0];

    public override string ToString() => string.Join(' ', [Tool, .. Arguments]);
}

/// <summary>How a tool ended.</summary>
/// <param name="Output">What it wrote to standard output, unless that was followed by lines.</param>
/// <param name="Error">What it wrote to standard error.</param>
public sealed record ToolResult(int ExitCode, string Output, string Error);
