namespace PonyCloud.Twilight.Networks.Rules;

/// <summary>The packet filter of this host, behind nftables.</summary>
/// <remarks>All calls throw <see cref="NetworkException"/> and <see cref="OperationCanceledException"/>.</remarks>
public interface IPacketFilter
{
    /// <summary>What the kernel can do.</summary>
    Task<FilterAbilities> AbilitiesAsync(CancellationToken cancellationToken);

    /// <summary>What is applied, whoever did it.</summary>
    Task<AppliedRules> ScanAsync(CancellationToken cancellationToken);

    /// <summary>All of the plan, or nothing of it if it fails.</summary>
    Task ApplyAsync(FilterPlan plan, CancellationToken cancellationToken);

    /// <summary>By tap, of those that are in the table.</summary>
    Task<IReadOnlyDictionary<string, CardCounters>> CountAsync(CancellationToken cancellationToken);
}

/// <param name="TracksConnections">Whether answers can be told from what nobody asked for, on a bridge.</param>
public sealed record FilterAbilities(bool TracksConnections)
{
    /// <summary>What a card in groups suffers from; null for nothing.</summary>
    public string? Why => TracksConnections
        ? null
        : "The kernel of the host does not track connections on bridges (nf_conntrack_bridge), so nothing but DHCP, ARP and neighbour"
            + " discovery reaches a card in security groups.";
}

/// <param name="Spoofed">Packets from the card of another origin than its own, or in the platform's place.</param>
/// <param name="Refused">Packets to and from it that its groups did not admit.</param>
public sealed record CardCounters(long Spoofed, long Refused);
