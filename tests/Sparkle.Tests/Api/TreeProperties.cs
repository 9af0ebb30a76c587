using FsCheck;
using FsCheck.Fluent;
using NUnit.Framework;
using PonyCloud.TestKit.Trees;

namespace PonyCloud.Sparkle.Tests.Api;

/// <summary>Whatever tree of rows is sent, and in whichever way: a GET shows it as it was meant.</summary>
public sealed class TreeProperties : ApiFixture
{
    private static readonly string[] Users = [Owner, Admin, Operator, Stranger];

    [Test]
    public void What_was_written_in_any_way_is_what_is_read()
    {
        var token = Token(Alicorn);
        var follower = new TreeFollower(
            async (method, path, body, mediaType) =>
            {
                var answer = await SendAsync(new HttpMethod(method), path, token, body, mediaType);
                return ((int)answer.Status, answer.Json);
            },
            Users);
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(60), Prop.ForAll(Tree.Any(Users.Length), tree => Task.Run(() => FollowAsync(follower, tree)).GetAwaiter().GetResult()));
    }

    private async Task FollowAsync(TreeFollower follower, Tree tree)
    {
        var commits = Database.Commits;
        await follower.FollowAsync(tree);
        if (tree.Way != TreeWay.Posts)
            Assert.That(Database.Commits - commits, Is.EqualTo(1));
    }
}
