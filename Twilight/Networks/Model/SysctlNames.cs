namespace PonyCloud.Twilight.Networks.Model;

/// <summary>The sysctls that the platform sets. No others are looked at, since a host has thousands.</summary>
public static class SysctlNames
{
    /// <summary>Of a namespace.</summary>
    public static IReadOnlyList<string> OfNamespace { get; } = ["net.ipv4.ip_forward", "net.ipv6.conf.all.forwarding"];

    /// <summary>Of a link, of IPv4.</summary>
    private static readonly string[] OfLink4 = ["forwarding", "rp_filter", "arp_ignore", "arp_announce", "proxy_arp", "promote_secondaries"];

    /// <summary>Of a link, of IPv6.</summary>
    private static readonly string[] OfLink6 = ["forwarding", "disable_ipv6", "accept_ra", "addr_gen_mode", "proxy_ndp"];

    /// <summary>All of a link.</summary>
    public static IEnumerable<string> OfLink(string link) =>
        OfLink4.Select(name => $"{Prefix4}{link}.{name}").Concat(OfLink6.Select(name => $"{Prefix6}{link}.{name}"));

    /// <summary>One of a link; whether such a one exists is for <see cref="LinkOf"/> to say.</summary>
    public static string Ipv4(string link, string name) => $"{Prefix4}{link}.{name}";

    /// <inheritdoc cref="Ipv4"/>
    public static string Ipv6(string link, string name) => $"{Prefix6}{link}.{name}";

    /// <summary>Whose it is: a link's name, which may have dots in it; null when it is the namespace's.</summary>
    /// <exception cref="ArgumentException">The platform has no such sysctl.</exception>
    public static string? LinkOf(string sysctl)
    {
        if (OfNamespace.Contains(sysctl))
            return null;
        foreach (var (prefix, names) in new[] { (Prefix4, OfLink4), (Prefix6, OfLink6) })
        {
            var last = sysctl.LastIndexOf('.');
            if (sysctl.StartsWith(prefix, StringComparison.Ordinal) && last > prefix.Length && names.Contains(sysctl[(last + 1)..]))
                return sysctl[prefix.Length..last];
        }
        throw new ArgumentException($"The platform sets no sysctl {sysctl}.", nameof(sysctl));
    }

    /// <summary>Where it is below <c>/proc/sys</c>.</summary>
    /// <exception cref="ArgumentException">The platform has no such sysctl.</exception>
    public static string PathOf(string sysctl)
    {
        if (LinkOf(sysctl) is not { } link)
            return sysctl.Replace('.', '/');
        var prefix = sysctl.StartsWith(Prefix4, StringComparison.Ordinal) ? Prefix4 : Prefix6;
        return $"{prefix.Replace('.', '/')}{link}/{sysctl[(sysctl.LastIndexOf('.') + 1)..]}";
    }

    private const string Prefix4 = "net.ipv4.conf.";
    private const string Prefix6 = "net.ipv6.conf.";
}
