using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging.Abstractions;
using NUnit.Framework;
using PonyCloud.TestKit.Processes;
using PonyCloud.Twilight.Http;
using PonyCloud.Twilight.Storage;
using PonyCloud.Twilight.Storage.Transfers;
using PonyCloud.Twilight.Storage.Transfers.Qemu;
using PonyCloud.Twilight.Tools;

namespace PonyCloud.Twilight.Tests.Storage.Transfers;

/// <summary>A transfer server on loopback, and a client that knows its certificate and its token.</summary>
internal sealed class TransferBench : IAsyncDisposable
{
    public static readonly Guid Volume = Guid.Parse("00000000-0000-4000-8000-000000000007");

    private readonly Guid _mark = Guid.NewGuid();
    private readonly TemporaryDirectory _directory = new("transfer");

    private readonly VolumeRoute _route;

    private TransferBench(TransferOptions options, HostServerOptions server, TimeProvider time)
    {
        Contents = new FakeContents();
        _route = new VolumeRoute(options, Contents, time, NullLoggerFactory.Instance);
        Server = new HostServer(server, [_route], time, NullLoggerFactory.Instance);
        var runner = new ToolRunner(_mark, TimeProvider.System, NullLogger<ToolRunner>.Instance);
        Access = new BlockNodeAccess(runner, runner, _directory["run"]);
        Http = new HttpClient(new SocketsHttpHandler
        {
            Expect100ContinueTimeout = Eventually.Patience,
            SslOptions =
            {
                RemoteCertificateValidationCallback = (_, certificate, _, _) =>
                    HostServerIdentity.FingerprintOf((X509Certificate2)certificate!) == Identity.Fingerprint,
            },
        });
    }

    public static TransferOptions Options { get; } = new();

    public static HostServerOptions ServerOptions { get; } = new() { Listen = new IPEndPoint(IPAddress.Loopback, 0), Advertised = "127.0.0.1" };

    public HostServer Server { get; }

    public HostServerIdentity Identity => Server.Identity!;

    public FakeContents Contents { get; }

    public BlockNodeAccess Access { get; }

    public HttpClient Http { get; }

    public string this[string name] => _directory[name];

    public static async Task<TransferBench> StartAsync(
        TransferOptions? options = null, TimeProvider? time = null, HostServerOptions? server = null)
    {
        var bench = new TransferBench(options ?? Options, server ?? ServerOptions, time ?? TimeProvider.System);
        await bench.Server.StartAsync(CancellationToken.None);
        bench.Http.BaseAddress = new Uri(bench.Identity.Endpoint);
        bench.Http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", bench.Identity.Token);
        return bench;
    }

    public static string DigestOf(ReadOnlySpan<byte> content) => $"sha-256=:{Convert.ToBase64String(SHA256.HashData(content))}:";

    /// <summary>A request for a part of an upload; a null body has no bytes, and asks to finish.</summary>
    public static HttpRequestMessage Part(
        long offset, HttpContent? body, long count, long total, string? digest = null, string query = "?generation=1")
    {
        var request = new HttpRequestMessage(HttpMethod.Put, $"/volume/{Volume}{query}") { Content = body ?? new ByteArrayContent([]) };
        request.Headers.ExpectContinue = true;
        request.Content.Headers.ContentLength = body is null ? 0 : count;
        request.Content.Headers.ContentRange = body is null
            ? new ContentRangeHeaderValue(total)
            : new ContentRangeHeaderValue(offset, offset + count - 1, total);
        if (digest is not null)
            request.Headers.TryAddWithoutValidation("Repr-Digest", digest);
        return request;
    }

    public Task<HttpResponseMessage> PutAsync(byte[] content, int offset, int count, string? digest = null, int? total = null) =>
        Http.SendAsync(Part(offset, new ByteArrayContent(content, offset, count), count, total ?? content.Length, digest));

    public Task<HttpResponseMessage> FinishAsync(long total, string? digest) => Http.SendAsync(Part(0, null, 0, total, digest));

    public Task<HttpResponseMessage> GetAsync(string? range = null, string query = "", HttpMethod? method = null)
    {
        var request = new HttpRequestMessage(method ?? HttpMethod.Get, $"/volume/{Volume}{query}");
        if (range is not null)
            request.Headers.TryAddWithoutValidation("Range", range);
        return Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
    }

    public static long OffsetOf(HttpResponseMessage response) =>
        long.Parse(response.Headers.GetValues("Upload-Offset").Single(), CultureInfo.InvariantCulture);

    /// <summary>A qcow2 of so many bytes.</summary>
    public async Task<BlockNode> Qcow2Async(long length)
    {
        await ChildProcess.RunAsync("qemu-img", ["create", "-q", "-f", "qcow2", _directory["disk"], $"{length}"]);
        return Node();
    }

    /// <summary>A qcow2 with this content.</summary>
    public async Task<BlockNode> Qcow2Async(byte[] content)
    {
        await File.WriteAllBytesAsync(_directory["raw"], content);
        await ChildProcess.RunAsync("qemu-img", ["convert", "-q", "-f", "raw", "-O", "qcow2", _directory["raw"], _directory["disk"]]);
        return Node();
    }

    public async Task<byte[]> ReadQcow2Async()
    {
        await ChildProcess.RunAsync("qemu-img", ["check", "-q", "-f", "qcow2", _directory["disk"]]);
        await ChildProcess.RunAsync("qemu-img", ["convert", "-q", "-f", "qcow2", "-O", "raw", _directory["disk"], _directory["back"]]);
        return await File.ReadAllBytesAsync(_directory["back"]);
    }

    /// <summary>The names of the tools that run for this bench.</summary>
    public IReadOnlyList<string> Children() =>
    [
        .. from directory in Directory.EnumerateDirectories("/proc")
        where int.TryParse(Path.GetFileName(directory), out _)
        let environment = TryRead(Path.Combine(directory, "environ"))
        where environment.Contains($"{ToolRunner.Mark}={_mark}", StringComparison.Ordinal)
        select TryRead(Path.Combine(directory, "comm")).Trim(),
    ];

    public Task HasNoChildrenAsync() =>
        Eventually.HoldsAsync("all tools and sockets to go", () => Children().Count == 0 && Sockets().Length == 0);

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        await Server.DisposeAsync();
        _route.Dispose();
        Assert.That(Children(), Is.Empty);
        _directory.Dispose();
    }

    private string[] Sockets() => Directory.Exists(_directory["run"]) ? Directory.GetFiles(_directory["run"]) : [];

    private BlockNode Node() => new(new JsonObject
    {
        ["driver"] = "qcow2",
        ["file"] = new JsonObject { ["driver"] = "file", ["filename"] = _directory["disk"] },
    })
    {
        Path = _directory["disk"],
    };

    private static string TryRead(string path)
    {
        try
        {
            return File.ReadAllText(path);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // It has ended.
            return "";
        }
    }
}
