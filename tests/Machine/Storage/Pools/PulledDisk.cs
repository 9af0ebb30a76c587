using PonyCloud.TestKit.Processes;

namespace PonyCloud.Machine.Storage.Pools;

/// <summary>Takes a disk away from the machine, and brings it back.</summary>
internal sealed class PulledDisk : IAsyncDisposable
{
    private const string Driver = "/sys/bus/virtio/drivers/virtio_blk";

    private readonly int _number;
    private readonly string _device;

    private PulledDisk(int number, string device)
    {
        _number = number;
        _device = device;
    }

    internal static async Task<PulledDisk> PullAsync(int number)
    {
        // Such as /sys/devices/pci0000:00/0000:00:05.0/virtio3/block/vdd/device.
        var block = new FileInfo($"/sys/block/{Path.GetFileName(MachineDisks.Path(number))}/device");
        var disk = new PulledDisk(number, Path.GetFileName(block.ResolveLinkTarget(returnFinalTarget: true)!.FullName));
        await File.WriteAllTextAsync($"{Driver}/unbind", disk._device);
        await ChildProcess.RunAsync("udevadm", ["settle"]);
        return disk;
    }

    public async ValueTask DisposeAsync()
    {
        await File.WriteAllTextAsync($"{Driver}/bind", _device);
        await ChildProcess.RunAsync("udevadm", ["settle"]);
        await Eventually.HoldsAsync($"disk{_number}", () => File.Exists($"/dev/disk/by-id/virtio-disk{_number}"));
    }
}
