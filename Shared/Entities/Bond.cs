using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using System.Text.Json.Serialization;

namespace PonyCloud.Shared.Entities;

/// <summary>How the cards of a bond share the work, as the Linux kernel names it.</summary>
public enum BondMode
{
    /// <summary>One card works, the others wait. Needs nothing of the switch.</summary>
    ActiveBackup,

    /// <summary>LACP: all cards work, and the switch knows of it.</summary>
    [JsonStringEnumMemberName("802.3ad")]
    Lacp,

    /// <summary>The one card as it is, without the kernel's bonding driver.</summary>
    Single,
}

/// <summary>How often the partner of an LACP bond is asked for a sign of life.</summary>
public enum LacpRate
{
    /// <summary>Every 30 seconds.</summary>
    Slow,

    /// <summary>Every second.</summary>
    Fast,
}

/// <summary>What of a packet decides which card of the bond sends it.</summary>
public enum XmitHashPolicy
{
    Layer2,

    [JsonStringEnumMemberName("layer2+3")]
    Layer2And3,

    [JsonStringEnumMemberName("layer3+4")]
    Layer3And4,
}

public sealed record BondDesired
{
    public required Guid Uuid { get; init; }

    [References("host")]
    [Immutable]
    public required Guid Host { get; init; }

    public BondMode Mode { get; init; } = BondMode.ActiveBackup;

    [Description("Of mode 802.3ad.")]
    public LacpRate LacpRate { get; init; } = LacpRate.Slow;

    [Description("Of mode 802.3ad.")]
    public XmitHashPolicy XmitHashPolicy { get; init; } = XmitHashPolicy.Layer2;

    [Description("The largest packet that the links carry, in bytes; absent for what the cards come with.")]
    [Range(1280, 9216)]
    public int? Mtu { get; init; }
}

public sealed class BondDeclaration : IEntityDeclaration
{
    public Entity Declare() => EntityBuilder
        .Named("bond", "Network cards of a host that work as one.")
        .KeyedByNewUuid()
        .Stored<BondDesired>()
        .Index("host")
        .SentToHost(new HostScope.NamedBy("host"))
        .Mount("/host/bond", Access.Protected)
        .Build();
}
