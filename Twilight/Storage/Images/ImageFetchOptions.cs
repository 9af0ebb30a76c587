using System.Security.Cryptography.X509Certificates;
using PonyCloud.Shared.Reconciliation;

namespace PonyCloud.Twilight.Storage.Images;

/// <summary>The bounds of a fetch.</summary>
public sealed record ImageFetchOptions
{
    /// <summary>The largest content, in bytes.</summary>
    public long BytesMax { get; init; } = 256L << 30;

    /// <summary>The least rate, in bytes a second over one <see cref="StallWindow"/>.</summary>
    public long RateMin { get; init; } = 16 << 10;

    /// <summary>So long a server may send less than the least rate.</summary>
    public TimeSpan StallWindow { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>So long one address may take to answer to a connection.</summary>
    public TimeSpan ConnectLimit { get; init; } = TimeSpan.FromSeconds(10);

    public int RedirectsMax { get; init; } = 5;

    /// <summary>So many failures in a row are tried again.</summary>
    public int RetriesMax { get; init; } = 5;

    /// <summary>So many bytes more than ever before make the failures start to count anew.</summary>
    public long SoundAfter { get; init; } = 64 << 20;

    public Backoff Backoff { get; init; } = new(TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(30));

    public TimeSpan ProgressInterval { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>Whom to trust for https; the machine's own list of authorities where this is null.</summary>
    internal X509ChainPolicy? Trust { get; init; }
}
