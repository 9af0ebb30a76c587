using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Text;
using NUnit.Framework;
using PonyCloud.Shared.Entities;

namespace PonyCloud.Sparkle.Tests.Api;

/// <summary>As many operations in one patch as are taken by default, and what they leave behind.</summary>
public sealed class LargePatchTests : ApiFixture
{
    private const string Category = "PonyCloud.Sparkle.Api.Security.AuditLog";
    private const int Most = 10_000;

    // Small ones first, so that the code is warm when times are compared.
    [TestCase(100)]
    [TestCase(2_500)]
    [TestCase(5_000)]
    [TestCase(Most)]
    public async Task New_rows_are_made_and_changed_in_one_transaction(int operations)
    {
        var half = operations / 2;
        var patch = Operations(Enumerable.Range(0, half)
            .Select(i => $$$"""{"op":"add","path":"/k{{{i}}}","value":{"desired":{"value":{{{i}}}} } }""")
            .Concat(Enumerable.Range(0, half).Select(i => $$$"""{"op":"replace","path":"/k{{{i}}}/desired/value","value":{{{i + 1}}} }""")));
        await SendAsync($"{operations} operations that make {half} rows and change them", "/api/v1/config", patch);
        var rows = (await GetAsync("/api/v1/config", Token(Alicorn))).Json;
        Assert.That(rows.Properties().Select(row => (int)row.Value["desired"]!["value"]!), Is.EquivalentTo(Enumerable.Range(1, half)));
        Assert.That(Database.Commits, Is.EqualTo(1));
    }

    [TestCase(100)]
    [TestCase(5_000)]
    [TestCase(Most)]
    public async Task A_tree_is_made_below_a_new_row_in_one_transaction(int operations)
    {
        var patch = Operations(Enumerable.Range(0, operations - 1)
            .Select(i => $$$"""{"op":"add","path":"/$t/instance/$i{{{i}}}","value":{"desired":{"name":"i{{{i}}}","mem":64} } }""")
            .Prepend("""{"op":"add","path":"/$t","value":{"desired":{"name":"large"}}}"""));
        var answer = await SendAsync($"{operations} operations that make a tenant and its instances", "/api/v1/tenant", patch);
        Assert.That(answer.Json["uuids"]!.Count(), Is.EqualTo(operations));
        var instances = await GetAsync($"/api/v1/tenant/{answer.Json["uuids"]!["$t"]}/instance", Token(Alicorn));
        Assert.That(instances.Json, Has.Count.EqualTo(operations - 1));
        Assert.That(Database.Commits, Is.EqualTo(1));
    }

    [Test]
    public async Task Rows_that_are_there_are_changed_and_removed_in_one_transaction()
    {
        Database.Put([.. Enumerable.Range(0, Most / 2).Select(i => new ConfigDesired { Key = $"k{i}", Value = JsonText.Parse("0") })]);
        var patch = Operations(Enumerable.Range(0, Most / 2).SelectMany(i => (string[])
        [
            $$"""{"op":"test","path":"/k{{i}}/desired/value","value":0}""",
            i % 2 == 0 ? $$"""{"op":"remove","path":"/k{{i}}"}""" : $$"""{"op":"replace","path":"/k{{i}}/desired/value","value":1}""",
        ]));
        await SendAsync($"{Most} operations that look at {Most / 2} rows, and change or remove each", "/api/v1/config", patch);
        var rows = (await GetAsync("/api/v1/config", Token(Alicorn))).Json;
        Assert.That(rows.Properties().Select(row => (int)row.Value["desired"]!["value"]!), Is.EqualTo(Enumerable.Repeat(1, Most / 4)));
    }

    [Test]
    public async Task The_log_names_the_first_changes_and_counts_all()
    {
        await SendAsync("many rows", "/api/v1/config", Operations(Enumerable.Range(0, Most).Select(i => $$$"""{"op":"add","path":"/k{{{i}}}","value":{"desired":{"value":1} } }""")));
        var line = Log.Lines.Single(line => line.Contains(Category, StringComparison.Ordinal));
        Assert.That(line.Split("insert config "), Has.Length.EqualTo(21));
        Assert.That(line, Does.Contain(" and 9980 more, 10000 in all; revision "));
        Assert.That(line, Has.Length.LessThan(2000));
    }

    [Test]
    public async Task Twenty_changes_are_named_without_a_count()
    {
        await SendAsync("some rows", "/api/v1/config", Operations(Enumerable.Range(0, 20).Select(i => $$$"""{"op":"add","path":"/k{{{i}}}","value":{"desired":{"value":1} } }""")));
        var line = Log.Lines.Single(line => line.Contains(Category, StringComparison.Ordinal));
        Assert.That(line.Split("insert config "), Has.Length.EqualTo(21));
        Assert.That(line, Does.Not.Contain("more"));
    }

    [Test]
    public async Task One_operation_more_is_refused()
    {
        var patch = Operations(Enumerable.Repeat("""{"op":"test","path":"","value":{}}""", Most + 1));
        var answer = await PatchAsync("/api/v1/config", Token(Alicorn), patch);
        Assert.That(answer.Status, Is.EqualTo(HttpStatusCode.RequestEntityTooLarge), answer.ToString());
    }

    private static string Operations(IEnumerable<string> operations) => $"[{string.Join(',', operations)}]";

    private async Task<Answer> SendAsync(string what, string path, string patch)
    {
        var token = Token(Alicorn);
        var watch = Stopwatch.StartNew();
        var answer = await PatchAsync(path, token, patch);
        TestContext.Out.WriteLine(string.Create(
            CultureInfo.InvariantCulture, $"{what}: {watch.Elapsed.TotalMilliseconds:0} ms, {Encoding.UTF8.GetByteCount(patch) / 1024} KiB"));
        Assert.That(answer.Status, Is.EqualTo(HttpStatusCode.OK), answer.Text.Length > 500 ? answer.Text[..500] : answer.Text);
        return answer;
    }
}
