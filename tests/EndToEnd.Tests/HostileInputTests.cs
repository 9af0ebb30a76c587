using System.Net.Sockets;
using NUnit.Framework;
using PonyCloud.EndToEnd.Tests.Platform;
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
        byte[] greeting = [0xFF, 0, 0, 0, 0, 0, 0, 0, 1, 0x7F, 3, 0, .. "NULL"u8, .. new byte[48]];
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
