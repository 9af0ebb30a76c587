using System.Security.Cryptography;
using System.Text;

namespace PonyCloud.Shared.Messaging;

/// <summary>A public key in a form that people compare, the same on both sides.</summary>
public static class KeyFingerprint
{
    /// <summary>The first 32 hexadecimal digits of the SHA-256 of the key's text.</summary>
    /// <param name="key">40 characters of Z85.</param>
    public static string Of(string key) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(key)).AsSpan(0, 16));
}
