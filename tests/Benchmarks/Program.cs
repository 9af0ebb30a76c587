using PonyCloud.Benchmarks;

// Prints one table. Every figure stands beside a peer that was measured in the same run, interleaved where it can be,
// since only the ratio of the two means anything on another machine.
var wanted = args.Length > 0 ? args : ["memory", "get", "change"];
var table = new ResultTable(Console.Out);
foreach (var name in wanted)
{
    IEnumerable<Result> results = name switch
    {
        "memory" => MemoryBenchmark.Run(),
        "get" => await GetBenchmark.RunAsync(),
        "change" => await ChangeBenchmark.RunAsync(),
        _ => throw new ArgumentException($"There is no benchmark {name}; there are memory, get and change."),
    };
    foreach (var result in results)
        table.Add(result);
}
table.Print();
return 0;
