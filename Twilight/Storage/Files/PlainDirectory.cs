using System.Globalization;
using PonyCloud.Twilight.Tools;

namespace PonyCloud.Twilight.Storage.Files;

/// <summary>A directory of the host that needs nothing but to be there.</summary>
public sealed class PlainDirectory(string directory, IToolRunner tools) : IPoolActivation
{
    private readonly PoolTools _tools = new(tools);

    public string Directory => directory;

    // Only who knows a name gets through, since the files hold what guests wrote.
    public Task ActivateAsync(CancellationToken cancellationToken) =>
        _tools.RunAsync(new ToolCall("mkdir", "-p", "-m", "0711", "--", directory), StorageFailure.Unreachable, cancellationToken);

    public async Task<PoolCapacity> CapacityAsync(CancellationToken cancellationToken)
    {
        var said = await _tools.RunAsync(
            new ToolCall("stat", "-f", "-c", "%S %b %a", "--", directory), StorageFailure.Unreachable, cancellationToken);
        long[] numbers = [.. said.Split(' ', StringSplitOptions.TrimEntries).Select(text => long.Parse(text, CultureInfo.InvariantCulture))];
        long InMiB(long blocks) => (long)((Int128)blocks * numbers[0] >> 20);
        return new PoolCapacity(InMiB(numbers[1]), InMiB(numbers[2]));
    }

    public Task DeactivateAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
