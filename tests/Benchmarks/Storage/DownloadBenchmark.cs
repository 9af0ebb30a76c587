using System.Net;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using PonyCloud.TestKit.Processes;
using PonyCloud.Twilight.Http;
using PonyCloud.Twilight.Storage;
using PonyCloud.Twilight.Storage.Transfers;
using PonyCloud.Twilight.Storage.Transfers.Qemu;
using PonyCloud.Twilight.Tools;

namespace PonyCloud.Benchmarks.Storage;

/// <summary>curl fetches a content from a host's transfer server, through QEMU and TLS; and the same file from a bare server, also with TLS.</summary>
internal static class DownloadBenchmark
{
    private static readonly Guid Volume = Guid.NewGuid();

    public static async Task<Result> RunAsync(TemporaryDirectory directory, ToolRunner tools, int rounds)
    {
        var file = directory["image.raw"];
        var length = new FileInfo(file).Length;
        var contents = new OneContent(file, length, new BlockNodeAccess(tools, tools, directory["nbd"]));
        using var route = new VolumeRoute(new TransferOptions(), contents, TimeProvider.System, NullLoggerFactory.Instance);
        var options = new HostServerOptions { Listen = new IPEndPoint(IPAddress.Loopback, 0), Advertised = "127.0.0.1" };
        await using var server = new HostServer(options, [route], TimeProvider.System, NullLoggerFactory.Instance);
        await server.StartAsync(CancellationToken.None);
        var identity = server.Identity!;
        var header = directory["header"];
        await File.WriteAllTextAsync(header, $"Authorization: Bearer {identity.Token}\n");

        using var certificate = HostServerCertificate.Make(DateTimeOffset.UtcNow);
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0, listen =>
        {
            listen.Protocols = HttpProtocols.Http1;
            listen.UseHttps(certificate);
        }));
        await using var bare = builder.Build();
        bare.MapGet("/", context => context.Response.SendFileAsync(file, context.RequestAborted));
        await bare.StartAsync();

        List<double> fetched = [], sent = [];
        for (var round = 0; round <= rounds; round++)
        {
            var rates = (Fetched: await RateAsync([$"{identity.Endpoint}/volume/{Volume}", "-H", $"@{header}"]), Sent: await RateAsync([bare.Urls.First()]));
            if (round == 0)
                continue; // Warms up.
            fetched.Add(rates.Fetched);
            sent.Add(rates.Sent);
        }
        await bare.StopAsync();
        await server.StopAsync(CancellationToken.None);
        return new Result(
            "content fetched from a host by curl", StorageBenchmark.Median(fetched), "MiB/s", "the file from Kestrel, by curl", StorageBenchmark.Median(sent), 0.5);

        async Task<double> RateAsync(string[] arguments)
        {
            var time = await StorageBenchmark.TimeAsync(() => ChildProcess.RunAsync("curl", ["-ksSf", "-o", directory["fetched"], .. arguments]));
            if (new FileInfo(directory["fetched"]).Length != length)
                throw new InvalidOperationException("The content did not come whole.");
            return length / 1048576.0 / (time / 1000);
        }
    }

    private sealed class OneContent(string file, long length, BlockNodeAccess access) : IVolumeContents
    {
        public ValueTask<IVolumeContent?> FindAsync(Guid volume, CancellationToken cancellationToken) => ValueTask.FromResult<IVolumeContent?>(
            volume != Volume ? null : new BlockNodeContent(access, (_, _) => Task.FromResult<IBlockLease>(new Lease(file)))
            {
                Generation = 1,
                State = ContentState.Whole,
                Length = length,
                Finish = _ => Task.CompletedTask,
            });
    }

    private sealed class Lease(string file) : IBlockLease
    {
        public BlockNode Node { get; } = new(new JsonObject
        {
            ["driver"] = "raw",
            ["file"] = new JsonObject { ["driver"] = "file", ["filename"] = file },
        })
        {
            Path = file,
        };

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }
}
