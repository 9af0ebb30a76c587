using System.Buffers.Text;
using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net.WebSockets;
using System.Text;
using System.Threading.Channels;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using PonyCloud.Benchmarks.Fleet;
using PonyCloud.Shared.Entities;
using PonyCloud.Sparkle.Api;
using PonyCloud.Sparkle.Api.Security;
using PonyCloud.Sparkle.Api.Watching;
using PonyCloud.Sparkle.Control;
using PonyCloud.Sparkle.Database;
using PonyCloud.TestKit.Control;

namespace PonyCloud.Benchmarks;

/// <summary>
/// 1,000 WebSockets that follow changes, against an endpoint of the same server that passes texts of the same length on to
/// as many sockets and knows nothing of rows or rights. Clients are in this process, for both.
/// </summary>
internal static class WatchBenchmark
{
    private const int Watchers = 1000;
    private const int Rounds = 3;
    private static readonly TimeSpan Length = TimeSpan.FromSeconds(4);

    private sealed record Measured(double[] LagMilliseconds, double CpuMicroseconds);

    public static async Task<IEnumerable<Result>> RunAsync()
    {
        var directory = Directory.CreateTempSubdirectory("ponycloud-bench-").FullName;
        try
        {
            var database = new MemoryDatabase(EntityCatalog.Load());
            var alicorn = new UserDesired { Email = "alicorn@localhost", Alicorn = true };
            database.Put(alicorn);
            var bare = new BareBroadcast();
            await using var application = Build(database, directory, bare);
            await application.StartAsync();
            var address = application.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single();
            var results = new List<Result>();
            foreach (var (groups, rate) in ((int, int)[])[(100, 500), (1, 20)])
                results.AddRange(await CompareAsync(application, database, alicorn, bare, new Uri(address), groups, rate));
            var (bytes, sets) = application.Services.GetRequiredService<WatchHub>().History;
            results.Add(new Result("history, for each change set", bytes / (double)sets, "bytes", "its JSON", bare.MessageLength));
            await application.StopAsync();
            return results;
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }

    private static async Task<IEnumerable<Result>> CompareAsync(
        WebApplication application, MemoryDatabase database, UserDesired alicorn, BareBroadcast bare, Uri address, int groups, int rate)
    {
        var tenants = Enumerable.Range(0, groups).Select(_ => Guid.NewGuid()).ToArray();
        var instances = tenants.Select(tenant => new InstanceDesired { Uuid = Guid.NewGuid(), Tenant = tenant, Name = "server", Mem = 16 }).ToArray();
        database.Put([.. tenants.Select(tenant => new TenantDesired { Uuid = tenant, Name = tenant.ToString(), Approved = true })]);
        database.Put([.. instances]);
        var tokens = tenants.Select(tenant => application.Services.GetRequiredService<TokenService>().Issue(alicorn, tenant.ToString()).Text).ToArray();

        var (watched, plain) = (new List<Measured>(), new List<Measured>());
        for (var round = 0; round <= Rounds; round++)
        {
            var ours = await MeasureAsync(groups, rate, i => ConnectAsync(address, "/api/v1/watch", tokens[i % groups]), isFirstSkipped: true, sequence =>
                database.Put(instances[sequence % groups] with { Mem = sequence }));
            bare.Begin(groups);
            var theirs = await MeasureAsync(groups, rate, i => ConnectAsync(address, $"/bare/{i % groups}", null), isFirstSkipped: false, sequence =>
                bare.Send(sequence % groups, sequence));
            if (round == 0)
                continue; // The first warms up.
            watched.Add(ours);
            plain.Add(theirs);
        }
        var what = $"{rate} changes/s, each for {Watchers / groups:#,0} of {Watchers:#,0} watchers";
        const string Peer = "a bare WebSocket broadcast";
        return
        [
            new Result($"{what}: lag p50", Lag(watched, 0.5), "ms", Peer, Lag(plain, 0.5)),
            new Result($"{what}: lag p99", Lag(watched, 0.99), "ms", Peer, Lag(plain, 0.99)),
            new Result($"{what}: CPU for each message", Cpu(watched), "µs", Peer, Cpu(plain), 1.5, HigherIsBetter: false),
        ];

        static double Lag(List<Measured> rounds, double share) => rounds.SelectMany(round => round.LagMilliseconds).ToArray().At(share);

        static double Cpu(List<Measured> rounds) => rounds.Select(round => round.CpuMicroseconds).ToArray().At(0.5);
    }

    private static async Task<Measured> MeasureAsync(
        int groups, int rate, Func<int, Task<ClientWebSocket>> connect, bool isFirstSkipped, Action<int> change)
    {
        // The sequence number travels as the memory of an instance, which has a lower bound.
        const int First = 1000;
        var count = (int)(rate * Length.TotalSeconds);
        var sent = new long[count];
        var lags = new ConcurrentQueue<double>();
        var sockets = new List<ClientWebSocket>(Watchers);
        for (var i = 0; i < Watchers; i++)
            sockets.Add(await connect(i));
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(2));
        var reading = sockets.Select((socket, i) => Task.Run(() => ReadAsync(socket, Enumerable.Range(0, count).Count(at => (First + at) % groups == i % groups)))).ToArray();

        var figures = new ProcessFigures(Environment.ProcessId);
        var cpu = figures.Cpu;
        var start = Stopwatch.GetTimestamp();
        using var pace = new PeriodicTimer(TimeSpan.FromMilliseconds(1));
        for (var i = 0; i < count; i++)
        {
            while (Stopwatch.GetElapsedTime(start).TotalSeconds < (double)i / rate)
                await pace.WaitForNextTickAsync();
            sent[i] = Stopwatch.GetTimestamp();
            change(First + i);
        }
        await Task.WhenAll(reading);
        var used = (figures.Cpu - cpu).TotalMicroseconds / lags.Count;
        foreach (var socket in sockets)
        {
            await socket.CloseAsync(WebSocketCloseStatus.NormalClosure, null, limit.Token);
            socket.Dispose();
        }
        return new Measured([.. lags], used);

        async Task ReadAsync(ClientWebSocket socket, int expected)
        {
            var buffer = new byte[16 * 1024];
            for (var i = isFirstSkipped ? -1 : 0; i < expected; i++)
            {
                var received = await socket.ReceiveAsync(buffer.AsMemory(), limit.Token);
                if (i < 0)
                    continue;
                var text = buffer.AsSpan(0, received.Count);
                var at = text.IndexOf("\"mem\":"u8) + 6;
                if (at < 6 || !Utf8Parser.TryParse(text[at..], out int sequence, out _))
                    throw new InvalidOperationException($"This is no change: {Encoding.UTF8.GetString(text)}");
                lags.Enqueue(Stopwatch.GetElapsedTime(sent[sequence - First]).TotalMilliseconds);
            }
        }
    }

    private static async Task<ClientWebSocket> ConnectAsync(Uri address, string path, string? token)
    {
        var socket = new ClientWebSocket();
        if (token is not null)
            socket.Options.SetRequestHeader("Authorization", $"Bearer {token}");
        await socket.ConnectAsync(new Uri($"ws://{address.Authority}{path}"), CancellationToken.None);
        return socket;
    }

    private static WebApplication Build(MemoryDatabase database, string directory, BareBroadcast bare)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.Services.AddSingleton(database.Catalog);
        builder.Services.AddSingleton<IStateView>(database);
        builder.Services.AddSingleton<IDesiredStateWriter>(database);
        builder.Services.AddSingleton<IRequestLedger>(database);
        builder.Services.AddApi(new ApiOptions
        {
            Listen = "http://127.0.0.1:0",
            DataDirectory = directory,
            FirstAlicornPasswordFile = Path.Combine(directory, "password"),
            Watch = new WatchOptions
            {
                MaxPerUser = Watchers * 2,
            },
        });
        var application = builder.Build();
        application.UseWebSockets();
        application.Map("/bare/{group:int}", (HttpContext context, int group) => bare.ServeAsync(context, group));
        application.MapApi();
        foreach (var feature in application.Services.GetServices<IControlFeature>())
            database.Settled += feature.Settled;
        return application;
    }

    /// <summary>What remains when everything about rows and rights is left out.</summary>
    private sealed class BareBroadcast
    {
        private ConcurrentBag<Channel<byte[]>>[] _groups = [];

        /// <summary>As long as the text of one changed instance.</summary>
        public int MessageLength { get; } = Text(1000).Length;

        public void Begin(int groups) => _groups = [.. Enumerable.Range(0, groups).Select(_ => new ConcurrentBag<Channel<byte[]>>())];

        public void Send(int group, int sequence)
        {
            var text = Text(sequence);
            foreach (var channel in _groups[group])
                channel.Writer.TryWrite(text);
        }

        public async Task ServeAsync(HttpContext context, int group)
        {
            var channel = Channel.CreateBounded<byte[]>(1024);
            _groups[group].Add(channel);
            using var socket = await context.WebSockets.AcceptWebSocketAsync();
            var receiving = socket.ReceiveAsync(new byte[16], context.RequestAborted).ContinueWith(
                _ => channel.Writer.TryComplete(), CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
            await foreach (var text in channel.Reader.ReadAllAsync(context.RequestAborted))
                await socket.SendAsync(text.AsMemory(), WebSocketMessageType.Text, true, context.RequestAborted);
            await receiving;
            await socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, context.RequestAborted);
        }

        private static byte[] Text(int sequence)
        {
            var key = Guid.Empty;
            return Encoding.ASCII.GetBytes(
                $$$"""{"revision":"AAAAAAAAAAAAAAAAAAAAAA","changes":[{"path":"/tenant/{{{key}}}/instance/{{{key}}}","table":"instance","key":"{{{key}}}","desired":{"uuid":"{{{key}}}","tenant":"{{{key}}}","name":"server","state":"stopped","vcpu":1,"rcpu":0,"mem":{{{sequence}}},"stop_timeout":60}}]}""");
        }
    }
}
