using PonyCloud.TestKit.Processes;

namespace PonyCloud.TestKit.Storage;

/// <summary>
/// An iSCSI target of a test's own: tgtd on a port of the loopback address, with units that are sparse files. CHAP is asked for.
/// </summary>
public sealed class TgtServer : IAsyncDisposable
{
    public const string Target = "iqn.2026-01.test.ponycloud:units";
    public const string User = "pony";

    /// <summary>Of at least twelve characters, as CHAP wants it.</summary>
    public const string Password = "friendship-is-magic";

    private const string Number = "1";

    private readonly TemporaryDirectory _directory = new("tgt");
    private readonly Dictionary<int, long> _units = [];
    private ChildProcess? _process;

    private TgtServer(int port) => Port = port;

    public int Port { get; }

    public string Portal => $"127.0.0.1:{Port}";

    // tgtd's socket for tgtadm is this with the control port behind a dot.
    private Dictionary<string, string> Environment => new() { ["TGT_IPC_SOCKET"] = _directory["socket"] };

    public static async Task<TgtServer> StartAsync()
    {
        var server = new TgtServer(FreePort.Take());
        try
        {
            await server.RestartAsync();
            return server;
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }

    /// <summary>Starts tgtd, again after <see cref="KillAsync"/>, with the units that there are.</summary>
    public async Task RestartAsync()
    {
        _process = ChildProcess.Start(
            "tgtd", ["--foreground", "--control-port", Number, "--iscsi", $"portal={Portal}"], Environment, _directory.Path);
        await Eventually.HoldsAsync("the socket of tgtd", () => _process.HasExited
            ? throw new InvalidOperationException(string.Join('\n', _process.Lines))
            : File.Exists(_directory[$"socket.{Number}"]));
        await AdminAsync("--op", "new", "--mode", "target", "--tid", Number, "--targetname", Target);
        await AdminAsync("--op", "new", "--mode", "account", "--user", User, "--password", Password);
        await AdminAsync("--op", "bind", "--mode", "account", "--tid", Number, "--user", User);
        foreach (var unit in _units.Keys)
            await AddToTargetAsync(unit);
        await AdminAsync("--op", "bind", "--mode", "target", "--tid", Number, "--initiator-address", "ALL");
    }

    /// <summary>Adds a unit, full of 0xEE as if somebody had had it before.</summary>
    /// <param name="size">MiB.</param>
    /// <param name="thin">It unmaps, and can be zeroed by one order.</param>
    public async Task AddUnitAsync(int unit, long size, bool thin = true)
    {
        var used = new byte[1 << 20];
        used.AsSpan().Fill(0xEE);
        await using (var file = File.Create(FileOf(unit)))
        {
            for (var i = 0; i < size; i++)
                await file.WriteAsync(used);
        }
        _units[unit] = size;
        await AddToTargetAsync(unit);
        if (thin)
        {
            await AdminAsync(
                "--op", "update", "--mode", "logicalunit", "--tid", Number, "--lun", $"{unit}", "--params", "thin_provisioning=1");
        }
    }

    /// <summary>The file behind a unit.</summary>
    public string FileOf(int unit) => _directory[$"unit{unit}"];

    public Task SignalAsync(ProcessSignal signal) => _process!.SignalAsync(signal);

    public async Task KillAsync()
    {
        await _process!.KillAsync();
        File.Delete(_directory[$"socket.{Number}"]);
    }

    public async ValueTask DisposeAsync()
    {
        if (_process is not null)
            await _process.DisposeAsync();
        _directory.Dispose();
    }

    private Task<string> AddToTargetAsync(int unit) => AdminAsync(
        "--op", "new", "--mode", "logicalunit", "--tid", Number, "--lun", $"{unit}", "--backing-store", FileOf(unit));

    private Task<string> AdminAsync(params string[] arguments) => ChildProcess.RunAsync(
        "tgtadm", ["--control-port", Number, "--lld", "iscsi", .. arguments], environment: Environment);
}
