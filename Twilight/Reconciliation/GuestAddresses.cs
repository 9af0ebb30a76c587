using System.Net;
using System.Net.Sockets;
using PonyCloud.Shared.Entities;

namespace PonyCloud.Twilight.Reconciliation;

/// <summary>What of a guest's own words about its addresses is worth telling.</summary>
public static class GuestAddresses
{
    /// <summary>Those that mean something outside of the guest, each once, in order. A guest may write anything: what is no address is left out.</summary>
    public static TextList Of(IEnumerable<string> said) => TextList.Of(said
        .Select(text => IPAddress.TryParse(text, out var address) ? address : null).OfType<IPAddress>()
        .Where(address => !IPAddress.IsLoopback(address) && !IsLinkLocal(address))
        .Select(address => address.ToString())
        .Distinct().Order(StringComparer.Ordinal).Take(AgentMemory.AddressesMax));

    private static bool IsLinkLocal(IPAddress address) => address.AddressFamily == AddressFamily.InterNetworkV6
        ? address.IsIPv6LinkLocal
        : address.GetAddressBytes() is [169, 254, ..];
}
