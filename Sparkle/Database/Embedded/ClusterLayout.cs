using System.Globalization;
using System.Text;
using Npgsql;

namespace PonyCloud.Sparkle.Database.Embedded;

/// <summary>Where everything of an embedded server lies, and what its configuration says.</summary>
public sealed class ClusterLayout
{
    /// <summary>The name of the database and of the role that owns it.</summary>
    public const string Name = "sparkle";

    /// <summary>Only part of the socket's name: the server listens on no network.</summary>
    public const int Port = 5432;

    private const string Installations = "/usr/lib/postgresql";

    // sun_path has 108 bytes, the last of them zero.
    private const int LongestSocketPath = 107;

    private readonly EmbeddedPostgresOptions _options;

    /// <exception cref="ArgumentException">A directory is not absolute, or the socket's path is too long.</exception>
    public ClusterLayout(EmbeddedPostgresOptions options)
    {
        _options = options;
        if (!Path.IsPathFullyQualified(options.DataDirectory))
            throw new ArgumentException($"The data directory {options.DataDirectory} is not absolute.", nameof(options));
        Home = Path.TrimEndingDirectorySeparator(Path.GetFullPath(options.DataDirectory));
        Cluster = Path.Combine(Home, "cluster");
        Unfinished = Path.Combine(Home, "cluster.new");
        Sockets = options.SocketDirectory ?? Path.Combine(Home, "run");
        var socket = Path.Combine(Sockets, $".s.PGSQL.{Port}");
        if (Encoding.UTF8.GetByteCount(socket) > LongestSocketPath)
            throw new ArgumentException($"The path {socket} is too long for a socket; set a shorter socket directory.", nameof(options));
    }

    public string Home { get; }

    public string Cluster { get; }

    /// <summary>A cluster in the making; it becomes <see cref="Cluster"/> in one step, so a half-made one is never started.</summary>
    public string Unfinished { get; }

    public string Sockets { get; }

    /// <summary>Names the server beside its socket, as <see cref="PidFile"/> does in the cluster.</summary>
    public string SocketLockFile => Path.Combine(Sockets, $".s.PGSQL.{Port}.lock");

    public string PidFile => Path.Combine(Cluster, "postmaster.pid");

    public string ConnectionString(string database = Name) => new NpgsqlConnectionStringBuilder
    {
        Host = Sockets,
        Port = Port,
        Username = Name,
        Database = database,
    }.ConnectionString;

    /// <summary>The major version that made the cluster; null when there is none yet.</summary>
    public string? VersionOfCluster()
    {
        var file = Path.Combine(Cluster, "PG_VERSION");
        return File.Exists(file) ? File.ReadAllText(file).Trim() : null;
    }

    /// <summary>The tools to use: those of the cluster's own version where they are installed, else the newest.</summary>
    /// <exception cref="EmbeddedPostgresException">There are none.</exception>
    public string BinDirectory()
    {
        if (_options.BinDirectory is { } given)
        {
            return File.Exists(Path.Combine(given, "pg_ctl"))
                ? given
                : throw new EmbeddedPostgresException($"There is no pg_ctl in {given}.");
        }
        var own = VersionOfCluster();
        var found = (Directory.Exists(Installations) ? Directory.GetDirectories(Installations) : [])
            .Select(directory => (Version: Path.GetFileName(directory), Bin: Path.Combine(directory, "bin")))
            .Where(candidate => File.Exists(Path.Combine(candidate.Bin, "pg_ctl")) && File.Exists(Path.Combine(candidate.Bin, "initdb")))
            .OrderByDescending(candidate => candidate.Version == own)
            .ThenByDescending(candidate => decimal.TryParse(candidate.Version, CultureInfo.InvariantCulture, out var version) ? version : 0)
            .ToList();
        return found.Count > 0
            ? found[0].Bin
            : throw new EmbeddedPostgresException($"PostgreSQL is not installed: there is no server under {Installations}.");
    }

    /// <summary>Settings that the platform relies on. Those of <c>ALTER SYSTEM</c> come after them and win.</summary>
    public string Settings() => $"""
        # Written by Sparkle at every start; changes belong into ALTER SYSTEM.
        listen_addresses = ''
        port = {Port}
        unix_socket_directories = '{Sockets.Replace("'", "''", StringComparison.Ordinal)}'
        unix_socket_permissions = 0777
        wal_level = logical
        max_wal_senders = 8
        max_replication_slots = 8
        max_connections = 100
        # A session that was forgotten within a transaction would hold up the change stream and vacuum.
        idle_in_transaction_session_timeout = '5min'
        wal_sender_timeout = '10s'
        # A backend whose client is gone gives up its locks.
        client_connection_check_interval = '2s'
        logging_collector = on
        log_directory = 'log'
        log_filename = 'postgresql-%a.log'
        log_rotation_age = '1d'
        log_rotation_size = 0
        log_truncate_on_rotation = on
        timezone = 'UTC'

        """;

    /// <summary>Who may connect: the users of the system in the map, as this role, and nobody else.</summary>
    public static string HostBasedAuthentication() => $"""
        # Written by Sparkle at every start.
        local all         {Name} peer map={Name}
        local replication {Name} peer map={Name}

        """;

    public static string IdentityMap(IEnumerable<string> users)
    {
        var text = new StringBuilder("# Written by Sparkle at every start: users of the system who may connect.\n");
        foreach (var user in users.Distinct(StringComparer.Ordinal))
            text.Append(CultureInfo.InvariantCulture, $"{Name} \"{user}\" {Name}\n");
        return text.ToString();
    }
}
