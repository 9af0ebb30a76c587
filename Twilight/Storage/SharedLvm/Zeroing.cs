using System.Globalization;
using System.Text.RegularExpressions;
using PonyCloud.Twilight.Storage.Files;
using PonyCloud.Twilight.Tools;

namespace PonyCloud.Twilight.Storage.SharedLvm;

/// <summary>Makes a device zeros.</summary>
internal sealed partial class Zeroing(IToolRunner tools)
{
    // How much of it may still be written after it was withdrawn.
    private const string Step = "64MiB";

    private readonly PoolTools _tools = new(tools);

    /// <param name="size">MiB.</param>
    internal async Task RunAsync(string path, long size, IProgress<int>? progress, CancellationToken cancellationToken)
    {
        await _tools.RunAsync(
            new ToolCall("blkdiscard", "--zeroout", "--verbose", "--step", Step, path)
            {
                Timeout = Timeout.InfiniteTimeSpan,
                OnLine = line => Report(line, size << 20, progress),
            },
            StorageFailure.Unreachable, cancellationToken);
        await _tools.RunAsync(
            new ToolCall("sync", "--", path) { Timeout = FilePool.WorkLimit }, StorageFailure.Unreachable, cancellationToken);
    }

    private static void Report(string line, long size, IProgress<int>? progress)
    {
        if (Written().Match(line) is { Success: true } match)
        {
            var done = Number(match.Groups[1]) + Number(match.Groups[2]);
            progress?.Report((int)(100.0 * done / size));
        }
    }

    private static long Number(Group group) => long.Parse(group.ValueSpan, CultureInfo.InvariantCulture);

    [GeneratedRegex(@"Zero-filled (\d+) bytes from the offset (\d+)")]
    private static partial Regex Written();
}
