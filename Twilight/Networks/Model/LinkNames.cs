using System.Globalization;
using System.Security.Cryptography;

namespace PonyCloud.Twilight.Networks.Model;

/// <summary>
/// What links are called: what they are, and the beginning of the uuid of what they serve. The kernel allows 15 characters.
/// </summary>
public static class LinkNames
{
    private const int Digits = 12;

    public static string Bond(Guid bond) => "pcb" + Short(bond);

    public static string Vlan(Guid bond, int tag) => "pcv" + Short(bond)[..8] + "." + tag.ToString("x3", CultureInfo.InvariantCulture);

    /// <summary>The bridge of a switch.</summary>
    public static string Bridge(Guid @switch) => "pcs" + Short(@switch);

    public static string Vxlan(Guid @switch) => "pcx" + Short(@switch);

    /// <summary>The bridge's end of the cable into the namespace of the switch.</summary>
    public static string Service(Guid @switch) => "pcg" + Short(@switch);

    /// <summary>The host's end of the cable by which the namespace of the switch reaches the world.</summary>
    public static string Uplink(Guid @switch) => "pcu" + Short(@switch);

    /// <summary>The tap device of a card.</summary>
    public static string Tap(Guid vnic) => "pct" + Short(vnic);

    /// <summary>The namespace in which the platform serves and routes a switch.</summary>
    public static string Namespace(Guid @switch) => Marks.Namespace + Short(@switch);

    /// <summary>Whether a name is one of these. What somebody else called so is told apart by its alias.</summary>
    public static bool IsOurs(string? name) => name is { Length: > 3 } && name.StartsWith("pc", StringComparison.Ordinal) && "bvsxgut".Contains(name[2]);

    /// <summary>The hardware address that the platform has on a switch, the same on every host: locally administered.</summary>
    public static string ServiceHardwareAddress(Guid @switch)
    {
        var digest = SHA256.HashData(@switch.ToByteArray(bigEndian: true));
        return string.Create(CultureInfo.InvariantCulture, $"02:{digest[0]:x2}:{digest[1]:x2}:{digest[2]:x2}:{digest[3]:x2}:{digest[4]:x2}");
    }

    private static string Short(Guid uuid) => uuid.ToString("N")[..Digits];
}
