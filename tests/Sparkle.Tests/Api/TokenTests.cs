using System.Net;
using System.Text;
using NUnit.Framework;
using PonyCloud.Sparkle.Api;
using PonyCloud.Sparkle.Api.Security;
using PonyCloud.TestKit.Time;

namespace PonyCloud.Sparkle.Tests.Api;

public sealed class TokenTests : ApiFixture
{
    protected override ApiOptions Options(ApiOptions options) => options with { LoginFailures = 3, LoginWindow = TimeSpan.FromHours(1) };

    [Test]
    public async Task A_password_gives_a_user_token_and_that_a_tenant_token()
    {
        var login = await LoginAsync(Owner, Password);
        Assert.That(login.Status, Is.EqualTo(HttpStatusCode.OK), login.ToString());
        var user = login.Json.Value<string>("token")!;
        Assert.That((await GetAsync($"/api/v1/tenant/{TenantA}/instance", user)).Status, Is.EqualTo(HttpStatusCode.Forbidden));
        var tenant = (await PostAsync($"/api/v1/tenant/{TenantA}/token", user, "")).Json.Value<string>("token");
        Assert.That((await GetAsync($"/api/v1/tenant/{TenantA}/instance", tenant)).Status, Is.EqualTo(HttpStatusCode.OK));
    }

    [Test]
    public async Task An_alicorn_gets_a_token_for_any_tenant_and_is_its_owner_with_it()
    {
        var token = (await PostAsync($"/api/v1/tenant/{TenantB}/token", Token(Alicorn), "")).Json.Value<string>("token");
        Assert.That((await GetAsync($"/api/v1/tenant/{TenantB}/member", token)).Status, Is.EqualTo(HttpStatusCode.OK));
        Assert.That((await GetAsync("/api/v1/host", token)).Status, Is.EqualTo(HttpStatusCode.Forbidden));
    }

    [Test]
    public async Task A_foreign_tenant_is_as_unknown_as_a_missing_one()
    {
        var foreign = await PostAsync($"/api/v1/tenant/{TenantB}/token", Token(Owner), "");
        var missing = await PostAsync($"/api/v1/tenant/{Guid.NewGuid()}/token", Token(Owner), "");
        Assert.That(foreign.Status, Is.EqualTo(HttpStatusCode.NotFound));
        Assert.That(foreign.Text, Is.EqualTo(missing.Text));
    }

    [TestCase("owner@a.example", "wrong password")]
    [TestCase("nobody@a.example", "correct horse battery")]
    [TestCase("owner@a.example", "")]
    [TestCase("\u0001", "x")]
    public async Task A_wrong_login_says_nothing_about_what_was_wrong(string email, string password)
    {
        var answer = await LoginAsync(email, password);
        Assert.That(answer.Status, Is.EqualTo(HttpStatusCode.Unauthorized));
        Assert.That(answer.Headers.WwwAuthenticate.Single().Scheme, Is.EqualTo("Basic"));
        Assert.That(answer.Json.Value<string>("detail"), Is.EqualTo("The email address or the password is wrong."));
        Assert.That(Log.Lines, Has.None.Contains(password.Length > 1 ? password : "correct horse"));
    }

    [Test]
    public async Task Failed_logins_are_slowed_down_for_that_user_only()
    {
        for (var i = 0; i < 3; i++)
            Assert.That((await LoginAsync(Owner, "wrong password")).Status, Is.EqualTo(HttpStatusCode.Unauthorized));
        var answer = await LoginAsync(Owner, Password);
        Assert.That(answer.Status, Is.EqualTo(HttpStatusCode.TooManyRequests));
        Assert.That(answer.Headers.RetryAfter!.Delta, Is.GreaterThan(TimeSpan.Zero));
        Assert.That((await LoginAsync(Admin, Password)).Status, Is.EqualTo(HttpStatusCode.OK));
    }

    [Test]
    public async Task Good_logins_are_not_counted()
    {
        for (var i = 0; i < 5; i++)
            Assert.That((await LoginAsync(Owner, Password)).Status, Is.EqualTo(HttpStatusCode.OK));
    }

    [Test]
    public async Task A_request_without_a_good_token_is_challenged([Values(null, "x", "a.b.c")] string? token)
    {
        var answer = await GetAsync("/api/v1/host", token);
        Assert.That(answer.Status, Is.EqualTo(HttpStatusCode.Unauthorized));
        Assert.That(answer.Headers.WwwAuthenticate.Single().Scheme, Is.EqualTo("Bearer"));
    }

    [Test]
    public async Task A_token_that_somebody_worked_on_is_not_good()
    {
        var parts = Token(Owner).Split('.');
        var payload = Encoding.UTF8.GetString(Convert.FromBase64String(Padded(parts[1]))).Replace(Owner, Alicorn, StringComparison.Ordinal);
        var forged = Convert.ToBase64String(Encoding.UTF8.GetBytes(payload)).TrimEnd('=').Replace('+', '-').Replace('/', '_');
        var unsigned = Convert.ToBase64String("""{"alg":"none","typ":"JWT"}"""u8).TrimEnd('=');
        foreach (var token in new[] { $"{parts[0]}.{forged}.{parts[2]}", $"{unsigned}.{parts[1]}.", $"{parts[0]}.{parts[1]}." })
            Assert.That((await GetAsync("/api/v1/tenant", token)).Status, Is.EqualTo(HttpStatusCode.Unauthorized));
    }

    [Test]
    public async Task A_token_dies_with_the_user_the_membership_and_the_password()
    {
        var tokens = new[] { Token(Owner), Token(Owner, TenantA), Token(Admin, TenantA), Token(Operator) };
        foreach (var token in tokens)
            Assert.That((await GetAsync("/api/v1/cpu-profile", token)).Status, Is.EqualTo(HttpStatusCode.OK));

        await DeleteAsync($"/api/v1/tenant/{TenantA}/member/{TenantA.ToString()[..^1]}4", Token(Owner, TenantA));
        Assert.That((await GetAsync("/api/v1/cpu-profile", tokens[2])).Status, Is.EqualTo(HttpStatusCode.Unauthorized));

        await DeleteAsync($"/api/v1/tenant/{TenantA}/member/{TenantA.ToString()[..^1]}5", Token(Owner, TenantA));
        await DeleteAsync($"/api/v1/user/{Operator}", Token(Alicorn));
        Assert.That((await GetAsync("/api/v1/cpu-profile", tokens[3])).Status, Is.EqualTo(HttpStatusCode.Unauthorized));

        var changed = await PatchAsync($"/api/v1/user/{Owner}", tokens[0], """[{"op":"add","path":"/desired/data","value":{"password":"another horse battery","current_password":"correct horse battery"}}]""");
        Assert.That(changed.Status, Is.EqualTo(HttpStatusCode.OK), changed.ToString());
        Assert.That((await GetAsync("/api/v1/cpu-profile", tokens[0])).Status, Is.EqualTo(HttpStatusCode.Unauthorized));
        Assert.That((await GetAsync("/api/v1/cpu-profile", tokens[1])).Status, Is.EqualTo(HttpStatusCode.Unauthorized));
        Assert.That((await LoginAsync(Owner, "another horse battery")).Status, Is.EqualTo(HttpStatusCode.OK));
    }

    [Test]
    public async Task A_token_follows_the_role_of_its_user()
    {
        var token = Token(Operator, TenantA);
        var path = $"/api/v1/tenant/{TenantA}/instance/{InstanceA}";
        Assert.That((await DeleteAsync(path, token)).Status, Is.EqualTo(HttpStatusCode.Forbidden));
        await PatchAsync(
            $"/api/v1/tenant/{TenantA}/member/{TenantA.ToString()[..^1]}5", Token(Owner, TenantA),
            """[{"op":"replace","path":"/desired/role","value":"admin"}]""");
        Assert.That((await DeleteAsync(path, token)).Status, Is.EqualTo(HttpStatusCode.NoContent));
    }

    [Test]
    public async Task A_token_expires()
    {
        var clock = new SteppedTime();
        var service = new TokenService(new byte[64], TimeSpan.FromMinutes(5), new UserDirectory(Database.Catalog), new Revocations(Database.Catalog, Database), clock);
        var token = service.Issue(new UserDirectory(Database.Catalog).FindUser(Database.Snapshot!, Owner)!, null).Text;
        Assert.That(await service.FindCallerAsync(token, Database.Snapshot!), Is.Not.Null);
        clock.Advance(TimeSpan.FromMinutes(5));
        Assert.That(await service.FindCallerAsync(token, Database.Snapshot!), Is.Null);
    }

    [Test]
    public async Task A_token_is_made_and_ended_and_not_read()
    {
        var answer = await GetAsync("/api/v1/token", Token(Owner));
        Assert.That(answer.Status, Is.EqualTo(HttpStatusCode.MethodNotAllowed));
        Assert.That(answer.ContentHeaders.Allow, Is.EqualTo((string[])["POST", "DELETE"]));
    }

    [TestCase("Basic")]
    [TestCase("Basic !!!")]
    [TestCase("Basic bm9jb2xvbg==")]
    [TestCase("Bearer x")]
    public async Task A_malformed_login_is_challenged(string header)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/api/v1/token");
        request.Headers.TryAddWithoutValidation("Authorization", header);
        using var response = await Http.SendAsync(request);
        Assert.That(response.StatusCode, Is.EqualTo(HttpStatusCode.Unauthorized));
    }

    [Test]
    public async Task The_signing_key_is_kept_for_its_owner_only()
    {
        var directory = Directory.CreateTempSubdirectory("ponycloud-key-").FullName;
        try
        {
            var key = TokenKey.LoadOrCreate(directory);
            Assert.That(TokenKey.LoadOrCreate(directory), Is.EqualTo(key));
            var file = Path.Combine(directory, TokenKey.FileName);
            Assert.That(OperatingSystem.IsLinux() && File.GetUnixFileMode(file) == (UnixFileMode.UserRead | UnixFileMode.UserWrite));
            await File.WriteAllBytesAsync(file, new byte[3]);
            Assert.That(() => TokenKey.LoadOrCreate(directory), Throws.InvalidOperationException.With.Message.Contains(file));
            if (OperatingSystem.IsLinux())
                File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.GroupRead);
            Assert.That(() => TokenKey.LoadOrCreate(directory), Throws.InvalidOperationException.With.Message.Contains("0600"));
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }

    private static string Padded(string text) =>
        text.Replace('-', '+').Replace('_', '/') + new string('=', (4 - text.Length % 4) % 4);
}
