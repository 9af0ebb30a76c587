using PonyCloud.Shared.Entities;
using PonyCloud.Twilight.Networks.Model;

namespace PonyCloud.Twilight.Networks.Links;

/// <summary>What of a link is not as it is to be.</summary>
internal static class LinkDifference
{
    /// <summary>Whether the kernel cannot make the one of the other.</summary>
    public static bool MustBeMadeAnew(Link wanted, Link actual) =>
        wanted.Kind != actual.Kind
        || (wanted.Vlan is { } vlan && vlan != actual.Vlan)
        || (wanted.Veth is { } cable && cable != actual.Veth)
        || (wanted.Vxlan is { } vxlan && (actual.Vxlan is not { } there || there with { Local = vxlan.Local } != vxlan
            || AddressText.IsIpv6(there.Local) != AddressText.IsIpv6(vxlan.Local)));

    /// <summary>Whether the kernel has only one of the two, whatever they are called.</summary>
    public static bool Exclude(Link one, Link other) =>
        (one.Vlan is { } vlan && vlan == other.Vlan) || (one.Vxlan is { } vxlan && other.Vxlan is { } there && KernelModel.Collide(vxlan, there));

    /// <summary>What of the mode, the rate and the policy counts: the last two are of LACP.</summary>
    public static bool AreEqual(BondSettings wanted, BondSettings? actual) =>
        actual is not null && wanted.Mode == actual.Mode
        && (wanted.Mode != BondMode.Lacp || (wanted.LacpRate == actual.LacpRate && wanted.XmitHashPolicy == actual.XmitHashPolicy));

    /// <summary>What there is to change, the ports of bonds left out; null for nothing.</summary>
    /// <param name="mtuMax">What the link below allows.</param>
    public static Link? Of(Link wanted, Link actual, int? mtuMax)
    {
        var mtu = Mtu(wanted, mtuMax);
        var change = new Link
        {
            Name = wanted.Name,
            Kind = wanted.Kind,
            Alias = wanted.IsOurs && wanted.Alias != actual.Alias ? wanted.Alias : null,
            HardwareAddress = wanted.IsOurs && wanted.HardwareAddress is { } address && address != actual.HardwareAddress ? address : null,
            Mtu = mtu is not null && mtu != actual.Mtu ? mtu : null,
            IsUp = wanted.IsUp is { } up && up != (actual.IsUp ?? false) ? up : null,
            Master = wanted.Master is { } master && master != (actual.Master ?? "") ? master : null,
            Vxlan = wanted.Vxlan is { } vxlan && vxlan != actual.Vxlan ? vxlan : null,
            Port = wanted.Port is { } port && wanted.Master is { Length: > 0 } && (port != actual.Port || wanted.Master != actual.Master) ? port : null,
        };
        return change == new Link { Name = wanted.Name, Kind = wanted.Kind } ? null : change;
    }

    public static int? Mtu(Link wanted, int? mtuMax) => wanted.Mtu is { } mtu && mtuMax is { } max && mtu > max ? max : wanted.Mtu;
}
