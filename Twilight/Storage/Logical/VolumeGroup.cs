using System.Globalization;
using System.Text.Json;
using PonyCloud.Twilight.Tools;

namespace PonyCloud.Twilight.Storage.Logical;

/// <summary>A logical volume as LVM reports it.</summary>
/// <param name="Size">MiB.</param>
/// <param name="Pool">The thin pool that it is in; null for none.</param>
/// <param name="Origin">The volume that it was a copy of at first, as long as that is there; null for none.</param>
/// <param name="Filled">The part of it, in percent, that takes room; null while it is not active.</param>
/// <param name="IsZeroing">It is a thin pool that wipes what it gives out.</param>
internal sealed record LogicalVolume(
    string Name, string Uuid, long Size, string? Pool, string? Origin, double? Filled, IReadOnlyList<string> Tags, bool IsZeroing);

/// <summary>A volume group as LVM reports it.</summary>
/// <param name="Missing">How many of its disks are not there.</param>
internal sealed record GroupReport(int Disks, int Missing, IReadOnlyList<LogicalVolume> Volumes);

/// <summary>The commands of LVM on one volume group (lvm(8), lvmreport(7), lvmthin(7)).</summary>
internal sealed class VolumeGroup(string name, IToolRunner tools) : IDisposable
{
    private const string GroupColumns = "pv_count,vg_missing_pv_count";

    // LVM waits for others that change the group.
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(2);

    // No daemon is to watch the pool: nothing in it is promised twice, so it is never full.
    private static readonly string[] Common = ["--config", "activation/monitoring=0"];

    // One command after the other, one that nobody waits for any more included: what comes next sees what it did.
    private readonly SemaphoreSlim _commands = new(1);

    internal string Name => name;

    /// <summary>What is in it now.</summary>
    /// <exception cref="StorageException">There is no such group, or LVM does not answer.</exception>
    internal async Task<GroupReport> ReadAsync(CancellationToken cancellationToken)
    {
        var volumes = await ReportAsync(
            "lvs", "lv", $"lv_name,lv_uuid,lv_size,pool_lv,origin,data_percent,lv_tags,lv_attr,{GroupColumns}", cancellationToken);
        // Each volume tells of its group; an empty one has to be asked itself.
        var group = volumes.Count > 0 ? volumes[0] : (await ReportAsync("vgs", "vg", GroupColumns, cancellationToken)).Single();
        return new GroupReport(
            Number(group, "pv_count"),
            Number(group, "vg_missing_pv_count"),
            [.. volumes.Select(volume => new LogicalVolume(
                Text(volume, "lv_name"),
                Text(volume, "lv_uuid"),
                long.Parse(Text(volume, "lv_size"), CultureInfo.InvariantCulture) >> 20,
                Some(volume, "pool_lv"),
                Some(volume, "origin"),
                double.TryParse(Text(volume, "data_percent"), CultureInfo.InvariantCulture, out var filled) ? filled : null,
                Text(volume, "lv_tags").Split(',', StringSplitOptions.RemoveEmptyEntries),
                // lvs(8): the eighth is z where blocks are zeroed before use.
                Text(volume, "lv_attr") is [_, _, _, _, _, _, _, 'z', ..]))]);
    }

    /// <summary>Runs a command that changes something, to its end even when it is no longer waited for.</summary>
    internal Task ChangeAsync(string command, CancellationToken cancellationToken, params string[] arguments) => RunAsync(
        new ToolCall(command, [.. Common, "--yes", "--quiet", .. arguments]) { Timeout = Limit, MayOutlive = true },
        CancellationToken.None, cancellationToken);

    /// <summary>As commands take the name of a volume.</summary>
    internal string Path(string volume) => $"{name}/{volume}";

    private async Task<IReadOnlyList<JsonElement>> ReportAsync(
        string command, string kind, string columns, CancellationToken cancellationToken)
    {
        var result = await RunAsync(
            new ToolCall(command, [.. Common, "--reportformat", "json", "--units", "b", "--nosuffix", "--options", columns, name]),
            cancellationToken, cancellationToken);
        using var document = JsonDocument.Parse(result.Output);
        return [.. document.RootElement.GetProperty("report")[0].GetProperty(kind).EnumerateArray().Select(row => row.Clone())];
    }

    private async Task<ToolResult> RunAsync(ToolCall call, CancellationToken killing, CancellationToken waiting)
    {
        await _commands.WaitAsync(waiting);
        return await FinishAsync(call, killing).WaitAsync(waiting);
    }

    private async Task<ToolResult> FinishAsync(ToolCall call, CancellationToken cancellationToken)
    {
        try
        {
            return await tools.RunAsync(call, cancellationToken);
        }
        catch (ToolException exception)
        {
            throw new StorageException(FailureOf(exception), exception.Message, exception);
        }
        finally
        {
            _commands.Release();
        }
    }

    private static StorageFailure FailureOf(ToolException exception)
    {
        return exception.Failure switch
        {
            ToolFailure.TimedOut => StorageFailure.Unreachable,
            not ToolFailure.Failed => StorageFailure.Failed,
            _ when Says("in use") || Says("used by another device") => StorageFailure.InUse,
            _ when Says("insufficient free space") => StorageFailure.Full,
            _ when Says("Volume group") && Says("not found") => StorageFailure.Unreachable,
            _ when Says("Failed to find logical volume") => StorageFailure.Missing,
            _ => StorageFailure.Failed,
        };

        bool Says(string words) => exception.Message.Contains(words, StringComparison.Ordinal);
    }

    public void Dispose() => _commands.Dispose();

    private static int Number(JsonElement row, string column) => int.Parse(Text(row, column), CultureInfo.InvariantCulture);

    private static string? Some(JsonElement row, string column) => Text(row, column) is { Length: > 0 } text ? text : null;

    private static string Text(JsonElement row, string column) => row.GetProperty(column).GetString() ?? "";
}
