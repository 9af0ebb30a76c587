using PonyCloud.Benchmarks.Fleet;
using PonyCloud.TestKit.Processes;

namespace PonyCloud.Benchmarks.Etcd;

/// <summary>An etcd of the benchmark's own (Debian package <c>etcd-server</c>): one member, on loopback, its data gone afterwards.</summary>
internal sealed class EtcdServer : IAsyncDisposable
{
    private readonly TemporaryDirectory _directory;
    private readonly ChildProcess _process;

    private EtcdServer(TemporaryDirectory directory, ChildProcess process, Uri address)
    {
        _directory = directory;
        _process = process;
        Address = address;
    }

    public Uri Address { get; }

    public ProcessFigures Figures => new(_process.Id);

    public static async Task<EtcdServer> StartAsync()
    {
        var directory = new TemporaryDirectory("etcd");
        var ports = FreePort.Take(2);
        var (clients, peers) = ($"http://127.0.0.1:{ports[0]}", $"http://127.0.0.1:{ports[1]}");
        var process = ChildProcess.Start("etcd",
        [
            "--name", "bench", "--data-dir", directory["data"], "--listen-client-urls", clients, "--advertise-client-urls", clients,
            "--listen-peer-urls", peers, "--initial-advertise-peer-urls", peers, "--initial-cluster", $"bench={peers}",
            "--max-txn-ops", $"{EtcdClient.PutsPerTransaction}", "--logger", "zap", "--log-level", "error",
        ]);
        var server = new EtcdServer(directory, process, new Uri(clients));
        try
        {
            using var http = new HttpClient();
            await Eventually.SeesAsync(
                "etcd to be healthy",
                async cancellation => process.HasExited
                    ? throw new InvalidOperationException("etcd ended:\n" + string.Join('\n', process.Lines))
                    : await http.GetStringAsync(new Uri(server.Address, "/health"), cancellation),
                health => health.Contains("true", StringComparison.Ordinal));
            return server;
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _process.DisposeAsync();
        _directory.Dispose();
    }
}
