using System.Diagnostics;
using System.Text;
using System.Text.Json;
using PonyCloud.Benchmarks.Etcd;
using PonyCloud.Benchmarks.Fleet;
using PonyCloud.Shared.Entities;
using PonyCloud.Shared.Messaging;
using PonyCloud.Shared.State;

namespace PonyCloud.Benchmarks;

/// <summary>
/// All of 100,000 desired rows for one host that knows nothing yet, from its first word until it has them, beside the
/// parser of JSON at work on the same bytes and etcd asked for the same rows.
/// </summary>
internal static class ResyncBenchmark
{
    private const int Rounds = 5;
    private const int Instances = 50_000;
    private const int Rows = 2 * Instances;
    private static readonly TimeSpan KeepAlive = TimeSpan.FromSeconds(5);

    public static async Task<IEnumerable<ResultLine>> RunAsync()
    {
        await using var sparkle = await SparkleInProcess.StartAsync(KeepAlive);
        var host = Guid.NewGuid();
        var rows = RowsOf(sparkle.Catalog, host).ToList();
        await sparkle.LoadAsync(
            [sparkle.Declare(host), .. rows]);
        var body = new MessageCodec(sparkle.Catalog).Encode(new Message.SparkleUpdate(FleetShape.Update(rows)));
        await using var server = await EtcdServer.StartAsync();
        using var etcd = new EtcdClient(server.Address);
        await etcd.PutAsync(rows.Select((row, i) => (Encoding.UTF8.GetBytes($"row/{row.Entity.Name}/{row.Key}"), Json(row))));

        var (resync, parse, range) = (new List<double>(), new List<double>(), new List<double>());
        for (var round = 0; round <= Rounds; round++)
        {
            var own = await ResyncAsync(sparkle, host);
            var parsed = Stopwatch.GetTimestamp();
            JsonDocument.Parse(body).Dispose();
            var parsing = Stopwatch.GetElapsedTime(parsed);
            var asked = Stopwatch.GetTimestamp();
            await etcd.RangeAsync("row/"u8.ToArray());
            var ranging = Stopwatch.GetElapsedTime(asked);
            if (round == 0)
                continue; // The first warms up.
            resync.Add(Rows / own.TotalSeconds);
            parse.Add(Rows / parsing.TotalSeconds);
            range.Add(Rows / ranging.TotalSeconds);
        }
        const string What = "resync of 100,000 rows";
        return
        [
            new Result(What, resync.At(0.5), "rows/s", "JSON parse of the same bytes", parse.At(0.5), 0.4),
            new Result(What, resync.At(0.5), "rows/s", "etcd range of the same rows", range.At(0.5), 1),
            new Result($"{What}, message", body.Length / (double)Rows, "bytes/row", "rows alone", rows.Average(row => Json(row).Length)),
        ];
    }

    private static async Task<TimeSpan> ResyncAsync(SparkleInProcess sparkle, Guid host)
    {
        var start = Stopwatch.GetTimestamp();
        await using var agent = AgentInProcess.Start(sparkle, host, KeepAlive);
        await agent.ReachAsync(link => link.IsDesiredKnown);
        return Stopwatch.GetElapsedTime(start);
    }

    private static byte[] Json(RowChange row)
    {
        using var buffer = new MemoryStream();
        using (var writer = new Utf8JsonWriter(buffer))
            row.Entity.Part(row.Part)!.Write(writer, row.Value!);
        return buffer.ToArray();
    }

    private static IEnumerable<RowChange> RowsOf(EntityCatalog catalog, Guid host)
    {
        var tenant = Guid.NewGuid();
        for (var i = 0; i < Instances; i++)
        {
            var instance = new InstanceDesired
            {
                Uuid = Guid.NewGuid(),
                Tenant = tenant,
                Name = $"server-{i:000000}",
                State = InstanceState.Running,
                Vcpu = 4,
                Mem = 8192,
            };
            yield return RowChange.Set(catalog["instance"], RowPart.Desired, instance);
            yield return RowChange.Set(catalog["host_instance"], RowPart.Desired, new HostInstanceDesired { Host = host, Instance = instance.Uuid });
        }
    }
}
