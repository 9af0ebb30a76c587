using System.Collections.Immutable;

namespace PonyCloud.Twilight.Networks.Routing;

/// <summary>What routers are to be, beside of links, addresses and routes.</summary>
/// <param name="World">The link on which floating addresses are answered for; null when nothing leaves by it.</param>
/// <param name="HostRules">As nft reads them; null when there is nothing to rule.</param>
/// <param name="NamespaceRules">By switch, as nft reads them.</param>
/// <param name="Floating">By switch, addresses that this host answers for.</param>
public sealed record RoutingOrders(
    PublicLink? World,
    string? HostRules,
    ImmutableSortedDictionary<Guid, string> NamespaceRules,
    ImmutableSortedDictionary<Guid, ImmutableArray<string>> Floating)
{
    public static RoutingOrders None { get; } = new(
        null, null, ImmutableSortedDictionary<Guid, string>.Empty, ImmutableSortedDictionary<Guid, ImmutableArray<string>>.Empty);
}

/// <summary>The rules and the announcements of routers on this host.</summary>
/// <remarks>One call at a time.</remarks>
public interface IRouters
{
    /// <summary>
    /// Rules what may pass the host's own namespace. To be called before links are changed, so that nothing passes that a new
    /// link lets in and no rule holds off yet; the links need not be there.
    /// </summary>
    /// <returns>What is wrong, in words: then no uplink should be made.</returns>
    /// <exception cref="OperationCanceledException">Withdrawn.</exception>
    Task<string?> PrepareAsync(RoutingOrders wanted, CancellationToken cancellationToken);

    /// <summary>
    /// After links, addresses and routes are there: the rules of the namespaces, and whom the world finds here. To be called
    /// when something changed, and again after <see cref="RoutingReport.LookAgain"/>.
    /// </summary>
    /// <exception cref="OperationCanceledException">Withdrawn; the next call goes on.</exception>
    Task<RoutingReport> ApplyAsync(RoutingOrders wanted, CancellationToken cancellationToken);
}

/// <param name="Problems">By switch, what is not as ordered, in words.</param>
/// <param name="World">What is wrong with the way out of all of them, in words.</param>
/// <param name="LookAgain">When to look again; null when there is nothing to look at.</param>
public sealed record RoutingReport(ImmutableSortedDictionary<Guid, string> Problems, string? World, TimeSpan? LookAgain);
