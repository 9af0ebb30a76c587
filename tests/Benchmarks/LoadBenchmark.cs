using System.Diagnostics;
using System.Globalization;
using System.Net;
using Npgsql;
using PonyCloud.Shared.Entities;
using PonyCloud.Sparkle.Database.Rows;
using PonyCloud.TestKit.Database;

namespace PonyCloud.Benchmarks;

/// <summary>
/// All rows of a database until readers see them in memory, as at the start of the controller, against a binary COPY of
/// the same instances, each value of which Npgsql reads and drops.
/// </summary>
internal static class LoadBenchmark
{
    private const int Rounds = 3;
    private const double Bar = 0.7;

    private static readonly int[] Sizes = [10_000, 100_000, 300_000, 1_000_000];

    public static async IAsyncEnumerable<Result> RunAsync()
    {
        await using var server = await PostgresServer.StartNewAsync();
        foreach (var size in Sizes)
        {
            var database = await InstanceTable.MakeAsync(server, size);
            var loads = new List<double>();
            var copies = new List<double>();
            for (var round = 0; round <= Rounds; round++)
            {
                var (load, copy) = (await LoadAsync(database, size), Copy(database, size));
                if (round == 0)
                    continue; // The first warms up.
                loads.Add(size / load.TotalSeconds);
                copies.Add(size / copy.TotalSeconds);
            }
            yield return new Result(
                $"load of {size.ToString("#,0", CultureInfo.InvariantCulture)} instances at start", Median(loads), "rows/s",
                "binary COPY, read by Npgsql", Median(copies), Bar, HigherIsBetter: true);
        }
    }

    private static async Task<TimeSpan> LoadAsync(string database, int size)
    {
        await using var link = await LinkInProcess.StartAsync(database);
        Collect();
        var start = Stopwatch.GetTimestamp();
        var rows = await link.LoadAsync();
        var took = Stopwatch.GetElapsedTime(start);
        return rows >= size && link.Snapshot![link.Catalog["instance"]].Count == size
            ? took
            : throw new InvalidOperationException($"{rows} rows were loaded.");
    }

    private static TimeSpan Copy(string database, int size)
    {
        var table = new TableMap(EntityCatalog.Load()["instance"]);
        var columns = string.Join(", ", table.Part.Columns.Select(column => TableMap.Quote(column.Name)));
        using var connection = new NpgsqlConnection(database);
        connection.Open();
        Collect();
        var start = Stopwatch.GetTimestamp();
        using var reader = connection.BeginBinaryExport($"COPY (SELECT {columns} FROM {table.Table}) TO STDOUT (FORMAT binary)");
        var rows = 0;
        for (; reader.StartRow() >= 0; rows++)
        {
            foreach (var column in table.Part.Columns)
                Read(reader, column.Kind);
        }
        return rows == size ? Stopwatch.GetElapsedTime(start) : throw new InvalidOperationException($"{rows} rows were copied.");
    }

    private static void Read(NpgsqlBinaryExporter reader, ColumnKind kind)
    {
        if (reader.IsNull)
        {
            reader.Skip();
            return;
        }
        switch (kind)
        {
            case ColumnKind.Uuid:
                reader.Read<Guid>();
                break;
            case ColumnKind.Integer:
                reader.Read<int>();
                break;
            case ColumnKind.BigInteger:
                reader.Read<long>();
                break;
            case ColumnKind.Boolean:
                reader.Read<bool>();
                break;
            case ColumnKind.TextList:
                reader.Read<string[]>();
                break;
            case ColumnKind.AddressList:
                reader.Read<IPAddress[]>();
                break;
            default:
                reader.Read<string>();
                break;
        }
    }

    // What the round before left behind shall not count.
    private static void Collect() => GC.Collect(2, GCCollectionMode.Aggressive, blocking: true, compacting: true);

    private static double Median(List<double> values) => values.Order().ElementAt(values.Count / 2);
}
