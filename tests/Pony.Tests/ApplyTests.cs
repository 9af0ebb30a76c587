using System.Text.Json.Nodes;
using NUnit.Framework;
using PonyCloud.Shared.Entities;

namespace PonyCloud.Pony.Tests;

/// <summary>What is there becomes what a file says, all of it or nothing.</summary>
internal sealed class ApplyTests : PonyFixture
{
    private const string Tree = """
        # A tenant's own view: the collections of the tenant that was chosen.
        instance:
          web:
            desired: {vcpu: 4, mem: 512, cpu_profile: small}
          cache:
            desired:
              mem: 64
              state: running
        """;

    [Test]
    public async Task A_file_creates_what_is_missing_and_changes_what_differs_in_one_request()
    {
        LoggedIn(ApiServer.Owner);
        var file = WriteFile("tree.yaml", Tree);

        var diff = await RunAsync("diff", "-f", file);
        var apply = await DoAsync("apply", "-f", file);
        var again = await RunAsync("diff", "-f", file);
        var nothing = await DoAsync("apply", "-f", file);

        var plan = $"""
            ~ tenant/{ApiServer.TenantA}/instance/web
                vcpu: 1 → 4
                cpu_profile: - → {ApiServer.Profile}
            + tenant/{ApiServer.TenantA}/instance/cache
                state: running
                mem: 64

            """;
        Assert.That((diff.Code, diff.Output), Is.EqualTo((ExitCode.Different, plan)));
        Assert.That(apply.Output, Is.EqualTo(plan + "1 created, 1 changed, 0 removed.\n"));
        Assert.That((again.Code, again.Output), Is.EqualTo((ExitCode.Ok, "")));
        Assert.That(nothing.Output, Is.EqualTo("Everything is so already.\n"));
        Assert.That((Instance("web")!.Vcpu, Instance("cache")!.Mem, Instance("db")!.Mem), Is.EqualTo((4, 64L, 2048L)));
        Assert.That(Server.Seen.Count(request => request.Method == "PATCH"), Is.EqualTo(1));
    }

    [Test]
    public async Task A_whole_tree_is_made_with_rows_that_call_each_other_by_name()
    {
        LoggedIn(ApiServer.Alicorn);
        var file = WriteFile("tree.yaml", """
            tenant:
              newcomer:
                desired: {approved: true}
                instance:
                  a: {desired: {mem: 64, cpu_profile: fresh}}
                  b: {desired: {mem: 64, cpu_profile: small}}
            cpu-profile:
              fresh: {desired: {model: qemu64}}
            """);

        var apply = await DoAsync("apply", "-f", file);

        Assert.That(apply.Output, Does.EndWith("4 created, 0 changed, 0 removed.\n"));
        var fresh = Rows<CpuProfileDesired>("cpu_profile").Single(row => row.Name == "fresh");
        Assert.That(Instance("a")!.CpuProfile, Is.EqualTo(fresh.Uuid));
        Assert.That(Instance("b")!.CpuProfile, Is.EqualTo(ApiServer.Profile));
        Assert.That((await RunAsync("diff", "-f", file)).Code, Is.EqualTo(ExitCode.Ok));
    }

    [Test]
    public async Task Rows_that_are_not_named_go_only_when_that_is_asked_for_and_meant()
    {
        LoggedIn(ApiServer.Owner);
        var file = WriteFile("tree.yaml", "instance: {web: {}}");

        Assert.That((await RunAsync("diff", "-f", file)).Code, Is.EqualTo(ExitCode.Ok));
        var unasked = await RunAsync("apply", "-f", file, "--prune");
        Assert.That((unasked.Code, Instance("db") is null), Is.EqualTo((ExitCode.Usage, false)));

        var pruned = await DoAsync("apply", "-f", file, "--prune", "--yes");

        Assert.That(pruned.Output, Does.Contain($"- tenant/{ApiServer.TenantA}/instance/db\n").And.EndWith("0 created, 0 changed, 1 removed.\n"));
        Assert.That((Instance("db"), Instance("web") is null), Is.EqualTo(((InstanceDesired?)null, false)));
        Assert.That(Rows<MemberDesired>("member"), Is.Not.Empty, "a collection that is not named is left alone");
    }

    [Test]
    public async Task What_is_refused_is_told_by_its_line_and_nothing_is_done()
    {
        LoggedIn(ApiServer.Owner);
        var file = WriteFile("tree.yaml", """
            instance:
              web:
                desired:
                  vcpu: 2
              cache:
                desired:
                  mem: 3
              other:
                desired:
                  mem: 64
                  state: flying
            """);

        var outcome = await RunAsync("apply", "-f", file);

        Assert.That(outcome.Code, Is.EqualTo(ExitCode.Refused));
        Assert.That(outcome.Error, Does.Contain($"{file}:7: /instance/cache/desired/mem: ").And.Contain($"{file}:11: /instance/other/desired/state: "));
        Assert.That((Instance("web")!.Vcpu, Instance("cache"), Instance("other")), Is.EqualTo((1, (InstanceDesired?)null, (InstanceDesired?)null)));
    }

    [Test]
    public async Task What_somebody_else_changed_after_the_plan_was_made_is_not_overwritten()
    {
        LoggedIn(ApiServer.Owner);
        var file = WriteFile("tree.yaml", "instance: {web: {desired: {vcpu: 4}}}");
        Server.Fault("PATCH", async (_, next) =>
        {
            Server.Database.Put(Instance("web")! with { Vcpu = 3 });
            await next();
        });

        var outcome = await RunAsync("apply", "-f", file);

        Assert.That(outcome.Code, Is.EqualTo(ExitCode.Conflict), outcome.ToString());
        Assert.That(Instance("web")!.Vcpu, Is.EqualTo(3));
    }

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
    public async Task The_whole_document_can_be_applied_as_it_was_shown()
    {
        LoggedIn(ApiServer.Alicorn);
        var file = WriteFile("all.yaml", (await DoAsync("get", "/", "-o", "yaml")).Output);

        var outcome = await RunAsync("diff", "-f", file, "--prune");

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

    private InstanceDesired? Instance(string name) => Rows<InstanceDesired>("instance").SingleOrDefault(row => row.Name == name);

    private IEnumerable<T> Rows<T>(string entity) =>
        Server.Database.Snapshot![Server.Database.Catalog[entity]].Rows.Select(row => row.Desired).OfType<T>();
}
