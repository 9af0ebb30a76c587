using PonyCloud.Twilight.Networks.Model;

namespace PonyCloud.Twilight.Networks.Layout;

/// <summary>What the alias of a tap device says: whose it is.</summary>
public sealed record TapAlias(Guid Vnic, Guid Switch, Guid Instance)
{
    public static TapAlias? Parse(string? alias) =>
        alias?.Split(' ') is [Marks.Alias, "vnic", var vnic, "switch", var @switch, "instance", var instance]
        && Guid.TryParse(vnic, out var card) && Guid.TryParse(@switch, out var plugged) && Guid.TryParse(instance, out var owner)
            ? new TapAlias(card, plugged, owner)
            : null;

    public override string ToString() => $"{Marks.Alias} vnic {Vnic} switch {Switch} instance {Instance}";
}
