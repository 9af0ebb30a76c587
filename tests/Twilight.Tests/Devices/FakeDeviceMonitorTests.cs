using System.Globalization;
using NUnit.Framework;
using PonyCloud.TestKit.Devices;
using PonyCloud.Twilight.Devices;

namespace PonyCloud.Twilight.Tests.Devices;

public sealed class FakeDeviceMonitorTests : DeviceMonitorContract
{
    private readonly List<FakeDeviceMonitor> _monitors = [];

    [SetUp]
    public void Forget() => _monitors.RemoveRange(0, _monitors.Count - 1);

    protected override Task<IDeviceMonitor> OpenAsync(bool losesEvents)
    {
        _monitors.Add(new FakeDeviceMonitor());
        return Task.FromResult<IDeviceMonitor>(_monitors[^1]);
    }

    protected override Task<string> AttachAsync(long size)
    {
        Put("loop7", size);
        return Task.FromResult("loop7");
    }

    protected override Task ResizeAsync(string name, long size)
    {
        Put(name, size);
        return Task.CompletedTask;
    }

    protected override Task DetachAsync(string name)
    {
        _monitors.ForEach(monitor => monitor.Remove(name));
        return Task.CompletedTask;
    }

    protected override void Overrun(string name) => _monitors[^1].Lose();

    private void Put(string name, long size) => _monitors.ForEach(monitor => monitor.Put(new BlockDevice
    {
        DevicePath = "/devices/virtual/block/" + name,
        Properties = new Dictionary<string, string>(),
        Attributes = new Dictionary<string, string> { ["size"] = (size * 2048).ToString(CultureInfo.InvariantCulture) },
    }));
}
