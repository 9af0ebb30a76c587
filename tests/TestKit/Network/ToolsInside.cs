using Microsoft.Extensions.Logging.Abstractions;
using PonyCloud.Twilight.Tools;

namespace PonyCloud.TestKit.Network;

/// <summary>Runs tools inside of a namespace.</summary>
public sealed class ToolsInside(NetworkNamespace inside) : IToolRunner
{
    private readonly ToolRunner _runner = new(Guid.NewGuid(), TimeProvider.System, NullLogger<ToolRunner>.Instance);

    public Task<ToolResult> RunAsync(ToolCall call, CancellationToken cancellationToken)
    {
        var (file, arguments) = inside.Inside(call.Tool, call.Arguments);
        return _runner.RunAsync(call with { Tool = file, Arguments = arguments }, cancellationToken);
    }
}
