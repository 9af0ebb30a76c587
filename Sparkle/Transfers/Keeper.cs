using PonyCloud.Shared.Entities;
using PonyCloud.Shared.State;
using PonyCloud.Sparkle.Api;

namespace PonyCloud.Sparkle.Transfers;

/// <summary>The transfer server of the host that keeps a volume.</summary>
/// <param name="Fingerprint">SHA-256 of its certificate.</param>
/// <param name="Token">By what it knows Sparkle. Secret.</param>
public sealed record Keeper(Guid Host, Uri Endpoint, ReadOnlyMemory<byte> Fingerprint, string Token)
{
    /// <summary>Without the token, so that no log has it.</summary>
    public override string ToString() => $"host {Host} at {Endpoint}";
}

/// <summary>Finds the keeper of a volume in a snapshot.</summary>
public sealed class KeeperFinder(EntityCatalog catalog, TransferOptions options)
{
    private const int FingerprintLength = 32;

    private readonly Entity _kept = catalog["host_volume"];
    private readonly Entity _hosts = catalog["host"];

    /// <summary>The host that is to keep the volume; null when none is.</summary>
    public Guid? HostOf(StateSnapshot snapshot, Guid volume)
    {
        foreach (var row in snapshot[_kept].Where("volume", volume.ToString()))
        {
            if (row.Desired is HostVolumeDesired kept)
                return kept.Host;
        }
        return null;
    }

    /// <exception cref="ProblemException">There is none, or it cannot be spoken to.</exception>
    public Keeper Find(StateSnapshot snapshot, Guid volume)
    {
        if (HostOf(snapshot, volume) is not { } host)
            throw Refused("No host keeps the volume yet.");
        if (snapshot[_hosts].Find(RowKey.Of(host))?.Current is not HostCurrent { Status: HostStatus.Present } current)
            throw Refused("The host that keeps the volume is not heard of.");
        if (current.TransferToken is not { } token
            || !Uri.TryCreate(current.TransferEndpoint, UriKind.Absolute, out var endpoint)
            || endpoint is not { Scheme: "https", UserInfo: "", PathAndQuery: "/", Fragment: "" }
            || FingerprintOf(current.TransferFingerprint) is not { } fingerprint)
        {
            throw Refused("The host that keeps the volume transfers no contents.");
        }
        return new Keeper(host, endpoint, fingerprint, token);
    }

    private static byte[]? FingerprintOf(string? text)
    {
        var bytes = new byte[FingerprintLength];
        return text?.Length == 2 * FingerprintLength
            && Convert.FromHexString(text, bytes, out _, out var count) == System.Buffers.OperationStatus.Done
            && count == FingerprintLength
                ? bytes
                : null;
    }

    private ProblemException Refused(string why) => new(new Problem(ProblemKind.Unavailable, why) { RetryAfter = options.RetryAfter });
}
