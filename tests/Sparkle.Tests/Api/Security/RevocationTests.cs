using System.Net;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;
using NUnit.Framework;
using PonyCloud.Shared.Entities;
using PonyCloud.Sparkle.Api.Security;
using PonyCloud.Sparkle.Control;
using PonyCloud.Sparkle.Database;

namespace PonyCloud.Sparkle.Tests.Api.Security;

public sealed class RevocationTests : ApiFixture
{
    [Test]
    public async Task A_logout_ends_the_login_with_all_that_was_made_of_it_and_no_other()
    {
        var (user, other) = (Token(Owner), Token(Owner));
        var tenant = await TenantTokenAsync(user);
        Assert.That((await DeleteAsync("/api/v1/token", user)).Status, Is.EqualTo(HttpStatusCode.NoContent));
        Assert.That(await StatusAsync(user), Is.EqualTo(HttpStatusCode.Unauthorized));
        Assert.That(await StatusAsync(tenant), Is.EqualTo(HttpStatusCode.Unauthorized));
        Assert.That(await StatusAsync(other), Is.EqualTo(HttpStatusCode.OK));
        Assert.That((await DeleteAsync("/api/v1/token", user)).Status, Is.EqualTo(HttpStatusCode.Unauthorized));
    }

    [Test]
    public async Task A_tenant_token_that_is_ended_leaves_the_login_alone()
    {
        var user = Token(Owner);
        var (one, other) = (await TenantTokenAsync(user), await TenantTokenAsync(user));
        Assert.That((await DeleteAsync("/api/v1/token", one)).Status, Is.EqualTo(HttpStatusCode.NoContent));
        Assert.That(await StatusAsync(one), Is.EqualTo(HttpStatusCode.Unauthorized));
        Assert.That(await StatusAsync(other), Is.EqualTo(HttpStatusCode.OK));
        Assert.That(await StatusAsync(user), Is.EqualTo(HttpStatusCode.OK));
    }

    [Test]
    public async Task A_tenant_token_does_not_outlive_the_login()
    {
        var user = Token(Owner);
        var login = (await Service<TokenService>().FindCallerAsync(user, Database.Snapshot!))!.Token!;
        var tenant = (await Service<TokenService>().FindCallerAsync(await TenantTokenAsync(user), Database.Snapshot!))!.Token!;
        Assert.That(tenant.Session, Is.EqualTo(login.Id));
        Assert.That(tenant.Id, Is.Not.EqualTo(login.Id));
        Assert.That(tenant.Expires, Is.EqualTo(login.Expires));
    }

    [Test]
    public async Task All_tokens_of_a_user_end_at_once_and_new_ones_are_good()
    {
        var (one, other, foreign) = (Token(Owner), Token(Owner), Token(Admin));
        var tenant = await TenantTokenAsync(one);
        Assert.That((await DeleteAsync($"/api/v1/user/{Owner}/token", one)).Status, Is.EqualTo(HttpStatusCode.NoContent));
        foreach (var token in new[] { one, other, tenant })
            Assert.That(await StatusAsync(token), Is.EqualTo(HttpStatusCode.Unauthorized));
        Assert.That(await StatusAsync(foreign), Is.EqualTo(HttpStatusCode.OK));
        Assert.That(await StatusAsync((await LoginAsync(Owner, Password)).Json.Value<string>("token")!), Is.EqualTo(HttpStatusCode.OK));
    }

    [Test]
    public async Task Only_the_user_and_operators_end_all_tokens_of_a_user()
    {
        var victim = Token(Owner);
        Assert.That((await DeleteAsync($"/api/v1/user/{Owner}/token", Token(Admin))).Status, Is.EqualTo(HttpStatusCode.NotFound));
        Assert.That((await DeleteAsync($"/api/v1/user/{Owner}/token", Token(Owner, TenantA))).Status, Is.EqualTo(HttpStatusCode.Forbidden));
        Assert.That((await DeleteAsync("/api/v1/user/nobody@a.example/token", Token(Alicorn))).Status, Is.EqualTo(HttpStatusCode.NotFound));
        Assert.That(await StatusAsync(victim), Is.EqualTo(HttpStatusCode.OK));
        Assert.That((await DeleteAsync($"/api/v1/user/{Owner}/token", Token(Alicorn))).Status, Is.EqualTo(HttpStatusCode.NoContent));
        Assert.That(await StatusAsync(victim), Is.EqualTo(HttpStatusCode.Unauthorized));
    }

    [Test]
    public async Task A_change_by_somebody_else_meanwhile_does_not_keep_tokens_alive()
    {
        var token = Token(Owner);
        Database.Interrupt(() => Database.Put(Service<UserDirectory>().FindUser(Database.Snapshot!, Owner)! with { Alicorn = true }));
        Assert.That((await DeleteAsync($"/api/v1/user/{Owner}/token", token)).Status, Is.EqualTo(HttpStatusCode.NoContent));
        Assert.That(await StatusAsync(token), Is.EqualTo(HttpStatusCode.Unauthorized));
        Assert.That(Service<UserDirectory>().FindUser(Database.Snapshot!, Owner)!.Alicorn, Is.True);
    }

    [Test]
    public async Task While_the_database_is_away_a_token_ends_at_once_and_is_written_down_later()
    {
        var token = Token(Owner);
        Database.Database = new DatabaseLink(false, DateTimeOffset.UnixEpoch);
        var answer = await DeleteAsync("/api/v1/token", token);
        Assert.That(answer.Status, Is.EqualTo(HttpStatusCode.Accepted));
        Assert.That(answer.Json.Value<bool>("written"), Is.False);
        Assert.That(await StatusAsync(token), Is.EqualTo(HttpStatusCode.Unauthorized));
        Assert.That(await Service<Revocations>().WriteWaitingAsync(DateTimeOffset.UnixEpoch, default), Is.TypeOf<DatabaseUnavailableException>());

        Database.Database = new DatabaseLink(true, DateTimeOffset.UnixEpoch);
        Assert.That(await Service<Revocations>().WriteWaitingAsync(DateTimeOffset.UnixEpoch, default), Is.Null);
        Assert.That(Service<Revocations>().Waiting, Is.Zero);
        Assert.That(Database.Snapshot![Database.Catalog["revocation"]].Rows.Count(), Is.EqualTo(1));
        Assert.That(await StatusAsync(token), Is.EqualTo(HttpStatusCode.Unauthorized));
    }

    [Test]
    public async Task While_the_database_is_away_not_all_tokens_of_a_user_can_be_ended()
    {
        Database.Database = new DatabaseLink(false, DateTimeOffset.UnixEpoch);
        var answer = await DeleteAsync($"/api/v1/user/{Owner}/token", Token(Owner));
        Assert.That(answer.Status, Is.EqualTo(HttpStatusCode.ServiceUnavailable));
    }

    [Test]
    public async Task Another_controller_obeys_what_this_one_wrote()
    {
        var user = Service<UserDirectory>().FindUser(Database.Snapshot!, Owner)!;
        var (first, second) = (Controller(), Controller());
        var token = first.Tokens.Issue(user, null).Text;
        var caller = await second.Tokens.FindCallerAsync(token, Database.Snapshot!);
        Assert.That(caller, Is.Not.Null);
        Assert.That(await first.Revocations.AddAsync(caller!.Token!, default), Is.True);
        Assert.That(await second.Tokens.FindCallerAsync(token, Database.Snapshot!), Is.Null);

        (TokenService Tokens, Revocations Revocations) Controller()
        {
            var revocations = new Revocations(Database.Catalog, Database);
            return (new TokenService(new byte[64], TimeSpan.FromHours(1), Service<UserDirectory>(), revocations, TimeProvider.System), revocations);
        }
    }

    [Test]
    public async Task What_would_have_ended_anyway_is_swept()
    {
        var now = DateTimeOffset.UnixEpoch.AddYears(60);
        Database.Put(
            new RevocationDesired { Uuid = Guid.NewGuid(), Expires = now },
            new RevocationDesired { Uuid = Guid.NewGuid(), Expires = now.AddSeconds(-1) },
            new RevocationDesired { Uuid = Guid.NewGuid(), Expires = now.AddSeconds(1) });
        Assert.That(await Service<Revocations>().SweepAsync(Database.Snapshot!, now, 1, default), Is.EqualTo(1));
        Assert.That(await Service<Revocations>().SweepAsync(Database.Snapshot!, now, 10, default), Is.EqualTo(1));
        Assert.That(Database.Snapshot![Database.Catalog["revocation"]].Rows.Count(), Is.EqualTo(1));
    }

    [TestCase("ponycloud", "HS256", true, true)]
    [TestCase("somebody", "HS256", true, false)]
    [TestCase("ponycloud", "HS512", true, false)]
    [TestCase("ponycloud", "HS256", false, false)]
    public async Task A_token_of_another_maker_or_key_is_not_good(string issuer, string algorithm, bool isOwnKey, bool isGood)
    {
        var key = Enumerable.Range(0, 64).Select(number => (byte)number).ToArray();
        var directory = Service<UserDirectory>();
        var service = new TokenService(key, TimeSpan.FromHours(1), directory, new Revocations(Database.Catalog, Database), TimeProvider.System);
        var genuine = new JsonWebTokenHandler().ReadJsonWebToken(service.Issue(directory.FindUser(Database.Snapshot!, Owner)!, null).Text);
        var forged = new JsonWebTokenHandler().CreateToken(new SecurityTokenDescriptor
        {
            Issuer = issuer,
            Audience = "ponycloud",
            Expires = DateTime.UtcNow.AddHours(1),
            Claims = new[] { "sub", "jti", "sid", "cred" }.ToDictionary(name => name, name => (object)genuine.GetPayloadValue<string>(name))
                .Append(KeyValuePair.Create<string, object>("made", genuine.GetPayloadValue<long>("made"))).ToDictionary(),
            SigningCredentials = new SigningCredentials(new SymmetricSecurityKey(isOwnKey ? key : new byte[64]), algorithm),
        });
        Assert.That(await service.FindCallerAsync(forged, Database.Snapshot!), isGood ? Is.Not.Null : Is.Null);
    }

    [Test]
    public async Task A_void_token_is_answered_as_RFC_6750_says()
    {
        var token = Token(Owner);
        await DeleteAsync("/api/v1/token", token);
        var answer = await GetAsync("/api/v1/tenant", token);
        Assert.That(answer.ProblemType, Is.EqualTo("urn:ponycloud:problem:unauthenticated"));
        Assert.That(answer.Headers.WwwAuthenticate.Single().ToString(), Does.StartWith("Bearer realm=\"ponycloud\", error=\"invalid_token\""));
        Assert.That((await GetAsync("/api/v1/tenant")).Headers.WwwAuthenticate.Single().ToString(), Is.EqualTo("Bearer realm=\"ponycloud\""));
    }

    private async Task<string> TenantTokenAsync(string user) =>
        (await PostAsync($"/api/v1/tenant/{TenantA}/token", user, "")).Json.Value<string>("token")!;

    private async Task<HttpStatusCode> StatusAsync(string token) => (await GetAsync("/api/v1/cpu-profile", token)).Status;
}
