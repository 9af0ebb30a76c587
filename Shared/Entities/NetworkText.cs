using System.Net;
using System.Net.Sockets;

namespace PonyCloud.Shared.Entities;

/// <summary>
/// Addresses in the one form in which they stand in memory, in JSON and in keys, so that equal ones are equal texts: IPv6
/// as RFC 5952 writes it, a network as <c>address/prefix</c> without bits beyond its prefix, a hardware address as
/// lower-case pairs with colons.
/// </summary>
public static class NetworkText
{
    private const int HardwareBytes = 6;

    /// <summary>The form of an IP address without a prefix length; null when the text is none.</summary>
    public static string? Address(string text) => Parse(text)?.ToString();

    /// <summary>The form of a network such as <c>192.0.2.0/24</c>; null when the text is none.</summary>
    /// <param name="isMasked">False when the text has bits beyond the prefix, which the result has not.</param>
    public static string? Network(string text, out bool isMasked)
    {
        isMasked = false;
        var slash = text.IndexOf('/', StringComparison.Ordinal);
        if (slash < 0 || Parse(text[..slash]) is not { } address)
            return null;
        var digits = text.AsSpan(slash + 1);
        var bytes = address.GetAddressBytes();
        if (digits.Length is 0 or > 3 || digits.ContainsAnyExceptInRange('0', '9') || (digits.Length > 1 && digits[0] == '0')
            || int.Parse(digits) is var prefix && prefix > bytes.Length * 8)
        {
            return null;
        }
        var masked = Masked(bytes, prefix);
        isMasked = masked.AsSpan().SequenceEqual(bytes);
        return $"{new IPAddress(masked)}/{prefix}";
    }

    /// <summary>The form of a hardware address, whose pairs may be joined by colons or hyphens; null when the text is none.</summary>
    public static string? HardwareAddress(string text)
    {
        if (text.Length != HardwareBytes * 3 - 1)
            return null;
        for (var i = 0; i < text.Length; i++)
        {
            if (i % 3 == 2 ? text[i] != text[2] || text[i] is not (':' or '-') : !char.IsAsciiHexDigit(text[i]))
                return null;
        }
        return text.Replace('-', ':').ToLowerInvariant();
    }

    private static IPAddress? Parse(string text)
    {
        // The framework also takes 1 and 0x7f000001 for addresses, and interfaces and brackets around them.
        var isAddress = IPAddress.TryParse(text, out var address)
            && (address.AddressFamily == AddressFamily.InterNetworkV6
                ? !text.AsSpan().ContainsAny('%', '[')
                : text.AsSpan().Count('.') == 3 && address.ToString() == text);
        return isAddress ? address : null;
    }

    private static byte[] Masked(byte[] address, int prefix)
    {
        var masked = new byte[address.Length];
        for (var i = 0; i < masked.Length; i++)
            masked[i] = (byte)(address[i] & (0xff00 >> Math.Clamp(prefix - i * 8, 0, 8)));
        return masked;
    }
}
