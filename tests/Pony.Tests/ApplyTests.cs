using System.Text.Json.Nodes;
using NUnit.Framework;

namespace PonyCloud.Pony.Tests;

/// <summary>What is there becomes what a file says, all of it or nothing.</summary>
internal sealed class ApplyTests : PonyFixture
{
    [TestCase("instnce: {}", ":1: ", "instnce")]
    [TestCase("instance: [a]", ":1: ", "collection")]
    [TestCase("instance: {web: {desired: {colour: red}}}", ":1: ", "colour")]
    [TestCase("instance: {web: {disks: {}}}", ":1: ", "nothing else")]
    [TestCase("instance: {web: 3}", ":1: ", "a row")]
    [TestCase("member:\n  somebody: {desired: {role: admin}}", ":2: ", "uuid")]
    [TestCase("instance:\n  web: {desired: {cpu_profile: nobody}}", ":2: ", "nobody")]
    public async Task A_file_that_makes_no_sense_is_told_by_its_line(string text, string line, string why)
    {
        LoggedIn(ApiServer.Owner);

        var outcome = await RunAsync("apply", "-f", WriteFile("tree.yaml", text));

        Assert.That(outcome.Code, Is.EqualTo(ExitCode.Usage).Or.EqualTo(ExitCode.NotFound), outcome.ToString());
        Assert.That(outcome.Error, Does.Contain(why));
        if (why != "instnce")
            Assert.That(outcome.Error, Does.Contain(line));
        Assert.That(Server.Seen, Has.None.Matches<SeenRequest>(request => request is { Method: "PATCH" }));
    }

    [Test]
    public async Task What_the_api_shows_can_be_applied_and_changes_nothing()
    {
        LoggedIn(ApiServer.Alicorn);
        var rows = (await DoAsync("get", "instance", "--tenant", "acme", "-o", "json")).Json;
        var file = WriteFile("tree.json", new JsonObject { ["instance"] = rows }.ToJsonString());

        var outcome = await RunAsync("diff", "-f", file, "--tenant", "acme", "--prune");

        Assert.That((outcome.Code, outcome.Output), Is.EqualTo((ExitCode.Ok, "")), outcome.ToString());
    }

    [Test]
    public async Task A_diff_for_programs_is_the_patch_that_would_be_sent()
    {
        LoggedIn(ApiServer.Owner);

        var outcome = await RunAsync("diff", "-f", WriteFile("tree.yaml", "instance: {web: {desired: {vcpu: 4}}}"), "-o", "json");

        var path = $"/tenant/{ApiServer.TenantA}/instance/{ApiServer.Web}/desired/vcpu";
        Assert.That(outcome.Output, Is.EqualTo(
            $"[{{\"op\":\"test\",\"path\":\"{path}\",\"value\":1}},{{\"op\":\"add\",\"path\":\"{path}\",\"value\":4}}]\n"));
    }
}
