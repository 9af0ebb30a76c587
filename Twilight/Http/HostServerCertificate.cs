using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace PonyCloud.Twilight.Http;

/// <summary>A certificate that nobody signs: who talks to this host knows it by its fingerprint.</summary>
internal static class HostServerCertificate
{
    // Longer than any agent runs; a clock that is wrong by days does no harm.
    private static readonly TimeSpan Before = TimeSpan.FromDays(7);
    private static readonly TimeSpan After = TimeSpan.FromDays(3650);

    public static X509Certificate2 Make(DateTimeOffset now)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=PonyCloud host", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(false, false, 0, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature, critical: true));
        return request.CreateSelfSigned(now - Before, now + After);
    }
}
