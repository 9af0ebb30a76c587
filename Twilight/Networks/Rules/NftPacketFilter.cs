using PonyCloud.Twilight.Tools;

namespace PonyCloud.Twilight.Networks.Rules;

/// <summary>The packet filter through nft(8).</summary>
public sealed class NftPacketFilter(IToolRunner tools) : IPacketFilter
{
    private const string Absent = "No such file or directory";

    // Checked and never applied.
    private const string Scratch = """
        table bridge ponycloud_scratch {
          chain forward {
            type filter hook forward priority 0
            ct state established accept
          }
        }
        """;

    public async Task<FilterAbilities> AbilitiesAsync(CancellationToken cancellationToken)
    {
        var checkedFor = await RunAsync(new ToolCall("nft", "--check", "--file", "-") { Input = Scratch, Accepted = [0, 1] }, cancellationToken);
        return new FilterAbilities(TracksConnections: checkedFor.ExitCode == 0);
    }

    public async Task<AppliedRules> ScanAsync(CancellationToken cancellationToken) =>
        await ListAsync(["table", FilterRules.Family, FilterRules.Table], cancellationToken) is { } json ? NftListing.Table(json) : AppliedRules.None;

    public async Task ApplyAsync(FilterPlan plan, CancellationToken cancellationToken)
    {
        if (!plan.IsEmpty)
            await RunAsync(new ToolCall("nft", "--file", "-") { Input = plan.Script }, cancellationToken);
    }

    public async Task<IReadOnlyDictionary<string, CardCounters>> CountAsync(CancellationToken cancellationToken)
    {
        var refused = (await CountersAsync(BaseChains.Refused, cancellationToken)).ToDictionary(StringComparer.Ordinal);
        return (await CountersAsync(BaseChains.Spoofed, cancellationToken)).ToDictionary(
            card => card.Key, card => new CardCounters(card.Value, refused.GetValueOrDefault(card.Key)), StringComparer.Ordinal);
    }

    private async Task<IEnumerable<KeyValuePair<string, long>>> CountersAsync(string set, CancellationToken cancellationToken) =>
        await ListAsync(["set", FilterRules.Family, FilterRules.Table, set], cancellationToken) is { } json ? NftListing.Counters(json) : [];

    /// <returns>Null if it is not there.</returns>
    private async Task<string?> ListAsync(string[] what, CancellationToken cancellationToken)
    {
        var call = new ToolCall("nft", ["--json", "list", .. what]);
        var result = await RunAsync(call with { Accepted = [0, 1] }, cancellationToken);
        if (result.ExitCode == 0)
            return result.Output;
        return result.Error.Contains(Absent, StringComparison.Ordinal)
            ? null
            : throw new NetworkException($"The packet filter cannot be read: {ToolOutput.LastWords(result.Error)}");
    }

    private async Task<ToolResult> RunAsync(ToolCall call, CancellationToken cancellationToken)
    {
        try
        {
            return await tools.RunAsync(call, cancellationToken);
        }
        catch (ToolException exception)
        {
            throw new NetworkException($"The packet filter: {exception.Message}", cause: exception);
        }
    }
}
