using System.Collections.Concurrent;
using System.IO.Pipes;
using System.Runtime.InteropServices;
using System.Threading.Channels;
using Microsoft.Extensions.Logging;

namespace PonyCloud.Twilight.Devices.Udev;

public sealed record UdevOptions
{
    /// <summary>What may wait unread of each sender before events are lost: thousands of them.</summary>
    public int BufferBytes { get; init; } = 8 * 1024 * 1024;

    /// <summary>A udev daemon runs where this exists.</summary>
    public string DaemonSocket { get; init; } = "/run/udev/control";
}

/// <summary>
/// Block devices by way of libudev.
/// <code>
///            start, or a scan: subscribes before it looks
///   CLOSED ───────────────────────────────────────────────► OPEN
///      ▲            listening fails: told as lost events      │
///      └──────────────────────────────────────────────────────┘
/// </code>
/// </summary>
/// <remarks>
/// One thread owns libudev and all of its objects; scans are handed to it. It sleeps in poll(2) on the subscriptions and on a
/// pipe that wakes it. Where the kernel hangs, this thread does and nobody else.
/// </remarks>
public sealed partial class UdevDeviceMonitor : IDeviceMonitor
{
    private const int EventsMax = 16;

    private static readonly TimeSpan EndTimeout = TimeSpan.FromSeconds(2);

    private readonly UdevOptions _options;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly Channel<DeviceEvent> _events = Channel.CreateBounded<DeviceEvent>(
        new BoundedChannelOptions(EventsMax) { FullMode = BoundedChannelFullMode.DropOldest });
    private readonly ConcurrentQueue<TaskCompletionSource<IReadOnlyList<BlockDevice>>> _scans = new();
    private readonly AnonymousPipeServerStream _bell = new(PipeDirection.In);
    private readonly AnonymousPipeClientStream _rope;
    private readonly CancellationTokenSource _stopping = new();
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _isRung;

    /// <summary>Starts the thread, which subscribes.</summary>
    public UdevDeviceMonitor(UdevOptions options, TimeProvider time, ILogger<UdevDeviceMonitor> logger)
    {
        _options = options;
        _time = time;
        _logger = logger;
        _rope = new AnonymousPipeClientStream(PipeDirection.Out, _bell.ClientSafePipeHandle);
        new Thread(Run) { IsBackground = true, Name = "udev" }.Start();
    }

    public ChannelReader<DeviceEvent> Events => _events.Reader;

    public async Task<IReadOnlyList<BlockDevice>> ScanAsync(CancellationToken cancellationToken)
    {
        var scan = new TaskCompletionSource<IReadOnlyList<BlockDevice>>(TaskCreationOptions.RunContinuationsAsynchronously);
        using var giveUp = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _stopping.Token);
        await using var registration = giveUp.Token.Register(() => scan.TrySetCanceled(giveUp.Token));
        _scans.Enqueue(scan);
        Ring();
        return await scan.Task;
    }

    /// <summary>Ends the thread; one that hangs in the kernel is not waited for.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_stopping.IsCancellationRequested)
            return;
        await _stopping.CancelAsync();
        Ring();
        await Task.WhenAny(_ended.Task, Task.Delay(EndTimeout, _time));
        _events.Writer.TryComplete();
        if (!_ended.Task.IsCompleted)
            return; // The thread still uses the pipe.
        await _rope.DisposeAsync();
        await _bell.DisposeAsync();
    }

    private void Ring()
    {
        // Once is enough until the thread has heard it, so the pipe is never full.
        if (Interlocked.Exchange(ref _isRung, 1) != 0)
            return;
        try
        {
            _rope.WriteByte(0);
        }
        catch (ObjectDisposedException) when (_ended.Task.IsCompleted)
        {
            // The thread has ended, so there is nobody to wake.
        }
    }

    private void Run()
    {
        UdevContext? context = null;
        try
        {
            context = TryOpen();
            while (!_stopping.IsCancellationRequested)
            {
                if (!TryListen(context))
                {
                    context?.Dispose();
                    context = null;
                }
                Serve(ref context);
            }
        }
        finally
        {
            context?.Dispose();
            _ended.TrySetResult();
        }
    }

    private UdevContext? TryOpen()
    {
        try
        {
            return new UdevContext(_options);
        }
        catch (Exception exception) when (IsExpected(exception))
        {
            // Whoever scans gets the same failure to see, and tries again.
            LogNotOpened(exception);
            return null;
        }
    }

    /// <summary>Sleeps until something happens, and tells.</summary>
    /// <returns>Whether the context can still be used.</returns>
    private bool TryListen(UdevContext? context)
    {
        List<UdevSubscription> subscriptions = context is null ? [] : [.. context.Subscriptions];
        try
        {
            foreach (var index in Await(subscriptions))
            {
                if (subscriptions[index].Drain() is { } happened)
                    _events.Writer.TryWrite(happened);
            }
            return true;
        }
        catch (DeviceException exception) when (context is not null)
        {
            LogLost(exception);
            _events.Writer.TryWrite(DeviceEvent.Lost);
            return false;
        }
    }

    private unsafe List<int> Await(List<UdevSubscription> subscriptions)
    {
        var items = stackalloc UdevNative.PollItem[subscriptions.Count + 1];
        items[0] = new UdevNative.PollItem { File = (int)_bell.SafePipeHandle.DangerousGetHandle(), Events = UdevNative.PollIn };
        for (var i = 0; i < subscriptions.Count; i++)
            items[i + 1] = new UdevNative.PollItem { File = subscriptions[i].File, Events = UdevNative.PollIn };
        var ready = new List<int>();
        if (UdevNative.Poll(items, (nuint)subscriptions.Count + 1, Timeout.Infinite) < 0)
        {
            var error = Marshal.GetLastPInvokeError();
            return error == UdevNative.Interrupted ? ready : throw UdevDevices.Failure("wait for events", error);
        }
        if (items[0].Returned != 0)
        {
            _bell.ReadByte();
            Interlocked.Exchange(ref _isRung, 0);
        }
        for (var i = 0; i < subscriptions.Count; i++)
        {
            // Lost events show as an error of the socket.
            if (items[i + 1].Returned != 0)
                ready.Add(i);
        }
        return ready;
    }

    /// <summary>One look answers all who wait for one.</summary>
    private void Serve(ref UdevContext? context)
    {
        var waiting = new List<TaskCompletionSource<IReadOnlyList<BlockDevice>>>();
        while (_scans.TryDequeue(out var scan))
        {
            if (!scan.Task.IsCompleted)
                waiting.Add(scan);
        }
        if (waiting.Count == 0)
            return;
        try
        {
            context ??= new UdevContext(_options);
            var devices = context.Scan();
            waiting.ForEach(scan => scan.TrySetResult(devices));
        }
        catch (Exception exception) when (IsExpected(exception))
        {
            var failure = exception as DeviceException ?? new DeviceException($"libudev cannot be used: {exception.Message}", exception);
            waiting.ForEach(scan => scan.TrySetException(failure));
        }
    }

    private static bool IsExpected(Exception exception) =>
        exception is DeviceException or DllNotFoundException or EntryPointNotFoundException or IOException or UnauthorizedAccessException;

    [LoggerMessage(EventId = 2201, Level = LogLevel.Warning, Message = "Devices cannot be watched")]
    private partial void LogNotOpened(Exception exception);

    [LoggerMessage(EventId = 2202, Level = LogLevel.Warning, Message = "Devices are no longer watched; the next scan begins anew")]
    private partial void LogLost(Exception exception);
}
