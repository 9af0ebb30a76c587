using System.Net;
using System.Net.Http.Headers;
using System.Text;
using NUnit.Framework;
using PonyCloud.Shared.Entities;
using PonyCloud.Sparkle.Database;

namespace PonyCloud.Sparkle.Tests.Api;

/// <summary>A request with a key is carried out once, however often it is sent.</summary>
public sealed class IdempotencyTests : ApiFixture
{
    private const string Configs = "/api/v1/config";
    private const string Setting = """{"desired":{"key":"a","value":1}}""";

    private static string Instances => $"/api/v1/tenant/{TenantA}/instance";

    private async Task<Answer> SendAsync(
        HttpMethod method, string path, string token, string key, string body, string mediaType = "application/json")
    {
        using var request = new HttpRequestMessage(method, path);
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
        request.Headers.TryAddWithoutValidation("Idempotency-Key", key);
        request.Content = new ByteArrayContent(Encoding.UTF8.GetBytes(body));
        request.Content.Headers.TryAddWithoutValidation("Content-Type", mediaType);
        using var response = await Http.SendAsync(request);
        return new Answer(response.StatusCode, await response.Content.ReadAsStringAsync(), response.Headers, response.Content.Headers);
    }

    private Task<Answer> PostAsync(string key, string body = Setting, string path = Configs, string? token = null) =>
        SendAsync(HttpMethod.Post, path, token ?? Token(Alicorn), key, body);

    [Test]
    public async Task A_repeated_post_has_the_first_answer_and_makes_nothing()
    {
        const string Tree = """{"desired":{"name":"n","mem":64}}""";
        var token = Token(Owner, TenantA);
        var first = await PostAsync("k1", Tree, Instances, token);
        var again = await PostAsync("\"k1\"", Tree, Instances, token);
        Assert.That(first.Status, Is.EqualTo(HttpStatusCode.Created), first.ToString());
        Assert.That(again.ToString(), Is.EqualTo(first.ToString()));
        Assert.That(again.Headers.Location, Is.EqualTo(first.Headers.Location).And.Not.Null);
        Assert.That(Database.Commits, Is.EqualTo(1));
    }

    [Test]
    public async Task A_repeated_patch_is_not_applied_to_what_came_after_it()
    {
        const string Patch = """[{"op":"test","path":"/desired/name","value":"web"},{"op":"replace","path":"/desired/name","value":"mail"}]""";
        var path = $"{Instances}/{InstanceA}";
        var token = Token(Owner, TenantA);
        const string Type = "application/json-patch+json";
        Assert.That((await SendAsync(HttpMethod.Patch, path, token, "k", Patch, Type)).Status, Is.EqualTo(HttpStatusCode.OK));
        Assert.That((await SendAsync(HttpMethod.Patch, path, token, "k", Patch, Type)).Status, Is.EqualTo(HttpStatusCode.OK));
        Assert.That((await SendAsync(HttpMethod.Patch, path, token, "other", Patch, Type)).Status, Is.EqualTo(HttpStatusCode.Conflict));
        Assert.That(Database.Commits, Is.EqualTo(1));
    }

    [Test]
    public async Task A_patch_that_changed_nothing_changes_nothing_when_it_is_repeated()
    {
        const string Patch = """{"a":{"desired":{"value":1}}}""";
        Database.Put(new ConfigDesired { Key = "a", Value = JsonText.Parse("1") });
        await SendAsync(HttpMethod.Patch, Configs, Token(Alicorn), "k", Patch, "application/merge-patch+json");
        Database.Put(new ConfigDesired { Key = "a", Value = JsonText.Parse("2") });
        await SendAsync(HttpMethod.Patch, Configs, Token(Alicorn), "k", Patch, "application/merge-patch+json");
        Assert.That((await GetAsync($"{Configs}/a", Token(Alicorn))).Text, Does.Contain("\"value\":2"));
    }

    [Test]
    public async Task A_key_is_for_one_request_of_one_user()
    {
        await PostAsync("k");
        foreach (var other in new[]
        {
            await PostAsync("k", """{"desired":{"key":"b","value":1}}"""),
            await PostAsync("k", Setting, Configs + "/"),
            await SendAsync(HttpMethod.Patch, Configs, Token(Alicorn), "k", "{}", "application/merge-patch+json"),
        })
        {
            Assert.That(other.Status, Is.EqualTo(HttpStatusCode.UnprocessableEntity), other.ToString());
            Assert.That(other.ProblemType, Is.EqualTo("urn:ponycloud:problem:key-reused"));
        }
        var stranger = await PostAsync("k", """{"desired":{"name":"n","mem":64}}""", Instances, Token(Owner, TenantA));
        Assert.That(stranger.Status, Is.EqualTo(HttpStatusCode.Created), stranger.ToString());
    }

    [Test]
    public async Task A_request_that_was_refused_is_looked_at_anew()
    {
        Database.FailNext(new DatabaseUnavailableException("gone"));
        Assert.That((await PostAsync("k")).Status, Is.EqualTo(HttpStatusCode.ServiceUnavailable));
        Assert.That((await PostAsync("k")).Status, Is.EqualTo(HttpStatusCode.Created));
        Assert.That((await PostAsync("k2")).Status, Is.EqualTo(HttpStatusCode.Conflict));
    }

    [Test]
    public async Task While_the_first_is_under_way_the_second_waits_for_nothing()
    {
        using var arrived = new SemaphoreSlim(0);
        using var go = new SemaphoreSlim(0);
        Database.Interrupt(() =>
        {
            arrived.Release();
            Assert.That(go.Wait(TimeSpan.FromSeconds(30)), Is.True);
        });
        var first = Task.Run(() => PostAsync("k"));
        Assert.That(await arrived.WaitAsync(TimeSpan.FromSeconds(30)), Is.True);
        var second = await PostAsync("k");
        var other = await PostAsync("k", """{"desired":{"key":"b","value":1}}""");
        go.Release();
        Assert.That((await first).Status, Is.EqualTo(HttpStatusCode.Created));
        Assert.That((second.Status, second.ProblemType), Is.EqualTo((HttpStatusCode.Conflict, "urn:ponycloud:problem:request-under-way")));
        Assert.That(second.Headers.RetryAfter, Is.Not.Null);
        Assert.That(other.ProblemType, Is.EqualTo("urn:ponycloud:problem:key-reused"));
        Assert.That((await PostAsync("k")).Status, Is.EqualTo(HttpStatusCode.Created));
        Assert.That(Database.Commits, Is.EqualTo(1));
    }

    [Test]
    public async Task A_key_lost_at_the_commit_decides_whether_the_request_is_carried_out()
    {
        Database.FailNext(new UnconfirmedCommitException("lost"));
        Assert.That((await PostAsync("k")).Status, Is.EqualTo(HttpStatusCode.GatewayTimeout));
        Assert.That((await PostAsync("k")).Status, Is.EqualTo(HttpStatusCode.Created));
        Assert.That((await PostAsync("k")).Status, Is.EqualTo(HttpStatusCode.Created));
        Assert.That(Database.Commits, Is.EqualTo(1));
    }

    [TestCase("")]
    [TestCase("\"\"")]
    [TestCase("\"open")]
    [TestCase("\"a\"b\"")]
    [TestCase("\"a\\x\"")]
    [TestCase("two words")]
    [TestCase("a,b")]
    public async Task A_malformed_key_is_refused(string key)
    {
        var answer = await PostAsync(key);
        Assert.That(answer.Status, Is.EqualTo(HttpStatusCode.BadRequest), answer.ToString());
        Assert.That(Database.Commits, Is.Zero);
    }

    [Test]
    public async Task A_key_has_a_greatest_length()
    {
        Assert.That((await PostAsync(new string('a', 256))).Status, Is.EqualTo(HttpStatusCode.BadRequest));
        Assert.That((await PostAsync(new string('a', 255))).Status, Is.EqualTo(HttpStatusCode.Created));
    }
}
