using System.Collections.Immutable;

namespace PonyCloud.Twilight.Networks.Serving;

/// <summary>Several services of switches, as one.</summary>
public sealed class SwitchServices(IReadOnlyList<ISwitchServices> all) : ISwitchServices
{
    /// <inheritdoc/>
    public async Task<ServingReport> ApplyAsync(IReadOnlyList<SwitchService> wanted, CancellationToken cancellationToken)
    {
        var reports = await Task.WhenAll(all.Select(one => one.ApplyAsync(wanted, cancellationToken)));
        var problems = reports.SelectMany(report => report.Problems).GroupBy(one => one.Key, one => one.Value)
            .ToImmutableSortedDictionary(one => one.Key, one => one.SelectMany(words => words).Distinct().ToImmutableArray());
        return new ServingReport(problems, reports.Min(report => report.LookAgain));
    }
}
