using Npgsql;
using PonyCloud.Sparkle.Database;
using PonyCloud.Sparkle.Database.Embedded;
using PonyCloud.TestKit.Database;

namespace PonyCloud.Database.Tests;

/// <summary>The server that Sparkle runs by itself.</summary>
[TestFixture]
public sealed class EmbeddedPostgresTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    private string _home = null!;
    private EmbeddedPostgresOptions _options = null!;
    private EmbeddedPostgres _embedded = null!;

    [SetUp]
    public async Task MakeAsync()
    {
        _home = Directory.CreateTempSubdirectory("pge").FullName;
        await TestProcess.RunAsync("chmod", ["0755", _home], Limit);
        _options = new EmbeddedPostgresOptions { DataDirectory = Path.Combine(_home, "data"), WatchInterval = TimeSpan.FromMilliseconds(50) };
        _embedded = New();
    }

    [TearDown]
    public async Task RemoveAsync()
    {
        await _embedded.StopAsync(CancellationToken.None);
        Directory.Delete(_home, recursive: true);
    }

    [Test]
    public async Task Data_is_found_again_after_a_stop_and_a_start()
    {
        await _embedded.StartAsync(CancellationToken.None);
        await ExecuteAsync("CREATE TABLE kept AS SELECT 42 AS answer");
        await _embedded.StopAsync(CancellationToken.None);
        Assert.That(_embedded.ProcessId, Is.Null);

        await New().StartAsync(CancellationToken.None);

        Assert.That(await ScalarAsync("SELECT answer FROM kept"), Is.EqualTo(42));
    }

    [Test]
    public async Task A_server_that_runs_already_is_taken_over()
    {
        await _embedded.StartAsync(CancellationToken.None);
        var pid = _embedded.ProcessId!.Value;
        Assert.That(TestProcess.ChildrenOf(Environment.ProcessId), Does.Not.Contain(pid), "It would die with its parent.");

        var successor = New();
        await successor.StartAsync(CancellationToken.None);

        Assert.That(successor.ProcessId, Is.EqualTo(pid));
        Assert.That(await ScalarAsync("SELECT 1"), Is.EqualTo(1));
    }

    [Test]
    public async Task A_server_that_dies_is_started_again()
    {
        await _embedded.StartAsync(CancellationToken.None);
        var pid = _embedded.ProcessId!.Value;
        using var stop = new CancellationTokenSource();
        var watching = _embedded.WatchAsync(stop.Token);

        await PostgresServer.SignalAsync("KILL", pid);

        using (var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(50)))
        using (var deadline = new CancellationTokenSource(Limit))
        {
            while (_embedded.ProcessId is not { } now || now == pid || !await AnswersAsync())
                await timer.WaitForNextTickAsync(deadline.Token);
        }
        await stop.CancelAsync();
        Assert.That(() => watching, Throws.InstanceOf<OperationCanceledException>());
        Assert.That(await ScalarAsync("SELECT 1"), Is.EqualTo(1));
    }

    [Test]
    public async Task It_runs_without_privileges_and_listens_on_no_network()
    {
        await _embedded.StartAsync(CancellationToken.None);

        var status = await File.ReadAllLinesAsync($"/proc/{_embedded.ProcessId}/status");
        Assert.That(status.Single(line => line.StartsWith("Uid:", StringComparison.Ordinal)).Split('\t')[1..], Has.None.EqualTo("0"));
        Assert.That(await ScalarAsync("SELECT current_setting('listen_addresses')"), Is.Empty);
        Assert.That(await ScalarAsync("SELECT current_setting('wal_level')"), Is.EqualTo("logical"));
        Assert.That(await ScalarAsync("SELECT count(*) FROM pg_hba_file_rules WHERE auth_method <> 'peer'"), Is.Zero);
    }

    [Test]
    public async Task A_user_of_the_system_who_is_not_in_the_map_is_refused()
    {
        await _embedded.StartAsync(CancellationToken.None);

        Assert.That(
            () => TestProcess.RunAsync(
                "setpriv", ["--reuid=nobody", "--regid=nogroup", "--clear-groups", "--", "psql", "-X", "-h", _embedded.Layout.Sockets, "-U", "sparkle", "-c", "SELECT 1"], Limit),
            Throws.InvalidOperationException.With.Message.Contains("eer authentication failed"));
    }

    [Test]
    public async Task The_schema_can_be_applied_without_a_controller()
    {
        var options = new DatabaseOptions { Embedded = _options };

        var first = await DatabaseRegistration.ApplySchemaAsync(options, Microsoft.Extensions.Logging.Abstractions.NullLoggerFactory.Instance, TimeProvider.System, CancellationToken.None);
        var second = await DatabaseRegistration.ApplySchemaAsync(options, Microsoft.Extensions.Logging.Abstractions.NullLoggerFactory.Instance, TimeProvider.System, CancellationToken.None);

        Assert.That(first, Is.Not.Empty);
        Assert.That(second, Is.Empty);
        Assert.That(_embedded.ProcessId, Is.Null, "It was started for this only.");
    }

    [Test]
    public async Task The_cluster_of_another_version_is_refused_with_both_versions()
    {
        await _embedded.StartAsync(CancellationToken.None);
        await _embedded.StopAsync(CancellationToken.None);
        await File.WriteAllTextAsync(Path.Combine(_embedded.Layout.Cluster, "PG_VERSION"), "9\n");

        Assert.That(
            () => New().StartAsync(CancellationToken.None),
            Throws.TypeOf<EmbeddedPostgresException>().With.Message.Contains("PostgreSQL 9").And.Message.Contains("pg_upgrade"));
    }

    [Test]
    public async Task A_pid_file_that_names_a_stranger_stops_nobody()
    {
        await _embedded.StartAsync(CancellationToken.None);
        await _embedded.StopAsync(CancellationToken.None);
        await File.WriteAllTextAsync(_embedded.Layout.PidFile, $"{Environment.ProcessId}\n{_embedded.Layout.Cluster}\n");

        Assert.That(_embedded.ProcessId, Is.Null);
        await _embedded.StartAsync(CancellationToken.None);

        Assert.That(_embedded.ProcessId, Is.Not.Null.And.Not.EqualTo(Environment.ProcessId));
    }

    [Test]
    public void A_socket_path_that_is_too_long_is_refused() => Assert.That(
        () => new ClusterLayout(_options with { DataDirectory = "/" + new string('x', 100) }),
        Throws.ArgumentException.With.Message.Contains("too long"));

    private EmbeddedPostgres New() => new(_options, TimeProvider.System, new TestLog<EmbeddedPostgres>());

    private async Task<bool> AnswersAsync()
    {
        try
        {
            return await ScalarAsync("SELECT 1") is 1;
        }
        catch (NpgsqlException)
        {
            return false;
        }
    }

    private async Task ExecuteAsync(string sql) => await ScalarAsync(sql);

    private async Task<object?> ScalarAsync(string sql)
    {
        await using var connection = new NpgsqlConnection(_embedded.Layout.ConnectionString() + ";Pooling=false");
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(sql, connection);
        return await command.ExecuteScalarAsync();
    }
}
