using System.Threading.Channels;
using PonyCloud.Twilight.Networks.Model;

namespace PonyCloud.Twilight.Networks;

/// <summary>The kernel's network of this host, behind iproute2.</summary>
/// <remarks>All calls throw <see cref="NetworkException"/> and <see cref="OperationCanceledException"/>.</remarks>
public interface INetworkStack
{
    /// <summary>A reason to look: a link, an address or a route changed. Bounded, and the oldest go when nobody reads.</summary>
    ChannelReader<string> Events { get; }

    /// <summary>What is there, in the host's namespace and in those of the platform.</summary>
    Task<NetworkState> ScanAsync(CancellationToken cancellationToken);

    /// <summary>Carries out the steps in their order, and stops at the first that fails.</summary>
    Task ApplyAsync(IReadOnlyList<NetworkStep> steps, CancellationToken cancellationToken);
}
