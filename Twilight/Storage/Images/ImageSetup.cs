using System.Net;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using PonyCloud.Shared.Entities;
using PonyCloud.Shared.Hosting;
using PonyCloud.Twilight.Inventory;
using PonyCloud.Twilight.Tools;

namespace PonyCloud.Twilight.Storage.Images;

/// <summary>The settings of this room, and its services.</summary>
internal static class ImageSetup
{
    private const string PlatformNetworks = "images:platform_networks";
    private const string ContentMax = "images:content_max";
    private const string DiskMax = "images:disk_max";
    private const string RateMin = "images:rate_min";
    private const string StallWindow = "images:stall_window";

    public static IReadOnlyList<ConfigurationKey> Keys { get; } =
    [
        new(PlatformNetworks, ConfigurationKind.TextList, "The platform's own networks (192.0.2.0/24): no tenant's image comes from there.")
        {
            Default = "",
            Check = value => ((IReadOnlyList<string>)value).All(IsNetwork) ? null : "must be networks of the form ADDRESS/PREFIX",
        },
        new(ContentMax, ConfigurationKind.Integer, "The largest content of an image that is fetched, in MiB.")
        {
            Default = "262144", Minimum = 1, Maximum = 1L << 40,
        },
        new(DiskMax, ConfigurationKind.Integer, "The largest disk that an image may be, in MiB.")
        {
            Default = "16777216", Minimum = 1, Maximum = 1L << 40,
        },
        new(RateMin, ConfigurationKind.Integer, "The least rate at which an image must come in, in KiB a second.")
        {
            Default = "16", Minimum = 1, Maximum = 1 << 20,
        },
        new(StallWindow, ConfigurationKind.Duration, "So long it may come in slower.") { Default = "60", Minimum = 1, Maximum = 3600 },
    ];

    /// <summary>Adds <see cref="IImageFetcher"/> and <see cref="IImageInspector"/>; an <see cref="IToolRunner"/> must be there.</summary>
    public static IServiceCollection AddImages(this IServiceCollection services, ConfigurationValues values)
    {
        var own = new InventoryRoots();
        var policy = new AddressPolicy([.. values.TextList(PlatformNetworks).Select(text => IPNetwork.Parse(text))], own.Addresses);
        services.AddSingleton<IImageFetcher>(provider => new ImageFetcher(
            FetchOptions(values),
            policy,
            new SystemImageNetwork(),
            provider.GetRequiredService<TimeProvider>(),
            provider.GetRequiredService<ILogger<ImageFetcher>>()));
        services.AddSingleton<IImageInspector>(provider => new ImageInspector(
            new ImageInspectOptions { VirtualSizeMax = values.Integer(DiskMax) << 20 }, provider.GetRequiredService<IToolRunner>()));
        return services;
    }

    public static ImageFetchOptions FetchOptions(ConfigurationValues values) => new()
    {
        BytesMax = values.Integer(ContentMax) << 20,
        RateMin = values.Integer(RateMin) << 10,
        StallWindow = values.Duration(StallWindow),
    };

    private static bool IsNetwork(string text) => NetworkText.Network(text, out var isMasked) is not null && isMasked;
}
