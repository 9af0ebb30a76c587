using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using PonyCloud.Twilight.Storage.Files;
using PonyCloud.Twilight.Tools;

namespace PonyCloud.Twilight.Storage.Copying;

/// <summary>Copies by <c>qemu-img convert</c>, in a process of its own, which is killed when the copy is withdrawn.</summary>
public sealed class VolumeCopier(IToolRunner tools, TimeProvider time) : IVolumeCopier
{
    private const long BytesPerMiB = 1 << 20;

    // Reads no more than what is allocated where.
    private static readonly TimeSpan LookLimit = TimeSpan.FromMinutes(5);

    private readonly PoolTools _tools = new(tools);

    public async Task CopyAsync(BlockNode source, BlockNode target, IProgress<WorkProgress>? progress, CancellationToken cancellationToken)
    {
        var from = await SizeAsync(source, cancellationToken);
        var to = await SizeAsync(target, cancellationToken);
        if (from > to)
        {
            throw new StorageException(
                StorageFailure.Failed,
                $"{source.Path} has {InMiB(from)} MiB, more than the {InMiB(to)} MiB of what is to be filled from it.");
        }

        var meter = new CopyMeter(await AllocatedAsync(source, cancellationToken), time);
        var call = new ToolCall(
            "qemu-img",
            [
                "convert", "-p", "-n", "--target-is-zero", .. SecretsOf(source, target),
                // Flushed at its end, unlike with the default.
                "-t", "writeback", "-O", DriverOf(target), "--", source.ToFileName(), target.ToFileName(),
            ])
        {
            // As long as the size says; whoever waits can withdraw it.
            Timeout = Timeout.InfiniteTimeSpan,
            OnLine = line =>
            {
                if (meter.Read(line) is { } read)
                    progress?.Report(read);
            },
        };
        await _tools.RunAsync(call, StorageFailure.Missing, cancellationToken);
    }

    private async Task<long> SizeAsync(BlockNode node, CancellationToken cancellationToken) =>
        Number(await LookAsync(["info", "--output=json", .. SecretsOf(node), "--", node.ToFileName()], cancellationToken), "virtual-size");

    private async Task<long> AllocatedAsync(BlockNode node, CancellationToken cancellationToken) => Number(
        await LookAsync(["measure", "--output=json", .. SecretsOf(node), "-O", Qcow2Files.Format, node.ToFileName()], cancellationToken),
        "required");

    private Task<string> LookAsync(string[] arguments, CancellationToken cancellationToken) =>
        _tools.RunAsync(new ToolCall("qemu-img", arguments) { Timeout = LookLimit }, StorageFailure.Missing, cancellationToken);

    private static string[] SecretsOf(params BlockNode[] nodes) =>
        [.. nodes.SelectMany(node => node.Secrets).Distinct().SelectMany(secret => new[] { "--object", secret.ToArgument() })];

    private static string DriverOf(BlockNode node) =>
        (string?)node.Options["driver"] ?? throw new ArgumentException($"{node.Path} names no driver.", nameof(node));

    private static long InMiB(long bytes) => (bytes + BytesPerMiB - 1) / BytesPerMiB;

    private static long Number(string json, string name)
    {
        try
        {
            return (long)JsonNode.Parse(json)![name]!;
        }
        catch (Exception exception)
            when (exception is JsonException or InvalidOperationException or NullReferenceException or FormatException)
        {
            throw new StorageException(StorageFailure.Failed, $"qemu-img does not say {name}.", exception);
        }
    }
}

/// <summary>Makes progress of the lines that <c>qemu-img -p</c> writes, such as <c>(12.34/100%)</c>.</summary>
internal sealed class CopyMeter(long bytes, TimeProvider time)
{
    private static readonly TimeSpan Window = TimeSpan.FromSeconds(5);

    private readonly Queue<(long At, long Done)> _seen = new([(time.GetTimestamp(), 0L)]);

    /// <summary>Null for any other line. Called by one thread at a time.</summary>
    internal WorkProgress? Read(string line)
    {
        var text = line.AsSpan().Trim();
        if (text is not ['(', ..] || text.IndexOf('/') is not (> 0 and var end)
            || !double.TryParse(text[1..end], NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var percent))
        {
            return null;
        }
        var now = time.GetTimestamp();
        var done = (long)(bytes * percent / 100);
        _seen.Enqueue((now, done));
        while (_seen.Count > 2 && time.GetElapsedTime(_seen.Peek().At, now) > Window)
            _seen.Dequeue();
        var (since, before) = _seen.Peek();
        var seconds = time.GetElapsedTime(since, now).TotalSeconds;
        return new WorkProgress((int)percent, done, seconds > 0 ? (long)((done - before) / seconds) : null);
    }
}
