using System.Diagnostics;
using Microsoft.Extensions.Logging.Abstractions;
using PonyCloud.Shared.Entities;
using PonyCloud.TestKit.Control;
using PonyCloud.TestKit.Processes;
using PonyCloud.Twilight.Storage;
using PonyCloud.Twilight.Storage.Copying;
using PonyCloud.Twilight.Storage.Files;
using PonyCloud.Twilight.Tools;

namespace PonyCloud.Benchmarks.Storage;

/// <summary>
/// Volumes made from an image in a directory, beside the tools that one would use by hand; a content that is fetched, beside a
/// bare server; and lists of many volumes, on the host and through the API.
/// </summary>
internal static class StorageBenchmark
{
    private const int ImageMib = 256;
    private const int Rounds = 5;

    private static readonly int[] Lists = [1_000, 10_000, 100_000];

    public static async IAsyncEnumerable<ResultLine> RunAsync()
    {
        using var directory = new TemporaryDirectory("storage-benchmark");
        var tools = new ToolRunner(Guid.NewGuid(), TimeProvider.System, NullLogger<ToolRunner>.Instance);
        foreach (var line in await CopiesAsync(directory, tools))
            yield return line;
        yield return await DownloadBenchmark.RunAsync(directory, tools, Rounds);
        foreach (var line in await ScansAsync(directory, tools))
            yield return line;
        foreach (var line in await CollectionsAsync())
            yield return line;
    }

    /// <summary>From the order to a published volume, each time a new one.</summary>
    private static async Task<IEnumerable<ResultLine>> CopiesAsync(TemporaryDirectory directory, ToolRunner tools)
    {
        var raw = directory["image.raw"];
        var content = new byte[ImageMib << 20];
        new Random(1).NextBytes(content);
        await File.WriteAllBytesAsync(raw, content);
        await using var pool = new FilePool(new PlainDirectory(directory["pool"], tools), tools);
        await pool.PrepareAsync(CancellationToken.None);
        var image = ObjectName.Image(Guid.NewGuid());
        var file = directory[$"pool/{image}"];
        await ChildProcess.RunAsync("qemu-img", ["convert", "-f", "raw", "-O", "qcow2", raw, file]);
        var copier = new VolumeCopier(tools, TimeProvider.System);

        List<double> clones = [], fills = [], converts = [], durable = [], copies = [];
        for (var round = 0; round < Rounds; round++)
        {
            clones.Add(await TimeAsync(() => MakeAsync(pool, partial => pool.CloneAsync(image, partial, CancellationToken.None))));
            fills.Add(await TimeAsync(() => MakeAsync(pool, partial => FillAsync(pool, copier, image, partial))));
            converts.Add(await TimeAsync(() => ChildProcess.RunAsync("qemu-img", ["convert", "-O", "qcow2", file, directory["convert"]])));
            durable.Add(await TimeAsync(() => ChildProcess.RunAsync(
                "sh", ["-c", "qemu-img convert -O qcow2 \"$0\" \"$1\" && sync \"$1\"", file, directory["durable"]])));
            copies.Add(await TimeAsync(() => ChildProcess.RunAsync("cp", ["--reflink=auto", file, directory["copy"]])));
        }
        var of = $"volume of an image of {ImageMib} MiB";
        return
        [
            new Result($"{of}, cloned", Median(clones), "ms", "qemu-img convert", Median(converts), 1, HigherIsBetter: false),
            new Result($"{of}, cloned", Median(clones), "ms", "cp --reflink=auto", Median(copies), 1, HigherIsBetter: false),
            // A volume is on the disk before it is anybody's.
            new Result($"{of}, filled", Median(fills), "ms", "qemu-img convert, and sync", Median(durable), 1.5, HigherIsBetter: false),
        ];
    }

    private static async Task MakeAsync(FilePool pool, Func<StorageObject, Task> fill)
    {
        var name = ObjectName.Volume(Guid.NewGuid(), 1);
        var partial = new StorageObject(name with { Worker = ObjectName.WorkerOf(Guid.NewGuid(), Guid.NewGuid()) }, ImageMib);
        await fill(partial);
        await pool.PublishAsync(partial, CancellationToken.None);
    }

    private static async Task FillAsync(FilePool pool, VolumeCopier copier, ObjectName image, StorageObject partial)
    {
        await using var from = await pool.OpenAsync(new StorageObject(image, ImageMib), writable: false, CancellationToken.None);
        await pool.CreateAsync(partial, CancellationToken.None);
        await using var to = await pool.OpenAsync(partial, writable: true, CancellationToken.None);
        await copier.CopyAsync(from.Node, to.Node, null, CancellationToken.None);
    }

    /// <summary>A look at a directory of so many volumes, beside the bare listing of it.</summary>
    private static async Task<IEnumerable<ResultLine>> ScansAsync(TemporaryDirectory directory, ToolRunner tools)
    {
        var lines = new List<ResultLine>();
        foreach (var count in Lists)
        {
            var path = directory[$"list-{count}"];
            await using var pool = new FilePool(new PlainDirectory(path, tools), tools);
            await pool.PrepareAsync(CancellationToken.None);
            for (var i = 0; i < count; i++)
                await File.WriteAllBytesAsync(Path.Combine(path, ObjectName.Volume(Guid.NewGuid(), 1).ToString()), []);
            List<double> scans = [], finds = [];
            for (var round = 0; round < Rounds; round++)
            {
                scans.Add(await TimeAsync(() => pool.ScanAsync(CancellationToken.None)));
                finds.Add(await TimeAsync(() => ChildProcess.RunAsync("find", [path, "-printf", @"%f\t%b\t%i\n"])));
            }
            lines.Add(new Result($"look at a pool of {count:N0} volumes", Median(scans), "ms", "find", Median(finds)));
        }
        return lines;
    }

    /// <summary>GET of all volumes of a tenant; the time of each volume is to stay the same.</summary>
    private static async Task<IEnumerable<ResultLine>> CollectionsAsync()
    {
        var database = new MemoryDatabase(EntityCatalog.Load());
        var tenants = Lists.Select(count => (Count: count, Tenant: Fill(database, count))).ToList();
        await using var api = await ApiInProcess.StartAsync(database, _ => { });
        var times = new List<(int Count, double Ms)>();
        foreach (var (count, tenant) in tenants)
        {
            var url = new Uri($"{api.Address}/api/v1/tenant/{tenant}/volume");
            await api.Http.GetByteArrayAsync(url);
            var rounds = new List<double>();
            for (var round = 0; round < Rounds; round++)
                rounds.Add(await TimeAsync(() => api.Http.GetByteArrayAsync(url)));
            times.Add((count, Median(rounds)));
        }
        return times.Skip(1).Select(time => new Result(
            $"GET of {time.Count:N0} volumes", time.Ms, "ms", $"that of {times[0].Count:N0}, as often as that takes", times[0].Ms * time.Count / times[0].Count,
            1.5, HigherIsBetter: false));
    }

    private static Guid Fill(MemoryDatabase database, int count)
    {
        var tenant = new TenantDesired { Uuid = Guid.NewGuid(), Name = $"benchmark-{count}", Approved = true };
        var pool = new StoragePoolDesired
        {
            Uuid = Guid.NewGuid(),
            Name = "benchmark",
            Type = StoragePoolType.Dir,
            Config = JsonText.Parse("""{"path":"/srv"}"""),
        };
        database.Put(tenant);
        database.Put(pool);
        database.Put([.. Enumerable.Range(0, count).Select(i => new VolumeDesired
        {
            Uuid = Guid.NewGuid(),
            Tenant = tenant.Uuid,
            Name = $"volume-{i}",
            Size = 1024,
            StoragePool = pool.Uuid,
            Content = VolumeContent.Made,
        })]);
        return tenant.Uuid;
    }

    internal static double Median(List<double> values) => values.Order().ElementAt(values.Count / 2);

    internal static async Task<double> TimeAsync(Func<Task> work)
    {
        var watch = Stopwatch.StartNew();
        await work();
        return watch.Elapsed.TotalMilliseconds;
    }
}
