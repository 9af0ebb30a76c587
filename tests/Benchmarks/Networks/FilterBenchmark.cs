using System.Diagnostics;
using PonyCloud.Shared.Entities;
using PonyCloud.TestKit.Network;
using PonyCloud.TestKit.Processes;
using PonyCloud.Twilight.Networks.Rules;

namespace PonyCloud.Benchmarks.Networks;

/// <summary>
/// The packet filter of a host with many cards: from rows of cards to what the kernel has, beside nft with the text of the same rules.
/// </summary>
internal sealed class FilterBenchmark : IAsyncDisposable
{
    private const int Rounds = 21;
    private const int Warming = 200;

    private static readonly int[] Sizes = [10, 100, 1_000];
    private static readonly Guid Group = Guid.Parse("aaaaaaaa-0000-0000-0000-000000000001");

    private readonly TemporaryDirectory _directory = new("filter-benchmark");
    private readonly NetworkNamespace _namespace;
    private readonly NftPacketFilter _filter;

    private FilterBenchmark(NetworkNamespace made)
    {
        _namespace = made;
        _filter = new NftPacketFilter(new ToolsInside(made));
    }

    public static async Task<IEnumerable<ResultLine>> RunAsync()
    {
        await using var benchmark = new FilterBenchmark(await NetworkNamespace.StartAsync());
        var lines = new List<ResultLine>();
        foreach (var cards in Sizes)
            lines.Add(await benchmark.OneMoreAsync(cards));
        lines.Add(await benchmark.AllAsync(Sizes[^1]));
        lines.AddRange(await benchmark.LooksAsync(Sizes[^1]));
        return lines;
    }

    public async ValueTask DisposeAsync()
    {
        await _namespace.DisposeAsync();
        _directory.Dispose();
    }

    private async Task<ResultLine> AllAsync(int cards)
    {
        var host = Host(cards);
        var raw = await WriteAsync(FilterPlan.Between(AppliedRules.None, FilterLayout.Of(host)));
        List<double> ours = [], raws = [];
        for (var round = 0; round < Rounds; round++)
        {
            await ClearAsync();
            ours.Add(await TimeAsync(() => ApplyAsync(AppliedRules.None, host)));
            await ClearAsync();
            raws.Add(await TimeAsync(() => _namespace.RunAsync("nft", "-f", raw)));
        }
        return new Result($"filter of {cards:N0} cards, from nothing", Median(ours), "ms", "nft -f", Median(raws), 1.5, HigherIsBetter: false);
    }

    /// <summary>One card comes to those that are there, as after a row has changed; what was applied before is remembered.</summary>
    private async Task<ResultLine> OneMoreAsync(int cards)
    {
        var (before, after) = (FilterLayout.Of(Host(cards)), Host(cards + 1));
        var back = FilterPlan.Between(FilterLayout.Of(after).Applied, before);
        var raw = await WriteAsync(FilterPlan.Between(before.Applied, FilterLayout.Of(after)));
        await ClearAsync();
        await _filter.ApplyAsync(FilterPlan.Between(AppliedRules.None, before), CancellationToken.None);
        var applied = before.Applied;
        // Code that the agent runs all day is not measured while the runtime still looks at it.
        for (var round = 0; round < Warming; round++)
            _ = FilterPlan.Between(applied, FilterLayout.Of(after));
        List<double> ours = [], raws = [];
        for (var round = 0; round < Rounds; round++)
        {
            ours.Add(await TimeAsync(() => ApplyAsync(applied, after)));
            await _filter.ApplyAsync(back, CancellationToken.None);
            raws.Add(await TimeAsync(() => _namespace.RunAsync("nft", "-f", raw)));
            await _filter.ApplyAsync(back, CancellationToken.None);
        }
        return new Result($"filter of one more card beside {cards:N0}", Median(ours), "ms", "nft -f", Median(raws), 2, HigherIsBetter: false);
    }

    private async Task<IEnumerable<ResultLine>> LooksAsync(int cards)
    {
        await ClearAsync();
        await ApplyAsync(AppliedRules.None, Host(cards));
        List<double> scans = [], lists = [], counts = [], sets = [];
        for (var round = 0; round < Rounds; round++)
        {
            scans.Add(await TimeAsync(() => _filter.ScanAsync(CancellationToken.None)));
            lists.Add(await TimeAsync(() => _namespace.RunAsync("nft", "-j", "list", "table", "bridge", "ponycloud")));
            counts.Add(await TimeAsync(() => _filter.CountAsync(CancellationToken.None)));
            sets.Add(await TimeAsync(() => _namespace.RunAsync("nft", "-j", "list", "set", "bridge", "ponycloud", "spoofed")));
        }
        return
        [
            new Result($"look at the filter of {cards:N0} cards", Median(scans), "ms", "nft -j list table", Median(lists), 1.5, HigherIsBetter: false),
            new Result($"both counters of {cards:N0} cards", Median(counts), "ms", "nft -j list set, of one", Median(sets)),
        ];
    }

    private Task ApplyAsync(AppliedRules applied, FilterInput input) =>
        _filter.ApplyAsync(FilterPlan.Between(applied, FilterLayout.Of(input)), CancellationToken.None);

    private async Task ClearAsync() => await _namespace.RunAsync("nft", "flush", "ruleset");

    private async Task<string> WriteAsync(FilterPlan plan)
    {
        var file = _directory["rules.nft"];
        await File.WriteAllTextAsync(file, plan.Script);
        return file;
    }

    /// <summary>Ten switches; each card has an address of either version, and is in a group or limited, or both, or neither.</summary>
    private static FilterInput Host(int cards) => new()
    {
        Switches = [.. Enumerable.Range(0, 10).Select(number => new FilterSwitch($"pcs{number}", $"pcg{number}", $"pcx{number}", true, true, []))],
        Cards =
        [
            .. Enumerable.Range(1, cards).Select(number => new FilterCard
            {
                Vnic = Guid.Empty,
                Tap = $"pct{number}",
                Bridge = $"pcs{number % 10}",
                HardwareAddress = $"52:54:00:00:{number / 256:x2}:{number % 256:x2}",
                Addresses = [new($"10.0.{number / 256}.{number % 256}"), new($"2001:db8::{number:x}")],
                Groups = number % 2 == 0 ? [Group] : [],
                OutMbit = number % 3 == 0 ? 100 : null,
            }),
        ],
        Groups =
        [
            new FilterGroup(Group,
            [
                new SecurityRuleDesired
                {
                    Uuid = Guid.Empty,
                    SecurityGroup = Group,
                    Direction = SecurityDirection.Ingress,
                    Protocol = SecurityProtocol.Tcp,
                    PortFrom = 22,
                    PortTo = 22,
                },
            ]),
        ],
        TracksConnections = false,
    };

    private static double Median(List<double> values) => values.Order().ElementAt(values.Count / 2);

    private static async Task<double> TimeAsync(Func<Task> work)
    {
        var watch = Stopwatch.StartNew();
        await work();
        return watch.Elapsed.TotalMilliseconds;
    }
}
