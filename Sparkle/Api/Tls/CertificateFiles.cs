using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace PonyCloud.Sparkle.Api.Tls;

/// <summary>What is in the files cannot be served. The message names the file and says why.</summary>
public sealed class CertificateException(string message, Exception? inner = null) : Exception(message, inner);

/// <summary>A certificate as it is served, with the chain that stands behind it in its file.</summary>
/// <param name="Digest">Of both files, to notice that they changed.</param>
public sealed record LoadedCertificate(SslStreamCertificateContext Context, string Digest)
{
    public X509Certificate2 Leaf => Context.TargetCertificate;

    public DateTimeOffset NotAfter => new(Leaf.NotAfter.ToUniversalTime());
}

/// <summary>The two files in PEM: the certificate with the chain behind it, and its key.</summary>
public sealed record CertificateFiles(string Certificate, string Key)
{
    /// <summary>No certificate or key is anywhere near as large.</summary>
    private const int MaxLength = 1024 * 1024;

    /// <summary>What the files hold now, whatever it is.</summary>
    /// <exception cref="CertificateException">A file cannot be read.</exception>
    public (string Certificate, string Key, string Digest) Read()
    {
        var (certificate, key) = (Read(Certificate), Read(Key));
        var digest = SHA256.HashData(Encoding.UTF8.GetBytes($"{certificate.Length} {certificate}{key}"));
        return (certificate, key, Convert.ToHexStringLower(digest));
    }

    /// <exception cref="CertificateException">A file cannot be read, or they hold no certificate with its key.</exception>
    public LoadedCertificate Load()
    {
        var (certificates, key, digest) = Read();
        return Parse(certificates, key, digest);
    }

    /// <exception cref="CertificateException">They hold no certificate with its key.</exception>
    public LoadedCertificate Parse(string certificates, string key, string digest)
    {
        var chain = new X509Certificate2Collection();
        try
        {
            chain.ImportFromPem(certificates);
        }
        catch (CryptographicException failure)
        {
            throw new CertificateException($"{Certificate} holds no certificates in PEM: {failure.Message}", failure);
        }
        if (chain.Count == 0)
            throw new CertificateException($"{Certificate} holds no certificate in PEM.");
        var leaf = WithKey(chain[0], key);
        chain[0].Dispose();
        chain.RemoveAt(0);
        // What is served is what stands in the file: nothing is fetched from elsewhere.
        return new LoadedCertificate(SslStreamCertificateContext.Create(leaf, chain, offline: true), digest);
    }

    private X509Certificate2 WithKey(X509Certificate2 certificate, string key)
    {
        try
        {
            return certificate.GetKeyAlgorithm() switch
            {
                "1.2.840.113549.1.1.1" => Joined(RSA.Create(), key, certificate.CopyWithPrivateKey),
                "1.2.840.10045.2.1" => Joined(ECDsa.Create(), key, certificate.CopyWithPrivateKey),
                var other => throw new CertificateException($"{Certificate} has a key of the kind {other}; it must be RSA or ECDSA."),
            };
        }
        catch (ArgumentException failure)
        {
            throw new CertificateException($"{Key} is not the key of the first certificate in {Certificate}, or no key in PEM without a password.", failure);
        }
        catch (CryptographicException failure)
        {
            throw new CertificateException($"{Key} holds no key that goes with {Certificate}: {failure.Message}", failure);
        }
    }

    private static X509Certificate2 Joined<T>(T algorithm, string pem, Func<T, X509Certificate2> join)
        where T : AsymmetricAlgorithm
    {
        using (algorithm)
        {
            algorithm.ImportFromPem(pem);
            return join(algorithm);
        }
    }

    private static string Read(string path)
    {
        try
        {
            using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            if (file.Length > MaxLength)
                throw new CertificateException($"{path} has more than {MaxLength} bytes.");
            using var reader = new StreamReader(file);
            return reader.ReadToEnd();
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new CertificateException($"{path} cannot be read: {failure.Message}", failure);
        }
    }
}
