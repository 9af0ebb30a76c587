using PonyCloud.Shared.Entities;
using PonyCloud.Twilight.Networks;
using PonyCloud.Twilight.Networks.Links;
using PonyCloud.Twilight.Networks.Model;

namespace PonyCloud.Twilight.Tests.Networks.Links;

/// <summary>Short ways to say networks.</summary>
internal static class Plans
{
    public const string Bond = "pcb000000000001";
    public const string Vlan = "pcv00000000.064";
    public const string Bridge = "pcs000000000001";
    public const string Tunnel = "pcx000000000001";
    public const string Tap = "pct000000000001";
    public const string Cable = "pcg000000000001";
    public const string Space = "pc-000000000001";

    public static Link Card(string name, string? master = null, bool? isUp = null, int? mtu = null) => new()
    {
        Name = name,
        Kind = LinkKind.Card,
        Master = master,
        IsUp = isUp,
        Mtu = mtu,
    };

    /// <summary>A card as it is found.</summary>
    public static Link Found(string name, string master = "", bool isUp = false, int mtu = 1500) =>
        Card(name, master, isUp, mtu) with { HardwareAddress = "52:54:00:00:00:01" };

    public static Link NewBond(BondMode mode = BondMode.ActiveBackup, LacpRate rate = LacpRate.Slow, int? mtu = null, string name = Bond, string? master = null) => new()
    {
        Name = name,
        Kind = LinkKind.Bond,
        Alias = "ponycloud bond",
        HardwareAddress = "52:54:00:00:00:01",
        IsUp = true,
        Mtu = mtu,
        Master = master,
        Bond = new BondSettings(mode, rate, XmitHashPolicy.Layer3And4),
    };

    public static Link NewVlan(string parent = Bond, int tag = 100, int? mtu = null, string name = Vlan, string? master = null) => new()
    {
        Name = name,
        Kind = LinkKind.Vlan,
        Alias = "ponycloud vlan",
        IsUp = true,
        Mtu = mtu,
        Master = master,
        Vlan = new VlanSettings(parent, tag),
    };

    public static Link NewBridge(string name = Bridge, int? mtu = 1450) => new()
    {
        Name = name,
        Kind = LinkKind.Bridge,
        Alias = "ponycloud switch",
        HardwareAddress = "02:00:00:00:00:01",
        IsUp = true,
        Mtu = mtu,
    };

    public static Link NewTunnel(string local = "192.0.2.1", int id = 5, string? device = null, string name = Tunnel, string? master = Bridge) => new()
    {
        Name = name,
        Kind = LinkKind.Vxlan,
        Alias = "ponycloud tunnel",
        IsUp = true,
        Mtu = 1450,
        Master = master,
        Vxlan = new VxlanSettings(id, local, device),
        Port = string.IsNullOrEmpty(master) ? null : new BridgePortSettings(Learns: false, Floods: false, SuppressesNeighbours: true),
    };

    public static Link NewTap(string name = Tap, string? master = Bridge) => new()
    {
        Name = name,
        Kind = LinkKind.Tap,
        Alias = "ponycloud vnic",
        IsUp = true,
        Mtu = 1450,
        Master = master,
    };

    public static Link NewCable() => new()
    {
        Name = Cable,
        Kind = LinkKind.Veth,
        Alias = "ponycloud service",
        IsUp = true,
        Mtu = 1450,
        Master = Bridge,
        Veth = new VethSettings(Space, "guests"),
    };

    public static Link NewCableEnd() => new()
    {
        Name = "guests",
        Kind = LinkKind.Veth,
        Alias = "ponycloud guests",
        HardwareAddress = "02:00:00:00:00:0a",
        IsUp = true,
        Mtu = 1450,
        Veth = new VethSettings(NetworkState.Host, Cable),
    };

    public static NamespaceState Of(params Link[] links) => new NamespaceState { Links = links.Aggregate(NetworkState.Empty[""].Links, (all, link) => all.Add(link.Name, link)) };

    public static NetworkState Host(params Link[] links) => Host(Of(links));

    public static NetworkState Host(NamespaceState state) => NetworkState.Empty.With(NetworkState.Host, state);

    /// <summary>What the kernel has after the steps.</summary>
    public static NetworkState After(NetworkState actual, IEnumerable<NetworkStep> steps)
    {
        var model = new KernelModel(actual);
        foreach (var step in steps)
            model.Apply(step);
        return model.State;
    }

    /// <summary>What the kernel has when a plan for it was carried out.</summary>
    public static NetworkState Made(NetworkState actual, NetworkState wanted) => After(actual, NetworkPlanner.Plan(actual, wanted).Steps);
}
