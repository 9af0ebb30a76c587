using System.Buffers;
using System.Globalization;
using System.Text.Json;
using PonyCloud.Shared.Entities;
using PonyCloud.Shared.State;

namespace PonyCloud.Benchmarks;

/// <summary>Bytes of memory per row in the state store, indexes included, against the bytes of the row's JSON.</summary>
internal static class MemoryBenchmark
{
    private static readonly int[] Sizes = [10_000, 100_000, 300_000, 1_000_000];

    public static IEnumerable<Result> Run()
    {
        var catalog = EntityCatalog.Load();
        foreach (var size in Sizes)
        {
            var before = Live();
            var (store, json) = Fill(catalog, size);
            var bytes = Live() - before;
            GC.KeepAlive(store);
            yield return new Result(
                $"memory of {size.ToString("#,0", CultureInfo.InvariantCulture)} instances", bytes / (double)size, "bytes/row",
                "the row's JSON", json / (double)size, 1.5, HigherIsBetter: false);
        }
    }

    private static (StateStore Store, long Json) Fill(EntityCatalog catalog, int size)
    {
        var entity = catalog["instance"];
        var store = new StateStore(catalog);
        var tenants = Enumerable.Range(0, Math.Max(1, size / 50)).Select(_ => Guid.NewGuid()).ToArray();
        var profiles = Enumerable.Range(0, 8).Select(_ => Guid.NewGuid()).ToArray();
        long json = 0;
        var buffer = new ArrayBufferWriter<byte>();
        // In batches, as a load from the database arrives, and so that the list of changes itself stays small.
        foreach (var batch in Enumerable.Range(0, size).Chunk(10_000))
        {
            var rows = batch.Select(i => new InstanceDesired
            {
                Uuid = Guid.NewGuid(),
                Tenant = tenants[i % tenants.Length],
                Name = string.Create(CultureInfo.InvariantCulture, $"web-server-{i:0000000}"),
                State = i % 5 == 0 ? InstanceState.Stopped : InstanceState.Running,
                Vcpu = 4,
                Rcpu = 1,
                Mem = 8192,
                CpuProfile = profiles[i % profiles.Length],
            }).ToList();
            foreach (var row in rows)
            {
                buffer.ResetWrittenCount();
                using var writer = new Utf8JsonWriter(buffer);
                entity.Desired!.Write(writer, row);
                writer.Flush();
                json += buffer.WrittenCount;
            }
            store.Apply(rows.Select(row => RowChange.Set(entity, RowPart.Desired, row)));
        }
        return (store, json);
    }

    private static long Live()
    {
        GC.Collect(2, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        GC.WaitForPendingFinalizers();
        return GC.GetTotalMemory(forceFullCollection: true);
    }
}
