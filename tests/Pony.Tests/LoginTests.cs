using NUnit.Framework;

namespace PonyCloud.Pony.Tests;

/// <summary>A password becomes a token, and neither shows anywhere.</summary>
internal sealed class LoginTests : PonyFixture
{
    private string ProfileFile => Path.Combine(Home, "ponycloud/profiles/default.json");

    [Test]
    public async Task A_login_keeps_a_token_that_only_its_owner_can_read()
    {
        var outcome = await LogInAsync();

        Assert.That(outcome.Code, Is.Zero, outcome.ToString());
        Assert.That(File.GetUnixFileMode(ProfileFile), Is.EqualTo(UnixFileMode.UserRead | UnixFileMode.UserWrite));
        var profile = Store.Find("default")!;
        Assert.That(profile.Token, Is.Not.Empty);
        Assert.That(profile.Alicorn, Is.True);
        Assert.That(await File.ReadAllTextAsync(ProfileFile), Does.Not.Contain(ApiServer.Password));
        Assert.That((outcome.Output + outcome.Error).Contains(profile.Token, StringComparison.Ordinal), Is.False);
        Assert.That((await RunAsync("get", "host")).Code, Is.Zero);
    }

    [Test]
    public async Task A_password_is_asked_for_without_showing_it()
    {
        var outcome = await RunAsync(
            terminal => terminal with
            {
                IsInputTerminal = true,
                IsErrorTerminal = true,
                ReadSecretAsync = _ => Task.FromResult(ApiServer.Password),
            },
            "login", "--server", Server.Address.ToString(), ApiServer.Owner);

        Assert.That(outcome.Code, Is.Zero, outcome.ToString());
        Assert.That(outcome.Error, Does.StartWith($"Password of {ApiServer.Owner} at "));
        Assert.That(outcome.ToString(), Does.Not.Contain(ApiServer.Password));
    }

    [Test]
    public async Task A_wrong_password_leaves_the_login_before_alone()
    {
        await LogInAsync();
        var before = await File.ReadAllTextAsync(ProfileFile);

        var outcome = await RunAsync(
            terminal => terminal with { Input = new StringReader("wrong") },
            "login", "--server", Server.Address.ToString(), "--password-file", "-", ApiServer.Alicorn);

        Assert.That(outcome.Code, Is.EqualTo(ExitCode.NotAuthenticated));
        Assert.That(outcome.Error, Is.EqualTo("pony: The email address or the password is wrong.\n"));
        Assert.That(await File.ReadAllTextAsync(ProfileFile), Is.EqualTo(before));
    }

    [Test]
    public async Task Nobody_is_asked_where_nobody_is()
    {
        var outcome = await RunAsync("login", "--server", Server.Address.ToString(), ApiServer.Owner);

        Assert.That(outcome.Code, Is.EqualTo(ExitCode.Usage));
        Assert.That(outcome.Error, Does.Contain("--password-file"));
    }

    [TestCase("http://cloud.example:9860", "TLS")]
    [TestCase("ftp://cloud.example", "no server's address")]
    [TestCase("https://me:secret@cloud.example", "no server's address")]
    [TestCase("https://cloud.example/path", "no server's address")]
    public async Task A_password_is_not_sent_where_it_could_be_read(string server, string why)
    {
        var outcome = await RunAsync("login", "--server", server, "--password-file", WriteFile("password", "secret"), ApiServer.Owner);

        Assert.That(outcome.Code, Is.EqualTo(ExitCode.Usage));
        Assert.That(outcome.Error, Does.Contain(why));
    }

    [Test]
    public async Task Not_looking_at_certificates_is_for_this_machine_only()
    {
        var outcome = await RunAsync(
            "login", "--insecure", "--server", "https://cloud.example", "--password-file", WriteFile("password", "secret"), ApiServer.Owner);

        Assert.That(outcome.Code, Is.EqualTo(ExitCode.Usage));
        Assert.That(outcome.Error, Does.Contain("--ca-file"));
    }

    [Test]
    public async Task A_token_that_others_can_read_is_not_used()
    {
        LoggedIn(ApiServer.Alicorn);
        File.SetUnixFileMode(ProfileFile, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead);

        var outcome = await RunAsync("get", "host");

        Assert.That(outcome.Code, Is.EqualTo(ExitCode.Usage));
        Assert.That(outcome.Error, Does.Contain("chmod 600"));
        Assert.That(Server.Seen, Is.Empty);
    }

    [Test]
    public async Task Without_a_login_a_command_says_how_to_begin()
    {
        var outcome = await RunAsync("get", "host");

        Assert.That(outcome.Code, Is.EqualTo(ExitCode.NotAuthenticated));
        Assert.That(outcome.Error, Does.Contain("pony login --server"));
    }

    [Test]
    public async Task A_token_that_no_longer_counts_says_so()
    {
        LoggedIn(ApiServer.Alicorn);
        Store.Save("default", Store.Find("default")! with { Token = "bm90IGEgdG9rZW4" });

        var outcome = await RunAsync("get", "host");

        Assert.That(outcome.Code, Is.EqualTo(ExitCode.NotAuthenticated));
        Assert.That(outcome.Error, Does.Contain("pony login").And.Not.Contain("bm90IGEgdG9rZW4"));
    }

    [Test]
    public async Task A_logout_ends_the_token_everywhere()
    {
        await LogInAsync();
        Store.Save("copy", Store.Find("default")!);

        await DoAsync("logout");

        Assert.That(Store.Find("default"), Is.Null);
        Assert.That((await RunAsync("get", "host", "--profile", "copy")).Code, Is.EqualTo(ExitCode.NotAuthenticated));
        Assert.That((await DoAsync("logout")).Output, Is.EqualTo("Not logged in.\n"));
    }

    [Test]
    public async Task A_change_that_others_made_meanwhile_is_not_undone_unless_forced()
    {
        LoggedIn(ApiServer.Alicorn);
        Server.Answer("PATCH", 412);

        var outcome = await RunAsync("set", "host", "metal", "info=cellar");

        Assert.That(outcome.Code, Is.EqualTo(ExitCode.Conflict));
        Assert.That(outcome.Error, Does.Contain("--force"));
        Assert.That(Server.Seen[^1].IfMatch, Does.Match("^\"[^\"]+\"$"));
        await DoAsync("set", "host", "metal", "info=cellar", "--force");
        Assert.That(Server.Seen[^1].IfMatch, Is.Null);
    }

    [Test]
    public async Task Profiles_are_switched_and_keep_a_tenant_each()
    {
        LoggedIn(ApiServer.Owner);
        Store.Save("ops", Store.Find("default")! with { Email = ApiServer.Alicorn, Token = Server.Token(ApiServer.Alicorn), Alicorn = true });

        await DoAsync("use", "ops");
        await DoAsync("use", "--tenant", "bravo");

        Assert.That(Store.Current, Is.EqualTo("ops"));
        Assert.That(Store.Find("ops")!.Tenant, Is.EqualTo(ApiServer.TenantB.ToString()));
        Assert.That(Store.Find("default")!.Tenant, Is.Null);
        Assert.That((await DoAsync("use", "--no-tenant")).Output, Does.Contain("* ops").And.Not.Contain("tenant"));
        Assert.That(Store.Find("ops")!.Tenant, Is.Null);
        Assert.That((await RunAsync("use", "nobody")).Code, Is.EqualTo(ExitCode.NotFound));
        Assert.That((await RunAsync("use", "../ops")).Code, Is.EqualTo(ExitCode.Usage));
    }

    private Task<Outcome> LogInAsync() => RunAsync(
        terminal => terminal with { Input = new StringReader(ApiServer.Password + "\n") },
        "login", "--server", Server.Address.ToString(), "--password-file", "-", ApiServer.Alicorn);
}
