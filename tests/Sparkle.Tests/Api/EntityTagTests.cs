using System.Net;
using FsCheck;
using FsCheck.Fluent;
using NUnit.Framework;
using PonyCloud.Shared.Entities;

namespace PonyCloud.Sparkle.Tests.Api;

public sealed class EntityTagTests : ApiFixture
{
    private const string Rename = """[{"op":"replace","path":"/desired/name","value":"mail"}]""";

    private static string Path => $"/api/v1/tenant/{TenantA}/instance/{InstanceA}";

    private InstanceDesired Instance =>
        (InstanceDesired)Database.Snapshot![Database.Catalog["instance"]].Find(RowKey.Of(InstanceA))!.Desired!;

    [Test]
    public async Task The_tag_is_strong_and_the_same_for_head_and_get()
    {
        var get = await GetAsync(Path, Token(Owner, TenantA));
        var head = await SendAsync(HttpMethod.Head, Path, Token(Owner, TenantA));
        Assert.That(get.Headers.ETag!.IsWeak, Is.False);
        Assert.That(get.Headers.ETag.Tag, Does.Match("""^"[\w-]{22}\.[\w-]{22}"$"""));
        Assert.That(head.Headers.ETag, Is.EqualTo(get.Headers.ETag));
    }

    [Test]
    public void Answers_have_the_same_tag_exactly_when_they_are_the_same()
    {
        var token = Token(Owner, TenantA);
        var seen = new Dictionary<string, string>();
        var rows =
            from name in Gen.Elements("web", "mail")
            from mem in Gen.Elements(64L, 128L)
            from profile in Gen.Elements<Guid?>(null, Profile)
            from status in Gen.Elements(InstanceStatus.Running, InstanceStatus.Crashed)
            from why in Gen.Elements(null, "", "out of memory")
            select (
                new InstanceDesired { Uuid = InstanceA, Tenant = TenantA, Name = name, Mem = mem, CpuProfile = profile },
                new InstanceCurrent { Uuid = InstanceA, Status = status, Why = why });
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(100), Prop.ForAll(Arb.From(rows), row =>
        {
            Database.Put(row.Item1);
            Database.Report(row.Item2);
            var answer = GetAsync(Path, token).GetAwaiter().GetResult();
            var tag = answer.Headers.ETag!.Tag;
            var halves = tag.Trim('"').Split('.');
            Assert.That(seen.TryAdd(answer.Text, tag) || seen[answer.Text] == tag, Is.True);
            Assert.That(seen.Count(pair => pair.Value == tag), Is.EqualTo(1));
            Assert.That(seen.Keys.Where(text => text.Contains(answer.Json["desired"]!.ToString(Newtonsoft.Json.Formatting.None), StringComparison.Ordinal))
                .Select(text => seen[text].Trim('"').Split('.')[0]), Is.All.EqualTo(halves[0]));
        }));
        Assert.That(seen, Has.Count.GreaterThan(10));
    }

    [Test]
    public async Task Who_has_the_row_already_is_told_so_without_it()
    {
        var tag = (await GetAsync(Path, Token(Owner, TenantA))).Headers.ETag!.Tag;
        foreach (var known in new[] { tag, $"W/{tag}", $"\"other\", {tag}", "*" })
        {
            var answer = await SendAsync(HttpMethod.Get, Path, Token(Owner, TenantA), header: ("If-None-Match", known));
            Assert.That(answer.Status, Is.EqualTo(HttpStatusCode.NotModified), known);
            Assert.That(answer.Text, Is.Empty);
            Assert.That(answer.Headers.ETag!.Tag, Is.EqualTo(tag));
        }
        Database.Report(new InstanceCurrent { Uuid = InstanceA, Status = InstanceStatus.Running });
        Assert.That((await SendAsync(HttpMethod.Get, Path, Token(Owner, TenantA), header: ("If-None-Match", tag))).Status, Is.EqualTo(HttpStatusCode.OK));
        Assert.That(
            (await SendAsync(HttpMethod.Get, Path, Token(Owner, TenantA), header: ("If-Match", tag))).Status,
            Is.EqualTo(HttpStatusCode.PreconditionFailed));
    }

    [Test]
    public async Task A_change_with_the_tag_that_was_read_goes_through_whatever_a_host_reports()
    {
        var tag = await TagAsync();
        Database.Report(new InstanceCurrent { Uuid = InstanceA, Status = InstanceStatus.Running });
        var answer = await WriteAsync(HttpMethod.Patch, ("If-Match", tag), Rename);
        Assert.That(answer.Status, Is.EqualTo(HttpStatusCode.OK), answer.ToString());
        Assert.That(Instance.Name, Is.EqualTo("mail"));
        Assert.That(answer.Headers.ETag!.Tag, Is.EqualTo(await TagAsync()));
        Assert.That((await WriteAsync(HttpMethod.Delete, ("If-Match", answer.Headers.ETag.Tag))).Status, Is.EqualTo(HttpStatusCode.NoContent));
    }

    [TestCase("PATCH")]
    [TestCase("DELETE")]
    public async Task A_write_of_a_row_that_was_ordered_otherwise_since_is_refused(string method)
    {
        var tag = await TagAsync();
        Database.Put(Instance with { Mem = 128 });
        foreach (var stale in new[] { tag, $"W/{await TagAsync()}", "\"\"", "\"nonsense\"" })
        {
            var answer = await WriteAsync(new HttpMethod(method), ("If-Match", stale), Rename);
            Assert.That(answer.Status, Is.EqualTo(HttpStatusCode.PreconditionFailed), stale);
            Assert.That(answer.ProblemType, Is.EqualTo("urn:ponycloud:problem:precondition-failed"));
        }
        Assert.That(Instance.Name, Is.EqualTo("web"));
        Assert.That((await WriteAsync(new HttpMethod(method), ("If-Match", "*"), Rename)).Status, Is.AnyOf(HttpStatusCode.OK, HttpStatusCode.NoContent));
    }

    [TestCase("PATCH")]
    [TestCase("DELETE")]
    public async Task A_change_between_the_check_and_the_write_is_noticed(string method)
    {
        var tag = await TagAsync();
        Database.Interrupt(() => Database.Put(Instance with { Mem = 128 }));
        var answer = await WriteAsync(new HttpMethod(method), ("If-Match", tag), Rename);
        Assert.That(answer.Status, Is.EqualTo(HttpStatusCode.PreconditionFailed), answer.ToString());
        Assert.That((Instance.Name, Instance.Mem), Is.EqualTo(("web", 128L)));
    }

    [TestCase("PATCH")]
    [TestCase("DELETE")]
    public async Task A_row_that_goes_between_the_check_and_the_write_is_noticed(string method)
    {
        var tag = await TagAsync();
        Database.Interrupt(() => Database.Remove("instance", RowKey.Of(InstanceA)));
        Assert.That((await WriteAsync(new HttpMethod(method), ("If-Match", tag), Rename)).Status, Is.EqualTo(HttpStatusCode.PreconditionFailed));
    }

    [Test]
    public async Task A_write_that_demands_that_nothing_is_there_is_refused_where_something_is()
    {
        Assert.That((await WriteAsync(HttpMethod.Patch, ("If-None-Match", "*"), Rename)).Status, Is.EqualTo(HttpStatusCode.PreconditionFailed));
        Assert.That((await WriteAsync(HttpMethod.Delete, ("If-None-Match", await TagAsync()))).Status, Is.EqualTo(HttpStatusCode.PreconditionFailed));
        Assert.That((await WriteAsync(HttpMethod.Patch, ("If-None-Match", "\"other.tag\""), Rename)).Status, Is.EqualTo(HttpStatusCode.OK));
    }

    [Test]
    public async Task A_collection_has_no_tag_to_name()
    {
        const string body = """{"desired":{"name":"new","mem":64}}""";
        var path = $"/api/v1/tenant/{TenantA}/instance";
        var token = Token(Owner, TenantA);
        var refused = await SendAsync(HttpMethod.Post, path, token, body, header: ("If-Match", await TagAsync()));
        Assert.That(refused.Status, Is.EqualTo(HttpStatusCode.PreconditionFailed));
        Assert.That((await SendAsync(HttpMethod.Post, path, token, body, header: ("If-Match", "*"))).Status, Is.EqualTo(HttpStatusCode.Created));
    }

    [TestCase("If-Match", "GET")]
    [TestCase("If-None-Match", "GET")]
    [TestCase("If-Match", "PATCH")]
    public async Task A_malformed_tag_is_said_to_be_one(string header, string method)
    {
        var answer = await WriteAsync(new HttpMethod(method), (header, "no quotes"), method == "GET" ? null : Rename);
        Assert.That(answer.Status, Is.EqualTo(HttpStatusCode.BadRequest), answer.ToString());
        Assert.That(answer.Text, Does.Contain(header));
    }

    [Test]
    public async Task The_tag_of_a_row_that_is_foreign_is_not_compared()
    {
        var path = $"/api/v1/tenant/{TenantA}/instance/{InstanceB}";
        var answer = await SendAsync(HttpMethod.Delete, path, Token(Owner, TenantA), header: ("If-Match", "\"x.y\""));
        Assert.That(answer.Status, Is.EqualTo(HttpStatusCode.NotFound));
    }

    private async Task<string> TagAsync() => (await GetAsync(Path, Token(Owner, TenantA))).Headers.ETag!.Tag;

    private Task<Answer> WriteAsync(HttpMethod method, (string, string) header, string? patch = null) => SendAsync(
        method, Path, Token(Owner, TenantA), method == HttpMethod.Delete ? null : patch, "application/json-patch+json", header);
}
