using System.Net;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using PonyCloud.Shared.Hosting;

namespace PonyCloud.Twilight.Http;

/// <summary>The settings of this room, and its services.</summary>
internal static class HostServerSetup
{
    private const string Listen = "http:listen";
    private const string Address = "http:address";
    private const string RateMin = "http:rate_min";
    private const string Grace = "http:grace";

    public static IReadOnlyList<ConfigurationKey> Keys { get; } =
    [
        new(Listen, ConfigurationKind.Text, "Where Sparkle reaches what this host serves, as ADDRESS:PORT; port 0 is a free one.")
        {
            Default = "0.0.0.0:0",
            Check = value => IPEndPoint.TryParse((string)value, out _) ? null : "must be of the form ADDRESS:PORT",
        },
        new(Address, ConfigurationKind.Text, "The name or address by which Sparkle finds this host; the first of its own unless set.")
        {
            Check = value => Uri.CheckHostName((string)value) != UriHostNameType.Unknown ? null : "must be a name or an address",
        },
        new(RateMin, ConfigurationKind.Integer, "The least rate of a transfer, in KiB a second.")
        {
            Default = "4", Minimum = 1, Maximum = 1 << 20,
        },
        new(Grace, ConfigurationKind.Duration, "So long a transfer may be slower.") { Default = "30", Minimum = 2, Maximum = 3600 },
    ];

    /// <summary>Adds the <see cref="HostServer"/>, with every <see cref="IHostRoute"/> that is a service.</summary>
    public static IServiceCollection AddHostServer(
        this IServiceCollection services, ConfigurationValues values, Func<IEnumerable<IPAddress>> ownAddresses)
    {
        services.AddSingleton(Options(values, ownAddresses));
        services.AddSingleton<HostServer>();
        services.AddSingleton<IHostedService>(provider => provider.GetRequiredService<HostServer>());
        return services;
    }

    public static HostServerOptions Options(ConfigurationValues values, Func<IEnumerable<IPAddress>> ownAddresses)
    {
        var listen = IPEndPoint.Parse(values.Text(Listen));
        return new HostServerOptions
        {
            Listen = listen,
            Advertised = values.TextOrNull(Address) ?? Advertised(listen.Address, ownAddresses()).ToString(),
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
