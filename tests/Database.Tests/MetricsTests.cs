using System.Text.RegularExpressions;
using PonyCloud.TestKit.Processes;

namespace PonyCloud.Database.Tests;

/// <summary>What the controller measures, as it is served over a real database.</summary>
[TestFixture]
public sealed partial class MetricsTests
{
    private const string Tenant = """{"desired": {"name": "measured"}}""";

    // Rooms that this controller is without.
    private static readonly string[] Elsewhere = ["sparkle_transport_", "sparkle_door_", "sparkle_replication_", "sparkle_hosts_refused_"];

    private ApiOnPostgres _api = null!;

    [SetUp]
    public async Task StartAsync() => _api = await ApiOnPostgres.StartAsync();

    [TearDown]
    public async Task StopAsync() => await _api.DisposeAsync();

    [Test]
    public async Task Every_metric_is_in_the_table_and_everything_in_the_table_is_measured()
    {
        var documented = Row().Matches(await File.ReadAllTextAsync(Repository.At("Sparkle", "Api", "Metrics", "README.md")))
            .ToDictionary(row => row.Groups[1].Value, row => row.Groups[2].Value);
        await MakeAsync("one");
        var text = await SeesAsync("the requests that are kept", "sparkle_requests_kept 1");
        var measured = Type().Matches(text).ToDictionary(line => line.Groups[1].Value, line => line.Groups[2].Value);
        Assert.That(measured, Is.EquivalentTo(documented.Where(pair => !Elsewhere.Any(pair.Key.StartsWith))));
    }

    [Test]
    public async Task Loads_commits_and_repeated_requests_are_counted()
    {
        await MakeAsync("one");
        await MakeAsync("one");
        var text = await _api.TextAsync("/metrics");
        Assert.That(text, Does.Contain("sparkle_database_loads_total 1\n"));
        Assert.That(text, Does.Contain("sparkle_requests_repeated_total 1\n"));
        Assert.That(text, Does.Contain("sparkle_requests_under_way 0\n"));
        Assert.That(text, Does.Contain("sparkle_orders_waiting 0\n"));
        // The repetition writes no row, but its transaction shows that the first one's is seen.
        Assert.That(text, Does.Contain("sparkle_commit_lag_seconds_count 2\n"));
        Assert.That(text, Does.Contain("sparkle_commit_lag_seconds_bucket{le=\"0.0005\"}").And.Contain("sparkle_commit_lag_seconds_bucket{le=\"+Inf\"} 2\n"));
    }

    [Test]
    public async Task What_is_kept_is_counted_at_first_and_as_it_comes()
    {
        await SeesAsync("the first count", "sparkle_requests_kept 0");
        await MakeAsync("one");
        Assert.That(await _api.TextAsync("/metrics"), Does.Contain("sparkle_requests_kept 1\n"));
    }

    private async Task MakeAsync(string key)
    {
        var made = await _api.SendAsync("POST", "/api/v1/tenant", Tenant, "application/json", "Idempotency-Key", key);
        Assert.That(made.Status, Is.EqualTo(201), made.Json.ToString());
    }

    private Task<string> SeesAsync(string what, string line) => Eventually.SeesAsync(
        what, _ => _api.TextAsync("/metrics"), text => text.Contains(line + "\n", StringComparison.Ordinal));

    [GeneratedRegex("^\\| `(sparkle_[a-z_]+)` \\| ([a-z]+) \\|", RegexOptions.Multiline)]
    private static partial Regex Row();

    [GeneratedRegex("^# TYPE (sparkle_[a-z_]+) ([a-z]+)$", RegexOptions.Multiline)]
    private static partial Regex Type();
}
