using System.Globalization;
using System.Text.Json;
using Microsoft.Extensions.Logging.Abstractions;
using PonyCloud.Shared.Messaging;
using PonyCloud.Shared.Messaging.ZeroMq;

namespace PonyCloud.Benchmarks.Fleet.Role;

/// <summary>
/// The benchmark's own program as the least that a controller could be: a ROUTER socket that answers a state with as
/// many bytes as asked for, and parses each keep-alive and sends it back.
/// </summary>
internal static class RawServerRole
{
    public const string Name = "raw-server-role";

    private const int PollMilliseconds = 100;
    private const int Batch = 256;

    private static long _flooded;

    /// <param name="arguments">The endpoint, and how many bytes answer a state.</param>
    public static int Run(IReadOnlyList<string> arguments)
    {
        var ended = false;
        var options = ZeroMqOptions.Server(arguments[0], PeerId.Sparkle.Text) with
        {
            Curve = new ZeroMqCurve.Server(FleetKeys.BareServer),
        };
        var socket = new RouterSocket(options, NullLogger.Instance, TimeProvider.System);
        var answer = new byte[int.Parse(arguments[1], CultureInfo.InvariantCulture)];
        answer[0] = RawPeer.State;
        var input = new Thread(() =>
        {
            while (Console.In.ReadLine() is "count")
                Console.Out.WriteLine(string.Create(CultureInfo.InvariantCulture, $"count {Interlocked.Read(ref _flooded)}"));
            Volatile.Write(ref ended, true);
        });
        input.Start();
        Console.Out.WriteLine("ready");
        while (!Volatile.Read(ref ended))
        {
            var worked = socket.Doorkeeper!.Attend(Batch);
            for (var i = 0; i < Batch && socket.Receive(out var received) != ReceiveOutcome.Nothing; i++)
            {
                worked = true;
                if (received is not null)
                    Answer(socket, received.Peer, received.Body, answer);
            }
            if (!worked)
                Wait(socket);
        }
        input.Join();
        socket.Close();
        return 0;
    }

    private static unsafe void Wait(RouterSocket socket)
    {
        var items = stackalloc Native.PollItem[3];
        items[0] = new Native.PollItem { Socket = socket.Handle, Events = Native.PollIn };
        items[1] = new Native.PollItem { Socket = socket.Doorkeeper!.Questions, Events = Native.PollIn };
        items[2] = new Native.PollItem { Socket = socket.Doorkeeper!.Reports, Events = Native.PollIn };
        _ = Native.zmq_poll(items, 3, PollMilliseconds);
    }

    private static void Answer(RouterSocket socket, PeerId peer, ReadOnlyMemory<byte> body, byte[] answer)
    {
        switch (body.Span[0])
        {
            case RawPeer.State:
                socket.Send(peer, answer);
                break;
            case RawPeer.Flooding:
                Interlocked.Increment(ref _flooded);
                break;
            default:
                using (JsonDocument.Parse(body))
                    socket.Send(peer, body.Span);
                break;
        }
    }
}
