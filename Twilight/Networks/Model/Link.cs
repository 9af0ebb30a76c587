using PonyCloud.Shared.Entities;

namespace PonyCloud.Twilight.Networks.Model;

public enum LinkKind
{
    /// <summary>A network card, or what takes its place: the platform did not make it.</summary>
    Card,
    Bond,
    Vlan,
    Bridge,
    Vxlan,

    /// <summary>One end of a cable between two namespaces.</summary>
    Veth,
    Tap,

    /// <summary>Any other; never touched.</summary>
    Other,
}

/// <summary>A link of a namespace.</summary>
public sealed record Link
{
    public required string Name { get; init; }

    public required LinkKind Kind { get; init; }

    /// <summary>The alias of the link. The platform's own begin with <see cref="Marks.Alias"/>, and whatever else there is is never touched.</summary>
    public string? Alias { get; init; }

    public string? HardwareAddress { get; init; }

    /// <summary>Of a card: the address that it was made with. Never wanted, only seen.</summary>
    public string? PermanentAddress { get; init; }

    public int? Mtu { get; init; }

    public bool? IsUp { get; init; }

    /// <summary>Never wanted, only seen.</summary>
    public bool? HasCarrier { get; init; }

    /// <summary>The bond or bridge that it is a port of; empty for none.</summary>
    public string? Master { get; init; }

    public BondSettings? Bond { get; init; }

    public VlanSettings? Vlan { get; init; }

    public VxlanSettings? Vxlan { get; init; }

    public VethSettings? Veth { get; init; }

    /// <summary>Of a port of a bridge.</summary>
    public BridgePortSettings? Port { get; init; }

    /// <summary>Whether it may serve as a card: one of the machine, or somebody else's cable, as a host in a namespace has instead.</summary>
    public bool IsCard => !IsOurs && Kind is (LinkKind.Card or LinkKind.Veth);

    public bool IsOurs => Alias?.StartsWith(Marks.Alias, StringComparison.Ordinal) ?? false;
}

/// <param name="ActiveSlaves">Names of the ports that carry traffic. Never wanted, only seen.</param>
/// <param name="LacpPartner">Never wanted, only seen.</param>
public sealed record BondSettings(BondMode Mode, LacpRate LacpRate, XmitHashPolicy XmitHashPolicy, TextList? ActiveSlaves = null, string? LacpPartner = null);

public sealed record VlanSettings(string Parent, int Tag);

/// <summary>Unicast, learning nothing by itself.</summary>
/// <param name="Local">The address that it sends from.</param>
/// <param name="Device">The link below it; null where routing decides.</param>
public sealed record VxlanSettings(int Id, string Local, string? Device = null, int Port = 4789);

public sealed record VethSettings(string PeerNamespace, string Peer);

/// <param name="Learns">Whether the bridge learns who is behind the port from what comes.</param>
/// <param name="Floods">Whether what is for everybody or for somebody unknown goes to the port.</param>
/// <param name="SuppressesNeighbours">The bridge answers for who is behind the port, from its table of neighbours.</param>
public sealed record BridgePortSettings(bool Learns, bool Floods, bool SuppressesNeighbours, bool IsIsolated = false);
