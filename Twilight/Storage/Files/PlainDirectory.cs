using System.Globalization;
using PonyCloud.Twilight.Tools;

namespace PonyCloud.Twilight.Storage.Files;

/// <summary>A directory of the host that needs nothing but to be there.</summary>
public sealed class PlainDirectory(string directory, IToolRunner tools) : IPoolActivation
{
    private readonly PoolTools _tools = new(tools);
    private bool _isMade;

    public string Directory => directory;

    public async Task ActivateAsync(CancellationToken cancellationToken)
    {
        // One that went meanwhile is not made anew: an empty one would look as if everything in it were lost.
        if (_isMade)
            return;
        // Only who knows a name gets through, since the files hold what guests wrote.
        await _tools.RunAsync(new ToolCall("mkdir", "-p", "-m", "0711", "--", directory), StorageFailure.Unreachable, cancellationToken);
        _isMade = true;
    }

    public async Task<PoolCapacity> CapacityAsync(CancellationToken cancellationToken)
    {
        var said = await _tools.RunAsync(
            new ToolCall("stat", "-f", "-c", "%S %b %a", "--", directory), StorageFailure.Unreachable, cancellationToken);
        long[] numbers = [.. said.Split(' ', StringSplitOptions.TrimEntries)
            .Select(text => long.Parse(text, CultureInfo.InvariantCulture))];
        long InMiB(long blocks) => (long)((Int128)blocks * numbers[0] >> 20);
        return new PoolCapacity(InMiB(numbers[1]), InMiB(numbers[2]));
    }

    public Task DeactivateAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
