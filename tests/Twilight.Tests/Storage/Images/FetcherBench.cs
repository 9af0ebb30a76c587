using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.Logging.Abstractions;
using NUnit.Framework;
using PonyCloud.Shared.Entities;
using PonyCloud.Shared.Reconciliation;
using PonyCloud.TestKit.Processes;
using PonyCloud.TestKit.Time;
using PonyCloud.Twilight.Storage.Images;

namespace PonyCloud.Twilight.Tests.Storage.Images;

/// <summary>A fetcher with time in the hands of the test, and a file for it to fill.</summary>
internal sealed class FetcherBench : IDisposable
{
    public const string PlatformNetwork = "10.77.0.0/16";
    public const string OwnAddress = "203.0.113.9";

    private static readonly TimeSpan Step = TimeSpan.FromSeconds(2);

    private readonly TemporaryDirectory _directory = new("images");

    public ManualTime Time { get; } = new();

    public FakeImageNetwork Network { get; } = new();

    // Waiting for a connection and for content takes longer than the wait between two goes, so that a test can skip the one
    // without the other.
    public ImageFetchOptions Options { get; set; } = new()
    {
        BytesMax = 64 << 20,
        ConnectLimit = TimeSpan.FromMinutes(1),
        Backoff = new Backoff(TimeSpan.FromSeconds(1), Step),
    };

    public string Partial => _directory["partial"];

    public string Directory => _directory.Path;

    public static ImageDesired Image(string? source, Guid? tenant = null, string? checksum = null) => new()
    {
        Uuid = Guid.Parse("00000000-0000-4000-8000-000000000001"),
        Name = "image",
        Tenant = tenant,
        SourceUri = source,
        Checksum = checksum,
    };

    public static ImageDesired TenantImage(string source) => Image(source, Guid.Parse("00000000-0000-4000-8000-00000000000a"));

    public static byte[] Content(int length)
    {
        var bytes = new byte[length];
        new Random(length).NextBytes(bytes);
        return bytes;
    }

    public static string Sha256(byte[] bytes) => $"sha256:{Convert.ToHexStringLower(SHA256.HashData(bytes))}";

    /// <summary>A certificate for localhost, and who trusts it.</summary>
    public static (X509Certificate2 Certificate, X509ChainPolicy Trust) Certificate()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddIpAddress(IPAddress.Loopback);
        names.AddDnsName("mirror.example");
        request.CertificateExtensions.Add(names.Build());
        var certificate = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        var trust = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
        trust.CustomTrustStore.Add(certificate);
        return (certificate, trust);
    }

    public ImageFetcher Fetcher(IImageNetwork? network = null) => new(
        Options,
        new AddressPolicy([IPNetwork.Parse(PlatformNetwork)], () => [IPAddress.Parse(OwnAddress)]),
        network ?? Network,
        Time,
        NullLogger<ImageFetcher>.Instance);

    public Task<FetchedImage> FetchAsync(
        ImageDesired image, IProgress<FetchProgress>? progress = null, CancellationToken cancellationToken = default) =>
        Fetcher().FetchAsync(image, Partial, progress, cancellationToken);

    /// <summary>Fetches, and skips the waits between two goes.</summary>
    public async Task<FetchedImage> FetchPatientlyAsync(ImageDesired image)
    {
        var fetch = FetchAsync(image);
        while (!fetch.IsCompleted)
        {
            var timer = Time.WaitForTimerAsync(Step);
            if (await Task.WhenAny(fetch, timer) == timer)
                Time.Advance(Step);
        }
        return await fetch;
    }

    /// <summary>A fetch that fails for this reason, and leaves nothing.</summary>
    public async Task<string> FailsAsync(ImageFailure failure, ImageDesired image)
    {
        try
        {
            await FetchPatientlyAsync(image);
        }
        catch (ImageException exception)
        {
            Assert.Multiple(() =>
            {
                Assert.That(exception.Failure, Is.EqualTo(failure), exception.Message);
                Assert.That(Partial, Does.Not.Exist);
            });
            return exception.Message;
        }
        throw new AssertionException("It was fetched.");
    }

    public void Dispose() => _directory.Dispose();
}
