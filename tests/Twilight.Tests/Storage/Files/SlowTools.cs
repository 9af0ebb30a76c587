using PonyCloud.Twilight.Tools;

namespace PonyCloud.Twilight.Tests.Storage.Files;

/// <summary>Copies that take for ever, in a process that can be killed.</summary>
internal sealed class SlowTools(IToolRunner tools) : IToolRunner
{
    private readonly TaskCompletionSource _copying = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>A copy has begun.</summary>
    public bool IsCopying => _copying.Task.IsCompleted;

    public Task<ToolResult> RunAsync(ToolCall call, CancellationToken cancellationToken)
    {
        if (call is not { Tool: "qemu-img", Arguments: ["convert", ..] })
            return tools.RunAsync(call, cancellationToken);
        _copying.TrySetResult();
        return tools.RunAsync(call with { Tool = "sleep", Arguments = ["1000"] }, cancellationToken);
    }
}
