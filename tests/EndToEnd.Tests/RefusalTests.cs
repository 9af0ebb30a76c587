using System.Net;
using NUnit.Framework;
using PonyCloud.EndToEnd.Tests.Platform;

namespace PonyCloud.EndToEnd.Tests;

/// <summary>What is wrong is refused with a word about which field it is, and changes nothing.</summary>
public sealed class RefusalTests : PlatformFixture
{
    private const string All = "SELECT (SELECT json_agg(i ORDER BY uuid) FROM instance i), (SELECT json_agg(t ORDER BY uuid) FROM tenant t), (SELECT json_agg(h) FROM host h);";

    private string _before = null!;

    protected override Task PrepareAsync() => Running.CreateAsync("stopped");

    [SetUp]
    public async Task RememberAsync() => _before = await Running.PsqlAsync(All);

    [TearDown]
    public async Task NothingChangedAsync() => Assert.That(await Running.PsqlAsync(All), Is.EqualTo(_before));

    [TestCase("GET", "/host")]
    [TestCase("GET", "/tenant")]
    [TestCase("POST", "/tenant")]
    public async Task Without_a_token_nothing_is_answered(string method, string path)
    {
        var answer = await Running.Anybody.SendTextAsync(new HttpMethod(method), path, method == "GET" ? null : "{}");
        Assert.That(answer.Status, Is.EqualTo(HttpStatusCode.Unauthorized), answer.ToString());
    }

    [Test]
    public async Task A_token_that_was_tampered_with_is_refused()
    {
        using var http = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{Running.HttpPort}") };
        var answer = await new ApiClient(http, "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhbGljb3JuQGxvY2FsaG9zdCJ9.").SendAsync(HttpMethod.Get, "/host");
        Assert.That(answer.Status, Is.EqualTo(HttpStatusCode.Unauthorized), answer.ToString());
    }

    [Test]
    public async Task A_tenants_token_does_not_open_what_is_the_operators()
    {
        var answer = await Running.Owner.SendAsync(HttpMethod.Get, "/host");
        Assert.That((int)answer.Status, Is.EqualTo(403).Or.EqualTo(404), answer.ToString());
    }

    [TestCase("{")]
    [TestCase("[1, 2")]
    [TestCase("\u0000")]
    [TestCase("{\"desired\": {\"name\": \"a\" \"mem\": 16}}")]
    public async Task What_is_not_JSON_is_refused(string body)
    {
        var answer = await Running.Owner.SendTextAsync(HttpMethod.Post, Instances, body);
        Assert.That(answer.Status, Is.EqualTo(HttpStatusCode.BadRequest), answer.ToString());
    }

    [TestCase("{\"desired\": {\"name\": \"a\", \"mem\": 16, \"wings\": 2}}", "/desired/wings", TestName = "An_unknown_field_is_refused")]
    [TestCase("{\"desired\": {\"name\": \"a\", \"mem\": \"much\"}}", "/desired/mem", TestName = "A_wrong_type_is_refused")]
    [TestCase("{\"desired\": {\"name\": 7, \"mem\": 16}}", "/desired/name", TestName = "A_number_for_a_name_is_refused")]
    [TestCase("{\"desired\": {\"name\": \"a\", \"mem\": 16, \"state\": \"flying\"}}", "/desired/state", TestName = "A_state_outside_its_list_is_refused")]
    [TestCase("{\"desired\": {\"name\": \"a\"}}", "/desired/mem", TestName = "A_missing_field_is_refused")]
    [TestCase("{\"desired\": {\"name\": \"a\", \"mem\": 1}}", "/desired/mem", TestName = "A_value_out_of_range_is_refused")]
    [TestCase(
        "{\"desired\": {\"name\": \"a\", \"mem\": 16, \"cpu_profile\": \"6f1e6a0c-8f2d-4d7e-9c55-0a2f3f0c1b11\"}}",
        "/desired/cpu_profile",
        TestName = "A_reference_to_nothing_is_refused")]
    public async Task A_wrong_field_is_named(string body, string pointer)
    {
        var answer = await Running.Owner.SendTextAsync(HttpMethod.Post, Instances, body);
        Assert.That((int)answer.Status, Is.EqualTo(422).Or.EqualTo(400), answer.ToString());
        Assert.That(answer.Body.Value<string>("pointer"), Is.EqualTo(pointer), answer.ToString());
        Assert.That(answer.Body.Value<string>("type"), Does.StartWith("urn:ponycloud:problem:"));
    }

    [Test]
    public async Task An_unknown_parent_is_refused()
    {
        var answer = await Running.Alicorn.SendTextAsync(
            HttpMethod.Post, $"/tenant/{Guid.NewGuid()}/instance", "{\"desired\": {\"name\": \"a\", \"mem\": 16}}");
        Assert.That((int)answer.Status, Is.InRange(400, 499), answer.ToString());
    }

    private string Instances => $"/tenant/{Running.Tenant}/instance";
}
