using System.Globalization;
using PonyCloud.TestKit.Network;
using PonyCloud.TestKit.Processes;

namespace PonyCloud.TestKit.Storage;

/// <summary>
/// A server of Gluster of a test's own, with one volume of one brick: glusterd, and the process of the brick, which that starts. They
/// are in namespaces of their own, and end with the test process. Clients are to be in the same network.
/// </summary>
public sealed class GlusterServer : IAsyncDisposable
{
    public const string Volume = "guests";

    /// <summary>In the network of the test; loopback addresses are refused by Gluster.</summary>
    public const string Address = "192.0.2.1";

    // The places that cannot be configured are private. All processes end with the first one, and that with its input.
    private const string Script = """
        mount -t tmpfs run /run
        mkdir /run/gluster
        mount -t tmpfs log /var/log/glusterfs
        mount --bind "$1/gsyncd" "$(glusterfs --print-libexecdir)/gsyncd"
        glusterd --no-daemon --volfile="$1/glusterd.vol" --log-file="$1/glusterd.log" --pid-file="$1/glusterd.pid" --log-level=WARNING &
        read -r
        """;

    // glusterd asks for the version of this program of geo-replication 25 times at its start; the real one is in Python, and slow.
    private const string Gsyncd = """
        #!/bin/sh
        echo gsyncd

        """;

    private readonly TemporaryDirectory _directory = new("gluster");
    private readonly NetworkNamespace _network;
    private ChildProcess? _process;

    private GlusterServer(NetworkNamespace network) => _network = network;

    private string Socket => _directory["socket"];

    /// <summary>Starts one in a network.</summary>
    public static async Task<GlusterServer> StartAsync(NetworkNamespace network)
    {
        var server = new GlusterServer(network);
        try
        {
            await network.RunAsync("ip", "address", "add", $"{Address}/32", "dev", "lo");
            await File.WriteAllTextAsync(server._directory["glusterd.vol"], server.Configuration());
            await File.WriteAllTextAsync(server._directory["gsyncd"], Gsyncd);
            File.SetUnixFileMode(server._directory["gsyncd"], UnixFileMode.UserRead | UnixFileMode.UserExecute);
            foreach (var name in (string[])["work", "run", "brick"])
                Directory.CreateDirectory(server._directory[name]);
            await server.RestartAsync();
            await server.AdminAsync("volume", "create", Volume, $"{Address}:{server._directory["brick/content"]}", "force");
            await server.AdminAsync("volume", "start", Volume);
            return server;
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }

    /// <summary>Starts it, again after <see cref="KillAsync"/>, with the volume that there is.</summary>
    public async Task RestartAsync()
    {
        var (file, arguments) = _network.Inside(
            "unshare",
            [
                "--mount", "--propagation", "private", "--pid", "--fork", "--kill-child", "--mount-proc", "--",
                "bash", "-ec", Script, "bash", _directory.Path,
            ]);
        _process = ChildProcess.Start(file, arguments);
        await Eventually.SeesAsync("glusterd", _ => AnswersAsync(), isUp => isUp);
    }

    /// <summary>Runs <c>gluster</c> as its administrator.</summary>
    public Task<string> AdminAsync(params string[] arguments) => _network.RunAsync("gluster", Admin(arguments));

    /// <summary>Lets it stand still, until it is sent <see cref="ProcessSignal.Continue"/>.</summary>
    public async Task SignalAsync(ProcessSignal signal)
    {
        var first = (await ChildProcess.RunAsync("pgrep", ["--parent", _process!.Id.ToString(CultureInfo.InvariantCulture)])).Trim();
        var name = signal == ProcessSignal.Stop ? "-STOP" : "-CONT";
        // All that the first one sees, but itself.
        await ChildProcess.RunAsync("nsenter", ["--target", first, "--pid", "--", "kill", name, "--", "-1"]);
    }

    /// <summary>Ends all of it at once, as a machine that loses its power; what it had acknowledged is there afterwards.</summary>
    public async Task KillAsync()
    {
        _process!.Input.Close();
        await _process.WaitForExitAsync();
        await _process.DisposeAsync();
        _process = null;
        File.Delete(Socket);
    }

    public async ValueTask DisposeAsync()
    {
        if (_process is { HasExited: false })
            await KillAsync();
        else if (_process is not null)
            await _process.DisposeAsync();
        _directory.Dispose();
    }

    private async Task<bool> AnswersAsync()
    {
        if (_process!.HasExited)
            throw new InvalidOperationException(string.Join('\n', _process.Lines));
        if (!File.Exists(Socket))
            return false;
        var (file, arguments) = _network.Inside("gluster", Admin("volume", "list"));
        await using var admin = ChildProcess.Start(file, arguments);
        admin.Input.Close();
        return await admin.WaitForExitAsync() == 0;
    }

    private string[] Admin(params string[] arguments) =>
        [$"--glusterd-sock={Socket}", $"--log-file={_directory["admin.log"]}", "--mode=script", .. arguments];

    private string Configuration() => $"""
        volume management
          type mgmt/glusterd
          option working-directory {_directory["work"]}
          option run-directory {_directory["run"]}
          option glusterd-sockfile {Socket}
          option transport-type socket
          option transport.socket.listen-port 24007
          option transport.socket.read-fail-log off
          option ping-timeout 0
        end-volume

        """;
}
