using System.Globalization;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using NUnit.Framework;
using PonyCloud.Sparkle.Database.Schema;
using PonyCloud.TestKit.Processes;

namespace PonyCloud.TestKit.Database;

/// <summary>
/// A PostgreSQL server of a test's own: a cluster in a temporary directory, on a unix socket. Each test gets a database of
/// its own, cloned from one with the schema.
/// </summary>
public sealed class PostgresServer : IAsyncDisposable
{
    private const string Template = "template_schema";

    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(1);

    private readonly string _home;
    private readonly string _bin;
    private int _databases;

    private PostgresServer(string home, string bin)
    {
        _home = home;
        _bin = bin;
    }

    public string SocketDirectory => _home;

    public string DataDirectory => Path.Combine(_home, "data");

    /// <summary>The postmaster's process id.</summary>
    public int ProcessId => int.Parse(File.ReadLines(Path.Combine(DataDirectory, "postmaster.pid")).First(), CultureInfo.InvariantCulture);

    public static async Task<PostgresServer> StartNewAsync()
    {
        var bin = Directory.GetDirectories("/usr/lib/postgresql").Select(directory => Path.Combine(directory, "bin"))
            .Where(directory => File.Exists(Path.Combine(directory, "initdb"))).Max()
            ?? throw new InvalidOperationException("PostgreSQL is not installed.");
        var home = Directory.CreateTempSubdirectory("pgt").FullName;
        var server = new PostgresServer(home, bin);
        try
        {
            if (Environment.IsPrivilegedProcess)
                await TestProcess.RunAsync("chown", ["postgres", home], Limit);
            await TestProcess.RunAsync("chmod", ["0755", home], Limit);
            await server.RunAsync("initdb", "-D", server.DataDirectory, "-U", "sparkle", "-E", "UTF8", "--locale=C", "--no-sync", "--auth=peer");
            await server.WriteAsync("pg_hba.conf", "local all all peer map=test\nlocal replication all peer map=test\n");
            // "plain" is for tests of a role without rights.
            var user = Environment.UserName;
            await server.WriteAsync("pg_ident.conf", $"test {user} sparkle\ntest {user} plain\ntest postgres sparkle\n");
            await server.WriteAsync("postgresql.auto.conf", $"""
                listen_addresses = ''
                unix_socket_directories = '{home}'
                wal_level = logical
                max_connections = 50
                # A crash of the server loses nothing without it, only one of the machine would.
                fsync = off
                wal_sender_timeout = '10s'
                max_prepared_transactions = 4

                """);
            await server.StartAsync();
            await server.MakeTemplateAsync();
            return server;
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }

    public string ConnectionString(string database, string user = "sparkle") => new NpgsqlConnectionStringBuilder
    {
        Host = _home,
        Username = user,
        Database = database,
    }.ConnectionString;

    /// <summary>A new database with the schema.</summary>
    /// <returns>Its connection string.</returns>
    public Task<string> CreateDatabaseAsync() => CreateDatabaseAsync(Template);

    /// <summary>A new database without anything in it.</summary>
    public Task<string> CreateEmptyDatabaseAsync() => CreateDatabaseAsync("template0");

    public Task StartAsync() =>
        RunAsync("pg_ctl", "start", "-D", DataDirectory, "-w", "-s", "-l", Path.Combine(DataDirectory, "start.log"));

    public Task StopAsync(string mode = "fast") => RunAsync("pg_ctl", "stop", "-D", DataDirectory, "-w", "-s", "-m", mode);

    /// <summary>Kills the postmaster, which takes its backends along once they notice; returns when they are gone.</summary>
    public async Task KillAsync()
    {
        var postmaster = ProcessId;
        // It must not make another backend while its backends are counted; an orphan would keep the next start from succeeding.
        await SignalAsync("STOP", postmaster);
        var all = TestProcess.ChildrenOf(postmaster).Append(postmaster).ToList();
        await SignalAsync("KILL", postmaster);
        foreach (var pid in all)
            await SignalIfThereAsync("KILL", pid);
        foreach (var pid in all)
            await TestProcess.WaitForEndAsync(pid, Limit);
        // Where nobody reaps the dead at once, the next start would take the number for a living server.
        File.Delete(Path.Combine(DataDirectory, "postmaster.pid"));
        File.Delete(Path.Combine(_home, ".s.PGSQL.5432.lock"));
    }

    /// <summary>Stops all processes of the server without ending them, as if the machine hung.</summary>
    public Task FreezeAsync() => SignalAllAsync("STOP");

    public Task ThawAsync() => SignalAllAsync("CONT");

    public static Task SignalAsync(string signal, int pid) =>
        TestProcess.RunAsync("kill", [$"-{signal}", pid.ToString(CultureInfo.InvariantCulture)], Limit);

    /// <summary>Runs SQL with the real psql.</summary>
    public static Task<string> PsqlAsync(string connectionString, string sql)
    {
        var settings = new NpgsqlConnectionStringBuilder(connectionString);
        return TestProcess.RunAsync(
            "psql", ["-X", "-q", "-v", "ON_ERROR_STOP=1", "-h", settings.Host!, "-U", settings.Username!, "-d", settings.Database!], Limit, sql);
    }

    /// <summary>All that is in a database, as SQL: a backup.</summary>
    public static Task<string> DumpAsync(string connectionString)
    {
        var settings = new NpgsqlConnectionStringBuilder(connectionString);
        return TestProcess.RunAsync("pg_dump", ["-h", settings.Host!, "-U", settings.Username!, "-d", settings.Database!], Limit);
    }

    /// <summary>Puts a backup in the place of a database, whoever uses it.</summary>
    public async Task RestoreAsync(string connectionString, string dump)
    {
        var name = new NpgsqlConnectionStringBuilder(connectionString).Database;
        var server = ConnectionString("postgres");
        // Nobody sees it half: it gets its name when it is whole.
        await ExecuteAsync($"CREATE DATABASE {name}_restored TEMPLATE template0");
        await PsqlAsync(ConnectionString($"{name}_restored"), dump);
        await PsqlAsync(server, $"""
            ALTER DATABASE {name} ALLOW_CONNECTIONS false;
            SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}';
            """);
        // Who follows the changes keeps a database from being dropped, and takes a moment to go.
        await Eventually.SeesAsync(
            "nobody to follow the database",
            _ => PsqlAsync(server, $"SELECT 'slot: ' || slot_name FROM pg_replication_slots WHERE database = '{name}';"),
            slots => !slots.Contains("slot:", StringComparison.Ordinal));
        await ExecuteAsync($"DROP DATABASE {name} WITH (FORCE)");
        await ExecuteAsync($"ALTER DATABASE {name}_restored RENAME TO {name}");
    }

    public async ValueTask DisposeAsync()
    {
        NpgsqlConnection.ClearAllPools();
        if (File.Exists(Path.Combine(DataDirectory, "postmaster.pid")))
        {
            await SignalAllAsync("CONT");
            await StopAsync("immediate");
        }
        Directory.Delete(_home, recursive: true);
    }

    private async Task SignalAllAsync(string signal)
    {
        var postmaster = ProcessId;
        await SignalAsync(signal, postmaster);
        foreach (var pid in TestProcess.ChildrenOf(postmaster))
            await SignalIfThereAsync(signal, pid);
    }

    // A backend may end at any time by itself.
    private static async Task SignalIfThereAsync(string signal, int pid)
    {
        try
        {
            await SignalAsync(signal, pid);
        }
        catch (InvalidOperationException) when (!TestProcess.IsThere(pid))
        {
            await TestContext.Out.WriteLineAsync($"Process {pid} had ended before it got {signal}.");
        }
    }

    private async Task MakeTemplateAsync()
    {
        await ExecuteAsync($"CREATE DATABASE {Template}");
        await using var source = NpgsqlDataSource.Create(ConnectionString(Template) + ";Pooling=false");
        await new SchemaMigrator(Migration.Embedded(), NullLogger<SchemaMigrator>.Instance).ApplyAsync(source, CancellationToken.None);
    }

    private async Task<string> CreateDatabaseAsync(string template)
    {
        var name = $"test_{Interlocked.Increment(ref _databases)}";
        await ExecuteAsync($"CREATE DATABASE {name} TEMPLATE {template}");
        return ConnectionString(name);
    }

    private async Task ExecuteAsync(string sql)
    {
        await using var source = NpgsqlDataSource.Create(ConnectionString("postgres") + ";Pooling=false");
        await using var command = source.CreateCommand(sql);
        await command.ExecuteNonQueryAsync();
    }

    private Task<string> RunAsync(string tool, params string[] arguments) => RunAsServerAsync(Path.Combine(_bin, tool), arguments, null);

    private Task<string> WriteAsync(string file, string text) => RunAsServerAsync("tee", [Path.Combine(DataDirectory, file)], text);

    private static Task<string> RunAsServerAsync(string file, string[] arguments, string? input) => Environment.IsPrivilegedProcess
        ? TestProcess.RunAsync("setpriv", ["--reuid=postgres", "--regid=postgres", "--init-groups", "--", file, .. arguments], Limit, input)
        : TestProcess.RunAsync(file, arguments, Limit, input);
}
