using PonyCloud.Twilight.Tools;

namespace PonyCloud.Machine.Storage.Pools;

/// <summary>Tools of an agent that is killed: the first so many commands are run, and none after them.</summary>
internal sealed class FailingTools(IToolRunner tools, int commands) : IToolRunner
{
    private int _left = commands;

    public Task<ToolResult> RunAsync(ToolCall call, CancellationToken cancellationToken) => _left-- > 0
        ? tools.RunAsync(call, cancellationToken)
        : throw new ToolException(ToolFailure.Failed, "The agent is gone.");
}
