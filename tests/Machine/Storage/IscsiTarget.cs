using PonyCloud.TestKit.Processes;

namespace PonyCloud.Machine.Storage;

/// <summary>An iSCSI target with one unit, and the kernel's initiator. There is one in a machine.</summary>
internal sealed class IscsiTarget : IAsyncDisposable
{
    private const string Name = "iqn.2026-01.org.example:target";
    private const string Portal = "127.0.0.1";

    private readonly TemporaryDirectory _directory = new("target");
    private readonly List<ChildProcess> _daemons = [];
    private bool _loggedIn;

    private IscsiTarget()
    {
    }

    /// <summary>Starts target and initiator.</summary>
    public static async Task<IscsiTarget> StartAsync(int sizeMiB)
    {
        var target = new IscsiTarget();
        try
        {
            await ChildProcess.RunAsync("truncate", ["--size", $"{sizeMiB}M", target._directory["unit"]]);
            target._daemons.Add(ChildProcess.Start("tgtd", ["--foreground", "--iscsi", $"portal={Portal}:3260"]));
            await Eventually.SeesAsync(
                "tgtd", _ => TryAsync("tgtadm", "--lld", "iscsi", "--op", "show", "--mode", "sys"), answer => answer);
            await AdminAsync("new", "target", "--tid", "1", "--targetname", Name);
            await AdminAsync("new", "logicalunit", "--tid", "1", "--lun", "1", "--backing-store", target._directory["unit"]);
            await AdminAsync("bind", "target", "--tid", "1", "--initiator-address", "ALL");

            Directory.CreateDirectory("/run/lock/iscsi");
            await File.WriteAllTextAsync("/etc/iscsi/initiatorname.iscsi", "InitiatorName=iqn.2026-01.org.example:machine\n");
            await ChildProcess.RunAsync("modprobe", ["iscsi_tcp"]);
            target._daemons.Add(ChildProcess.Start("iscsid", ["--foreground"]));
            return target;
        }
        catch
        {
            await target.DisposeAsync();
            throw;
        }
    }

    /// <summary>Logs the machine in.</summary>
    /// <returns>The link to the unit's device.</returns>
    public async Task<string> LogInAsync()
    {
        await ChildProcess.RunAsync("iscsiadm", ["--mode", "discovery", "--type", "sendtargets", "--portal", Portal]);
        await ChildProcess.RunAsync("iscsiadm", ["--mode", "node", "--targetname", Name, "--portal", Portal, "--login"]);
        _loggedIn = true;
        var device = $"/dev/disk/by-path/ip-{Portal}:3260-iscsi-{Name}-lun-1";
        await Eventually.HoldsAsync("the unit's device", () => File.Exists(device));
        return device;
    }

    /// <summary>Logs it out, and waits until udev has heard of it.</summary>
    public async Task LogOutAsync()
    {
        _loggedIn = false;
        await ChildProcess.RunAsync("iscsiadm", ["--mode", "node", "--targetname", Name, "--portal", Portal, "--logout"]);
        await ChildProcess.RunAsync("udevadm", ["settle"]);
    }

    public async ValueTask DisposeAsync()
    {
        if (_loggedIn)
        {
            await LogOutAsync();
        }

        // The initiator before the target that it would look for.
        foreach (var daemon in Enumerable.Reverse(_daemons))
        {
            await daemon.DisposeAsync();
        }

        _directory.Dispose();
    }

    private static Task<string> AdminAsync(string operation, string mode, params string[] arguments) =>
        ChildProcess.RunAsync("tgtadm", ["--lld", "iscsi", "--op", operation, "--mode", mode, .. arguments]);

    private static async Task<bool> TryAsync(string file, params string[] arguments)
    {
        await using var process = ChildProcess.Start(file, arguments);
        return await process.WaitForExitAsync() == 0;
    }
}
