using PonyCloud.Twilight.Networks.Model;

namespace PonyCloud.Twilight.Networks.Links;

/// <summary>What the platform may change and take away.</summary>
internal static class Ownership
{
    private const int Digits = 12;

    /// <summary>
    /// Whether the platform made it. The kernel takes an alias only when the link is there already: one without any, whose name and
    /// kind nobody else gives, was made by an agent that was cut off in between. In a namespace of the platform this goes for all
    /// that is no device of the kernel's own.
    /// </summary>
    public static bool IsOurs(string space, Link link) =>
        link.IsOurs || (string.IsNullOrEmpty(link.Alias) && (space != NetworkState.Host ? link.Kind is not (LinkKind.Card or LinkKind.Other) : IsHalfMade(link)));

    private static bool IsHalfMade(Link link) => link.Kind switch
    {
        LinkKind.Bond => HasForm(link.Name, "pcb"),
        LinkKind.Bridge => HasForm(link.Name, "pcs"),
        LinkKind.Vxlan => HasForm(link.Name, "pcx"),
        LinkKind.Tap => HasForm(link.Name, "pct"),
        LinkKind.Veth => HasForm(link.Name, "pcg") || HasForm(link.Name, "pcu"),
        LinkKind.Vlan => link.Name.Length == 15 && link.Name.StartsWith("pcv", StringComparison.Ordinal) && link.Name[11] == '.'
            && link.Name.AsSpan(3, 8).IndexOfAnyExcept(Hexadecimal) < 0 && link.Name.AsSpan(12).IndexOfAnyExcept(Hexadecimal) < 0,
        _ => false,
    };

    private static bool HasForm(string name, string prefix) =>
        name.Length == prefix.Length + Digits && name.StartsWith(prefix, StringComparison.Ordinal)
        && name.AsSpan(prefix.Length).IndexOfAnyExcept(Hexadecimal) < 0;

    private static readonly System.Buffers.SearchValues<char> Hexadecimal = System.Buffers.SearchValues.Create("0123456789abcdef");
}
