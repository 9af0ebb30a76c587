using Microsoft.Extensions.DependencyInjection;
using PonyCloud.Shared.Hosting;
using PonyCloud.Twilight.Instances;
using PonyCloud.Twilight.Networks.Links;
using PonyCloud.Twilight.Networks.Routing;
using PonyCloud.Twilight.Networks.Rules;
using PonyCloud.Twilight.Networks.Serving;
using PonyCloud.Twilight.Networks.Trials;
using PonyCloud.Twilight.Networks.Working;
using PonyCloud.Twilight.Reconciliation;

namespace PonyCloud.Twilight.Networks;

/// <summary>The settings of this room, and how it is put together.</summary>
internal static class NetworkSetup
{
    private const string StateDirectory = "network:state_directory";
    private const string Trial = "network:trial";
    private const string Book = "trials";
    private const string Switches = "switches";

    public static IReadOnlyList<ConfigurationKey> Keys { get; } =
    [
        new(StateDirectory, ConfigurationKind.Text, "Directory in memory, for what lives as long as the host's network: trials, and the files of DHCP and DNS. The host has one of its own in it.")
        {
            Default = "/run/twilight-network",
            Check = value => Path.IsPathFullyQualified((string)value) ? null : "must be an absolute path",
        },
        new(Trial, ConfigurationKind.Duration, "A change of the path to Sparkle comes back by itself unless Sparkle is heard over it within so long.")
        {
            Default = "60",
            Minimum = 5,
            Maximum = 3600,
        },
    ];

    public static void AddNetworks(this IServiceCollection services, Guid host, Uri sparkle, ConfigurationValues values)
    {
        var directory = Path.Combine(values.Text(StateDirectory), host.ToString());
        services.AddSingleton(new NetworkReconcilerOptions
        {
            Host = host,
            Trial = values.Duration(Trial),
        });
        services.AddSingleton(new ServingOptions { Directory = Path.Combine(directory, Switches) });
        services.AddSingleton<INetworkStack, IpNetworkStack>();
        services.AddSingleton<ILinkCounters, IpLinkCounters>();
        services.AddSingleton<IPacketFilter, NftPacketFilter>();
        services.AddSingleton<ITrafficShaper, TcTrafficShaper>();
        services.AddSingleton<IAddressAnnouncer, AddressAnnouncer>();
        services.AddSingleton<IRouters, NftRouters>();
        services.AddSingleton<ISwitchServices, DnsmasqServices>();
        services.AddSingleton<IRouteFinder>(provider => ActivatorUtilities.CreateInstance<IpRouteFinder>(provider, sparkle));
        services.AddSingleton(new TrialFile(Path.Combine(directory, Book)));
        services.AddSingleton(new SysfsNics("/sys"));
        services.AddSingleton<HostCards>();
        services.AddSingleton<IInstanceCards>(provider => provider.GetRequiredService<HostCards>());
        services.AddSingleton<IHostReporter, NetworkReconciler>();
    }
}
