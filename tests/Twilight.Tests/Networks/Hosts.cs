using PonyCloud.Shared.Entities;
using PonyCloud.Twilight.Networks.Layout;
using PonyCloud.Twilight.Networks.Model;

namespace PonyCloud.Twilight.Tests.Networks;

/// <summary>Cards, bonds and roles to try things with.</summary>
internal static class Hosts
{
    public const string CardA = "52:54:00:00:00:0a";
    public const string CardB = "52:54:00:00:00:0b";

    public static Guid Host { get; } = Guid.Parse("00000000-0000-0000-0000-0000000000a0");

    public static Guid BondUuid { get; } = Guid.Parse("b0000000-0000-0000-0000-000000000000");

    public static string BondLink { get; } = LinkNames.Bond(BondUuid);

    /// <summary>Two cards, one of which has what the host booted with.</summary>
    public static NamespaceState Booted { get; } = new NamespaceState()
        .With(new Link { Name = "eth0", Kind = LinkKind.Card, HardwareAddress = CardA, PermanentAddress = CardA, Mtu = 1500, IsUp = true, HasCarrier = true, Master = "" })
        .With(new Link { Name = "eth1", Kind = LinkKind.Card, HardwareAddress = CardB, PermanentAddress = CardB, Mtu = 1500, IsUp = false, HasCarrier = false, Master = "" })
        with
    {
        Addresses = [new LinkAddress("eth0", "192.0.2.10/24", IsOurs: false)],
        Routes = [new Route("default", false, "192.0.2.1", "eth0", IsOurs: false)],
    };

    public static NamespaceState With(this NamespaceState state, Link link) => state with { Links = state.Links.SetItem(link.Name, link) };

    public static NetworkState Network(NamespaceState here) => NetworkState.Empty.With(NetworkState.Host, here);

    public static BondDesired Bond(BondMode mode = BondMode.ActiveBackup, int? mtu = null) => new()
    {
        Uuid = BondUuid,
        Host = Host,
        Mode = mode,
        Mtu = mtu,
    };

    public static NicDesired Nic(string hwaddr, bool isUsed = true) => new()
    {
        Hwaddr = hwaddr,
        Host = Host,
        Bond = isUsed ? BondUuid : null,
    };

    public static NetRoleDesired Role(NetRole role, string? address = null, int? tag = null, string? gateway = null, int number = 1) => new()
    {
        Uuid = new Guid(number, 0xc, 0, new byte[8]),
        Bond = BondUuid,
        Role = role,
        VlanId = tag,
        Address = address,
        Prefix = address is null ? null : address.Contains(':', StringComparison.Ordinal) ? 64 : 24,
        Gateway = gateway,
    };

    public static HostOrders Orders(BondDesired bond, IEnumerable<NicDesired> nics, params NetRoleDesired[] roles) =>
        new(new([.. nics]), new([bond]), new(roles));
}
