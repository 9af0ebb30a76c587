using PonyCloud.TestKit.Processes;
using PonyCloud.Twilight.Storage;

namespace PonyCloud.TestKit.Storage;

/// <summary>Has something open to write, as a guest has.</summary>
public sealed class OpenGuest : IAsyncDisposable
{
    private readonly ChildProcess _process;

    private OpenGuest(ChildProcess process) => _process = process;

    public static async Task<OpenGuest> StartAsync(BlockNode node)
    {
        var process = ChildProcess.Start("qemu-io", [node.ToFileName()]);
        await process.Input.WriteLineAsync("length");
        await process.Input.FlushAsync();
        await process.WaitForLineAsync("the length", line => line.Contains("MiB", StringComparison.Ordinal));
        return new OpenGuest(process);
    }

    /// <summary>Orders it to fill one MiB; <see cref="HasWrittenAsync"/> ends when it has.</summary>
    public async Task BeginWriteAsync(long mib, byte value)
    {
        await _process.Input.WriteLineAsync($"write -P {value} {mib}M 1M");
        await _process.Input.FlushAsync();
    }

    public Task HasWrittenAsync() =>
        _process.WaitForLineAsync(
            "that it has written", line => line.Contains("wrote 1048576", StringComparison.Ordinal), TimeSpan.FromMinutes(2));

    public ValueTask DisposeAsync() => _process.DisposeAsync();
}
