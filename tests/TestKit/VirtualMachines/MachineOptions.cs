namespace PonyCloud.TestKit.VirtualMachines;

/// <summary>An empty disk of a virtual machine.</summary>
/// <param name="Serial">
/// Its serial number, at most 20 characters; inside it is <c>/dev/disk/by-id/virtio-SERIAL</c>.
/// </param>
/// <param name="SizeMiB">Takes no room until it is written to.</param>
public sealed record MachineDisk(string Serial, int SizeMiB);

/// <summary>
/// A network card of a virtual machine, of ten gigabits. Inside, <see cref="MachineMonitor"/> pulls its cable.
/// </summary>
/// <param name="Address">Its own, permanent address, as Linux writes it: by that it is found inside.</param>
/// <param name="Hub">Cards of one hub hear each other, and nobody else.</param>
public sealed record MachineCard(string Address, int Hub)
{
    /// <summary>What QEMU calls it.</summary>
    internal static string Id(string address) => $"card-{address.Replace(':', '-')}";
}

/// <summary>What a virtual machine has, and what runs in it.</summary>
public sealed record MachineOptions
{
    /// <summary>Directory of the built program; the machine gets a copy.</summary>
    public required string ProgramDirectory { get; init; }

    /// <summary>Name of its assembly, such as <c>PonyCloud.Machine.dll</c>.</summary>
    public required string Program { get; init; }

    public IReadOnlyList<MachineDisk> Disks { get; init; } = [];

    /// <summary>Its network; none but loopback without them.</summary>
    public IReadOnlyList<MachineCard> Cards { get; init; } = [];

    public int MemoryMiB { get; init; } = 1536;

    /// <summary>The machine is ended after this, whatever it does.</summary>
    public TimeSpan Limit { get; init; } = TimeSpan.FromMinutes(10);
}
