namespace PonyCloud.Sparkle.Database;

/// <summary>Which database, and how long to wait for what. Either a connection string or an embedded server is given.</summary>
public sealed record DatabaseOptions
{
    /// <summary>
    /// An Npgsql connection string to a server that somebody else runs. Its role needs the attribute REPLICATION, and must
    /// own the schema while migrations are applied; membership of pg_read_all_stats lets more lost commits be decided.
    /// </summary>
    public string? ConnectionString { get; init; }

    /// <summary>A server of Sparkle's own.</summary>
    public EmbeddedPostgresOptions? Embedded { get; init; }

    /// <summary>Bring the schema up to this binary at every connect.</summary>
    public bool ApplyMigrations { get; init; } = true;

    /// <summary>A server that does not begin a transaction within this time is not reachable.</summary>
    public TimeSpan ReachTimeout { get; init; } = TimeSpan.FromMilliseconds(750);

    /// <summary>How long a write waits for a row that another transaction holds.</summary>
    public TimeSpan LockTimeout { get; init; } = TimeSpan.FromSeconds(3);

    /// <summary>How long all statements of a write may take together, and its commit once more.</summary>
    public TimeSpan WriteTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>For how long at least a request can be repeated with its key.</summary>
    public TimeSpan RequestKeyLifetime { get; init; } = TimeSpan.FromHours(24);

    /// <summary>How long to ask whether a commit whose answer was lost stands.</summary>
    public TimeSpan CommitDecisionTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How long a commit may take to become visible in memory.</summary>
    public TimeSpan VisibilityTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Silence of the server that ends the change stream.</summary>
    public TimeSpan ServerTimeout { get; init; } = TimeSpan.FromSeconds(3);

    /// <summary>
    /// How long the session may be silent that makes this controller the active one; then the server ends it, so that
    /// another can take over from one that is frozen or cut off.
    /// </summary>
    public TimeSpan LeaseTimeout { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>The shortest time between two times that the epoch is raised because hosts know of a higher one.</summary>
    public TimeSpan EpochRaisePause { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>How long the server may take for one answer while all rows are loaded.</summary>
    public TimeSpan LoadTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>How long the slot may take before rows are loaded without it; open transactions hold it up.</summary>
    public TimeSpan SlotGrace { get; init; } = TimeSpan.FromMilliseconds(500);

    /// <summary>The first pause between two attempts to connect; it doubles up to <see cref="RetryMaximum"/>.</summary>
    public TimeSpan RetryMinimum { get; init; } = TimeSpan.FromMilliseconds(100);

    public TimeSpan RetryMaximum { get; init; } = TimeSpan.FromSeconds(10);
}

/// <summary>A PostgreSQL server that Sparkle starts, keeps up and stops.</summary>
public sealed record EmbeddedPostgresOptions
{
    /// <summary>Where the cluster lives; made when it is not there. Absolute.</summary>
    public required string DataDirectory { get; init; }

    /// <summary>Whom the server runs as when Sparkle runs as root, since PostgreSQL refuses to run as root.</summary>
    public string User { get; init; } = "postgres";

    /// <summary>Where <c>initdb</c> and <c>pg_ctl</c> are; null for the newest under /usr/lib/postgresql.</summary>
    public string? BinDirectory { get; init; }

    /// <summary>Where the socket is; null for <c>run</c> in the data directory. The path must fit into a socket address.</summary>
    public string? SocketDirectory { get; init; }

    /// <summary>How long a start may take, recovery from a crash included.</summary>
    public TimeSpan StartTimeout { get; init; } = TimeSpan.FromSeconds(60);

    public TimeSpan StopTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>How often to look whether the server lives.</summary>
    public TimeSpan WatchInterval { get; init; } = TimeSpan.FromMilliseconds(500);
}
