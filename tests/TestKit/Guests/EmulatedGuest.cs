using System.Globalization;
using PonyCloud.TestKit.Network;
using PonyCloud.TestKit.Processes;

namespace PonyCloud.TestKit.Guests;

/// <summary>
/// A machine of QEMU's without libvirt, of the kind that the platform makes: for what is below the platform. It ends with the test
/// process, however that ends.
/// </summary>
public sealed class EmulatedGuest : IAsyncDisposable
{
    // Its input ends with the test process. A signal at the death of its parent would come with that of a thread already.
    private const string UntilInputEnds = """
        exec 3<&0
        "$@" </dev/null 3<&- &
        machine=$!
        (cat <&3 >/dev/null; kill -KILL $machine 2>/dev/null) &
        wait $machine
        """;

    private readonly ChildProcess _process;
    private readonly string _console;

    private EmulatedGuest(ChildProcess process, string console)
    {
        _process = process;
        _console = console;
    }

    /// <summary>What it wrote to its first serial port.</summary>
    public string Console => File.Exists(_console) ? File.ReadAllText(_console) : "";

    /// <param name="inside">Where its tap device is, and it runs.</param>
    /// <param name="disk">What it boots from. What it writes goes into a file of its own.</param>
    /// <param name="directory">For that file and the console.</param>
    /// <param name="card">A tap device, and the hardware address of the card behind it.</param>
    /// <param name="seed">A disk for cloud-init.</param>
    public static async Task<EmulatedGuest> StartAsync(
        NetworkNamespace inside, Guid uuid, string disk, string directory, (string Tap, string HardwareAddress)? card, string? seed)
    {
        const int MemoryMiB = 512;
        var (own, console) = (Path.Combine(directory, $"{uuid}.qcow2"), Path.Combine(directory, $"{uuid}.console"));
        await ChildProcess.RunAsync("qemu-img", ["create", "-q", "-f", "qcow2", "-F", "qcow2", "-b", disk, own, "3G"]);
        string[] network = card is var (tap, hardwareAddress)
            ? ["-netdev", $"tap,id=card,ifname={tap},script=no,downscript=no", "-device", $"virtio-net-pci,netdev=card,mac={hardwareAddress}"]
            : ["-nic", "none"];
        string[] more = seed is null ? [] : ["-drive", $"file={seed},format=raw,if=none,id=seed,readonly=on", "-device", "virtio-scsi-pci", "-device", "scsi-cd,drive=seed"];
        var (file, arguments) = inside.Inside(
            "sh",
            [
                "-c", UntilInputEnds, "sh", "qemu-system-x86_64", "-machine", "q35", "-accel", "tcg", "-cpu", "max", "-smp", "1",
                "-m", MemoryMiB.ToString(CultureInfo.InvariantCulture), "-nodefaults", "-display", "none", "-no-reboot",
                // As libvirt tells the platform's guests where they are.
                "-uuid", uuid.ToString(), "-smbios", "type=3,asset=OpenStack Nova",
                "-drive", $"file={own},if=virtio,cache=unsafe", "-object", "rng-random,id=random,filename=/dev/urandom", "-device", "virtio-rng-pci,rng=random",
                "-serial", $"file:{console}", .. network, .. more,
            ]);
        return new EmulatedGuest(ChildProcess.Start(file, arguments), console);
    }

    /// <summary>Waits for what it writes to its console.</summary>
    public Task SaysAsync(string text, TimeSpan limit) => Eventually.SeesAsync(
        $"the guest to say '{text}'",
        _ => _process.HasExited
            ? throw new InvalidOperationException($"It ended:\n{string.Join('\n', _process.Lines)}\n{Console}")
            : Task.FromResult(Console),
        console => console.Contains(text, StringComparison.Ordinal), limit);

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            _process.Input.Close();
            await _process.WaitForExitAsync();
        }
        await _process.DisposeAsync();
    }
}
