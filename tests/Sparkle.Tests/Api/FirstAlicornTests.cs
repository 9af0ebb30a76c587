using Microsoft.Extensions.Logging.Abstractions;
using NUnit.Framework;
using PonyCloud.Shared.Entities;
using PonyCloud.Sparkle.Api;
using PonyCloud.Sparkle.Api.Security;
using PonyCloud.Sparkle.Database;
using PonyCloud.TestKit.Control;

namespace PonyCloud.Sparkle.Tests.Api;

public sealed class FirstAlicornTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly Passwords _passwords = new();
    private MemoryDatabase _database = null!;
    private StringWriter _console = null!;
    private string _directory = null!;

    [SetUp]
    public void SetUp()
    {
        _database = new MemoryDatabase(EntityCatalog.Load());
        _console = new StringWriter();
        _directory = Directory.CreateTempSubdirectory("ponycloud-alicorn-").FullName;
    }

    [TearDown]
    public void TearDown()
    {
        _console.Dispose();
        Directory.Delete(_directory, recursive: true);
    }

    [Test]
    public async Task An_empty_database_gets_an_alicorn_whose_password_is_shown_once()
    {
        await RunAsync();
        var password = _console.ToString().Split("password")[1].Trim();
        var user = User("alicorn@localhost");
        Assert.That(user!.Alicorn, Is.True);
        Assert.That(_passwords.Verify(user.Data, password), Is.True);
        Assert.That(user.Data!.Text, Does.Not.Contain(password));
        await RunAsync();
        Assert.That(_console.ToString().Split("password"), Has.Length.EqualTo(2));
        Assert.That(_database.Commits, Is.EqualTo(1));
    }

    [Test]
    public async Task The_password_goes_to_a_file_that_only_the_owner_reads()
    {
        var file = Path.Combine(_directory, "password");
        await File.WriteAllTextAsync(file, "readable by all");
        await RunAsync(file);
        Assert.That(_passwords.Verify(User("alicorn@localhost")!.Data, (await File.ReadAllTextAsync(file)).Trim()), Is.True);
        Assert.That(OperatingSystem.IsLinux() && File.GetUnixFileMode(file) == (UnixFileMode.UserRead | UnixFileMode.UserWrite));
        Assert.That(_console.ToString(), Is.Empty);
    }

    [Test]
    public async Task A_database_that_is_away_for_a_moment_is_tried_again()
    {
        _database.FailNext(new DatabaseUnavailableException("away"));
        await RunAsync();
        Assert.That(User("alicorn@localhost"), Is.Not.Null);
        Assert.That(_console.ToString(), Does.Contain("password"));
    }

    [Test]
    public async Task An_account_that_is_there_already_is_never_raised()
    {
        _database.Put(new UserDesired { Email = "alicorn@localhost" });
        await RunAsync();
        Assert.That(User("alicorn@localhost")!.Alicorn, Is.False);
        Assert.That(_console.ToString(), Is.Empty);
    }

    [Test]
    public async Task A_refused_alicorn_leaves_no_password_behind()
    {
        var file = Path.Combine(_directory, "password");
        _database.FailNext(new WriteRefusedException(Refusal.Rule, 0, "user_rule", [], "no", new IOException()));
        await RunAsync(file);
        Assert.That(File.Exists(file), Is.False);
    }

    private UserDesired? User(string email) => new UserDirectory(_database.Catalog).FindUser(_database.Snapshot!, email);

    private async Task RunAsync(string? file = null)
    {
        using var service = new FirstAlicorn(
            new ApiOptions { DataDirectory = _directory, FirstAlicornPasswordFile = file },
            _database.Catalog, new UserDirectory(_database.Catalog), _passwords, _database, _database,
            TimeProvider.System, NullLogger<FirstAlicorn>.Instance, _console);
        await service.StartAsync(CancellationToken.None);
        await service.ExecuteTask!.WaitAsync(Patience);
    }
}
