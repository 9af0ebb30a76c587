using System.Text.Json;
using PonyCloud.TestKit.Processes;

namespace PonyCloud.TestKit.Storage;

/// <summary>
/// A Ceph cluster of a test's own, with cephx: one monitor, one OSD that keeps all in memory, one manager, on ports of the loopback
/// address. It has a pool, and a user who may use that pool.
/// </summary>
public sealed class CephCluster : IAsyncDisposable
{
    public const string Pool = "volumes";
    public const string User = "pony";

    private readonly TemporaryDirectory _directory = new("ceph");
    private readonly List<ChildProcess> _processes = [];
    private readonly int _port = FreePort.Take();

    private CephCluster()
    {
    }

    public string Monitor => $"127.0.0.1:{_port}";

    /// <summary>The key of <see cref="User"/>.</summary>
    public string Key { get; private set; } = "";

    public ChildProcess MonitorProcess => _processes[0];

    public ChildProcess Osd => _processes[1];

    private string Config => _directory["ceph.conf"];

    public static async Task<CephCluster> StartAsync()
    {
        var cluster = new CephCluster();
        try
        {
            await cluster.MakeMonitorAsync();
            await cluster.MakeOsdAsync();
            cluster.Run("ceph-mgr", "x");
            await cluster.AdminAsync("ceph", "osd", "pool", "create", Pool, "8");
            // Waits for the OSD, since it writes.
            await cluster.AdminAsync("rbd", "pool", "init", Pool);
            await Eventually.SeesAsync(
                "the size of the pool", _ => cluster.AdminAsync("ceph", "df", "--format", "json"), KnowsTheSize);
            return cluster;
        }
        catch
        {
            await cluster.DisposeAsync();
            throw;
        }
    }

    /// <summary>Runs <c>ceph</c>, <c>rbd</c> or <c>rados</c> as its administrator.</summary>
    public Task<string> AdminAsync(string tool, params string[] arguments) => ChildProcess.RunAsync(tool, ["--conf", Config, .. arguments]);

    public async ValueTask DisposeAsync()
    {
        // The other way round, so that nobody looks for who is gone already. Nothing in it is worth a farewell.
        foreach (var process in _processes.AsEnumerable().Reverse())
            await process.DisposeAsync();
        _directory.Dispose();
    }

    /// <summary>Whether the manager has told the monitor about the pool.</summary>
    private static bool KnowsTheSize(string said)
    {
        using var usage = JsonDocument.Parse(said);
        return usage.RootElement.GetProperty("pools").EnumerateArray().Any(
            pool => pool.GetProperty("name").GetString() == Pool && pool.GetProperty("stats").GetProperty("max_avail").GetInt64() > 0);
    }

    private async Task MakeMonitorAsync()
    {
        var cluster = Guid.NewGuid();
        await File.WriteAllTextAsync(Config, ConfigOf(cluster));
        foreach (var name in (string[])["mon", "osd", "mgr", "run"])
            Directory.CreateDirectory(_directory[name]);
        await KeyAsync("mon.a", "mon.", "mon", "allow *");
        await KeyAsync("client.admin", "client.admin", "mon", "allow *", "osd", "allow *", "mgr", "allow *");
        await KeyAsync("osd.0", "osd.0", "mon", "allow profile osd", "osd", "allow *", "mgr", "allow profile osd");
        await KeyAsync("mgr.x", "mgr.x", "mon", "allow profile mgr", "osd", "allow *", "mds", "allow *");
        await KeyAsync(
            $"client.{User}", $"client.{User}", "mon", "profile rbd", "osd", $"profile rbd pool={Pool}", "mgr", $"profile rbd pool={Pool}");
        Key = (await ChildProcess.RunAsync(
            "ceph-authtool", [_directory[$"client.{User}.keyring"], "--name", $"client.{User}", "--print-key"])).Trim();

        var all = Directory.EnumerateFiles(_directory.Path, "*.keyring").Order(StringComparer.Ordinal).Select(File.ReadAllText);
        await File.WriteAllTextAsync(_directory["all"], string.Concat(all));
        await ChildProcess.RunAsync(
            "monmaptool", ["--create", "--addv", "a", $"[v2:{Monitor}]", "--fsid", $"{cluster}", _directory["monmap"]]);
        await AdminAsync("ceph-mon", "--mkfs", "-i", "a", "--monmap", _directory["monmap"], "--keyring", _directory["all"]);
        Run("ceph-mon", "a");
    }

    private async Task MakeOsdAsync()
    {
        var osd = $"{Guid.NewGuid()}";
        await AdminAsync("ceph", "osd", "new", osd);
        await AdminAsync("ceph-osd", "--mkfs", "-i", "0", "--osd-uuid", osd);
        Run("ceph-osd", "0");
    }

    private Task<string> KeyAsync(string file, string name, params string[] capabilities) => ChildProcess.RunAsync(
        "ceph-authtool",
        [
            "--create-keyring", _directory[$"{file}.keyring"], "--gen-key", "--name", name,
            .. capabilities.Chunk(2).SelectMany(capability => new[] { "--cap", capability[0], capability[1] }),
        ]);

    private void Run(string daemon, string id) =>
        _processes.Add(ChildProcess.Start(daemon, ["--conf", Config, "--foreground", "--id", id], directory: _directory.Path));

    private string ConfigOf(Guid cluster) => $"""
        [global]
        fsid={cluster}
        mon host=[v2:{Monitor}]
        public addr=127.0.0.1
        auth cluster required=cephx
        auth service required=cephx
        auth client required=cephx
        auth allow insecure global id reclaim=false
        keyring={_directory.Path}/$name.keyring
        mon data={_directory["mon"]}
        osd data={_directory["osd"]}
        mgr data={_directory["mgr"]}
        run dir={_directory["run"]}
        crash dir={_directory["run"]}
        admin socket=
        log file=
        log to stderr=false
        err to stderr=true
        osd objectstore=memstore
        memstore device bytes=1073741824
        osd pool default size=1
        osd pool default min size=1
        osd crush chooseleaf type=0
        osd pool default pg autoscale mode=off
        osd class load list=*
        osd class default list=*
        osd client watch timeout=5
        mon allow pool size one=true
        mon data avail warn=0

        """;
}
