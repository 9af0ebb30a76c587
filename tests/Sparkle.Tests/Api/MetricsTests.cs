using System.Net;
using System.Text.RegularExpressions;
using NUnit.Framework;
using PonyCloud.Shared.Entities;
using PonyCloud.Sparkle.Api;
using PonyCloud.Sparkle.Control;
using PonyCloud.Sparkle.Tests.Api.Watching;
using PonyCloud.TestKit.Processes;

namespace PonyCloud.Sparkle.Tests.Api;

public sealed partial class MetricsTests : ApiFixture
{
    private const string ScrapeToken = "0123456789abcdef0123456789abcdef";

    private TemporaryDirectory _files = null!;

    protected override ApiOptions Options(ApiOptions options)
    {
        _files = new TemporaryDirectory();
        File.WriteAllText(_files["token"], ScrapeToken + "\n");
        return options with { MetricsTokenFile = _files["token"] };
    }

    [TearDown]
    public void RemoveFiles() => _files.Dispose();

    [Test]
    public async Task Rows_hosts_and_the_database_are_measured()
    {
        Database.Report(new HostCurrent { Uuid = Host, AgentVersion = "1", BootId = "b", Kernel = "k", CpuModel = "m", Status = HostStatus.Unreachable });
        var text = await MetricsAsync(ScrapeToken);
        Assert.That(text, Does.Contain("# TYPE sparkle_rows gauge\n"));
        Assert.That(text, Does.Contain("sparkle_rows{table=\"user\"} 5\n"));
        Assert.That(text, Does.Contain("sparkle_hosts{status=\"unreachable\"} 1\n"));
        Assert.That(text, Does.Contain("sparkle_hosts{status=\"present\"} 0\n"));
        Assert.That(text, Does.Contain("sparkle_database_up 1\n"));
        Assert.That(text, Does.Contain($"sparkle_revision {Database.Snapshot!.Revision}\n"));
        Database.Database = new DatabaseLink(false, DateTimeOffset.UnixEpoch);
        Assert.That(await MetricsAsync(ScrapeToken), Does.Contain("sparkle_database_up 0\n"));
    }

    [Test]
    public async Task Requests_are_counted_by_status_and_how_long_they_took()
    {
        await GetAsync("/api/v1/host", Token(Alicorn));
        await GetAsync("/api/v1/host");
        // A request is measured when it is over for the server, a little after the client has its answer.
        var text = await Eventually.SeesAsync(
            "the refused request", _ => MetricsAsync(Token(Alicorn)), seen => Count(seen, "http_response_status_code=\"401\"") == 1);
        Assert.That(text, Does.Contain("# TYPE http_server_request_duration_seconds histogram\n"));
        var buckets = Bucket().Matches(text).Select(match => long.Parse(match.Groups[1].Value)).ToList();
        Assert.That(buckets, Is.Not.Empty.And.Ordered);
        Assert.That(buckets[^1], Is.EqualTo(1));
    }

    [Test]
    public async Task Streams_are_counted_while_they_last_and_by_the_reason_of_their_end()
    {
        Assert.That(await MetricsAsync(ScrapeToken), Does.Contain("sparkle_watch_streams 0\n").And.Contain("sparkle_watch_ended_total{reason=\"slow-reader\"} 0\n"));
        var left = await SocketClient.ConnectAsync(Address, Token(Owner), "");
        await using var thrownOut = await SocketClient.ConnectAsync(Address, Token(Stranger), "");
        await left.NextAsync();
        await thrownOut.NextAsync();
        Assert.That(await MetricsAsync(ScrapeToken), Does.Contain("sparkle_watch_streams 2\n").And.Contain("sparkle_watch_history_bytes 0\n"));
        await left.DisposeAsync();
        Database.Remove("user", RowKey.Of(Stranger));
        var text = await Eventually.SeesAsync(
            "the end of both", _ => MetricsAsync(ScrapeToken), seen => seen.Contains("sparkle_watch_streams 0\n", StringComparison.Ordinal));
        Assert.That(text, Does.Contain("sparkle_watch_ended_total{reason=\"left\"} 1\n"));
        Assert.That(text, Does.Contain("sparkle_watch_ended_total{reason=\"access-changed\"} 1\n"));
        Assert.That(text, Does.Not.Contain("sparkle_watch_history_bytes 0\n"));
    }

    [Test]
    public async Task Every_line_is_of_the_text_format()
    {
        var lines = (await MetricsAsync(ScrapeToken)).TrimEnd('\n').Split('\n');
        Assert.That(lines, Has.Length.GreaterThan(50));
        Assert.That(lines, Has.All.Match(@"^# (HELP|TYPE) [a-z_][a-z0-9_]* .+$|^[a-z_][a-z0-9_]*(\{([a-z_][a-z0-9_]*=""([^""\\]|\\.)*"",?)+\})? (-?[0-9.E+-]+|NaN|[+-]Inf)$"));
        var types = lines.Where(line => line.StartsWith("# TYPE ", StringComparison.Ordinal)).Select(line => line.Split(' ')[2]);
        Assert.That(types, Is.Unique);
    }

    [Test]
    public async Task Only_operators_and_the_token_for_it_read_metrics()
    {
        Assert.That((await GetAsync("/metrics")).Status, Is.EqualTo(HttpStatusCode.Unauthorized));
        Assert.That((await GetAsync("/metrics", "0123456789abcdef0123456789abcdee")).Status, Is.EqualTo(HttpStatusCode.Unauthorized));
        Assert.That((await GetAsync("/metrics", Token(Owner))).Status, Is.EqualTo(HttpStatusCode.Forbidden));
        Assert.That((await GetAsync("/metrics", Token(Alicorn, TenantA))).Status, Is.EqualTo(HttpStatusCode.Forbidden));
        Assert.That((await GetAsync("/metrics", Token(Alicorn))).Status, Is.EqualTo(HttpStatusCode.OK));
        Assert.That((await GetAsync("/api/v1/host", ScrapeToken)).Status, Is.EqualTo(HttpStatusCode.Unauthorized));
        Database.IsLoaded = false;
        Assert.That((await GetAsync("/metrics", ScrapeToken)).Status, Is.EqualTo(HttpStatusCode.OK));
    }

    [Test]
    public void A_token_that_can_be_guessed_is_refused_at_the_start()
    {
        File.WriteAllText(_files["short"], "short");
        foreach (var file in new[] { _files["short"], _files["missing"] })
        {
            var options = new ApiOptions { DataDirectory = "/nowhere", MetricsTokenFile = file };
            Assert.That(options.Check().Single().Option, Is.EqualTo(nameof(ApiOptions.MetricsTokenFile)));
        }
    }

    private static long Count(string text, string label) => text.Split('\n')
        .Where(line => line.StartsWith("http_server_request_duration_seconds_count", StringComparison.Ordinal) && line.Contains(label, StringComparison.Ordinal))
        .Sum(line => long.Parse(line.Split(' ')[^1]));

    private async Task<string> MetricsAsync(string token)
    {
        var answer = await GetAsync("/metrics", token);
        Assert.That(answer.Status, Is.EqualTo(HttpStatusCode.OK), answer.Text);
        return answer.Text;
    }

    [GeneratedRegex("^http_server_request_duration_seconds_bucket\\{.*status_code=\"401\".*\\} (\\d+)$", RegexOptions.Multiline)]
    private static partial Regex Bucket();
}
