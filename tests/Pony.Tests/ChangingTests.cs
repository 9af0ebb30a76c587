using NUnit.Framework;
using PonyCloud.Shared.Entities;

namespace PonyCloud.Pony.Tests;

/// <summary>Rows are made, changed and removed one by one.</summary>
internal sealed class ChangingTests : PonyFixture
{
    [SetUp]
    public void LogIn() => LoggedIn(ApiServer.Owner);

    [Test]
    public async Task A_row_is_made_from_fields_and_called_by_its_name()
    {
        var made = await DoAsync("create", "instance", "cache", "--set", "mem=64", "--set", "state=running", "--set", "cpu_profile=small");

        var row = Instance("cache");
        Assert.That(made.Output, Is.EqualTo($"instance cache {row.Uuid} created\n"));
        Assert.That((row.Mem, row.State, row.CpuProfile), Is.EqualTo((64L, InstanceState.Running, ApiServer.Profile)));
        Assert.That(Server.Seen[^1].IdempotencyKey, Is.Not.Null);
    }

    [Test]
    public async Task A_row_is_made_from_a_file_and_fields_lie_over_it()
    {
        var file = WriteFile("row.yaml", """
            desired:
              mem: 64
              vcpu: 4
            """);

        var made = await DoAsync("create", "instance", "cache", "-f", file, "--set", "vcpu=2", "-o", "name");

        var row = Instance("cache");
        Assert.That((row.Mem, row.Vcpu), Is.EqualTo((64L, 2)));
        Assert.That(made.Output, Is.EqualTo($"{row.Uuid}\n"));
    }

    [Test]
    public async Task What_is_wrong_in_a_file_is_told_by_its_line()
    {
        var file = WriteFile("row.yaml", """
            desired:
              name: cache
              mem: 3
              vcpu: none
            """);

        var outcome = await RunAsync("create", "instance", "-f", file);

        Assert.That(outcome.Code, Is.EqualTo(ExitCode.Refused));
        Assert.That(outcome.Error, Does.Contain($"{file}:3: /desired/mem: ").And.Contain($"{file}:4: /desired/vcpu: "));
    }

    [Test]
    public async Task What_is_wrong_in_a_field_is_told_by_its_name()
    {
        var outcome = await RunAsync("create", "instance", "cache", "--set", "mem=3");

        Assert.That(outcome.Code, Is.EqualTo(ExitCode.Refused));
        Assert.That(outcome.Error, Does.Contain("\n  mem: "));
    }

    [TestCase("colour=red", ExitCode.Usage, "colour")]
    [TestCase("mem=much", ExitCode.Usage, "a whole number")]
    [TestCase("state=flying", ExitCode.Usage, "running, paused, stopped")]
    [TestCase("mem", ExitCode.Usage, "mem=1024")]
    [TestCase("cpu_profile=nobody", ExitCode.NotFound, "nobody")]
    public async Task A_value_that_cannot_be_sent_is_told_before(string assignment, int code, string why)
    {
        var outcome = await RunAsync("create", "instance", "cache", "--set", assignment);

        Assert.That(outcome.Code, Is.EqualTo(code));
        Assert.That(outcome.Error, Does.Contain(why));
        Assert.That(Server.Seen, Has.None.Matches<SeenRequest>(request => request is { Method: "POST" } && !request.Path.EndsWith("/token", StringComparison.Ordinal)));
    }

    [Test]
    public async Task A_secret_is_not_taken_from_a_command_line()
    {
        LoggedIn(ApiServer.Alicorn);

        var outcome = await RunAsync("create", "user", "new@a.example", "--set", "data={\"password\":\"0123456789abcdef\"}");
        var told = await RunAsync(
            terminal => terminal with { Input = new StringReader("desired: {data: {password: correct horse staple}}") },
            "create", "user", "new@a.example", "-f", "-");

        Assert.That(outcome.Code, Is.EqualTo(ExitCode.Usage));
        Assert.That(outcome.ToString(), Does.Not.Contain("0123456789abcdef"));
        Assert.That(told.Code, Is.Zero, told.ToString());
        Assert.That(told.Output, Is.EqualTo("user new@a.example created\n"));
    }

    [Test]
    public async Task A_name_that_is_taken_is_a_conflict()
    {
        var outcome = await RunAsync("create", "instance", "web", "--set", "mem=64");

        Assert.That(outcome.Code, Is.EqualTo(ExitCode.Conflict));
        Assert.That(outcome.Error, Does.Contain("name"));
    }

    [Test]
    public async Task A_change_says_what_became_what()
    {
        var outcome = await DoAsync("set", "instance", "web", "vcpu=2", "mem=512", "cpu_profile=small");

        Assert.That(outcome.Output, Is.EqualTo($"instance web: vcpu 1 → 2, cpu_profile - → {ApiServer.Profile}\n"));
        Assert.That(Instance("web").Vcpu, Is.EqualTo(2));
        Assert.That((await DoAsync("set", "instance/web", "--unset", "cpu_profile")).Output, Does.Contain("cpu_profile"));
        Assert.That(Instance("web").CpuProfile, Is.Null);
    }

    [Test]
    public async Task A_change_that_changes_nothing_sends_nothing()
    {
        var outcome = await DoAsync("set", "instance", "web", "vcpu=1");

        Assert.That(outcome.Output, Is.EqualTo("instance web is so already\n"));
        Assert.That(Server.Seen, Has.None.Matches<SeenRequest>(request => request is { Method: "PATCH" }));
    }

    [Test]
    public async Task Rows_are_removed_only_when_all_of_them_are_there()
    {
        var missing = await RunAsync("delete", "instance", "web", "nobody");
        Assert.That(missing.Code, Is.EqualTo(ExitCode.NotFound));
        Assert.That(Instance("web"), Is.Not.Null);

        var outcome = await DoAsync("delete", "instance", "web", "db");

        Assert.That(outcome.Output, Is.EqualTo("instance web deleted\ninstance db deleted\n"));
        Assert.That((await RunAsync("delete", "instance/web")).Code, Is.EqualTo(ExitCode.NotFound));
    }

    [TestCase("get", "instance", "--nonsense")]
    [TestCase("delete", "instance", "web", "--recursive")]
    [TestCase("create", "instance", "-x")]
    [TestCase("set", "instance", "web")]
    [TestCase("set", "instance", "web", "vcpu=1", "vcpu=2")]
    [TestCase("create", "instance/web")]
    [TestCase("nonsense")]
    public async Task A_command_line_that_makes_no_sense_does_nothing(params string[] arguments)
    {
        var outcome = await RunAsync(arguments);

        Assert.That(outcome.Code, Is.EqualTo(ExitCode.Usage), outcome.ToString());
        Assert.That(outcome.Error, Does.StartWith("pony: "));
        Assert.That(Server.Seen, Has.None.Matches<SeenRequest>(request => request is { Method: "PATCH" or "DELETE" }));
    }

    private InstanceDesired Instance(string name) => Server.Database.Snapshot![Server.Database.Catalog["instance"]].Rows
        .Select(row => row.Desired).OfType<InstanceDesired>().Single(row => row.Name == name);
}
