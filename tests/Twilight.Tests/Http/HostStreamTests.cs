using System.Net;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging.Abstractions;
using NUnit.Framework;
using PonyCloud.Shared.Http;
using PonyCloud.TestKit.Processes;
using PonyCloud.Twilight.Http;
using PonyCloud.Twilight.Tests.Storage.Transfers;

namespace PonyCloud.Twilight.Tests.Http;

/// <summary>Raw streams between a client and a route of the host's server, both real, over TLS.</summary>
public sealed class HostStreamTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);

    private Echo _echo = null!;
    private HostServer _server = null!;

    [SetUp]
    public async Task StartAsync()
    {
        _echo = new Echo();
        // Whatever the rate is, a stream is not held to it.
        var options = TransferBench.ServerOptions with { RateMin = 1_000_000, Grace = TimeSpan.FromSeconds(1.1) };
        _server = new HostServer(options, [_echo], TimeProvider.System, NullLoggerFactory.Instance);
        await _server.StartAsync(CancellationToken.None);
    }

    [TearDown]
    public ValueTask StopAsync() => _server.DisposeAsync();

    [Test]
    public async Task Bytes_go_both_ways()
    {
        await using var stream = await ConnectAsync();
        var sent = RandomNumberGenerator.GetBytes(3 << 20);
        var sending = stream.WriteAsync(sent).AsTask();
        var back = new byte[sent.Length];
        await stream.ReadExactlyAsync(back);
        await sending;
        Assert.That(back.AsSpan().SequenceEqual(sent));
    }

    [Test]
    public async Task A_client_that_goes_ends_the_stream_of_the_route()
    {
        var stream = await ConnectAsync();
        await SayAsync(stream, "a");
        await stream.DisposeAsync();
        await _echo.Ended.WaitAsync(Eventually.Patience);
    }

    [Test]
    public async Task A_route_that_ends_ends_the_stream_of_the_client()
    {
        await using var stream = await ConnectAsync("/echo/brief");
        await stream.WriteAsync(new byte[1]);
        Assert.That(await stream.ReadAsync(new byte[1]), Is.Zero);
    }

    [Test]
    public async Task A_server_that_stops_ends_its_streams()
    {
        await using var stream = await ConnectAsync();
        await SayAsync(stream, "a");
        await _server.StopAsync(CancellationToken.None);
        await _echo.Ended.WaitAsync(Eventually.Patience);
        try
        {
            Assert.That(await stream.ReadAsync(new byte[1]), Is.Zero);
        }
        catch (IOException exception)
        {
            Assert.That(exception.Message, Is.Not.Empty, "a reset is an end as well");
        }
    }

    [Test]
    public async Task A_reader_that_takes_nothing_for_longer_than_a_transfer_may_is_not_cut_off()
    {
        await using var stream = await ConnectAsync();
        var sent = new byte[8 << 20];
        var sending = stream.WriteAsync(sent).AsTask();
        // The echo has nowhere to go, while the patience with a transfer begins and ends.
        using var http = HostHttp.Make(Endpoint, Limit);
        using var body = new HangingContent(sent.AsMemory(0, 10_000), sent.Length);
        http.DefaultRequestHeaders.ExpectContinue = true;
        Assert.That(async () => await http.PutAsync(new Uri("/echo/body", UriKind.Relative), body), Throws.InstanceOf<HttpRequestException>());
        await stream.ReadExactlyAsync(new byte[sent.Length]);
        await sending;
    }

    [Test]
    public async Task Why_there_is_no_stream_is_told()
    {
        var endpoint = Endpoint;
        await RefusedAsync(HostStreamFailure.Refused, HttpStatusCode.Unauthorized, endpoint with { Token = "another" }, "/echo/a");
        await RefusedAsync(HostStreamFailure.Refused, HttpStatusCode.NotFound, endpoint, "/elsewhere");
        await RefusedAsync(HostStreamFailure.Refused, HttpStatusCode.OK, endpoint, "/echo/plain");
        await RefusedAsync(HostStreamFailure.Impostor, null, endpoint with { Fingerprint = new byte[32] }, "/echo/a");
        var elsewhere = new Uri($"https://127.0.0.1:{FreePort.Take()}");
        await RefusedAsync(HostStreamFailure.Unreachable, null, endpoint with { Address = elsewhere }, "/echo/a");

        static async Task RefusedAsync(HostStreamFailure failure, HttpStatusCode? status, HostEndpoint to, string path)
        {
            var exception = await Assert.ThrowsAsync<HostStreamException>(
                () => HostStreams.ConnectAsync(to, path, Limit, TimeProvider.System, CancellationToken.None));
            Assert.That((exception!.Failure, exception.Status), Is.EqualTo((failure, status)), path);
        }
    }

    [Test]
    public async Task A_host_that_does_not_answer_is_given_up()
    {
        var exception = await Assert.ThrowsAsync<HostStreamException>(
            () => HostStreams.ConnectAsync(Endpoint, "/echo/never", TimeSpan.FromMilliseconds(300), TimeProvider.System, CancellationToken.None));
        Assert.That(exception!.Failure, Is.EqualTo(HostStreamFailure.Silent));
    }

    [Test]
    public async Task A_request_that_wants_no_stream_is_told_what_is_needed()
    {
        using var http = HostHttp.Make(Endpoint, Limit);
        using var answer = await http.GetAsync(new Uri("/echo/a", UriKind.Relative));
        Assert.That(answer.StatusCode, Is.EqualTo(HttpStatusCode.UpgradeRequired));
        Assert.That(answer.Headers.Upgrade.ToString(), Is.EqualTo(HostStreams.Protocol));
    }

    [Test]
    public async Task Joined_streams_pass_bytes_both_ways_and_end_together()
    {
        var near = await ConnectAsync();
        var far = await ConnectAsync();
        // Each echoes what the other one says: it comes back for ever.
        var join = StreamJoin.RunAsync(near, far, CancellationToken.None);
        Assert.That(join.IsCompleted, Is.False);
        await _server.StopAsync(CancellationToken.None);
        await join.WaitAsync(Eventually.Patience).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        Assert.That(join.IsCompleted);
        await near.DisposeAsync();
        await far.DisposeAsync();
    }

    private HostEndpoint Endpoint =>
        HostEndpoint.TryParse(_server.Identity!.Endpoint, _server.Identity.Fingerprint, _server.Identity.Token)!;

    private Task<Stream> ConnectAsync(string path = "/echo/a") =>
        HostStreams.ConnectAsync(Endpoint, path, Limit, TimeProvider.System, CancellationToken.None);

    private static async Task SayAsync(Stream stream, string text)
    {
        var bytes = Encoding.ASCII.GetBytes(text);
        await stream.WriteAsync(bytes);
        var back = new byte[bytes.Length];
        await stream.ReadExactlyAsync(back);
        Assert.That(back, Is.EqualTo(bytes));
    }

    /// <summary>Sends back what comes.</summary>
    private sealed class Echo : IHostRoute
    {
        private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public string Name => "echo";

        public Task Ended => _ended.Task;

        public async Task AnswerAsync(HttpContext context, string rest, CancellationToken stopping)
        {
            if (rest == "plain")
                return;
            if (rest == "body")
                await context.Request.Body.CopyToAsync(Stream.Null, stopping);
            if (rest == "never")
                await new TaskCompletionSource().Task.WaitAsync(context.RequestAborted);
            if (!await StreamUpgrade.IsWantedAsync(context))
                return;
            try
            {
                await using var stream = await StreamUpgrade.AcceptAsync(context);
                var buffer = new byte[4096];
                while (await stream.ReadAsync(buffer, stopping) is var count and > 0 && rest != "brief")
                    await stream.WriteAsync(buffer.AsMemory(0, count), stopping);
            }
            finally
            {
                _ended.TrySetResult();
            }
        }
    }
}
