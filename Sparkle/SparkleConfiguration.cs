using System.Net;
using PonyCloud.Shared.Hosting;
using PonyCloud.Shared.Messaging.ZeroMq;
using PonyCloud.Sparkle.Api;
using PonyCloud.Sparkle.Api.Watching;
using PonyCloud.Sparkle.Control;
using PonyCloud.Sparkle.Database;
using PonyCloud.Sparkle.Events;
using PonyCloud.Sparkle.Outage;

namespace PonyCloud.Sparkle;

/// <summary>Every setting of Sparkle, and the options that rooms take made from them.</summary>
internal static class SparkleConfiguration
{
    public const string Endpoint = "messaging:endpoint";

    private const string Listen = "http:listen";
    private const string AllowBeyondLoopback = "http:allow_plain_beyond_loopback";
    private const string CertificateFile = "http:certificate_file";
    private const string CertificateKeyFile = "http:certificate_key_file";
    private const string TrustedProxies = "http:trusted_proxies";
    private const string MetricsTokenFile = "http:metrics_token_file";
    private const string Connections = "http:connections";
    private const string AnonymousPerSecond = "http:anonymous_per_second";
    private const string BodyLimit = "http:body_limit";
    private const string PatchOperations = "http:patch_operations";
    private const string TokenLifetime = "http:token_lifetime";
    private const string LoginFailures = "http:login_failures_per_minute";
    private const string WatchMax = "http:watch:max";
    private const string WatchMaxPerUser = "http:watch:max_per_user";
    private const string WatchHistory = "http:watch:history_bytes";
    private const string KeepAlive = "messaging:keep_alive";
    private const string ConnectionString = "database:connection_string";
    private const string EmbeddedDirectory = "database:embedded:directory";
    private const string EmbeddedSocketDirectory = "database:embedded:socket_directory";
    private const string EmbeddedUser = "database:embedded:user";
    private const string EmbeddedBinDirectory = "database:embedded:bin_directory";
    private const string EventAge = "events:keep";
    private const string EventCount = "events:keep_count";
    private const string MeteringAge = "metering:keep";
    private const string DataDirectory = "data_directory";
    private const string AlicornEmail = "first_alicorn:email";
    private const string AlicornPasswordFile = "first_alicorn:password_file";

    public static ConfigurationSchema Schema { get; } = new("SPARKLE_",
    [
        new(Listen, ConfigurationKind.Text, "Where the REST API listens: http:// or https://, an IP address and a port; several are separated by commas.") { Default = "http://127.0.0.1:9860" },
        new(AllowBeyondLoopback, ConfigurationKind.Boolean, "Serve plain HTTP on other than loopback addresses; for a proxy that speaks TLS in front.")
        {
            Default = "false",
        },
        new(CertificateFile, ConfigurationKind.Text, "The certificate for HTTPS in PEM, with the chain behind it. Read again when it changes.") { Check = AbsolutePath },
        new(CertificateKeyFile, ConfigurationKind.Text, "The certificate's key in PEM, without a password. Read again when it changes.") { Check = AbsolutePath },
        new(TrustedProxies, ConfigurationKind.TextList, "Addresses and networks of proxies whose X-Forwarded-For and X-Forwarded-Proto are believed; nobody's unless set."),
        new(MetricsTokenFile, ConfigurationKind.Text, "File with a token of at least 32 characters that reads /metrics; operators do so in any case.") { Check = AbsolutePath },
        new(Connections, ConfigurationKind.Integer, "How many connections to the REST API may be open at a time.") { Default = "4096", Minimum = 16, Maximum = 1000000 },
        new(AnonymousPerSecond, ConfigurationKind.Integer, "Requests a second without a token from one address, or from one /64 of IPv6.") { Default = "50", Minimum = 1, Maximum = 1000000 },
        new(BodyLimit, ConfigurationKind.Integer, "The largest request body, bytes.") { Default = "1048576", Minimum = 1024, Maximum = 268435456 },
        new(PatchOperations, ConfigurationKind.Integer, "How many operations one patch may have, and how many rows templates may make in one request.") { Default = "10000", Minimum = 1, Maximum = 1000000 },
        new(TokenLifetime, ConfigurationKind.Duration, "How long a token is valid.") { Default = "12:00:00", Minimum = 60, Maximum = 31622400 },
        new(LoginFailures, ConfigurationKind.Integer, "Failed logins a minute from one address for one user before it has to wait.")
        {
            Default = "10", Minimum = 1, Maximum = 10000,
        },
        new(WatchMax, ConfigurationKind.Integer, "How many streams of changes are served at once.") { Default = "2048", Minimum = 1, Maximum = 100000 },
        new(WatchMaxPerUser, ConfigurationKind.Integer, "How many of them one user may have.") { Default = "128", Minimum = 1, Maximum = 100000 },
        new(WatchHistory, ConfigurationKind.Integer, "Bytes of changes kept in memory for clients that come back.")
        {
            Default = "33554432", Minimum = 65536, Maximum = 1073741824,
        },
        new(Endpoint, ConfigurationKind.Text, "Where hosts connect.") { Default = "tcp://127.0.0.1:9850", Check = AddressAndPort },
        new(CurveKeyCommand.KeyFile, ConfigurationKind.Text, "The secret key by which hosts know Sparkle, made at the first start; curve.key below data_directory unless set.")
        {
            Check = AbsolutePath,
        },
        new(KeepAlive, ConfigurationKind.Duration, "How often hosts are told that Sparkle lives; three times that of silence is too long. The same on both sides.")
        {
            Default = "15", Minimum = 0.1, Maximum = 300,
        },
        new(ConnectionString, ConfigurationKind.Text, "A PostgreSQL server to use, as an Npgsql connection string; unset for an embedded one.") { IsSecret = true },
        new(EmbeddedDirectory, ConfigurationKind.Text, "Where the embedded PostgreSQL keeps its data; postgresql below data_directory unless set.") { Check = AbsolutePath },
        new(EmbeddedSocketDirectory, ConfigurationKind.Text, "Where the embedded PostgreSQL has its socket; run in its directory unless set.") { Check = AbsolutePath },
        new(EmbeddedUser, ConfigurationKind.Text, "Who the embedded PostgreSQL runs as when Sparkle runs as root.") { Default = "postgres" },
        new(EmbeddedBinDirectory, ConfigurationKind.Text, "Where initdb and pg_ctl are; the newest version installed unless set.") { Check = AbsolutePath },
        new(EventAge, ConfigurationKind.Duration, "How long an event is kept that does not happen again.") { Default = "30.00:00:00", Minimum = 3600, Maximum = 315360000 },
        new(EventCount, ConfigurationKind.Integer, "How many different events are kept; beyond, those go that did not happen for the longest time.")
        {
            Default = "100000", Minimum = 100, Maximum = 10000000,
        },
        new(MeteringAge, ConfigurationKind.Duration, "How long it is kept what a tenant had on order, once that has ended. All of it is in memory.")
        {
            Default = "100.00:00:00", Minimum = 86400, Maximum = 315360000,
        },
        new(DataDirectory, ConfigurationKind.Text, "What outlives a restart: the keys that sign tokens and by which hosts know Sparkle, and orders that wait for the database.") { Default = "/var/lib/sparkle", Check = AbsolutePath },
        new(AlicornEmail, ConfigurationKind.Text, "The operator that is made when the database has none.") { Default = "alicorn@localhost" },
        new(AlicornPasswordFile, ConfigurationKind.Text, "File that takes that operator's generated password; shown on the console unless set.") { Check = AbsolutePath },
        .. DaemonLogging.Keys,
    ]);

    /// <exception cref="ConfigurationException">The keys contradict each other.</exception>
    public static ApiOptions Api(ConfigurationValues values)
    {
        var options = new ApiOptions
        {
            Listen = values.Text(Listen),
            AllowPlainHttpBeyondLoopback = values.Boolean(AllowBeyondLoopback),
            CertificateFile = values.TextOrNull(CertificateFile),
            CertificateKeyFile = values.TextOrNull(CertificateKeyFile),
            TrustedProxies = values.IsSet(TrustedProxies) ? values.TextList(TrustedProxies) : [],
            MetricsTokenFile = values.TextOrNull(MetricsTokenFile),
            Connections = (int)values.Integer(Connections),
            AnonymousPerSecond = (int)values.Integer(AnonymousPerSecond),
            BodyLimit = (int)values.Integer(BodyLimit),
            PatchOperations = (int)values.Integer(PatchOperations),
            TokenLifetime = values.Duration(TokenLifetime),
            LoginFailures = (int)values.Integer(LoginFailures),
            DataDirectory = values.Text(DataDirectory),
            Watch = new WatchOptions
            {
                Max = (int)values.Integer(WatchMax),
                MaxPerUser = (int)values.Integer(WatchMaxPerUser),
                HistoryBytes = (int)values.Integer(WatchHistory),
            },
            FirstAlicornEmail = values.Text(AlicornEmail),
            FirstAlicornPasswordFile = values.TextOrNull(AlicornPasswordFile),
        };
        var problems = options.Check().Select(found => $"{KeyOf(found.Option)}: {found.Problem}").ToList();
        return problems.Count == 0 ? options : throw new ConfigurationException(problems);
    }

    /// <exception cref="ConfigurationException">The keys contradict each other.</exception>
    public static DatabaseOptions Database(ConfigurationValues values)
    {
        if (values.TextOrNull(ConnectionString) is { } connection)
        {
            return values.IsSet(EmbeddedDirectory)
                ? throw new ConfigurationException([$"{EmbeddedDirectory}: cannot be set together with {ConnectionString}"])
                : new DatabaseOptions { ConnectionString = connection };
        }
        return new DatabaseOptions
        {
            Embedded = new EmbeddedPostgresOptions
            {
                DataDirectory = values.TextOrNull(EmbeddedDirectory) ?? Path.Combine(values.Text(DataDirectory), "postgresql"),
                SocketDirectory = values.TextOrNull(EmbeddedSocketDirectory),
                User = values.Text(EmbeddedUser),
                BinDirectory = values.TextOrNull(EmbeddedBinDirectory),
            },
        };
    }

    public static string KeyFile(ConfigurationValues values) =>
        values.TextOrNull(CurveKeyCommand.KeyFile) ?? Path.Combine(values.Text(DataDirectory), "curve.key");

    public static ControlOptions Control(ConfigurationValues values) => new() { KeepAlive = values.Duration(KeepAlive) };

    public static RetentionOptions Retention(ConfigurationValues values) => new()
    {
        EventAge = values.Duration(EventAge),
        Events = (int)values.Integer(EventCount),
        MeteringAge = values.Duration(MeteringAge),
    };

    public static LetGoOptions LetGo(ConfigurationValues values) => new() { Directory = values.Text(DataDirectory) };

    private static string KeyOf(string option) => option switch
    {
        nameof(ApiOptions.Listen) => Listen,
        nameof(ApiOptions.CertificateFile) => CertificateFile,
        nameof(ApiOptions.TrustedProxies) => TrustedProxies,
        nameof(ApiOptions.MetricsTokenFile) => MetricsTokenFile,
        nameof(ApiOptions.Connections) => Connections,
        nameof(ApiOptions.AnonymousPerSecond) => AnonymousPerSecond,
        nameof(ApiOptions.BodyLimit) => BodyLimit,
        nameof(ApiOptions.PatchOperations) => PatchOperations,
        nameof(ApiOptions.TokenLifetime) => TokenLifetime,
        nameof(ApiOptions.LoginFailures) => LoginFailures,
        nameof(ApiOptions.FirstAlicornEmail) => AlicornEmail,
        _ => DataDirectory,
    };

    private static string? AddressAndPort(object value) =>
        Uri.TryCreate((string)value, UriKind.Absolute, out var uri) && uri.Scheme == "tcp" && uri.Port > 0
        && IPAddress.TryParse(uri.Host.Trim('[', ']'), out _)
            ? null
            : "must be of the form tcp://ADDRESS:PORT";

    private static string? AbsolutePath(object value) => Path.IsPathFullyQualified((string)value) ? null : "must be an absolute path";
}
