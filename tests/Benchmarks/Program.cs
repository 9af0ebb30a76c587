using System.Globalization;
using PonyCloud.Benchmarks;
using PonyCloud.Benchmarks.Extents;
using PonyCloud.Benchmarks.Fleet;
using PonyCloud.Benchmarks.Fleet.Role;
using PonyCloud.Benchmarks.Instances;
using PonyCloud.Benchmarks.Networks;
using PonyCloud.Benchmarks.Storage;

// The program is also what it starts beside itself: processes full of simulated hosts, and the bare end of their sockets.
switch (args)
{
    case [FleetRole.Name, .. var rest]:
        return FleetRole.Run(rest);
    case [RawServerRole.Name, .. var rest]:
        return RawServerRole.Run(rest);
}

// Prints one table. Every figure stands beside a peer that was measured in the same run, interleaved where it can be,
// since only the ratio of the two means anything on another machine.
string[] all = ["memory", "load", "get", "collection", "watch", "change", "lag", "resync", "slow-consumer", "extents", "storage", "filter", "network", "switch", "density", "life", "migrate", "fleet"];
var wanted = new List<string>();
var fleet = new FleetOptions();
for (var i = 0; i < args.Length; i++)
{
    switch (args[i])
    {
        case "--hosts" when i + 1 < args.Length:
            fleet = fleet with { Hosts = [.. args[++i].Split(',').Select(count => int.Parse(count, CultureInfo.InvariantCulture))] };
            break;
        case "--steady" when i + 1 < args.Length:
            fleet = fleet with { Steady = TimeSpan.FromSeconds(int.Parse(args[++i], CultureInfo.InvariantCulture)) };
            break;
        case var name when all.Contains(name):
            wanted.Add(name);
            break;
        default:
            await Console.Error.WriteLineAsync($"There is no benchmark {args[i]}; there are {string.Join(", ", all)}, --hosts N,N,… and --steady SECONDS.");
            return 2;
    }
}
var table = new ResultTable(Console.Out);
foreach (var name in wanted.Count > 0 ? wanted : [.. all])
{
    var lines = name switch
    {
        "memory" => MemoryBenchmark.Run().ToAsyncEnumerable(),
        "load" => LoadBenchmark.RunAsync(),
        "get" => (await GetBenchmark.RunAsync()).ToAsyncEnumerable(),
        "collection" => (await CollectionBenchmark.RunAsync()).ToAsyncEnumerable(),
        "watch" => (await WatchBenchmark.RunAsync()).ToAsyncEnumerable(),
        "change" => (await ChangeBenchmark.RunAsync()).ToAsyncEnumerable(),
        "lag" => (await LagBenchmark.RunAsync()).ToAsyncEnumerable(),
        "resync" => (await ResyncBenchmark.RunAsync()).ToAsyncEnumerable(),
        "slow-consumer" => (await SlowConsumerBenchmark.RunAsync()).ToAsyncEnumerable(),
        "storage" => StorageBenchmark.RunAsync(),
        "filter" => (await FilterBenchmark.RunAsync()).ToAsyncEnumerable(),
        "network" => NetworkBenchmark.RunAsync(),
        "switch" => SwitchBenchmark.Run().ToAsyncEnumerable(),
        "density" => DensityBenchmark.RunAsync(),
        "life" => LifeBenchmark.RunAsync(),
        "migrate" => MigrateBenchmark.RunAsync(),
        "extents" => (await ExtentBenchmark.RunAsync()).ToAsyncEnumerable(),
        _ => new FleetBenchmark(fleet).RunAsync(),
    };
    await foreach (var line in lines)
        table.Add(line);
}
table.Print();
return 0;
