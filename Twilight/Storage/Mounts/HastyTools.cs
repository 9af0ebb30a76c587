using PonyCloud.Twilight.Tools;

namespace PonyCloud.Twilight.Storage.Mounts;

/// <summary>Gives tools less time than they would have.</summary>
internal sealed class HastyTools(IToolRunner tools, TimeSpan limit) : IToolRunner
{
    public Task<ToolResult> RunAsync(ToolCall call, CancellationToken cancellationToken) =>
        tools.RunAsync(call.Timeout > limit ? call with { Timeout = limit } : call, cancellationToken);
}
