using PonyCloud.TestKit.Processes;

namespace PonyCloud.TestKit.Devices;

/// <summary>
/// A udev daemon of the test's own, with its own /dev, /run and rules, whose events stay in a network namespace of its own. It
/// and all that runs inside end with the test process, however that ends. Of the machine's devices it names loop devices, by
/// the files behind them. Needs root.
/// </summary>
public sealed class PrivateUdevd : IAsyncDisposable
{
    // Mounts of the daemon's own hide what the machine has, so that neither sees the other. A daemon that looks into slow disks
    // takes its time, and whoever does not wait for its word is to be found out.
    private const string Script = """
        set -e
        mount -t tmpfs run /run
        mkdir -p /run/dev /run/udev/rules.d
        for node in null zero full random urandom tty kmsg; do cp -a /dev/$node /run/dev/; done
        mount --bind /run/dev /dev
        mount -t tmpfs rules /usr/lib/udev
        [ ! -d /etc/udev ] || mount -t tmpfs rules /etc/udev
        echo 'SUBSYSTEM=="block", KERNEL=="loop*", PROGRAM=="/bin/sleep 0.2", ENV{ID_SERIAL}="$attr{loop/backing_file}"' > /run/udev/rules.d/60-loop.rules
        /lib/systemd/systemd-udevd --resolve-names=never &
        exec cat
        """;

    private readonly ChildProcess _holder;

    private PrivateUdevd(ChildProcess holder) => _holder = holder;

    /// <summary>Starts one, and waits until it listens.</summary>
    public static async Task<PrivateUdevd> StartAsync()
    {
        // cat ends with its input, and that with the process that holds the other end. It is the first in its process
        // namespace, so the kernel then ends the others.
        var holder = ChildProcess.Start("unshare", ["--net", "--mount", "--pid", "--fork", "--kill-child", "--", "sh", "-c", Script]);
        try
        {
            await Eventually.HoldsAsync(
                "the udev daemon",
                () => holder.HasExited
                    ? throw new InvalidOperationException(string.Join('\n', holder.Lines))
                    : File.Exists($"/proc/{holder.Id}/root/run/udev/control"));
            return new PrivateUdevd(holder);
        }
        catch
        {
            await holder.DisposeAsync();
            throw;
        }
    }

    /// <summary>What starts a program inside; the process is the program's own.</summary>
    public (string File, IReadOnlyList<string> Arguments) Inside(string file, params IEnumerable<string> arguments) =>
        ("nsenter", [$"--net=/proc/{_holder.Id}/ns/net", $"--mount=/proc/{_holder.Id}/ns/mnt", "--", file, .. arguments]);

    public async ValueTask DisposeAsync()
    {
        if (!_holder.HasExited)
        {
            _holder.Input.Close();
            await _holder.WaitForExitAsync();
        }

        await _holder.DisposeAsync();
    }
}
