using PonyCloud.TestKit.Processes;

namespace PonyCloud.Machine.Storage;

/// <summary>The kernel's NFS server, version 4 only, with one directory to mount. There is one in a machine.</summary>
internal sealed class NfsServer : IAsyncDisposable
{
    private const string Control = "/proc/fs/nfsd";
    private readonly TemporaryDirectory _directory = new("export");
    private readonly List<ChildProcess> _daemons = [];

    private NfsServer()
    {
    }

    /// <summary>Where a client mounts it from. The directory is the server's root: what is above it cannot be exported.</summary>
    public static string Source => "127.0.0.1:/";

    /// <summary>Path of a file in it, on the server's side.</summary>
    public string this[string name] => _directory[name];

    /// <summary>Starts it, with the directory empty.</summary>
    public static async Task<NfsServer> StartAsync()
    {
        var server = new NfsServer();
        try
        {
            // In memory: a layered root cannot be exported.
            await ChildProcess.RunAsync("mount", ["-t", "tmpfs", "-o", "size=256m", "export", server._directory.Path]);
            await ChildProcess.RunAsync("modprobe", ["nfsd"]);
            await ChildProcess.RunAsync("mount", ["-t", "nfsd", "nfsd", Control]);
            server._daemons.Add(ChildProcess.Start("rpc.mountd", ["--foreground", "--no-nfs-version", "3"]));
            await ChildProcess.RunAsync(
                "exportfs", ["-o", "rw,no_root_squash,no_subtree_check,fsid=0", $"127.0.0.1:{server._directory.Path}"]);
            await ChildProcess.RunAsync("rpc.nfsd", ["--no-nfs-version", "3", "--no-udp", "4"]);
            // There are no clients of a time before to be waited for.
            await File.WriteAllTextAsync($"{Control}/v4_end_grace", "Y");
            return server;
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }

    /// <summary>
    /// Lets it say nothing more and hear nothing, as one whose machine hangs. Its threads are the kernel's, and cannot be stopped.
    /// </summary>
    public static Task FreezeAsync() => ChildProcess.RunAsync(
        "nft",
        [
            "add table inet frozen; add chain inet frozen input { type filter hook input priority 0; };"
                + "add rule inet frozen input tcp dport 2049 drop; add rule inet frozen input tcp sport 2049 drop",
        ]);

    /// <summary>Lets it go on.</summary>
    public static Task ThawAsync() => ChildProcess.RunAsync("nft", ["delete", "table", "inet", "frozen"]);

    public async ValueTask DisposeAsync()
    {
        await ChildProcess.RunAsync("rpc.nfsd", ["0"]);
        await ChildProcess.RunAsync("exportfs", ["-au"]);
        foreach (var daemon in _daemons)
        {
            await daemon.DisposeAsync();
        }

        await ChildProcess.RunAsync("umount", [Control]);
        await ChildProcess.RunAsync("umount", [_directory.Path]);
        _directory.Dispose();
    }
}
