using System.Collections.Immutable;
using System.Diagnostics;
using System.Globalization;
using Microsoft.Extensions.Logging.Abstractions;
using PonyCloud.TestKit.Network;
using PonyCloud.TestKit.Processes;
using PonyCloud.Twilight.Networks;
using PonyCloud.Twilight.Networks.Links;
using PonyCloud.Twilight.Networks.Model;

namespace PonyCloud.Benchmarks.Networks;

/// <summary>
/// The cards of many instances on one host, in a network of the benchmark's own: a plan that is made and carried out, beside iproute2 that reads
/// the very same lines from files which are ready.
/// </summary>
internal static class NetworkBenchmark
{
    private const int Switches = 20;
    private const int Most = 1_000;
    private const int Rounds = 3;
    private const int Additions = 20;
    private const int Scans = 5;

    private static readonly int[] Sizes = [10, 100, Most];

    public static async IAsyncEnumerable<ResultLine> RunAsync()
    {
        using var directory = new TemporaryDirectory("network-benchmark");
        List<double> made = [], planned = [], raw = [];
        for (var round = 0; round < Rounds; round++)
        {
            await using (var host = await Host.StartAsync(directory))
            {
                planned.Add(Time(() => NetworkPlanner.Plan(NetworkState.Empty, Wanted(Most))));
                made.Add(await TimeAsync(() => host.MakeAsync(NetworkState.Empty, Wanted(Most))));
            }
            await using (var host = await Host.StartAsync(directory))
            {
                await host.WriteAsync(NetworkPlanner.Plan(NetworkState.Empty, Wanted(Most)).Steps);
                raw.Add(await TimeAsync(host.RunFilesAsync));
            }
        }
        yield return new Result($"{Most:#,0} cards in {Switches} switches, made from nothing", Median(made), "ms", "ip -batch, bridge -batch of the same", Median(raw), 1.5, HigherIsBetter: false);
        yield return new Result("of that, the plan", Median(planned), "ms", "the whole", Median(made));
        foreach (var size in Sizes)
        {
            await using var host = await Host.StartAsync(directory);
            foreach (var line in await AtAsync(host, size))
                yield return line;
        }
    }

    private static async Task<IReadOnlyList<ResultLine>> AtAsync(Host host, int size)
    {
        await host.MakeAsync(NetworkState.Empty, Wanted(size));
        List<double> scans = [], dumps = [], plans = [], added = [], raw = [], nothing = [];
        for (var i = 0; i < Scans; i++)
        {
            scans.Add(await TimeAsync(host.ScanAsync));
            dumps.Add(await TimeAsync(() => host.ShellAsync("ip -json -details address show > /dev/null; bridge -json fdb show > /dev/null")));
        }
        var actual = await host.ScanAsync();
        for (var i = 0; i < Additions; i++)
        {
            // One by the plan, one by hand, and each time the next.
            var wanted = Wanted(size + 2 * i + 1);
            plans.Add(Time(() => NetworkPlanner.Plan(actual, wanted)));
            added.Add(await TimeAsync(() => host.MakeAsync(actual, wanted)));
            actual = await host.ScanAsync();
            nothing.Add(Time(() => NetworkPlanner.Plan(actual, wanted)));
            await host.WriteAsync(NetworkPlanner.Plan(actual, Wanted(size + 2 * i + 2)).Steps);
            raw.Add(await TimeAsync(host.RunFilesAsync));
            actual = await host.ScanAsync();
        }
        return
        [
            new Result($"one more card beside {size:#,0}", Median(added), "ms", "ip -batch, bridge -batch of the same", Median(raw), 1.5, HigherIsBetter: false),
            new Result($"of that, the plan, beside {size:#,0}", Median(plans), "ms", "a plan of nothing", Median(nothing)),
            new Result($"a look at {size:#,0} cards", Median(scans), "ms", "ip and bridge say the same to nobody", Median(dumps), 3, HigherIsBetter: false),
        ];
    }

    /// <summary>So many cards here, spread over the switches, and as many on other hosts that these know.</summary>
    private static NetworkState Wanted(int cards)
    {
        var links = ImmutableSortedDictionary.CreateBuilder<string, Link>(StringComparer.Ordinal);
        var forwardings = ImmutableHashSet.CreateBuilder<Forwarding>();
        var neighbours = ImmutableHashSet.CreateBuilder<Neighbour>();
        for (var i = 0; i < Switches; i++)
        {
            Add(links, new Link
            {
                Name = Name("pcs", i),
                Kind = LinkKind.Bridge,
                Alias = $"ponycloud switch {i}",
                HardwareAddress = Hardware("02", i),
                Mtu = 1450,
                IsUp = true,
            });
            Add(links, new Link
            {
                Name = Name("pcx", i),
                Kind = LinkKind.Vxlan,
                Alias = $"ponycloud vxlan of switch {i}",
                Mtu = 1450,
                IsUp = true,
                Master = Name("pcs", i),
                Vxlan = new VxlanSettings(i + 1, "192.0.2.1"),
                Port = new BridgePortSettings(Learns: false, Floods: false, SuppressesNeighbours: true),
            });
        }
        for (var i = 0; i < cards; i++)
        {
            var (bridge, tunnel) = (Name("pcs", i % Switches), Name("pcx", i % Switches));
            Add(links, new Link
            {
                Name = Name("pct", i),
                Kind = LinkKind.Tap,
                Alias = $"ponycloud vnic {i}",
                Mtu = 1450,
                IsUp = true,
                Master = bridge,
            });
            forwardings.Add(new Forwarding(Name("pct", i), Hardware("52", i)));
            forwardings.Add(new Forwarding(tunnel, Hardware("56", i), "192.0.2.2"));
            forwardings.Add(new Forwarding(tunnel, Hardware("56", i)));
            neighbours.Add(new Neighbour(bridge, $"10.{i / 65536}.{i / 256 % 256}.{i % 256}", Hardware("56", i)));
        }
        return NetworkState.Empty.With(NetworkState.Host, new NamespaceState
        {
            Links = links.ToImmutable(),
            Forwardings = forwardings.ToImmutable(),
            Neighbours = neighbours.ToImmutable(),
        });
    }

    private static void Add(ImmutableSortedDictionary<string, Link>.Builder links, Link link) => links.Add(link.Name, link);

    private static string Name(string kind, int number) => kind + number.ToString("x12", CultureInfo.InvariantCulture);

    private static string Hardware(string first, int number) => $"{first}:00:00:00:{number / 256:x2}:{number % 256:x2}";

    private static double Median(List<double> all) => all.Order().ElementAt(all.Count / 2);

    private static double Time(Action action)
    {
        var start = Stopwatch.GetTimestamp();
        action();
        return Stopwatch.GetElapsedTime(start).TotalMilliseconds;
    }

    private static async Task<double> TimeAsync(Func<Task> action)
    {
        var start = Stopwatch.GetTimestamp();
        await action();
        return Stopwatch.GetElapsedTime(start).TotalMilliseconds;
    }

    /// <summary>A host's network of its own.</summary>
    private sealed class Host : IAsyncDisposable
    {
        private readonly PrivateNetwork _network;
        private readonly IpNetworkStack _stack;
        private readonly TemporaryDirectory _directory;

        private Host(PrivateNetwork network, TemporaryDirectory directory)
        {
            _network = network;
            _directory = directory;
            _stack = new IpNetworkStack(network.Tools, network.Tools, TimeProvider.System, NullLogger<IpNetworkStack>.Instance);
        }

        public static async Task<Host> StartAsync(TemporaryDirectory directory) => new(await PrivateNetwork.StartAsync(), directory);

        public Task<NetworkState> ScanAsync() => _stack.ScanAsync(CancellationToken.None);

        public Task MakeAsync(NetworkState actual, NetworkState wanted) => _stack.ApplyAsync(NetworkPlanner.Plan(actual, wanted).Steps, CancellationToken.None);

        /// <summary>The steps as iproute2 reads them.</summary>
        public async Task WriteAsync(IReadOnlyList<NetworkStep> steps)
        {
            var commands = steps.Select(StepText.For).ToList();
            await File.WriteAllLinesAsync(_directory["ip"], commands.Where(command => command.Tool == StepTool.Ip).SelectMany(command => command.Lines));
            await File.WriteAllLinesAsync(_directory["bridge"], commands.Where(command => command.Tool == StepTool.Bridge).SelectMany(command => command.Lines));
        }

        public Task<string> RunFilesAsync() => ShellAsync($"ip -batch {_directory["ip"]} && bridge -batch {_directory["bridge"]}");

        public Task<string> ShellAsync(string script) => _network.ShellAsync(script);

        public async ValueTask DisposeAsync()
        {
            await _stack.DisposeAsync();
            await _network.DisposeAsync();
        }
    }
}
