using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using PonyCloud.Twilight.Tools;

namespace PonyCloud.Twilight.Networks.Trials;

/// <summary><c>ip route get</c>.</summary>
/// <param name="endpoint">Where Sparkle is, such as <c>tcp://192.0.2.1:9850</c>.</param>
public sealed class IpRouteFinder(IToolRunner tools, Uri endpoint) : IRouteFinder
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(5);

    // What iproute2 ends with when the kernel said no.
    private const int Refused = 2;

    /// <inheritdoc/>
    public async Task<SparkleRoute?> FindAsync(CancellationToken cancellationToken)
    {
        if (await AddressAsync(cancellationToken) is not { } address)
            return null;
        try
        {
            var answer = await tools.RunAsync(
                new ToolCall("ip", "-json", "route", "get", address.ToString()) { Timeout = Limit, Accepted = [0, Refused] }, cancellationToken);
            return answer.ExitCode == Refused ? null : Parse(answer.Output, address);
        }
        catch (ToolException exception)
        {
            throw new NetworkException($"The route to Sparkle could not be asked for: {exception.Message}", cause: exception);
        }
    }

    internal static SparkleRoute? Parse(string json, IPAddress address)
    {
        using var document = JsonDocument.Parse(json);
        foreach (var route in document.RootElement.EnumerateArray())
        {
            if (route.TryGetProperty("dev", out var link))
                return new SparkleRoute(address.ToString(), link.GetString()!, route.TryGetProperty("prefsrc", out var source) ? source.GetString() : null);
        }
        return null;
    }

    private async Task<IPAddress?> AddressAsync(CancellationToken cancellationToken)
    {
        if (IPAddress.TryParse(endpoint.Host.Trim('[', ']'), out var address))
            return address;
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(Limit);
        try
        {
            return (await Dns.GetHostAddressesAsync(endpoint.Host, limit.Token)).FirstOrDefault();
        }
        catch (SocketException)
        {
            // A name that is unknown now leads nowhere, so no change can cut it off.
            return null;
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return null;
        }
    }
}
