using System.Text.Json;
using System.Threading.Channels;
using Microsoft.Extensions.Logging.Abstractions;
using NUnit.Framework;
using PonyCloud.TestKit.Devices;
using PonyCloud.TestKit.Processes;
using PonyCloud.Twilight.Devices;
using PonyCloud.Twilight.Devices.Udev;

namespace PonyCloud.Twilight.Tests.Devices;

/// <summary>
/// A udev monitor in another process: namespaces are entered by threads, and the thread pool must not get one that has. Each
/// line asks for a scan; each answer is a line, as is each event.
/// </summary>
internal sealed class RemoteDeviceMonitor : IDeviceMonitor
{
    /// <summary>What the entry point of this assembly gets to be the other end, with the size of the buffer behind it.</summary>
    public const string Verb = "devices";

    private const string Scan = "scan ";
    private const string Event = "event ";

    private readonly ChildProcess _process;
    private readonly Channel<DeviceEvent> _events = Channel.CreateUnbounded<DeviceEvent>();
    private readonly CancellationTokenSource _stopping = new();
    private readonly SemaphoreSlim _turn = new(1);
    private readonly Task _following;
    private int _scans;

    private RemoteDeviceMonitor(ChildProcess process)
    {
        _process = process;
        _following = FollowAsync();
    }

    public ChannelReader<DeviceEvent> Events => _events.Reader;

    public static async Task<RemoteDeviceMonitor> StartAsync(PrivateUdevd daemon, int bufferBytes)
    {
        var (file, arguments) = daemon.Inside("dotnet", typeof(RemoteDeviceMonitor).Assembly.Location, Verb, $"{bufferBytes}");
        var process = ChildProcess.Start(file, arguments);
        await process.WaitForLineAsync("the monitor", line => line == Verb);
        return new RemoteDeviceMonitor(process);
    }

    /// <summary>The other end.</summary>
    public static async Task ServeAsync(int bufferBytes)
    {
        await using var monitor = new UdevDeviceMonitor(
            new UdevOptions { BufferBytes = bufferBytes }, TimeProvider.System, NullLogger<UdevDeviceMonitor>.Instance);
        var telling = TellAsync();
        Console.WriteLine(Verb);
        while (await Console.In.ReadLineAsync() is not null)
            Console.WriteLine(Scan + JsonSerializer.Serialize(await monitor.ScanAsync(CancellationToken.None)));
        await monitor.DisposeAsync();
        await telling;

        async Task TellAsync()
        {
            await foreach (var happened in monitor.Events.ReadAllAsync())
                Console.WriteLine(Event + happened);
        }
    }

    public async Task<IReadOnlyList<BlockDevice>> ScanAsync(CancellationToken cancellationToken)
    {
        using var giveUp = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _stopping.Token);
        await _turn.WaitAsync(giveUp.Token);
        try
        {
            var number = ++_scans;
            await _process.Input.WriteLineAsync("scan");
            await _process.Input.FlushAsync(giveUp.Token);
            var line = await _process.WaitForLineAsync("a scan", line => line.StartsWith(Scan, StringComparison.Ordinal) && --number == 0);
            return JsonSerializer.Deserialize<List<BlockDevice>>(line[Scan.Length..])!;
        }
        finally
        {
            _turn.Release();
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_stopping.IsCancellationRequested)
            return;
        await _stopping.CancelAsync();
        _process.Input.Close();
        await _process.WaitForExitAsync();
        await _following;
        await _process.DisposeAsync();
    }

    private async Task FollowAsync()
    {
        try
        {
            for (var told = 0; ; told++)
            {
                var number = 0;
                var line = await _process.WaitForLineAsync(
                    "an event", line => line.StartsWith(Event, StringComparison.Ordinal) && ++number > told, Timeout.InfiniteTimeSpan);
                _events.Writer.TryWrite(Enum.Parse<DeviceEvent>(line[Event.Length..]));
            }
        }
        catch (AssertionException) when (_stopping.IsCancellationRequested)
        {
            // The process has ended, as it was told to.
            _events.Writer.TryComplete();
        }
    }
}
