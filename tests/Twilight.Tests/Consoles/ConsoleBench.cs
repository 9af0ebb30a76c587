using System.Net.Sockets;
using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using NUnit.Framework;
using PonyCloud.Shared.Http;
using PonyCloud.TestKit.Processes;
using PonyCloud.Twilight.Consoles;
using PonyCloud.Twilight.Http;
using PonyCloud.Twilight.Instances;
using PonyCloud.Twilight.Tests.Storage.Transfers;

namespace PonyCloud.Twilight.Tests.Consoles;

/// <summary>The host's server with consoles, and sockets that a test listens on in the place of QEMU.</summary>
internal sealed class ConsoleBench : IAsyncDisposable
{
    public static readonly Guid Instance = Guid.Parse("00000000-0000-4000-8000-000000000009");

    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);

    private readonly TemporaryDirectory _directory = new("console");
    private readonly SerialPorts _ports;
    private readonly HostServer _server;

    private ConsoleBench(ConsoleOptions options)
    {
        Domains = new DomainOptions { Accelerator = Accelerator.Tcg, ConsoleDirectory = _directory.Path };
        var logs = new ConsoleLogs(Domains, options);
        _ports = new SerialPorts(Domains, logs, options, TimeProvider.System);
        var route = new ConsoleRoute(Domains, logs, _ports, options, TimeProvider.System, NullLogger<ConsoleRoute>.Instance);
        _server = new HostServer(TransferBench.ServerOptions, [route], TimeProvider.System, NullLoggerFactory.Instance);
    }

    public DomainOptions Domains { get; }

    public HostEndpoint Endpoint =>
        HostEndpoint.TryParse(_server.Identity!.Endpoint, _server.Identity.Fingerprint, _server.Identity.Token)!;

    public string Log => Domains.ConsoleLogOf(Instance);

    public static async Task<ConsoleBench> StartAsync(ConsoleOptions? options = null)
    {
        var bench = new ConsoleBench(options ?? new ConsoleOptions());
        await bench._server.StartAsync(CancellationToken.None);
        return bench;
    }

    /// <summary>Listens as QEMU does.</summary>
    public static Socket Listen(string path)
    {
        File.Delete(path);
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        socket.Bind(new UnixDomainSocketEndPoint(path));
        socket.Listen();
        return socket;
    }

    public static async Task<NetworkStream> AcceptAsync(Socket listener) =>
        new(await listener.AcceptAsync().WaitAsync(Eventually.Patience), ownsSocket: true);

    public Task<Stream> AttachAsync(string what) =>
        HostStreams.ConnectAsync(Endpoint, $"/console/{Instance}/{what}", Limit, TimeProvider.System, CancellationToken.None);

    public async Task<HttpResponseMessage> ReadLogAsync(string query = "")
    {
        using var http = HostHttp.Make(Endpoint, Limit);
        return await http.GetAsync(new Uri($"/console/{Instance}/log{query}", UriKind.Relative));
    }

    public static ValueTask WriteAsync(Stream to, string text) => to.WriteAsync(Encoding.ASCII.GetBytes(text));

    /// <summary>Reads exactly this.</summary>
    public static async Task SeesAsync(Stream stream, string text)
    {
        var bytes = new byte[text.Length];
        await stream.ReadExactlyAsync(bytes).AsTask().WaitAsync(Eventually.Patience);
        Assert.That(Encoding.ASCII.GetString(bytes), Is.EqualTo(text));
    }

    /// <summary>Reads to the end.</summary>
    /// <returns>How much there was.</returns>
    public static async Task<long> EndsAsync(Stream stream)
    {
        var scrap = new byte[64 << 10];
        var all = 0L;
        try
        {
            while (await stream.ReadAsync(scrap).AsTask().WaitAsync(Eventually.Patience) is var count and > 0)
                all += count;
        }
        catch (IOException exception)
        {
            Assert.That(exception.Message, Is.Not.Empty, "a reset is an end as well");
        }
        return all;
    }

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        _ports.Dispose();
        _directory.Dispose();
    }
}
