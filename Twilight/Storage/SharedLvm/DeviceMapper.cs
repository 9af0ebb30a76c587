using System.Globalization;
using PonyCloud.Twilight.Storage.Files;
using PonyCloud.Twilight.Tools;

namespace PonyCloud.Twilight.Storage.SharedLvm;

/// <summary>A map of the kernel.</summary>
/// <param name="Open">How many have it open.</param>
/// <param name="Size">MiB.</param>
internal sealed record Map(string Name, int Open, long Size);

/// <summary>The maps of one pool (dmsetup(8)).</summary>
internal sealed class DeviceMapper(Guid pool, IToolRunner tools)
{
    private const string Separator = "\t";

    private readonly PoolTools _tools = new(tools);
    private readonly string _namePrefix = $"ponycloud-{pool:N}-";
    private readonly string _uuidPrefix = $"PONYCLOUD-{pool:N}-";

    internal static string PathOf(string map) => $"/dev/mapper/{map}";

    internal string NameOf(string text) => _namePrefix + text;

    internal async Task<IReadOnlyList<Map>> ListAsync(CancellationToken cancellationToken)
    {
        string[] options = ["--columns", "--noheadings", "--separator", Separator, "--options", "name,open,uuid"];
        var said = await RunAsync(new ToolCall("dmsetup", ["info", .. options]), cancellationToken);
        var maps = new List<Map>();
        foreach (var line in said.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            if (line.Split(Separator) is [var name, var open, var uuid] && uuid.StartsWith(_uuidPrefix, StringComparison.Ordinal))
                maps.Add(new Map(name, int.Parse(open, CultureInfo.InvariantCulture), await SizeAsync(name, cancellationToken)));
        }
        return maps;
    }

    internal async Task<Map?> FindAsync(string name, CancellationToken cancellationToken) =>
        (await ListAsync(cancellationToken)).FirstOrDefault(map => map.Name == name);

    /// <summary>Makes a map; one of the name must not be there.</summary>
    internal Task CreateAsync(string name, ExtentTable table, CancellationToken cancellationToken) => ChangeAsync(
        new ToolCall("dmsetup", "create", name, "--uuid", _uuidPrefix + name[_namePrefix.Length..])
        {
            Input = table.ToString(),
            MayOutlive = true,
        },
        cancellationToken);

    /// <summary>Gives a map another table, at once for whoever has it open.</summary>
    internal async Task ReplaceAsync(string name, ExtentTable table, CancellationToken cancellationToken)
    {
        await ChangeAsync(new ToolCall("dmsetup", "reload", name) { Input = table.ToString(), MayOutlive = true }, cancellationToken);
        await ChangeAsync(new ToolCall("dmsetup", "resume", name) { MayOutlive = true }, cancellationToken);
    }

    /// <summary>Takes a map away; --retry since udev may look at it just now.</summary>
    /// <exception cref="StorageException">Somebody has it open.</exception>
    internal Task RemoveAsync(string name, CancellationToken cancellationToken) =>
        ChangeAsync(new ToolCall("dmsetup", "remove", "--retry", name) { MayOutlive = true }, cancellationToken);

    private async Task<long> SizeAsync(string name, CancellationToken cancellationToken)
    {
        var said = await RunAsync(new ToolCall("dmsetup", "table", name), cancellationToken);
        // Each line of a table has its first sector and how many there are.
        var sectors = said.Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Sum(line => long.Parse(line.Split(' ')[1], CultureInfo.InvariantCulture));
        return MiB.Of(sectors * 512);
    }

    private async Task ChangeAsync(ToolCall call, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        await RunAsync(call, CancellationToken.None).WaitAsync(cancellationToken);
    }

    private Task<string> RunAsync(ToolCall call, CancellationToken cancellationToken) =>
        _tools.RunAsync(call, StorageFailure.Unreachable, cancellationToken);
}
