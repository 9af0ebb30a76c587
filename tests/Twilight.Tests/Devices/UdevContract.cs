using NUnit.Framework;
using PonyCloud.TestKit.Devices;

namespace PonyCloud.Twilight.Tests.Devices;

/// <summary>The contract over loop devices of this machine's kernel.</summary>
public abstract class UdevContract : DeviceMonitorContract
{
    private readonly Dictionary<string, LoopDevice> _loops = [];

    [TearDown]
    public async Task DetachAsync()
    {
        foreach (var loop in _loops.Values)
            await loop.DisposeAsync();
        _loops.Clear();
    }

    /// <summary>The file that a device is made of.</summary>
    protected string FileOf(string name) => _loops[name].File;

    protected override async Task<string> AttachAsync(long size)
    {
        var loop = await LoopDevice.AttachAsync(size);
        _loops.Add(loop.Name, loop);
        return loop.Name;
    }

    protected override Task ResizeAsync(string name, long size) => _loops[name].ResizeAsync(size);

    protected override Task DetachAsync(string name) => _loops[name].DetachAsync();

    protected override void Overrun(string name) => _loops[name].Chatter(100);
}
