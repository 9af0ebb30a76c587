using Newtonsoft.Json;
using Newtonsoft.Json.Linq;
using PonyCloud.TestKit.Database;
using PonyCloud.TestKit.Guests;
using PonyCloud.TestKit.Network;
using PonyCloud.TestKit.Processes;

namespace PonyCloud.EndToEnd.Tests.Platform;

/// <summary>
/// The whole platform, of real parts: PostgreSQL, Sparkle and Twilight as processes, libzmq between them, libvirt and QEMU.
/// Everything is its own: directories, ports, namespaces; nothing is left when it is disposed.
/// </summary>
public sealed class RunningPlatform : IAsyncDisposable
{
    private readonly TemporaryDirectory _directory = new("platform");
    private readonly HttpClient _http;
    private readonly int _httpPort;
    private readonly PlatformSettings _settings;
    private ChildProcess? _sparkle;
    private ChildProcess? _twilight;
    private string? _guest;

    private RunningPlatform(PostgresServer postgres, string connection, PrivateLibvirtd libvirtd, PlatformSettings settings)
    {
        _settings = settings;
        Postgres = postgres;
        ConnectionString = connection;
        Libvirtd = libvirtd;
        var ports = FreePort.Take(2);
        (_httpPort, MessagingPort) = (ports[0], ports[1]);
        _http = new HttpClient(settings.SparkleNetwork?.HttpHandler() ?? new SocketsHttpHandler())
        {
            BaseAddress = new Uri($"http://127.0.0.1:{_httpPort}"),
            Timeout = TimeSpan.FromSeconds(30),
        };
    }

    public PostgresServer Postgres { get; }

    public string ConnectionString { get; }

    public PrivateLibvirtd Libvirtd { get; }

    public ChildProcess Sparkle => _sparkle!;

    public ChildProcess Twilight => _twilight!;

    public int HttpPort => _httpPort;

    public int MessagingPort { get; }

    /// <summary>Seconds between keep-alives, which all daemons must agree upon.</summary>
    public string KeepAlive => _settings.KeepAlive;

    /// <summary>The public key that Sparkle proves to hosts.</summary>
    public string SparkleKey { get; private set; } = string.Empty;

    /// <summary>The public key that the one host's Twilight proves to Sparkle.</summary>
    public string TwilightKey { get; private set; } = string.Empty;

    /// <summary>The one host.</summary>
    public Guid Host => Libvirtd.HostUuid;

    /// <summary>A client without a token.</summary>
    public ApiClient Anybody => new(_http);

    /// <summary>A client of the first operator.</summary>
    public ApiClient Alicorn { get; private set; } = null!;

    /// <summary>A client of the tenant's owner.</summary>
    public ApiClient Owner { get; private set; } = null!;

    public Guid Tenant { get; private set; }

    /// <summary>A file with the first operator's password.</summary>
    public string AlicornPasswordFile => _directory["alicorn-password"];

    /// <summary>The console of an instance, as a file on the host.</summary>
    public string ConsoleOf(Guid instance) => _directory[$"console/{instance}.log"];

    /// <summary>Starts everything, up to a tenant that may have instances.</summary>
    public static async Task<RunningPlatform> StartAsync(PlatformSettings? settings = null)
    {
        settings ??= new PlatformSettings();
        var postgres = await PostgresServer.StartNewAsync();
        PrivateLibvirtd libvirtd;
        try
        {
            libvirtd = await PrivateLibvirtd.StartAsync();
        }
        catch
        {
            await postgres.DisposeAsync();
            throw;
        }

        var platform = new RunningPlatform(postgres, await postgres.CreateEmptyDatabaseAsync(), libvirtd, settings);
        try
        {
            RomGuest.Write(platform._directory["guest.rom"], settings.Button);
            if (settings.KernelCommandLine is not null)
                platform._guest = (await ChildProcess.RunAsync(Repository.At("packaging", "quickstart", "guest"), [])).Trim();
            Directory.CreateDirectory(platform._directory["console"]);
            await platform.WriteConfigurationAsync();
            await platform.StartSparkleAsync();
            await platform.LogInAsync();
            await platform.Alicorn.PostAsync("/host", new { desired = new { uuid = platform.Host, name = "this", agent_key = platform.TwilightKey } });
            platform.StartTwilight(settings.TwilightNetwork);
            await platform.HostIsPresentAsync();
            platform.Tenant = await platform.Alicorn.CreateAsync("/tenant", new { name = "tests", approved = true });
            platform.Owner = await platform.Alicorn.ForTenantAsync(platform.Tenant);
            return platform;
        }
        catch
        {
            await platform.DisposeAsync();
            throw;
        }
    }

    /// <summary>Starts Sparkle and waits until it is ready.</summary>
    public async Task StartSparkleAsync()
    {
        _sparkle = StartDaemon(_settings.SparkleNetwork, "Sparkle", "sparkle", "server", "--config", _directory["sparkle.json"]);
        await Eventually.SeesAsync(
            "Sparkle to be ready",
            async cancellation =>
            {
                if (_sparkle.HasExited)
                {
                    throw new InvalidOperationException("Sparkle ended:\n" + string.Join('\n', _sparkle.Lines));
                }

                using var answer = await _http.GetAsync("/self/readiness", cancellation);
                return answer.IsSuccessStatusCode;
            },
            ready => ready);
    }

    /// <summary>Starts another Sparkle on the same database, with ports of its own.</summary>
    /// <returns>The process, and a client of its API.</returns>
    public (ChildProcess Process, HttpClient Http) StartSecondSparkle()
    {
        var ports = FreePort.Take(2);
        Write("second.json", new
        {
            http = new { listen = $"http://127.0.0.1:{ports[0]}" },
            messaging = new { endpoint = $"tcp://127.0.0.1:{ports[1]}", keep_alive = "2" },
            database = new { connection_string = ConnectionString },
            data_directory = _directory["second"],
            first_alicorn = new { email = "alicorn@localhost", password_file = _directory["second-password"] },
        });
        return (
            ChildProcess.StartDaemon("Sparkle", "sparkle", ["server", "--config", _directory["second.json"]]),
            new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{ports[0]}"), Timeout = TimeSpan.FromSeconds(30) });
    }

    /// <param name="network">Where it runs; where the test does when absent.</param>
    /// <param name="port">Where it finds Sparkle, such as a proxy's; Sparkle's own when absent.</param>
    public void StartTwilight(NetworkNamespace? network = null, int? port = null) => _twilight = StartAnotherTwilight(network, port);

    /// <summary>Starts a further Twilight for the same host, with the same key.</summary>
    /// <returns>The process, which is the caller's to end.</returns>
    public ChildProcess StartAnotherTwilight(NetworkNamespace? network = null, int? port = null)
    {
        WriteTwilight(port ?? MessagingPort);
        return StartDaemon(network, "Twilight", "twilight", "--config", _directory["twilight.json"]);
    }

    /// <summary>From now on this is the host's Twilight; the one before has ended.</summary>
    public async Task AdoptTwilightAsync(ChildProcess twilight)
    {
        await Twilight.DisposeAsync();
        _twilight = twilight;
    }

    /// <summary>Waits until the host is shown as present.</summary>
    public Task<JObject> HostIsPresentAsync() => Eventually.SeesAsync(
        "the host to be present",
        _ => Twilight.HasExited
            ? throw new InvalidOperationException("Twilight ended:\n" + string.Join('\n', Twilight.Lines))
            : Alicorn.GetAsync($"/host/{Host}"),
        row => row.SelectToken("current.status")?.Value<string>() == "present");

    /// <summary>Makes an instance.</summary>
    /// <param name="state">What is ordered of it.</param>
    /// <param name="stopTimeout">Seconds that it has to shut down.</param>
    /// <param name="mem">MiB.</param>
    public async Task<RunningInstance> CreateAsync(string state = "running", int stopTimeout = 3600, int mem = 16) => new(
        this,
        await Owner.CreateAsync(
            $"/tenant/{Tenant}/instance",
            new { name = $"guest-{Guid.NewGuid():N}"[..20], state, vcpu = 1, mem, stop_timeout = stopTimeout }));

    /// <summary>Runs SQL as an operator would, with psql.</summary>
    public Task<string> PsqlAsync(string sql) => PostgresServer.PsqlAsync(ConnectionString, sql);

    public async ValueTask DisposeAsync()
    {
        foreach (var daemon in new[] { _twilight, _sparkle })
        {
            if (daemon is not null)
            {
                await daemon.DisposeAsync();
            }
        }

        _http.Dispose();
        await Libvirtd.DisposeAsync();
        await Postgres.DisposeAsync();
        _directory.Dispose();
    }

    private async Task LogInAsync()
    {
        var file = AlicornPasswordFile;
        var password = await Eventually.SeesAsync(
            "the first alicorn's password",
            async cancellation => File.Exists(file) ? (await File.ReadAllTextAsync(file, cancellation)).Trim() : string.Empty,
            text => text.Length > 0);
        // The file comes before the user does, and a failed login is counted against whoever tries.
        await Sparkle.WaitForLineAsync("that the first alicorn is made", line => line.Contains("had no alicorn; made", StringComparison.Ordinal));
        Alicorn = await Anybody.LogInAsync("alicorn@localhost", password);
    }

    private async Task WriteConfigurationAsync()
    {
        Write("sparkle.json", new
        {
            http = new { listen = $"http://127.0.0.1:{_httpPort}" },
            messaging = new { endpoint = $"tcp://{_settings.SparkleAddress}:{MessagingPort}", keep_alive = _settings.KeepAlive },
            database = new { connection_string = ConnectionString },
            data_directory = _directory["sparkle"],
            first_alicorn = new { email = "alicorn@localhost", password_file = _directory["alicorn-password"] },
        });
        SparkleKey = await ChildProcess.RunDaemonAsync("Sparkle", "sparkle", ["key", "--config", _directory["sparkle.json"]]);
        WriteTwilight(MessagingPort);
        TwilightKey = await ChildProcess.RunDaemonAsync("Twilight", "twilight", ["key", "--config", _directory["twilight.json"]]);
    }

    private void WriteTwilight(int port) => Write("twilight.json", new
    {
        uuid = Host.ToString(),
        messaging = new
        {
            endpoint = $"tcp://{_settings.SparkleAddress}:{port}",
            server_key = SparkleKey,
            key_file = _directory["twilight.key"],
            keep_alive = _settings.KeepAlive,
        },
        hypervisor = new { uri = Libvirtd.Uri, accelerator = "tcg" },
        console_directory = _directory["console"],
        storage = new { staging_directory = _directory["storage"] },
        metadata = new { seed_directory = _directory["seeds"] },
        diskless_boot = _guest is null
            ? (object)new { rom = _directory["guest.rom"] }
            : new { kernel = Path.Combine(_guest, "kernel"), initrd = Path.Combine(_guest, "initrd"), cmdline = _settings.KernelCommandLine },
        devices = new { loop = _settings.HasLoopDevices },
    });

    private static ChildProcess StartDaemon(NetworkNamespace? network, string project, string assembly, params string[] arguments)
    {
        if (network is null)
            return ChildProcess.StartDaemon(project, assembly, arguments);
        var (file, all) = network.Inside("dotnet", [Repository.Program(project, assembly), .. arguments]);
        return ChildProcess.Start(file, all);
    }

    private void Write(string name, object content) => File.WriteAllText(_directory[name], JsonConvert.SerializeObject(content));
}
