using PonyCloud.Twilight.Storage;
using PonyCloud.Twilight.Tools;

namespace PonyCloud.TestKit.Storage;

/// <summary>Writes and reads what a block node holds, by <c>qemu-io</c>.</summary>
public sealed class QemuIo(IToolRunner tools)
{
    /// <summary>Fills one MiB.</summary>
    public Task WriteAsync(BlockNode node, long mib, byte value, CancellationToken cancellationToken) =>
        tools.RunAsync(Call(node, [], $"write -P {value} {mib}M 1M"), cancellationToken);

    /// <summary>Whether one MiB is nothing but this value.</summary>
    public async Task<bool> HoldsAsync(BlockNode node, long mib, byte value, CancellationToken cancellationToken)
    {
        var result = await tools.RunAsync(Call(node, ["-r"], $"read -P {value} {mib}M 1M") with { Accepted = [0, 1] }, cancellationToken);
        if (result.ExitCode != 0 && !result.Output.Contains("Pattern verification failed", StringComparison.Ordinal))
            throw new InvalidOperationException($"qemu-io: {result.Output} {result.Error}");
        return result.ExitCode == 0;
    }

    private static ToolCall Call(BlockNode node, string[] options, string command) => new(
        "qemu-io",
        [
            .. node.Secrets.SelectMany(secret => new[] { "--object", secret.ToArgument() }),
            .. options, "-c", command, node.ToFileName(),
        ]);
}
