using System.Net;
using NUnit.Framework;

namespace PonyCloud.Sparkle.Tests.Api.Security;

public sealed class AuditTests : ApiFixture
{
    private const string Category = "PonyCloud.Sparkle.Api.Security.AuditLog";

    private IEnumerable<string> Lines => Log.Lines.Where(line => line.Contains(Category, StringComparison.Ordinal));

    [Test]
    public async Task A_change_is_logged_with_who_from_where_what_and_the_revision()
    {
        var token = Token(Owner, TenantA);
        await PatchAsync($"/api/v1/tenant/{TenantA}/instance/{InstanceA}", token, """[{"op":"replace","path":"/desired/mem","value":128}]""");
        var line = Lines.Single();
        Assert.That(line, Does.Contain($"owner%40a.example (tenant {TenantA}) from 127.0.0.1, PATCH /api/v1/tenant/{TenantA}/instance/{InstanceA}"));
        Assert.That(line, Does.Contain($"update instance {InstanceA}; revision {Database.Snapshot!.Revision}, request "));
    }

    [Test]
    public async Task What_somebody_was_not_let_do_is_logged_whether_the_answer_says_so_or_not()
    {
        await DeleteAsync($"/api/v1/tenant/{TenantA}/instance/{InstanceA}", Token(Operator, TenantA));
        await GetAsync($"/api/v1/tenant/{TenantB}/instance", Token(Owner, TenantA));
        await PostAsync("/api/v1/tenant", Token(Owner), """{"desired":{"name":"mine"}}""");
        await PatchAsync($"/api/v1/user/{Owner}", Token(Owner), """[{"op":"replace","path":"/desired/alicorn","value":true}]""");
        Assert.That(Lines.Count(), Is.EqualTo(4));
        Assert.That(Lines, Has.All.StartsWith("Warning").And.All.Contains(": refused, "));
        Assert.That(Lines.First(), Does.Contain("operator%40a.example"));
    }

    [Test]
    public async Task Logins_tokens_and_their_ends_are_logged_without_the_tokens()
    {
        var user = (await LoginAsync(Owner, Password)).Json.Value<string>("token")!;
        await LoginAsync("x\ny@a.example", "wrong");
        await PostAsync($"/api/v1/tenant/{TenantA}/token", user, "");
        await DeleteAsync($"/api/v1/user/{Owner}/token", Token(Alicorn));
        await DeleteAsync("/api/v1/token", (await LoginAsync(Owner, Password)).Json.Value<string>("token"));
        Assert.That(Lines.Select(line => line[(line.IndexOf(']', StringComparison.Ordinal) + 2)..line.IndexOf(';', StringComparison.Ordinal)]), Has.Some.EqualTo("owner%40a.example logged in from 127.0.0.1")
            .And.Some.EqualTo("Login as x%0Ay%40a.example from 127.0.0.1 failed")
            .And.Some.EqualTo($"owner%40a.example got a token for tenant {TenantA} from 127.0.0.1")
            .And.Some.EqualTo("alicorn%40localhost from 127.0.0.1 ended all tokens of owner%40a.example")
            .And.Some.Contains("ended token "));
        Assert.That(Log.Lines, Has.None.Contains(user));
    }

    [Test]
    public async Task Reading_leaves_no_line()
    {
        Assert.That((await GetAsync("/api/v1/host", Token(Alicorn))).Status, Is.EqualTo(HttpStatusCode.OK));
        Assert.That(Lines, Is.Empty);
    }
}
