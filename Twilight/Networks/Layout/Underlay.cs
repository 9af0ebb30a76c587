using PonyCloud.Shared.Entities;
using PonyCloud.Twilight.Networks.Model;

namespace PonyCloud.Twilight.Networks.Layout;

/// <summary>The link and the address of a role that switches stand on.</summary>
/// <param name="Address">Without its prefix length; null for none.</param>
public sealed record UnderlayRole(NetRoleDesired Role, string Link, string? Address, int Mtu);

/// <summary>Where a VLAN of the physical network is on this host.</summary>
/// <param name="Link">Null where it cannot be.</param>
/// <param name="Vlan">The VLAN link to make; null for what is untagged.</param>
/// <param name="Why">Why it cannot be, in words.</param>
public sealed record Trunk(string? Link, Guid Bond, Link? Vlan, int Mtu, string? Why = null);

/// <summary>What the switches of a host stand on.</summary>
public sealed class Underlay(HostOrders orders, HostLayout layout, NamespaceState actual)
{
    public const int DefaultMtu = 1500;

    /// <summary>Where VXLAN goes: of several, the one with an address whose uuid is the lowest, as the controller tells other hosts.</summary>
    public UnderlayRole? Virtual => Of(NetRole.Virtual).OrderBy(role => role.Address is null).ThenBy(role => role.Role.Uuid).FirstOrDefault();

    /// <summary>Those that lead to the world outside.</summary>
    public IEnumerable<UnderlayRole> Public => Of(NetRole.Public);

    /// <summary>
    /// Where a bridge comes to its VLAN: on the bond of role virtual; or where a role public is that very VLAN.
    /// </summary>
    public Trunk TrunkOf(int? tag)
    {
        var role = orders.Roles.Where(role => role.Role == NetRole.Public && role.VlanId == tag)
            .Concat(orders.Roles.Where(role => role.Role == NetRole.Virtual)).FirstOrDefault(role => layout.Links.ContainsKey(new NetworkSubject.Role(role.Uuid)));
        if (role is null)
            return new Trunk(null, Guid.Empty, null, DefaultMtu, "The host has no network role virtual that works.");
        var bond = orders.Bonds.First(bond => bond.Uuid == role.Bond);
        var trunk = layout.Links[new NetworkSubject.Bond(bond.Uuid)];
        if (orders.Roles.Any(other => other.Bond == bond.Uuid && other.VlanId == tag && other.Address is not null))
            return new Trunk(null, bond.Uuid, null, DefaultMtu, "The host has an address of its own on this VLAN. A switch needs one for itself.");
        var mtu = MtuOf(trunk, bond);
        return tag is { } id
            ? new Trunk(LinkNames.Vlan(bond.Uuid, id), bond.Uuid, HostLayout.VlanLink(bond, id, trunk), mtu)
            : new Trunk(trunk, bond.Uuid, null, mtu);
    }

    private IEnumerable<UnderlayRole> Of(NetRole wanted)
    {
        foreach (var role in orders.Roles.Where(role => role.Role == wanted).OrderBy(role => role.Uuid))
        {
            if (layout.Links.TryGetValue(new NetworkSubject.Role(role.Uuid), out var link))
                yield return new UnderlayRole(role, link, role.Address, MtuOf(link, orders.Bonds.First(bond => bond.Uuid == role.Bond)));
        }
    }

    private int MtuOf(string link, BondDesired bond) => bond.Mtu ?? actual.Links.GetValueOrDefault(link)?.Mtu ?? DefaultMtu;
}
