using System.Globalization;
using System.Text;
using System.Text.Json;
using PonyCloud.Twilight.Tools;

namespace PonyCloud.Twilight.Networks.Rules;

/// <summary>A token bucket filter at the tap (tc-tbf(8)), which the platform knows by its handle.</summary>
public sealed class TcTrafficShaper(IToolRunner tools) : ITrafficShaper
{
    private const string Handle = "9860:";
    private const long BytesOfMbit = 1_000_000 / 8;

    public async Task<IReadOnlyDictionary<string, int>> ScanAsync(CancellationToken cancellationToken)
    {
        var said = await RunAsync(new ToolCall("tc", "-json", "qdisc", "show"), cancellationToken);
        using var document = JsonDocument.Parse(said.Length > 0 ? said : "[]");
        return document.RootElement.EnumerateArray().Where(IsOurs).ToDictionary(
            found => found.GetProperty("dev").GetString()!,
            found => (int)(found.GetProperty("options").GetProperty("rate").GetInt64() / BytesOfMbit),
            StringComparer.Ordinal);
    }

    public async Task ApplyAsync(ShapingPlan plan, CancellationToken cancellationToken)
    {
        if (plan.IsEmpty)
            return;
        var commands = new StringBuilder();
        foreach (var tap in plan.Unlimited)
            commands.Append(CultureInfo.InvariantCulture, $"qdisc delete dev {FilterNames.Link(tap)} root handle {Handle}\n");
        foreach (var (tap, mbit) in plan.Limits)
        {
            commands.Append(
                CultureInfo.InvariantCulture,
                $"qdisc replace dev {FilterNames.Link(tap)} root handle {Handle} tbf rate {mbit}mbit burst {Burst(mbit)} latency 50ms\n");
        }
        await RunAsync(new ToolCall("tc", "-force", "-batch", "-") { Input = commands.ToString() }, cancellationToken);
    }

    /// <summary>10 ms, and not less than what a card hands over at once.</summary>
    private static long Burst(int mbit) => Math.Clamp(mbit * BytesOfMbit / 100, 32 * 1024, 64 * 1024 * 1024);

    private static bool IsOurs(JsonElement found) =>
        found.GetProperty("kind").GetString() == "tbf" && found.GetProperty("handle").GetString() == Handle;

    private async Task<string> RunAsync(ToolCall call, CancellationToken cancellationToken)
    {
        try
        {
            return (await tools.RunAsync(call, cancellationToken)).Output;
        }
        catch (ToolException exception)
        {
            throw new NetworkException($"The limits of cards: {exception.Message}", cause: exception);
        }
    }
}
