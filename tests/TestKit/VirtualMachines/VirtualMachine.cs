using System.Globalization;
using System.Net.Sockets;
using NUnit.Framework;
using PonyCloud.TestKit.Processes;

namespace PonyCloud.TestKit.VirtualMachines;

/// <summary>
/// A virtual machine with Debian's kernel that runs one program of the tests; <c>README.md</c> says how. It ends with the
/// test process, however that ends. Lines go to and from the program over a port.
/// </summary>
public sealed class VirtualMachine : IAsyncDisposable
{
    private const int ConsoleLines = 60;

    private readonly TemporaryDirectory _directory;
    private readonly ChildProcess _qemu;
    private readonly Socket _port;
    private readonly StreamReader _reader;
    private readonly StreamWriter _writer;

    private VirtualMachine(TemporaryDirectory directory, ChildProcess qemu, Socket port)
    {
        _directory = directory;
        _qemu = qemu;
        _port = port;
        var stream = new NetworkStream(port);
        _reader = new StreamReader(stream);
        _writer = new StreamWriter(stream) { AutoFlush = true, NewLine = "\n" };
    }

    /// <summary>The process that it is, seen from outside.</summary>
    public int Pid => _qemu.Id;

    /// <summary>The last lines that were written on its console, by kernel, init and program.</summary>
    public string Console => Tail(_directory);

    /// <summary>Boots one. Its program may not be running yet; what is written to it waits.</summary>
    /// <exception cref="AssertionException">The image could not be made, or QEMU did not start.</exception>
    public static async Task<VirtualMachine> StartAsync(MachineOptions options)
    {
        var image = await MachineImage.MakeAsync();
        var directory = new TemporaryDirectory("machine");
        try
        {
            await MachineImage.WriteProgramAsync(directory["program"], options.ProgramDirectory);
            foreach (var disk in options.Disks)
            {
                MachineImage.WriteEmpty(directory[disk.Serial], disk.SizeMiB);
            }

            using var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            listener.Bind(new UnixDomainSocketEndPoint(directory["port"]));
            listener.Listen();
            var qemu = ChildProcess.Start(
                Repository.At("tests", "TestKit", "VirtualMachines", "run-machine"), Arguments(image, directory, options));
            try
            {
                using var limit = new CancellationTokenSource(Eventually.Patience);
                var accepted = listener.AcceptAsync(limit.Token).AsTask();
                await Task.WhenAny(accepted, qemu.WaitForExitAsync(options.Limit));
                return accepted.IsCompletedSuccessfully
                    ? new VirtualMachine(directory, qemu, await accepted)
                    : throw new AssertionException($"QEMU did not start:\n{string.Join('\n', qemu.Lines)}");
            }
            catch
            {
                await qemu.DisposeAsync();
                throw;
            }
        }
        catch
        {
            directory.Dispose();
            throw;
        }
    }

    /// <summary>Writes a line to the program.</summary>
    public Task WriteLineAsync(string line) => _writer.WriteLineAsync(line);

    /// <summary>Waits for the next line from the program.</summary>
    /// <exception cref="AssertionException">The machine ended, or the time did, before; the message has the console.</exception>
    public async Task<string> ReadLineAsync(TimeSpan timeout)
    {
        using var limit = new CancellationTokenSource(timeout);
        try
        {
            return await _reader.ReadLineAsync(limit.Token) ?? throw await EndAsync();
        }
        catch (OperationCanceledException)
        {
            throw Failure($"said nothing for {timeout.TotalSeconds} seconds");
        }
        catch (IOException)
        {
            throw await EndAsync();
        }
    }

    public async ValueTask DisposeAsync()
    {
        _port.Dispose();
        _qemu.Input.Close();
        await _qemu.WaitForExitAsync();
        await _qemu.DisposeAsync();
        _directory.Dispose();
    }

    private static List<string> Arguments(string image, TemporaryDirectory directory, MachineOptions options)
    {
        List<string> arguments =
        [
            ((int)options.Limit.TotalSeconds).ToString(CultureInfo.InvariantCulture),
            "-machine", "q35,accel=tcg", "-cpu", "max", "-smp", "2", "-m", options.MemoryMiB.ToString(CultureInfo.InvariantCulture),
            "-nodefaults", "-no-user-config", "-display", "none", "-nic", "none", "-no-reboot",
            "-kernel", Path.Combine(image, "kernel"), "-initrd", Path.Combine(image, "initrd"),
            // A panic is the end, not a machine that stands still.
            "-append", $"console=ttyS0 quiet panic=-1 mitigations=off machine.program={options.Program}",
            "-serial", $"file:{directory["console"]}",
            "-device", "virtio-rng-pci",
            "-device", "virtio-serial-pci",
            "-chardev", $"socket,id=tests,path={directory["port"]}", "-device", "virtserialport,chardev=tests,name=tests",
        ];
        Add("root", Path.Combine(image, "root.img"), "read-only=on");
        Add("program", directory["program"], "read-only=on");
        foreach (var disk in options.Disks)
        {
            // Nobody needs what is on it once the machine has lost its power.
            Add(disk.Serial, directory[disk.Serial], "cache=unsafe,discard=unmap");
        }

        foreach (var (address, hub) in options.Cards)
        {
            var id = MachineCard.Id(address);
            // One without a speed could not be aggregated.
            arguments.AddRange(
            [
                "-netdev", $"hubport,id=hub-{id},hubid={hub}",
                "-device", $"virtio-net-pci,netdev=hub-{id},id={id},mac={address},speed=10000,duplex=full",
            ]);
        }

        if (options.Cards.Count > 0)
        {
            // The monitor listens, and the port of the machine is its client: QEMU itself is at either end.
            arguments.AddRange(
            [
                "-chardev", $"socket,id=monitor,path={directory["monitor"]},server=on,wait=off", "-mon", "chardev=monitor,mode=control",
                "-chardev", $"socket,id=inside,path={directory["monitor"]}", "-device", "virtserialport,chardev=inside,name=monitor",
            ]);
        }

        return arguments;

        void Add(string serial, string file, string more) => arguments.AddRange(
        [
            "-drive", $"if=none,id={serial},format=raw,file={file},{more}",
            "-device", $"virtio-blk-pci,drive={serial},serial={serial}",
        ]);
    }

    private static string Tail(TemporaryDirectory directory) =>
        File.Exists(directory["console"]) ? string.Join('\n', File.ReadLines(directory["console"]).TakeLast(ConsoleLines)) : string.Empty;

    // The port is closed a little before all is over, and the last words are the interesting ones.
    private async Task<AssertionException> EndAsync()
    {
        await _qemu.WaitForExitAsync();
        return Failure("ended");
    }

    private AssertionException Failure(string what) => new(
        $"The machine {what}. Its console:\n{Console}\n{string.Join('\n', _qemu.Lines)}");
}
