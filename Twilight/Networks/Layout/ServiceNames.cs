using PonyCloud.Shared.Entities;

namespace PonyCloud.Twilight.Networks.Layout;

/// <summary>What is called how in the namespace of a switch.</summary>
public static class ServiceNames
{
    /// <summary>The link to the guests.</summary>
    public const string Guests = "guests";

    /// <summary>The link to the world outside.</summary>
    public const string World = "world";

    /// <summary>The platform's own address in a network; null where it has none.</summary>
    public static string? AddressOf(NetworkDesired network) => network switch
    {
        { Routed: true } => network.Gateway,
        { Dhcp: true } => network.ServiceAddress,
        _ => null,
    };
}
