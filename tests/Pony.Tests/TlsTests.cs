using NUnit.Framework;
using PonyCloud.TestKit.Tls;

namespace PonyCloud.Pony.Tests;

/// <summary>A server is sent nothing before it has proved who it is.</summary>
internal sealed class TlsTests : PonyFixture
{
    private const string ForClients = "1.3.6.1.5.5.7.3.2";

    private static readonly TestAuthority Authority = new();

    private ApiServer _secure = null!;
    private string _root = null!;

    [OneTimeTearDown]
    public void ForgetAuthority() => Authority.Dispose();

    [SetUp]
    public async Task StartSecureAsync()
    {
        _secure = await ApiServer.StartAsync(Authority.Issue("server"));
        _root = WriteFile("root.pem", Authority.RootPem);
    }

    [TearDown]
    public async Task StopSecureAsync() => await _secure.DisposeAsync();

    [Test]
    public async Task An_authority_that_was_named_at_the_login_counts_from_then_on()
    {
        var outcome = await LogInAsync(_secure.Address, "--ca-file", Path.GetRelativePath(Environment.CurrentDirectory, _root));

        Assert.That(outcome.Code, Is.Zero, outcome.ToString());
        Assert.That(Store.Find("default")!.CaFile, Is.EqualTo(_root), "from wherever it is called");
        Assert.That((await DoAsync("get", "host")).Output, Does.Contain("metal"));
        // Once more to the same server, which need not be said again.
        Assert.That((await LogInAsync(_secure.Address)).Code, Is.Zero);
    }

    [Test]
    public async Task What_was_trusted_of_one_server_says_nothing_of_another()
    {
        await LogInAsync(_secure.Address, "--ca-file", _root);
        await using var other = await ApiServer.StartAsync(Authority.Issue("other"));

        var outcome = await LogInAsync(other.Address);

        Assert.That(outcome.Code, Is.EqualTo(ExitCode.Unavailable));
        Assert.That(other.Seen, Is.Empty);
        Assert.That(Store.Find("default")!.Server, Is.EqualTo(_secure.Address), "the login before is left alone");
    }

    [Test]
    public async Task Without_its_authority_a_server_proves_nothing()
    {
        using var stranger = new TestAuthority();
        foreach (var arguments in new[] { Array.Empty<string>(), ["--ca-file", WriteFile("stranger.pem", stranger.RootPem)] })
            await IsRefusedAsync(_secure, _secure.Address, arguments);
    }

    [Test]
    public async Task A_certificate_for_another_name_proves_nothing() =>
        // It is for 127.0.0.1.
        await IsRefusedAsync(_secure, new UriBuilder(_secure.Address) { Host = "localhost" }.Uri, "--ca-file", _root);

    [Test]
    public async Task A_certificate_of_a_client_proves_no_server()
    {
        await using var server = await ApiServer.StartAsync(Authority.Issue("client", use: ForClients));
        await IsRefusedAsync(server, server.Address, "--ca-file", _root);
    }

    [Test]
    public async Task A_certificate_that_has_ended_proves_nothing()
    {
        await using var server = await ApiServer.StartAsync(Authority.Issue("ended", DateTimeOffset.UnixEpoch.AddYears(50)));
        await IsRefusedAsync(server, server.Address, "--ca-file", _root);
    }

    [Test]
    public async Task An_authority_that_went_missing_is_told_and_nothing_is_sent()
    {
        await LogInAsync(_secure.Address, "--ca-file", _root);
        var before = _secure.Seen.Count;
        File.Delete(_root);

        var outcome = await RunAsync("get", "host");

        Assert.That(outcome.Code, Is.EqualTo(ExitCode.Usage));
        Assert.That(outcome.Error, Does.Contain($"The certificates in {_root} cannot be read."));
        Assert.That(_secure.Seen, Has.Count.EqualTo(before));
    }

    [TestCase("", "holds no certificate in PEM")]
    [TestCase("nonsense", "holds no certificate in PEM")]
    [TestCase("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "cannot be read")]
    public async Task A_file_without_a_certificate_is_told(string text, string why)
    {
        var outcome = await LogInAsync(_secure.Address, "--ca-file", WriteFile("ca.pem", text));

        Assert.That(outcome.Code, Is.EqualTo(ExitCode.Usage));
        Assert.That(outcome.Error, Does.Contain(why));
        Assert.That(_secure.Seen, Is.Empty);
    }

    [Test]
    public async Task On_this_machine_one_can_do_without()
    {
        Assert.That((await LogInAsync(_secure.Address, "--insecure")).Code, Is.Zero);
        Assert.That((await DoAsync("get", "host")).Output, Does.Contain("metal"));
    }

    private async Task IsRefusedAsync(ApiServer server, Uri address, params string[] arguments)
    {
        var outcome = await LogInAsync(address, arguments);
        Assert.That(outcome.Code, Is.EqualTo(ExitCode.Unavailable), outcome.ToString());
        Assert.That(outcome.Error, Does.Contain("does not prove who it is, so it was sent nothing").And.Contain("--ca-file"));
        Assert.That(server.Seen, Is.Empty);
        Assert.That(Store.Find("default"), Is.Null);
    }

    private Task<Outcome> LogInAsync(Uri server, params string[] arguments) => RunAsync(
        terminal => terminal with { Input = new StringReader(ApiServer.Password + "\n") },
        ["login", "--server", server.ToString(), "--password-file", "-", ApiServer.Alicorn, .. arguments]);
}
