using System.Net.Sockets;
using System.Text;
using Newtonsoft.Json;
using NUnit.Framework;
using PonyCloud.EndToEnd.Tests.Platform;
using PonyCloud.Shared.Messaging;
using PonyCloud.Shared.Messaging.ZeroMq;
using PonyCloud.TestKit.Processes;

namespace PonyCloud.EndToEnd.Tests;

/// <summary>Rubbish on a port is the sender's problem.</summary>
public sealed class HostileInputTests : PlatformFixture
{
    private const int Bytes = 10 * 1024 * 1024;

    [Test]
    public async Task Ten_megabytes_of_chance_at_each_port_harm_nobody([Values(1, 2)] int seed)
    {
        var instance = await Running.CreateAsync();
        await instance.RunsAsync();
        var pid = instance.GuestPid;

        using var limit = new CancellationTokenSource(Eventually.Patience * 2);
        await Task.WhenAll(
            ThrowAsync(Running.MessagingPort, new Random(seed), [], limit.Token),
            ThrowAsync(Running.HttpPort, new Random(seed + 100), [], limit.Token));
        // The same behind what a ZeroMQ peer and an HTTP client say first, to get past the door.
        byte[] greeting = [0xFF, 0, 0, 0, 0, 0, 0, 0, 1, 0x7F, 3, 0, .. "CURVE"u8, .. new byte[47]];
        await Task.WhenAll(
            ThrowAsync(Running.MessagingPort, new Random(seed + 200), greeting, limit.Token),
            ThrowAsync(Running.HttpPort, new Random(seed + 300), [.. "POST /api/v1/token HTTP/1.1\r\nContent-Length: 99999999\r\n\r\n"u8], limit.Token));

        Assert.That(Running.Sparkle.HasExited, Is.False);
        Assert.That(Running.Twilight.HasExited, Is.False);
        // They are not merely there: both still work.
        await Running.HostIsPresentAsync();
        Assert.That(instance.GuestPid, Is.EqualTo(pid));
        await instance.OrderAsync("stopped");
        await instance.IsAsync("stopped");
        await instance.DeleteAsync();
        await instance.HasNoDomainAsync();
    }

    [Test]
    public async Task A_stranger_with_a_key_of_its_own_can_say_what_it_wants_and_harms_nobody()
    {
        var instance = await Running.CreateAsync();
        await instance.RunsAsync();
        // From an address of its own, so that what Sparkle says about it is not held back for somebody else's sake.
        await using var stranger = new ZeroMqTransport(ZeroMqOptions.Client($"tcp://127.0.0.2:0;127.0.0.1:{Running.MessagingPort}") with
        {
            Curve = new ZeroMqCurve.Client(CurveKeys.Generate(), Running.SparkleKey),
        });
        var row = new object[] { "instance", instance.Uuid, "desired", new { uuid = instance.Uuid, state = "stopped" } };
        object[] forged =
        [
            new { @event = "twilight-update-state", uuid = Running.Host, incarnation = "x", seq = 0, stream = (string?)null, changes = new[] { row } },
            new { @event = "twilight-update-state", uuid = Guid.NewGuid(), incarnation = "x", seq = 1, stream = "x:1", changes = new[] { row } },
            new { @event = "twilight-resync", uuid = Guid.NewGuid(), stream = "x:1" },
            new { @event = "sparkle-update-state", incarnation = "x", seq = 0, stream = "x:1", changes = new[] { row } },
        ];
        byte[][] said =
        [
            [], "{"u8.ToArray(), "null"u8.ToArray(), "[[[[[[[["u8.ToArray(), [0xFF, 0xFE, 0], new byte[64 * 1024], new byte[1024 * 1024],
            Encoding.UTF8.GetBytes(new string('[', 50_000)),
            .. forged.Select(message => Encoding.UTF8.GetBytes(JsonConvert.SerializeObject(message))),
        ];

        var refused = Running.Sparkle.WaitForLineAsync(
            "that a large message of the stranger was refused",
            line => line.Contains("refused 127.0.0.2: a message of", StringComparison.Ordinal));
        await Eventually.HoldsAsync("Sparkle to hear it", () =>
        {
            SayAll();
            return refused.IsCompleted;
        });
        await refused;
        // Now that the connection is there, nothing is lost.
        SayAll();

        Assert.That(Running.Sparkle.HasExited, Is.False);
        await Running.HostIsPresentAsync();
        Assert.That(RunningInstance.Status(await instance.GetAsync()), Is.EqualTo("running"));
        await instance.OrderAsync("stopped");
        await instance.IsAsync("stopped");
        await instance.DeleteAsync();

        void SayAll()
        {
            foreach (var message in said)
                stranger.TrySend(PeerId.Sparkle, message);
            while (stranger.Events.TryRead(out _))
            {
                // Answers and failures are not what this is about, and must not hold it back.
            }
        }
    }

    /// <summary>Sends all bytes, through as many connections as the other side makes necessary by closing them.</summary>
    private static async Task ThrowAsync(int port, Random random, byte[] opening, CancellationToken cancellation)
    {
        var chunk = new byte[64 * 1024];
        var sent = 0;
        var connections = 0;
        while (sent < Bytes)
        {
            using var client = new TcpClient();
            await client.ConnectAsync("127.0.0.1", port, cancellation);
            connections++;
            try
            {
                await client.GetStream().WriteAsync(opening, cancellation);
                while (sent < Bytes)
                {
                    random.NextBytes(chunk);
                    await client.GetStream().WriteAsync(chunk, cancellation);
                    sent += chunk.Length;
                }
            }
            catch (IOException)
            {
                // It hung up, as it may. A chunk that was on its way counts, or this would never end.
                sent += chunk.Length;
            }
        }

        Assert.That(connections, Is.Positive);
    }
}
