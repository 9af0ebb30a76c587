using System.ComponentModel;
using System.Globalization;
using Dapper;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace PonyCloud.Sparkle.Database.Embedded;

/// <summary>
/// A PostgreSQL server of Sparkle's own, out of the distribution's binaries: reachable by a unix socket only, for the users
/// that Sparkle and the server run as. One that a killed Sparkle left running is taken over.
/// </summary>
/// <remarks>
/// <code>
///   no cluster ──initdb──► STOPPED ──pg_ctl start──► RUNNING ──pg_ctl stop──► STOPPED
///                             ▲                         │
///                             └──── backoff ◄── died ───┘
/// </code>
/// </remarks>
public sealed partial class EmbeddedPostgres
{
    private static readonly TimeSpan CommandTimeout = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan InitTimeout = TimeSpan.FromMinutes(3);
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(30);

    private readonly EmbeddedPostgresOptions _options;
    private readonly TimeProvider _time;
    private readonly ILogger<EmbeddedPostgres> _logger;
    private readonly CommandRunner _server;
    private readonly CommandRunner _self;
    private readonly string _user;

    /// <exception cref="ArgumentException">The options cannot work.</exception>
    public EmbeddedPostgres(EmbeddedPostgresOptions options, TimeProvider time, ILogger<EmbeddedPostgres> logger)
    {
        _options = options;
        _time = time;
        _logger = logger;
        Layout = new ClusterLayout(options);
        var isRoot = Environment.IsPrivilegedProcess;
        _user = isRoot ? options.User : Environment.UserName;
        if (_user == "root")
            throw new ArgumentException("PostgreSQL refuses to run as root; name another user.", nameof(options));
        _server = new CommandRunner(isRoot ? _user : null, time);
        _self = new CommandRunner(null, time);
    }

    public ClusterLayout Layout { get; }

    /// <summary>The process id of the server; null while it does not run.</summary>
    public int? ProcessId => Postmaster.Find(Layout);

    /// <summary>Returns when the server takes connections and its database is there.</summary>
    /// <exception cref="EmbeddedPostgresException">It cannot be started.</exception>
    public async Task StartAsync(CancellationToken cancellation)
    {
        try
        {
            var bin = Layout.BinDirectory();
            if (Layout.VersionOfCluster() is null)
                await InitializeAsync(bin, cancellation);
            await CheckVersionAsync(bin, cancellation);
            if (ProcessId is { } running)
            {
                LogAdopted(running);
            }
            else
            {
                await ConfigureAsync(cancellation);
                await LaunchAsync(bin, cancellation);
            }
            await CreateDatabaseAsync(cancellation);
        }
        catch (Exception e) when (e is TimeoutException or Win32Exception or IOException or UnauthorizedAccessException or NpgsqlException)
        {
            throw new EmbeddedPostgresException($"The embedded PostgreSQL cannot be started: {e.Message}", e);
        }
    }

    /// <summary>Starts the server again whenever it died, until told to stop. It is not stopped then.</summary>
    public async Task WatchAsync(CancellationToken stop)
    {
        var pause = FirstPause;
        using var timer = new PeriodicTimer(_options.WatchInterval, _time);
        while (await timer.WaitForNextTickAsync(stop))
        {
            if (ProcessId is not null)
            {
                pause = FirstPause;
                continue;
            }
            LogDied();
            try
            {
                await StartAsync(stop);
            }
            catch (EmbeddedPostgresException e)
            {
                LogRestartFailed(pause.TotalSeconds, e);
                await Task.Delay(pause, _time, stop);
                pause = pause * 2 < LongestPause ? pause * 2 : LongestPause;
            }
        }
    }

    /// <summary>Stops the server after it has ended all sessions and written everything; at once if that takes too long.</summary>
    /// <exception cref="EmbeddedPostgresException">It does not stop.</exception>
    public async Task StopAsync(CancellationToken cancellation)
    {
        if (ProcessId is null)
            return;
        var bin = Layout.BinDirectory();
        foreach (var mode in (string[])["fast", "immediate"])
        {
            var seconds = ((int)_options.StopTimeout.TotalSeconds).ToString(CultureInfo.InvariantCulture);
            var result = await _server.RunAsync(
                Path.Combine(bin, "pg_ctl"), ["stop", "-D", Layout.Cluster, "-m", mode, "-w", "-t", seconds],
                _options.StopTimeout + CommandTimeout, cancellation);
            if (ProcessId is null)
            {
                LogStopped(mode);
                return;
            }
            LogStopFailed(mode, result.Said);
        }
        throw new EmbeddedPostgresException("The embedded PostgreSQL does not stop.");
    }

    private async Task InitializeAsync(string bin, CancellationToken cancellation)
    {
        if (Directory.Exists(Layout.Cluster) && Directory.EnumerateFileSystemEntries(Layout.Cluster).Any())
            throw new EmbeddedPostgresException($"{Layout.Cluster} holds something that is no PostgreSQL cluster.");
        Directory.CreateDirectory(Layout.Home);
        if (Directory.Exists(Layout.Unfinished))
            Directory.Delete(Layout.Unfinished, recursive: true);
        await MakeDirectoryAsync(Layout.Unfinished, "0700", cancellation);
        await RequireAsync(_server, Path.Combine(bin, "initdb"),
        [
            "-D", Layout.Unfinished, "-U", ClusterLayout.Name, "--encoding=UTF8", "--locale=C", "--data-checksums",
            "--auth-local=peer", "--auth-host=reject",
        ], InitTimeout, cancellation);
        await RequireAsync(_server, "tee", ["-a", Path.Combine(Layout.Unfinished, "postgresql.conf")], CommandTimeout, cancellation,
            "\ninclude_if_exists = 'sparkle.conf'\n");
        if (Directory.Exists(Layout.Cluster))
            Directory.Delete(Layout.Cluster);
        Directory.Move(Layout.Unfinished, Layout.Cluster);
        LogMade(Layout.Cluster);
    }

    private async Task CheckVersionAsync(string bin, CancellationToken cancellation)
    {
        // "postgres (PostgreSQL) 15.8 (Debian 15.8-0+deb12u1)"
        var said = await RequireAsync(_server, Path.Combine(bin, "postgres"), ["--version"], CommandTimeout, cancellation);
        var installed = said.Split(' ', StringSplitOptions.RemoveEmptyEntries).ElementAtOrDefault(2)?.Split('.')[0];
        var own = Layout.VersionOfCluster();
        if (own != installed)
        {
            throw new EmbeddedPostgresException(
                $"The cluster in {Layout.Cluster} was made by PostgreSQL {own}, and {bin} holds version {installed}. "
                + "Install the server of that version, or move the data with pg_upgrade.");
        }
    }

    private async Task ConfigureAsync(CancellationToken cancellation)
    {
        await MakeDirectoryAsync(Layout.Sockets, "0755", cancellation);
        await WriteAsync("sparkle.conf", Layout.Settings(), cancellation);
        await WriteAsync("pg_hba.conf", ClusterLayout.HostBasedAuthentication(), cancellation);
        await WriteAsync("pg_ident.conf", ClusterLayout.IdentityMap([_user, Environment.UserName]), cancellation);
    }

    private async Task LaunchAsync(string bin, CancellationToken cancellation)
    {
        Postmaster.RemoveStalePidFiles(Layout);
        var seconds = ((int)_options.StartTimeout.TotalSeconds).ToString(CultureInfo.InvariantCulture);
        await RequireAsync(_server, Path.Combine(bin, "pg_ctl"),
        [
            "start", "-D", Layout.Cluster, "-w", "-t", seconds, "-s", "-l", Path.Combine(Layout.Cluster, "start.log"),
        ], _options.StartTimeout + CommandTimeout, cancellation);
        LogStarted(bin);
    }

    private async Task CreateDatabaseAsync(CancellationToken cancellation)
    {
        await using var source = NpgsqlDataSource.Create(
            new NpgsqlConnectionStringBuilder(Layout.ConnectionString("postgres")) { Pooling = false, Timeout = 10, CommandTimeout = 30 });
        await using var connection = await source.OpenConnectionAsync(cancellation);
        var isThere = await connection.ExecuteScalarAsync<bool>(new CommandDefinition(
            "SELECT EXISTS (SELECT FROM pg_database WHERE datname = @Name)", new { ClusterLayout.Name }, cancellationToken: cancellation));
        if (!isThere)
            await connection.ExecuteAsync(new CommandDefinition($"CREATE DATABASE {ClusterLayout.Name}", cancellationToken: cancellation));
    }

    private Task<string> WriteAsync(string file, string text, CancellationToken cancellation) =>
        RequireAsync(_server, "tee", [Path.Combine(Layout.Cluster, file)], CommandTimeout, cancellation, text);

    // install sets the owner, which takes root; without root the owner is right already.
    private Task<string> MakeDirectoryAsync(string path, string mode, CancellationToken cancellation) => RequireAsync(
        _self, "install",
        Environment.IsPrivilegedProcess ? ["-d", "-m", mode, "-o", _user, path] : ["-d", "-m", mode, path],
        CommandTimeout, cancellation);

    private static async Task<string> RequireAsync(
        CommandRunner runner, string file, IEnumerable<string> arguments, TimeSpan limit, CancellationToken cancellation, string? input = null)
    {
        var result = await runner.RunAsync(file, arguments, limit, cancellation, input);
        return result.ExitCode == 0
            ? result.Output
            : throw new EmbeddedPostgresException($"{Path.GetFileName(file)} failed with {result.ExitCode}: {result.Said}");
    }

    [LoggerMessage(2301, LogLevel.Information, "Made the PostgreSQL cluster {Directory}.")]
    private partial void LogMade(string directory);

    [LoggerMessage(2302, LogLevel.Information, "Started the embedded PostgreSQL out of {Bin}.")]
    private partial void LogStarted(string bin);

    [LoggerMessage(2303, LogLevel.Information, "Took over the embedded PostgreSQL that runs already as process {Pid}.")]
    private partial void LogAdopted(int pid);

    [LoggerMessage(2304, LogLevel.Error, "The embedded PostgreSQL died; starting it again.")]
    private partial void LogDied();

    [LoggerMessage(2305, LogLevel.Error, "The embedded PostgreSQL does not start; trying again in {Seconds} s.")]
    private partial void LogRestartFailed(double seconds, Exception failure);

    [LoggerMessage(2306, LogLevel.Information, "Stopped the embedded PostgreSQL ({Mode}).")]
    private partial void LogStopped(string mode);

    [LoggerMessage(2307, LogLevel.Warning, "The embedded PostgreSQL did not stop in mode {Mode}: {Said}")]
    private partial void LogStopFailed(string mode, string said);
}
