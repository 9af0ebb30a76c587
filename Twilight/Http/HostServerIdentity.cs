using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace PonyCloud.Twilight.Http;

/// <summary>By what Sparkle knows the server of this host, and the server Sparkle. Made anew with each start.</summary>
/// <param name="Endpoint">Such as <c>https://192.0.2.7:40123</c>.</param>
/// <param name="Fingerprint">SHA-256 of the certificate (DER), in lower-case hexadecimal.</param>
/// <param name="Token">What Sparkle shows as bearer token. Secret.</param>
public sealed record HostServerIdentity(string Endpoint, string Fingerprint, string Token)
{
    private const int TokenBytes = 32;

    public static string NewToken() => Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(TokenBytes));

    public static string FingerprintOf(X509Certificate2 certificate) =>
        certificate.GetCertHashString(HashAlgorithmName.SHA256).ToLowerInvariant();

    /// <summary>Takes the same time however much of the token is right.</summary>
    public static bool IsBearer(string? authorization, string token)
    {
        return BearerOf(authorization) is { } shown && CryptographicOperations.FixedTimeEquals(Hash(shown), Hash(token));

        static byte[] Hash(string text) => SHA256.HashData(Encoding.UTF8.GetBytes(text));
    }

    /// <summary>The token that is shown; null where there is none.</summary>
    public static string? BearerOf(string? authorization)
    {
        const string Scheme = "Bearer ";
        return authorization?.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase) == true ? authorization[Scheme.Length..].Trim() : null;
    }

    /// <summary>Without the token, so that no log has it.</summary>
    public override string ToString() => $"{Endpoint} ({Fingerprint})";
}
