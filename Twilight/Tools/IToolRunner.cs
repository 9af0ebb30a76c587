namespace PonyCloud.Twilight.Tools;

/// <summary>Runs external programs.</summary>
public interface IToolRunner
{
    /// <exception cref="ToolException">It did not start, failed, or took too long.</exception>
    /// <exception cref="OperationCanceledException">Withdrawn; the tool has been killed, and dies as soon as the kernel lets it.</exception>
    Task<ToolResult> RunAsync(ToolCall call, CancellationToken cancellationToken);
}
