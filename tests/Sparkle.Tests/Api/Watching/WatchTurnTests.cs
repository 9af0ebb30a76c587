using NUnit.Framework;
using PonyCloud.Shared.State;

namespace PonyCloud.Sparkle.Tests.Api.Watching;

/// <summary>The control loop makes a change and what follows from it visible together, and tells of them one by one.</summary>
public sealed class WatchTurnTests : WatchFixture
{
    [Test]
    public async Task What_follows_from_a_change_comes_together_with_it([Values] bool isSocket)
    {
        await using var client = await BeginAsync(isSocket, Token(Alicorn));
        foreach (var set in Held(() => Database.Put(WebServer(128), DatabaseServer(128)), () => Database.Put(WebServer(256)), () => Database.Put(DatabaseServer(64))))
            Hub.Settled(set);
        var change = (await client.ChangeAsync())["changes"]!.Single();
        Assert.That(change.Value<string>("key"), Is.EqualTo(InstanceA.ToString()), "the other is what it was");
        Assert.That(change["desired"]!.Value<long>("mem"), Is.EqualTo(256));
    }

    [Test]
    public async Task Streams_end_when_a_change_was_missed()
    {
        await using var client = await BeginAsync(true, Token(Owner, TenantA));
        Held(() => Database.Put(WebServer(128)));
        Database.Put(WebServer(256));
        Assert.That(await client.EndAsync(), Is.EqualTo(new StreamEnd(4410, "too-old")));
    }

    /// <summary>The change sets of what is done, which nobody is told of.</summary>
    private List<ChangeSet> Held(params Action[] actions)
    {
        var sets = new List<ChangeSet>();
        var told = Database.Settled;
        Database.Settled = sets.Add;
        foreach (var action in actions)
            action();
        Database.Settled = told;
        return sets;
    }
}
