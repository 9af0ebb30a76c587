using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace PonyCloud.TestKit.Tls;

/// <summary>A root, an authority below it, and certificates for this machine from that.</summary>
public sealed class TestAuthority : IDisposable
{
    private readonly X509Certificate2 _root;
    private readonly X509Certificate2 _authority;

    public TestAuthority()
    {
        using var rootKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var root = Request("root", rootKey, isAuthority: true);
        _root = root.CreateSelfSigned(DateTimeOffset.UnixEpoch, DateTimeOffset.UnixEpoch.AddYears(200));
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var made = Request("authority", key, isAuthority: true)
            .Create(_root, DateTimeOffset.UnixEpoch, DateTimeOffset.UnixEpoch.AddYears(199), RandomNumberGenerator.GetBytes(8));
        _authority = made.CopyWithPrivateKey(key);
    }

    /// <summary>The certificate of the root, in PEM: what a client has to know.</summary>
    public string RootPem => _root.ExportCertificatePem();

    /// <summary>A certificate with its chain, and its key, in PEM.</summary>
    /// <param name="use">Object identifier of the only use that it is for; null for any.</param>
    public (string Certificate, string Key) Issue(string name, DateTimeOffset? until = null, string? use = null)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = Request(name, key, isAuthority: false);
        if (use is not null)
            request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid(use)], critical: true));
        using var made = request.Create(
            _authority, DateTimeOffset.UnixEpoch, until ?? DateTimeOffset.UnixEpoch.AddYears(198), RandomNumberGenerator.GetBytes(8));
        return ($"{made.ExportCertificatePem()}\n{_authority.ExportCertificatePem()}\n", key.ExportPkcs8PrivateKeyPem());
    }

    public X509ChainPolicy Policy()
    {
        var policy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
        policy.CustomTrustStore.Add(_root);
        return policy;
    }

    public void Dispose()
    {
        _authority.Dispose();
        _root.Dispose();
    }

    private static CertificateRequest Request(string name, ECDsa key, bool isAuthority)
    {
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(isAuthority, false, 0, true));
        if (!isAuthority)
        {
            var names = new SubjectAlternativeNameBuilder();
            names.AddIpAddress(IPAddress.Loopback);
            request.CertificateExtensions.Add(names.Build());
        }
        return request;
    }
}
