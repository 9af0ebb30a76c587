using Dapper;
using Npgsql;
using PonyCloud.Database.Tests.Rules;

namespace PonyCloud.Database.Tests;

/// <summary>What a client is told when a request breaks a rule of the schema: which, in its words, and where in the request.</summary>
[TestFixture]
public sealed class ApiRefusalTests
{
    /// <summary>Rules on single values and on rows that are not there: the API knows them from the declarations, and says so first.</summary>
    private static readonly string[] CheckedByApi =
    [
        "_list", "_range", "_length", "_format", "_count", "_flat", "_finite", "_printable", "_host", "_hosts", "_readable", "_fkey", "_immutable",
    ];

    /// <summary>Rules that no request reaches, and why.</summary>
    private static readonly Dictionary<string, string> OutOfReach = new()
    {
        ["switch_tag_available"] = "It takes sixteen million switches.",
    };

    private static readonly IReadOnlyList<BrokenByRequest> Requests = [.. RuleTable.All().SelectMany(table => table.Requests)];

    private ApiOnPostgres _api = null!;

    private static IEnumerable<TestCaseData> Cases => Requests.Select(request => new TestCaseData(request)
        .SetArgDisplayNames(request.Case is null ? request.Constraint : $"{request.Constraint}, {request.Case}"));

    [OneTimeSetUp]
    public async Task StartAsync() => _api = await ApiOnPostgres.StartAsync(
        string.Join(";\n", RuleTable.All().Select(table => table.World).Where(world => world.Length > 0)));

    [OneTimeTearDown]
    public async Task StopAsync() => await _api.DisposeAsync();

    [TestCaseSource(nameof(Cases))]
    public async Task A_request_that_breaks_a_rule_is_told_which_and_where(BrokenByRequest request)
    {
        var answer = await _api.SendAsync(
            request.Method, $"/api/v1{request.Path.UuidsInRequest()}", request.Body?.UuidsInRequest(),
            request.Method == "PATCH" ? "application/merge-patch+json" : "application/json");

        using (Assert.EnterMultipleScope())
        {
            Assert.That((string?)answer.Json["constraint"], Is.EqualTo(request.Constraint), answer.Json.ToString());
            Assert.That(answer.Status, Is.EqualTo(request.Status));
            Assert.That((string?)answer.Json["pointer"], Is.EqualTo(request.Pointer));
            if (await WordsAsync(request) is { } words)
                Assert.That((string?)answer.Json["detail"], Is.EqualTo(words));
            else
                Assert.That((string?)answer.Json["detail"], Does.Match("^[A-Z].*\\.$"), "a function's own words");
        }
    }

    [Test]
    public async Task No_rule_of_these_tables_is_left_out()
    {
        await using var connection = new NpgsqlConnection(_api.ConnectionString);
        var all = (await connection.QueryAsync<(string Table, string Rule)>("""
            SELECT conrelid::regclass::text, conname::text FROM pg_constraint WHERE connamespace = 'public'::regnamespace AND conrelid <> 0
            """)).ToList();
        var broken = Requests.Select(request => request.Constraint).ToHashSet();
        var tables = all.Where(rule => broken.Contains(rule.Rule)).Select(rule => rule.Table).ToHashSet();

        Assert.That(
            all.Where(rule => tables.Contains(rule.Table) && !CheckedByApi.Any(rule.Rule.EndsWith)).Select(rule => rule.Rule)
                .Except(broken).Except(OutOfReach.Keys),
            Is.Empty);
    }

    // The comment; a reference to the row that is to go or to change is in the way, and not wrong by itself.
    private async Task<string?> WordsAsync(BrokenByRequest request)
    {
        await using var connection = new NpgsqlConnection(_api.ConnectionString);
        var (comment, inUse, isReference) = await connection.QuerySingleOrDefaultAsync<(string?, string?, bool)>("""
            SELECT obj_description(oid, 'pg_constraint'),
                   format('The %s is in use: a row of %s refers to it.', confrelid::regclass, conrelid::regclass), contype = 'f'
            FROM pg_constraint WHERE conname = @Constraint
            """, request);
        return request is { Status: 409 } && isReference && request.Method != "POST" ? inUse : comment;
    }
}
