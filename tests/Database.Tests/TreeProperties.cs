using FsCheck;
using FsCheck.Fluent;
using PonyCloud.TestKit.Trees;

namespace PonyCloud.Database.Tests;

/// <summary>
/// Whatever tree of rows is sent, and in whichever way: a GET shows it as it was meant, past the schema with its rules and
/// triggers, and back through the change stream.
/// </summary>
[TestFixture]
public sealed class TreeProperties
{
    private static readonly string[] Users = ["a@own.example", "b@own.example", "c@own.example"];

    private ApiOnPostgres _api = null!;

    [OneTimeSetUp]
    public async Task StartAsync() => _api = await ApiOnPostgres.StartAsync(
        $"INSERT INTO \"user\" (email, data) VALUES {string.Join(", ", Users.Select(user => $"('{user}', '1')"))};");

    [OneTimeTearDown]
    public async Task StopAsync() => await _api.DisposeAsync();

    [Test]
    public void What_was_written_in_any_way_is_what_is_read()
    {
        var follower = new TreeFollower(
            async (method, path, body, mediaType) =>
            {
                var answer = await _api.SendAsync(method, path, body, mediaType);
                return (answer.Status, answer.Json);
            },
            Users);
        Check.One(
            Config.QuickThrowOnFailure.WithMaxTest(40),
            Prop.ForAll(Tree.Any(Users.Length), tree => Task.Run(() => follower.FollowAsync(tree)).GetAwaiter().GetResult()));
    }
}
