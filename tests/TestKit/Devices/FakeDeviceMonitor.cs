using System.Threading.Channels;
using PonyCloud.Twilight.Devices;

namespace PonyCloud.TestKit.Devices;

/// <summary>Block devices that a test puts in and takes away. Safe for use by several threads.</summary>
public sealed class FakeDeviceMonitor : IDeviceMonitor
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, BlockDevice> _devices = [];
    private readonly Channel<DeviceEvent> _events = Channel.CreateBounded<DeviceEvent>(
        new BoundedChannelOptions(16) { FullMode = BoundedChannelFullMode.DropOldest });
    private readonly CancellationTokenSource _stopping = new();
    private string? _failure;
    private Task _answering = Task.CompletedTask;

    public ChannelReader<DeviceEvent> Events => _events.Reader;

    public void Put(params BlockDevice[] devices) => Change(() =>
    {
        foreach (var device in devices)
            _devices[device.DevicePath] = device;
    });

    /// <summary>Takes away what has the kernel's name.</summary>
    public void Remove(string name) => Change(() => _devices.Remove(_devices.Values.Single(device => device.Name == name).DevicePath));

    /// <summary>Looks fail from now on; with null they do not.</summary>
    public void FailWith(string? why) => Change(() => _failure = why);

    /// <summary>Looks are answered only when the task ends.</summary>
    public void HangUntil(Task answering)
    {
        lock (_gate)
            _answering = answering;
    }

    /// <summary>Something happens, and nobody is told what.</summary>
    public void Lose() => _events.Writer.TryWrite(DeviceEvent.Lost);

    public async Task<IReadOnlyList<BlockDevice>> ScanAsync(CancellationToken cancellationToken)
    {
        Task answering;
        lock (_gate)
            answering = _answering;
        using var giveUp = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _stopping.Token);
        await answering.WaitAsync(giveUp.Token);
        giveUp.Token.ThrowIfCancellationRequested();
        lock (_gate)
            return _failure is null ? [.. _devices.Values] : throw new DeviceException(_failure);
    }

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        _events.Writer.TryComplete();
    }

    private void Change(Action change)
    {
        lock (_gate)
            change();
        _events.Writer.TryWrite(DeviceEvent.Changed);
    }
}
