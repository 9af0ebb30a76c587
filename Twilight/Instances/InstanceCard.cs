using PonyCloud.Shared.Entities;

namespace PonyCloud.Twilight.Instances;

/// <summary>A network card that an instance is to have.</summary>
public sealed record InstanceCard
{
    public required Guid Vnic { get; init; }

    /// <summary>The place among the cards of the instance; null while it has none.</summary>
    public required int? Index { get; init; }

    /// <summary>Null while it has none.</summary>
    public required string? HardwareAddress { get; init; }

    public required VnicModel Model { get; init; }

    /// <summary>Whether the guest is to see its cable plugged in.</summary>
    public required bool IsUp { get; init; }

    /// <summary>The largest packet that the guest is told of, bytes; null when nothing is known of it.</summary>
    public int? Mtu { get; init; }

    public static InstanceCard Of(VnicDesired row) => new()
    {
        Vnic = row.Uuid,
        Index = row.Index,
        HardwareAddress = row.Macaddr,
        Model = row.Model,
        IsUp = row.Link == VnicLink.Up,
    };

    public override string ToString() =>
        $"card {Index} {Vnic} ({HardwareAddress}, {CardXml.NameOf(Model)}, {(IsUp ? "up" : "down")}{(Mtu is null ? "" : $", MTU {Mtu}")})";
}
