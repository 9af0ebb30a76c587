using System.Net;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using PonyCloud.Shared.Hosting;

namespace PonyCloud.Twilight.Storage.Transfers;

/// <summary>The settings of this room, and its services.</summary>
internal static class TransferSetup
{
    private const string Listen = "transfers:listen";
    private const string Address = "transfers:address";
    private const string Max = "transfers:max";
    private const string RateMin = "transfers:rate_min";
    private const string Grace = "transfers:grace";

    public static IReadOnlyList<ConfigurationKey> Keys { get; } =
    [
        new(Listen, ConfigurationKind.Text, "Where Sparkle fetches and brings contents of volumes, as ADDRESS:PORT; port 0 is a free one.")
        {
            Default = "0.0.0.0:0",
            Check = value => IPEndPoint.TryParse((string)value, out _) ? null : "must be of the form ADDRESS:PORT",
        },
        new(Address, ConfigurationKind.Text, "The name or address by which Sparkle finds this host; the first of its own unless set.")
        {
            Check = value => Uri.CheckHostName((string)value) != UriHostNameType.Unknown ? null : "must be a name or an address",
        },
        new(Max, ConfigurationKind.Integer, "Transfers at once.") { Default = "8", Minimum = 1, Maximum = 128 },
        new(RateMin, ConfigurationKind.Integer, "The least rate of a transfer, in KiB a second.")
        {
            Default = "4", Minimum = 1, Maximum = 1 << 20,
        },
        new(Grace, ConfigurationKind.Duration, "So long a transfer may be slower.") { Default = "30", Minimum = 2, Maximum = 3600 },
    ];

    /// <summary>Adds the <see cref="TransferServer"/>; the host's <see cref="IVolumeContents"/> must be there.</summary>
    public static IServiceCollection AddTransfers(
        this IServiceCollection services, ConfigurationValues values, Func<IEnumerable<IPAddress>> ownAddresses)
    {
        services.AddSingleton(Options(values, ownAddresses));
        services.AddSingleton<TransferServer>();
        services.AddSingleton<IHostedService>(provider => provider.GetRequiredService<TransferServer>());
        return services;
    }

    public static TransferOptions Options(ConfigurationValues values, Func<IEnumerable<IPAddress>> ownAddresses)
    {
        var listen = IPEndPoint.Parse(values.Text(Listen));
        return new TransferOptions
        {
            Listen = listen,
            Advertised = values.TextOrNull(Address) ?? Advertised(listen.Address, ownAddresses()).ToString(),
            TransfersMax = (int)values.Integer(Max),
            RateMin = values.Integer(RateMin) * 1024d,
            Grace = values.Duration(Grace),
        };
    }

    /// <summary>Where it listens, or if that is everywhere, the first address that others can mean.</summary>
    private static IPAddress Advertised(IPAddress listen, IEnumerable<IPAddress> own)
    {
        if (!listen.Equals(IPAddress.Any) && !listen.Equals(IPAddress.IPv6Any))
            return listen;
        return own
            .Where(address => !IPAddress.IsLoopback(address) && !address.IsIPv6LinkLocal)
            .Where(address => listen.AddressFamily == address.AddressFamily)
            .FirstOrDefault(IPAddress.Loopback);
    }
}
