using Microsoft.AspNetCore.Http;
using NUnit.Framework;
using PonyCloud.Shared.Entities;
using PonyCloud.TestKit.Processes;

namespace PonyCloud.Pony.Tests;

/// <summary>Changes are followed without a gap, and what cannot be is said.</summary>
internal sealed class WatchTests : PonyFixture
{
    private static readonly string WebPath = $"/tenant/{ApiServer.TenantA}/instance/{ApiServer.Web}";

    [SetUp]
    public void LogIn()
    {
        LoggedIn(ApiServer.Alicorn);
        Variables["PONY_TENANT"] = ApiServer.TenantA.ToString();
    }

    [Test]
    public async Task A_line_says_what_became_what()
    {
        Server.Stream(Event("r1"), Event("r2", Web("stopped", "stopping")), Event("r3", Web("stopped", "stopped"), Gone(WebPath)));
        Refuse();

        var outcome = await RunAsync("watch", "instance");

        Assert.That(outcome.Code, Is.EqualTo(ExitCode.Forbidden), outcome.ToString());
        var lines = outcome.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.That(lines, Has.Length.EqualTo(3));
        Assert.That(lines[0], Does.Match(@"^\d\d:\d\d:\d\d instance web .*desired.state running → stopped .*current.status running → stopping"));
        Assert.That(lines[1], Does.EndWith("instance web  current.status stopping → stopped"));
        Assert.That(lines[2], Does.EndWith("instance web is gone"));
    }

    [Test]
    public async Task A_broken_stream_goes_on_behind_what_was_seen()
    {
        Server.Stream(Event("r1"), Event("r2", Web("stopped", "stopping")));
        Server.Fault(ApiServer.IsWatch, (context, _) =>
        {
            context.Abort();
            return Task.CompletedTask;
        });
        Server.Stream(Event("r2"), Event("r3", Web("stopped", "stopped")));
        Refuse();

        var outcome = await RunAsync("watch", "instance", "-o", "json");

        Assert.That(outcome.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries), Is.EqualTo([Web("stopped", "stopping"), Web("stopped", "stopped")]));
        Assert.That(Queries().Skip(1), Is.EqualTo(["r2", "r2", "r3"]));
    }

    [Test]
    public async Task A_stream_that_cannot_go_on_says_so_and_reads_again()
    {
        Server.Stream(Event("r1"), "event: error\ndata: {\"type\":\"urn:ponycloud:problem:too-old\",\"title\":\"Too old\"}");
        Server.Stream(Event("r9"), Event("r10", Gone(WebPath)));
        Refuse();

        var outcome = await RunAsync("get", "instance", "--watch", "--fields", "name,state,status");

        Assert.That(outcome.Output, Is.EqualTo("""
            NAME  STATE    STATUS
            db    stopped  unplaced
            web   running  running
            db    stopped  unplaced
            web   running  running
            web is gone

            """));
        Assert.That(outcome.Error, Does.StartWith("pony: The server cannot say what changed in between."));
    }

    [Test]
    public async Task A_table_goes_on_with_the_rows_that_were_chosen()
    {
        Server.Stream(Event("r1"), Event("r2", Web("running", "paused")), Event("r3", Web("stopped", "stopping")));
        Refuse();

        var outcome = await RunAsync("get", "instance", "-w", "-l", "state=running", "--fields", "name,status,mem");

        Assert.That(outcome.Output, Is.EqualTo("""
            NAME  STATUS   MEM
            web   running  512
            web   paused   512
            web is no longer one of these

            """));
    }

    [Test]
    public async Task A_server_that_ends_every_stream_is_given_up()
    {
        for (var i = 0; i < 10; i++)
            Server.Fault(ApiServer.IsWatch, (context, _) =>
            {
                context.Abort();
                return Task.CompletedTask;
            });

        var outcome = await RunAsync("watch", "instance");

        Assert.That(outcome.Code, Is.EqualTo(ExitCode.Unavailable));
        Assert.That(Queries().Count(), Is.EqualTo(4));
    }

    [Test]
    public async Task What_happens_while_somebody_watches_is_shown_at_once()
    {
        await using var output = new SharedWriter();
        using var ending = new CancellationTokenSource();
        var watching = RunAsync(terminal => terminal with { Output = output }, ending.Token, "watch", "instance");
        try
        {
            // It begins behind what was read before, so whatever comes from here on is a change.
            await Eventually.HoldsAsync("the stream", () => Server.Seen.Any(request => request.Path == "/api/v1/watch"));
            await ShowsAsync(() => Server.Database.Put(Row(3)), "instance web  desired.vcpu 1 → 3\n");
            Server.Database.Put(new InstanceDesired { Uuid = Guid.NewGuid(), Tenant = ApiServer.TenantB, Name = "foreign", Mem = 64 });
            await ShowsAsync(() => Server.Database.Put(Row(4)), "instance web  desired.vcpu 3 → 4\n");
            await ShowsAsync(() => Server.Database.Remove("instance", RowKey.Of(ApiServer.Web.ToString())), "instance web is gone\n");
        }
        finally
        {
            await ending.CancelAsync();
        }
        Assert.That((await watching).Code, Is.EqualTo(ExitCode.Interrupted));
        Assert.That(output.Text, Does.Not.Contain("foreign"), "nothing of another tenant");

        async Task ShowsAsync(Action change, string words)
        {
            change();
            await Eventually.HoldsAsync(words, () => output.Text.Contains(words, StringComparison.Ordinal));
        }

        static InstanceDesired Row(int vcpu) => new()
        {
            Uuid = ApiServer.Web,
            Tenant = ApiServer.TenantA,
            Name = "web",
            Mem = 512,
            State = InstanceState.Running,
            Vcpu = vcpu,
        };
    }

    private void Refuse() => Server.Fault(ApiServer.IsWatch, (context, _) =>
    {
        context.Response.StatusCode = StatusCodes.Status403Forbidden;
        return Task.CompletedTask;
    });

    private IEnumerable<string> Queries() => Server.Seen.Where(request => request.Path == "/api/v1/watch")
        .Select(request => System.Web.HttpUtility.ParseQueryString(request.Query)["since"] ?? "");

    private static string Event(string revision, params string[] changes) =>
        $"id: {revision}\ndata: {{\"revision\":\"{revision}\",\"changes\":[{string.Join(',', changes)}]}}";

    private static string Web(string state, string status) =>
        $"{{\"path\":\"{WebPath}\",\"table\":\"instance\",\"key\":\"{ApiServer.Web}\",\"desired\":{{\"name\":\"web\",\"state\":\"{state}\",\"mem\":512}},\"current\":{{\"status\":\"{status}\"}}}}";

    private static string Gone(string path) => $"{{\"path\":\"{path}\",\"table\":\"instance\",\"key\":\"{ApiServer.Web}\"}}";
}
