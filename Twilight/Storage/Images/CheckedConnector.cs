using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging;

namespace PonyCloud.Twilight.Storage.Images;

/// <summary>
/// Makes the connections of one fetch: resolves the name, judges every address, and connects to one that was judged. So
/// there is no second answer that could be another.
/// </summary>
/// <param name="isTrusted">Whether any address will do for this name.</param>
internal sealed partial class CheckedConnector(
    IImageNetwork network, AddressPolicy policy, Func<string, bool> isTrusted, TimeSpan limit, TimeProvider time, ILogger logger)
{
    /// <exception cref="ImageException">The name leads where it must not, or nobody answers.</exception>
    public async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, CancellationToken cancellationToken)
    {
        var (name, port) = (context.DnsEndPoint.Host, context.DnsEndPoint.Port);
        var addresses = await ResolveAsync(name, cancellationToken);
        if (!isTrusted(name))
            addresses.ToList().ForEach(address => Judge(name, address));
        Exception? last = null;
        foreach (var address in addresses)
        {
            using var patience = new CancellationTokenSource(limit, time);
            using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, patience.Token);
            try
            {
                return await network.ConnectAsync(new IPEndPoint(address, port), either.Token);
            }
            catch (Exception exception) when (
                exception is SocketException || (exception is OperationCanceledException && !cancellationToken.IsCancellationRequested))
            {
                last = exception;
            }
        }
        throw ImageException.Unreachable(
            last is SocketException { SocketErrorCode: SocketError.ConnectionRefused }
                ? $"{name} refuses connections to port {port}."
                : $"{name} cannot be reached.",
            last);
    }

    private async Task<IReadOnlyList<IPAddress>> ResolveAsync(string name, CancellationToken cancellationToken)
    {
        if (IPAddress.TryParse(name, out var literal))
            return [literal];
        try
        {
            var addresses = await network.ResolveAsync(name, cancellationToken);
            return addresses.Count > 0 ? addresses : throw ImageException.Unreachable($"{name} has no address.");
        }
        catch (SocketException exception)
        {
            throw ImageException.Unreachable($"{name} cannot be resolved.", exception);
        }
    }

    private void Judge(string name, IPAddress address)
    {
        if (policy.WhyRefused(address) is not { } what)
            return;
        LogRefused(name, address, what);
        throw ImageException.Refused($"{name} leads to an address from which no image is fetched ({what}).");
    }

    [LoggerMessage(EventId = 3401, Level = LogLevel.Warning, Message = "An image leads to {Name}, which is {Address} ({What}): refused")]
    private partial void LogRefused(string name, IPAddress address, string what);
}
