using System.Globalization;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using PonyCloud.Twilight.Storage.Files;
using PonyCloud.Twilight.Tools;

namespace PonyCloud.Twilight.Storage.Iscsi;

/// <summary>Looks at units and wipes them, by <c>qemu-img</c> with libiscsi.</summary>
internal sealed partial class IscsiUnits(IscsiTarget target, PoolTools tools, SecretFiles secrets)
{
    // What takes no work: logging in and a few commands.
    private static readonly TimeSpan LookLimit = TimeSpan.FromSeconds(10);

    /// <returns>Bytes.</returns>
    internal async Task<long> SizeAsync(int unit, CancellationToken cancellationToken)
    {
        using var lease = Open(unit, 0, null, writable: false);
        var said = await RunAsync(
            Call(lease.Node, ["info", "--output=json", lease.Node.ToFileName()]) with { Timeout = LookLimit }, cancellationToken);
        return (long?)JsonNode.Parse(said)?["virtual-size"]
            ?? throw new StorageException(StorageFailure.Failed, $"qemu-img says no size of {lease.Node.Path}.");
    }

    /// <summary>
    /// Fills a unit with zeros, from one MiB to another, or to its end. qemu-img has the target do so by itself where that is fast
    /// (WRITE SAME, UNMAP), and sends zeros where it is not.
    /// </summary>
    internal async Task WipeAsync(int unit, long start, long? end, IProgress<int>? progress, CancellationToken cancellationToken)
    {
        var size = (end << 20 ?? await SizeAsync(unit, cancellationToken)) - (start << 20);
        using var lease = Open(unit, start, end - start, writable: true);
        var zeros = new JsonObject { ["driver"] = "null-co", ["size"] = size, ["read-zeroes"] = true };
        var call = Call(lease.Node, ["convert", "-p", "-n", "-O", "raw", $"json:{zeros.ToJsonString()}", lease.Node.ToFileName()]) with
        {
            Timeout = Timeout.InfiniteTimeSpan,
            OnLine = line => Report(line, progress),
        };
        await RunAsync(call, cancellationToken);
    }

    internal IscsiLease Open(int unit, long start, long? size, bool writable)
    {
        var password = target.Login is { } login ? secrets.Write(login.Password) : null;
        return new IscsiLease(target.UnitNode(unit, start, size, writable, password?.Path), password);
    }

    private static ToolCall Call(BlockNode node, string[] arguments)
    {
        // Options stand behind the command of qemu-img.
        string[] objects = [.. node.Secrets.SelectMany(secret => new[] { "--object", secret.ToArgument() })];
        return new ToolCall("qemu-img", [arguments[0], .. objects, .. arguments[1..]]);
    }

    private static void Report(string line, IProgress<int>? progress)
    {
        if (Percentage().Match(line) is { Success: true } match)
            progress?.Report((int)double.Parse(match.Groups[1].ValueSpan, CultureInfo.InvariantCulture));
    }

    private async Task<string> RunAsync(ToolCall call, CancellationToken cancellationToken)
    {
        try
        {
            return await tools.RunAsync(call, StorageFailure.Missing, cancellationToken);
        }
        catch (StorageException exception)
        {
            throw new StorageException(MeaningOf(exception), IscsiWords.Of(exception.Message), exception);
        }
    }

    private static StorageFailure MeaningOf(StorageException exception) => exception.Message switch
    {
        var said when said.Contains("LOGICAL_UNIT_NOT_SUPPORTED", StringComparison.Ordinal) => StorageFailure.Missing,
        var said when said.Contains("Failed to connect", StringComparison.Ordinal) => StorageFailure.Unreachable,
        var said when said.Contains("log in", StringComparison.Ordinal) => StorageFailure.Unreachable,
        _ => exception.Failure,
    };

    [GeneratedRegex(@"^\s*\((\d+(\.\d+)?)/100%\)")]
    private static partial Regex Percentage();
}

/// <summary>An open unit; the file with the password goes with it.</summary>
internal sealed class IscsiLease(BlockNode node, SecretFile? password) : IBlockLease, IDisposable
{
    public BlockNode Node => node;

    public void Dispose() => password?.Dispose();

    public ValueTask DisposeAsync()
    {
        Dispose();
        return ValueTask.CompletedTask;
    }
}
