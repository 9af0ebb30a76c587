using System.Net;
using System.Text.RegularExpressions;
using FsCheck;
using FsCheck.Fluent;
using NUnit.Framework;
using PonyCloud.Shared.Entities;

namespace PonyCloud.Sparkle.Tests.Api;

public sealed partial class PagingTests : ApiFixture
{
    private static string Instances => $"/api/v1/tenant/{TenantA}/instance";

    [Test]
    public async Task Pages_put_together_are_the_collection()
    {
        for (var i = 110; i < 133; i++)
            Database.Put(Instance(i));
        var whole = await GetAsync(Instances, Token(Owner, TenantA));
        foreach (var limit in new[] { 1, 5, 23, 24, 25, 1000 })
        {
            var pages = await ReadAsync($"{Instances}?limit={limit}", () => { });
            Assert.That(pages.SelectMany(page => page), Is.EqualTo(whole.Json.Properties().Select(row => row.Name)));
            Assert.That(pages.SkipLast(1).Select(page => page.Length), Is.All.EqualTo(limit));
            Assert.That(pages[^1], Has.Length.InRange(1, limit), "no page is empty, and the last one does not speak of another");
        }
    }

    [Test]
    public void No_row_that_stays_is_skipped_or_shown_twice_while_others_come_and_go()
    {
        var changes = Gen.ArrayOf(
            from number in Gen.Choose(100, 160)
            from stays in Gen.Elements(true, false)
            select (number, stays),
            40);
        var plan =
            from there in Gen.ArrayOf(Gen.Choose(100, 160), 25)
            from between in Gen.ListOf(changes)
            from limit in Gen.Choose(1, 9)
            select (there, between.ToList(), limit);
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(25).WithEndSize(12), Prop.ForAll(Arb.From(plan), run =>
        {
            var (there, between, limit) = run;
            for (var i = 100; i <= 160; i++)
                Database.Remove("instance", KeyOf(i));
            Database.Put([.. there.Select(Instance)]);
            var touched = between.SelectMany(batch => batch).Select(change => change.number).ToHashSet();
            var next = new Queue<(int Number, bool Stays)[]>(between);
            var seen = ReadAsync($"{Instances}?limit={limit}", Change).GetAwaiter().GetResult().SelectMany(page => page).ToList();
            Assert.That(seen, Is.Unique.And.Ordered);
            Assert.That(there.Distinct().Where(number => !touched.Contains(number)).Select(number => KeyOf(number).Text), Is.SubsetOf(seen));

            void Change()
            {
                foreach (var (number, stays) in next.TryDequeue(out var batch) ? batch : [])
                {
                    if (stays)
                        Database.Put(Instance(number));
                    else
                        Database.Remove("instance", KeyOf(number));
                }
            }
        }));
    }

    [Test]
    public async Task The_link_keeps_what_else_was_asked_for()
    {
        Database.Put(Instance(100) with { State = InstanceState.Running }, Instance(101) with { State = InstanceState.Running }, Instance(102));
        var first = await GetAsync($"{Instances}?limit=1&state=running&state=paused&fields=name", Token(Owner, TenantA));
        Assert.That(first.Text, Is.EqualTo("{\"" + KeyOf(100) + "\":{\"desired\":{\"name\":\"i100\"}}}"));
        var link = first.Headers.GetValues("Link").Single();
        Assert.That(link, Does.StartWith($"<{Instances}?").And.EndsWith(">; rel=\"next\""));
        var second = await GetAsync(Target(link), Token(Owner, TenantA));
        Assert.That(second.Json.Properties().Select(row => row.Name), Is.EqualTo((string[])[KeyOf(101).Text]));
        Assert.That(second.Headers.Contains("Link"), Is.False);
    }

    [Test]
    public async Task A_page_goes_on_behind_a_row_that_is_gone()
    {
        Database.Put(Instance(100), Instance(102));
        var answer = await GetAsync($"{Instances}?after={KeyOf(101)}", Token(Owner, TenantA));
        Assert.That(answer.Json.Properties().Select(row => row.Name), Is.EqualTo((string[])[KeyOf(102).Text, InstanceA.ToString()]));
    }

    [Test]
    public async Task Keys_that_are_no_uuids_are_in_the_same_order_and_escaped_in_the_link()
    {
        var pages = await ReadAsync("/api/v1/user?limit=2", () => { }, Token(Alicorn));
        Assert.That(pages.SelectMany(page => page), Is.EqualTo(new[] { Alicorn, Owner, Admin, Operator, Stranger }.Order(StringComparer.Ordinal)));
        Database.Put(new HostInstanceDesired { Host = Host, Instance = InstanceA }, new HostInstanceDesired { Host = Host, Instance = InstanceB });
        Assert.That(await ReadAsync($"/api/v1/host/{Host}/instance?limit=1", () => { }, Token(Alicorn)), Has.Count.EqualTo(2));
    }

    [TestCase("limit=0", "limit")]
    [TestCase("limit=1001", "limit")]
    [TestCase("limit=-1", "limit")]
    [TestCase("limit=two", "limit")]
    [TestCase("limit=1&limit=2", "limit")]
    [TestCase("limit=", "limit")]
    [TestCase("after=nobody", "after")]
    public async Task A_page_that_cannot_be_is_refused(string query, string parameter)
    {
        var answer = await GetAsync($"{Instances}?{query}", Token(Owner, TenantA));
        Assert.That(answer.Status, Is.EqualTo(HttpStatusCode.BadRequest));
        Assert.That(answer.ProblemType, Is.EqualTo("urn:ponycloud:problem:bad-parameter"));
        Assert.That((string)answer.Json["detail"]!, Does.StartWith(parameter));
    }

    [Test]
    public async Task A_row_has_no_pages()
    {
        var answer = await GetAsync($"{Instances}/{InstanceA}?limit=1&after={InstanceA}&state=running", Token(Owner, TenantA));
        Assert.That(answer.Status, Is.EqualTo(HttpStatusCode.BadRequest));
        Assert.That(answer.Text, Does.Contain("after, limit, state"));
    }

    private static RowKey KeyOf(int number) => RowKey.Of(Instance(number).Uuid);

    // Spread over the whole range of keys, below and above the two that are always there.
    private static InstanceDesired Instance(int number) => new()
    {
        Uuid = Guid.Parse($"{(number - 60) * 2:x2}000000-0000-4000-8000-{number:000000000000}"),
        Tenant = TenantA,
        Name = $"i{number}",
        Mem = 64,
    };

    private async Task<List<string[]>> ReadAsync(string path, Action between, string? token = null)
    {
        var pages = new List<string[]>();
        for (var next = path; next is not null; between())
        {
            var answer = await GetAsync(next, token ?? Token(Owner, TenantA));
            Assert.That(answer.Status, Is.EqualTo(HttpStatusCode.OK), answer.ToString());
            pages.Add([.. answer.Json.Properties().Select(row => row.Name)]);
            next = answer.Headers.TryGetValues("Link", out var links) ? Target(links.Single()) : null;
        }
        return pages;
    }

    private static string Target(string link) => LinkTarget().Match(link).Groups[1].Value;

    [GeneratedRegex("^<([^>]+)>")]
    private static partial Regex LinkTarget();
}
