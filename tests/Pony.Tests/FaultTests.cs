using Microsoft.AspNetCore.Http;
using NUnit.Framework;
using PonyCloud.Shared.Entities;
using PonyCloud.Sparkle.Control;
using PonyCloud.TestKit.Processes;

namespace PonyCloud.Pony.Tests;

/// <summary>What goes wrong between here and the server, and in it.</summary>
internal sealed class FaultTests : PonyFixture
{
    [SetUp]
    public void LogIn() => LoggedIn(ApiServer.Alicorn);

    [TestCase(400, ExitCode.Usage)]
    [TestCase(401, ExitCode.NotAuthenticated)]
    [TestCase(403, ExitCode.Forbidden)]
    [TestCase(404, ExitCode.NotFound)]
    [TestCase(409, ExitCode.Conflict)]
    [TestCase(412, ExitCode.Conflict)]
    [TestCase(422, ExitCode.Refused)]
    [TestCase(500, ExitCode.Unavailable)]
    [TestCase(504, ExitCode.TimedOut)]
    public async Task Each_answer_has_an_exit_code_and_is_not_asked_for_twice(int status, int code)
    {
        Server.Answer("DELETE", status);

        var outcome = await RunAsync("delete", "host", "metal");

        Assert.That(outcome.Code, Is.EqualTo(code), outcome.ToString());
        Assert.That(outcome.Error, Does.StartWith("pony: "));
        Assert.That(Requests("DELETE"), Is.EqualTo(1));
    }

    [TestCase(429)]
    [TestCase(503)]
    public async Task A_server_that_has_no_time_is_asked_again_with_the_same_key(int status)
    {
        Server.Answer("POST", status);

        await DoAsync("create", "host", "other", "--set", "uuid=99999999-0000-4000-8000-000000000001");

        var posts = Server.Seen.Where(request => request.Method == "POST").ToList();
        Assert.That(posts, Has.Count.EqualTo(2));
        Assert.That(posts[0].IdempotencyKey, Is.EqualTo(posts[1].IdempotencyKey).And.Not.Null);
    }

    [Test]
    public async Task A_server_that_never_has_time_is_given_up()
    {
        for (var i = 0; i < 10; i++)
            Server.Answer("DELETE", 503);

        var outcome = await RunAsync("delete", "host", "metal");

        Assert.That(outcome.Code, Is.EqualTo(ExitCode.Unavailable));
        Assert.That(Requests("DELETE"), Is.EqualTo(4));
    }

    [Test]
    public async Task A_server_that_wants_to_be_left_alone_for_long_is_not_waited_for()
    {
        Server.Answer("DELETE", 503, retryAfter: "3600");

        var outcome = await RunAsync("delete", "host", "metal");

        Assert.That(outcome.Code, Is.EqualTo(ExitCode.Unavailable));
        Assert.That(Requests("DELETE"), Is.EqualTo(1));
    }

    [Test]
    public async Task A_delete_whose_answer_was_lost_is_a_delete()
    {
        Server.Fault("DELETE", async (context, next) =>
        {
            await next();
            context.Abort();
        });

        var outcome = await DoAsync("delete", "host", "metal");

        Assert.That(outcome.Output, Is.EqualTo("host metal deleted\n"));
        Assert.That(Requests("DELETE"), Is.EqualTo(2));
    }

    [Test]
    public async Task A_read_that_broke_off_is_begun_anew()
    {
        Server.Fault("GET", (context, _) =>
        {
            context.Abort();
            return Task.CompletedTask;
        });

        Assert.That((await DoAsync("get", "host", "-o", "name")).Output, Is.EqualTo("metal\n"));
    }

    [Test]
    public async Task A_server_that_is_not_there_is_unavailable()
    {
        Store.Save("default", Store.Find("default")! with { Server = new Uri("http://127.0.0.1:1") });

        var outcome = await RunAsync("get", "host");

        Assert.That(outcome.Code, Is.EqualTo(ExitCode.Unavailable));
        Assert.That(outcome.Error, Is.EqualTo("pony: http://127.0.0.1:1/ cannot be reached.\n"));
    }

    [TestCase("<html>Bad gateway</html>")]
    [TestCase("{\"title\": 3}")]
    [TestCase("[]")]
    public async Task An_answer_of_somebody_else_in_between_is_no_riddle(string body)
    {
        Server.Answer("DELETE", 418, body: body);

        var outcome = await RunAsync("delete", "host", "metal");

        Assert.That(outcome.Code, Is.EqualTo(ExitCode.Refused));
        Assert.That(outcome.Error, Does.Contain("418").And.Not.Contain("html"));
    }

    [Test]
    public async Task A_problem_cannot_write_to_the_terminal()
    {
        Server.Answer("DELETE", 422, body: "{\"title\":\"No\\u001b[2J\",\"detail\":\"\\u0007\"}");

        var outcome = await RunAsync("delete", "host", "metal");

        Assert.That(outcome.Error, Does.Not.Contain("\u001b").And.Not.Contain("\u0007"));
    }

    [Test]
    public async Task An_order_that_is_journaled_says_so()
    {
        Server.Answer("PATCH", 202, body: "{}");

        var outcome = await DoAsync("stop", "web", "--tenant", "acme", "--no-wait");

        Assert.That(outcome.Error, Does.Contain("The database is away. The order stands"));
        Assert.That(outcome.Output, Is.EqualTo("instance web is ordered to be stopped\n"));
    }

    [Test]
    public async Task What_is_shown_without_the_database_is_marked()
    {
        Server.Database.Database = new DatabaseLink(false, DateTimeOffset.UnixEpoch);

        var outcome = await DoAsync("get", "host");

        Assert.That(outcome.Output, Does.Contain("metal"));
        Assert.That(outcome.Error, Does.Contain("without its database since 1970-01-01"));
    }

    [Test]
    public async Task An_instance_is_waited_for_until_it_is_as_ordered()
    {
        Server.Fault("PATCH", StopsAsync);

        var running = RunAsync("stop", "web", "--tenant", "acme");
        await LookedAtAsync(ApiServer.Web, times: 2);
        Server.Database.Report(new InstanceCurrent { Uuid = ApiServer.Web, Status = InstanceStatus.Stopped });
        var outcome = await running;

        Assert.That(outcome.Code, Is.Zero, outcome.ToString());
        Assert.That(outcome.Output, Is.EqualTo("instance web is ordered to be stopped\ninstance web is stopped\n"));
        Assert.That(outcome.Error, Is.Empty);
    }

    [Test]
    public async Task What_takes_longer_than_allowed_is_told_with_why_and_the_order_stands()
    {
        Server.Fault("PATCH", StopsAsync);

        var outcome = await RunAsync("stop", "web", "--tenant", "acme", "--timeout", "1");

        Assert.That(outcome.Code, Is.EqualTo(ExitCode.TimedOut));
        Assert.That(outcome.Error, Is.EqualTo("pony: Not within 1 s: web is stopping (the guest takes its time). The order stands.\n"));
    }

    [Test]
    public async Task Ctrl_C_ends_the_waiting_and_not_the_order()
    {
        Server.Fault("PATCH", StopsAsync);
        using var ctrlC = new CancellationTokenSource();

        var running = RunAsync(terminal => terminal, ctrlC.Token, "stop", "web", "--tenant", "acme");
        await LookedAtAsync(ApiServer.Web, times: 1);
        await ctrlC.CancelAsync();
        var outcome = await running;

        Assert.That(outcome.Code, Is.EqualTo(ExitCode.Interrupted));
        Assert.That(outcome.Error, Is.EqualTo("pony: No longer waiting for web. The order stands.\n"));
    }

    [Test]
    public async Task Progress_is_for_terminals()
    {
        Server.Fault("PATCH", StopsAsync);

        var running = RunAsync(terminal => terminal with { IsErrorTerminal = true }, "stop", "web", "--tenant", "acme");
        await LookedAtAsync(ApiServer.Web, times: 2);
        Server.Database.Report(new InstanceCurrent { Uuid = ApiServer.Web, Status = InstanceStatus.Stopped });
        var outcome = await running;

        Assert.That(outcome.Error, Does.Contain("web is stopping (the guest takes its time) …").And.EndWith("\r\u001b[K"));
    }

    [Test]
    public async Task A_host_is_given_up_only_by_somebody_who_means_it()
    {
        var unasked = await RunAsync("host", "gone", "metal");
        var refused = await RunAsync(Asked("n"), "host", "gone", "metal");
        Assert.That((unasked.Code, refused.Code, Requests("PATCH")), Is.EqualTo((ExitCode.Usage, ExitCode.Usage, 0)));

        var agreed = await RunAsync(Asked("y"), "host", "gone", "metal");

        Assert.That(agreed.Code, Is.Zero, agreed.ToString());
        Assert.That(agreed.Output, Is.EqualTo("host metal is ordered to be gone\n"));
        Assert.That((await DoAsync("host", "present", "metal")).Output, Is.EqualTo("host metal is ordered to be present\n"));

        static Func<Terminal, Terminal> Asked(string answer) =>
            terminal => terminal with { Input = new StringReader(answer + "\n"), IsInputTerminal = true, IsErrorTerminal = true };
    }

    private async Task StopsAsync(HttpContext context, Func<Task> next)
    {
        await next();
        Server.Database.Report(new InstanceCurrent { Uuid = ApiServer.Web, Status = InstanceStatus.Stopping, Why = "the guest takes its time" });
    }

    private Task LookedAtAsync(Guid instance, int times) => Eventually.HoldsAsync(
        "pony to look at the instance",
        () => Server.Seen.Count(request => request.Method == "GET" && request.Path.EndsWith(instance.ToString(), StringComparison.Ordinal)) >= times);

    private int Requests(string method) => Server.Seen.Count(request => request.Method == method);
}
