namespace PonyCloud.Machine.Storage;

/// <summary>The disks that the machine was given: <c>disk1</c> and so on.</summary>
internal static class MachineDisks
{
    /// <summary>Path of the device, as the kernel calls it.</summary>
    public static string Path(int number)
    {
        var link = new FileInfo($"/dev/disk/by-id/virtio-disk{number}");
        return link.ResolveLinkTarget(returnFinalTarget: true)?.FullName
            ?? throw new InvalidOperationException($"The machine has no disk{number}.");
    }
}
