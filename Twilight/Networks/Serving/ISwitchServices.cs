using System.Collections.Immutable;

namespace PonyCloud.Twilight.Networks.Serving;

/// <summary>What answers DHCP, DNS, router solicitations and questions for metadata on the switches of this host.</summary>
public interface ISwitchServices
{
    /// <summary>
    /// Makes what answers be as wanted, and looks whether it still answers. To be called when something changed, and again
    /// after <see cref="ServingReport.LookAgain"/>; one call at a time. What is not wanted any more is ended.
    /// </summary>
    /// <exception cref="OperationCanceledException">Withdrawn; the next call goes on.</exception>
    Task<ServingReport> ApplyAsync(IReadOnlyList<SwitchService> wanted, CancellationToken cancellationToken);
}

/// <param name="Problems">By switch, what is not as ordered, in words; switches with nothing wrong are left out.</param>
/// <param name="LookAgain">When to look again; null when nothing is served.</param>
public sealed record ServingReport(ImmutableSortedDictionary<Guid, ImmutableArray<string>> Problems, TimeSpan? LookAgain);
