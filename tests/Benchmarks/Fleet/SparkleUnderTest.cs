using System.Diagnostics;
using System.Net.Http.Headers;
using System.Text;
using Newtonsoft.Json;
using Newtonsoft.Json.Linq;
using PonyCloud.TestKit.Processes;

namespace PonyCloud.Benchmarks.Fleet;

/// <summary>The real controller as a process, on a database that is there already.</summary>
internal sealed class SparkleUnderTest : IAsyncDisposable
{
    private const string Email = "alicorn@localhost";

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(3);

    private readonly TemporaryDirectory _directory = new("fleet");
    private ChildProcess? _process;

    public SparkleUnderTest(string connectionString, TimeSpan keepAlive)
    {
        var ports = FreePort.Take(2);
        Endpoint = $"tcp://127.0.0.1:{ports[1]}";
        Http = new HttpClient
        {
            BaseAddress = new Uri($"http://127.0.0.1:{ports[0]}"),
            Timeout = TimeSpan.FromSeconds(60),
        };
        File.WriteAllText(_directory["sparkle.json"], JsonConvert.SerializeObject(new
        {
            http = new { listen = Http.BaseAddress.ToString().TrimEnd('/') },
            messaging = new { endpoint = Endpoint, keep_alive = keepAlive.ToString() },
            database = new { connection_string = connectionString },
            data_directory = _directory["data"],
            first_alicorn = new { email = Email, password_file = PasswordFile },
        }));
    }

    /// <summary>Where hosts connect.</summary>
    public string Endpoint { get; }

    /// <summary>Authenticated as an operator once Sparkle has started.</summary>
    public HttpClient Http { get; }

    public ProcessFigures Figures => new(_process!.Id);

    private string PasswordFile => _directory["password"];

    /// <summary>The public key that it proves to hosts.</summary>
    public Task<string> KeyAsync() => ChildProcess.RunDaemonAsync("Sparkle", "sparkle", ["key", "--config", _directory["sparkle.json"]]);

    /// <summary>Starts it; ends when it is ready.</summary>
    public async Task StartAsync()
    {
        _process = ChildProcess.StartDaemon("Sparkle", "sparkle", ["server", "--config", _directory["sparkle.json"]]);
        await Eventually.SeesAsync(
            "Sparkle to be ready",
            async cancellation =>
            {
                if (_process.HasExited)
                    throw new InvalidOperationException("Sparkle ended:\n" + string.Join('\n', _process.Lines));
                using var answer = await Http.GetAsync(new Uri("/self/readiness", UriKind.Relative), cancellation);
                return answer.IsSuccessStatusCode;
            },
            ready => ready, Patience);
        if (Http.DefaultRequestHeaders.Authorization is null)
            await LogInAsync(_process);
    }

    /// <summary>Ends it as a crash would.</summary>
    /// <returns>When, by the monotonic clock.</returns>
    public async Task<long> KillAsync()
    {
        var at = Stopwatch.GetTimestamp();
        await _process!.KillAsync();
        await _process.DisposeAsync();
        _process = null;
        return at;
    }

    /// <summary>How many hosts are shown with a status.</summary>
    public async Task<int> CountAsync(string status)
    {
        var hosts = JObject.Parse(await Http.GetStringAsync(new Uri("/api/v1/host", UriKind.Relative)));
        return hosts.Properties().Count(host => (string?)host.Value.SelectToken("current.status") == status);
    }

    /// <summary>Waits until the last update of a flood was applied for each of many hosts, spread over the fleet.</summary>
    public async Task AppliedAsync(int hosts)
    {
        var step = Math.Max(1, hosts / 100);
        var updates = FanIn.PerHost(hosts);
        for (var host = 0; host < hosts; host += step)
        {
            var (last, memory) = (updates % FleetShape.Places, 4096 + updates);
            var path = new Uri($"/api/v1/host/{FleetShape.Host(host)}/instance/{FleetShape.Instance(host, last)}", UriKind.Relative);
            await Eventually.SeesAsync(
                $"the last update of {path}",
                async cancellation => (int?)JObject.Parse(await Http.GetStringAsync(path, cancellation)).SelectToken("current.mem"),
                seen => seen == memory, Patience);
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_process is not null)
            await _process.DisposeAsync();
        Http.Dispose();
        _directory.Dispose();
    }

    private async Task LogInAsync(ChildProcess process)
    {
        await process.WaitForLineAsync("that the first alicorn is made", line => line.Contains("had no alicorn; made", StringComparison.Ordinal));
        var password = (await File.ReadAllTextAsync(PasswordFile)).Trim();
        using var request = new HttpRequestMessage(HttpMethod.Post, "/api/v1/token");
        request.Headers.Authorization = new AuthenticationHeaderValue("Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes($"{Email}:{password}")));
        using var answer = await Http.SendAsync(request);
        answer.EnsureSuccessStatusCode();
        var token = (string)JObject.Parse(await answer.Content.ReadAsStringAsync())["token"]!;
        Http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token);
    }
}
