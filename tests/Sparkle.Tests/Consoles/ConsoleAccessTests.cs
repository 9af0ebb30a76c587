using System.Net;
using NUnit.Framework;
using PonyCloud.Shared.Entities;

namespace PonyCloud.Sparkle.Tests.Consoles;

/// <summary>Who gets a ticket and who reads a log, and what is said to others.</summary>
public sealed class ConsoleAccessTests : ConsoleFixture
{
    [TestCase(Owner, "A", 200, 201)]
    [TestCase(Admin, "A", 200, 201)]
    [TestCase(Operator, "A", 200, 403, Description = "reads only")]
    [TestCase(Alicorn, null, 200, 201)]
    [TestCase(Owner, null, 403, 403, Description = "a user token of a member")]
    [TestCase(Stranger, "B", 404, 404)]
    [TestCase(Stranger, null, 404, 404)]
    [TestCase(null, null, 401, 401)]
    public async Task Who_changes_the_instance_gets_a_ticket_and_who_reads_it_the_log(string? user, string? tenant, int reads, int tickets)
    {
        var token = user is null ? null : Token(user, tenant switch { "A" => TenantA, "B" => TenantB, _ => null });
        Assert.That((int)(await GetAsync(Path + "/log", token)).Status, Is.EqualTo(reads), "log");
        Assert.That((int)(await SendAsync(HttpMethod.Post, Path, token, """{"type": "serial"}""")).Status, Is.EqualTo(tickets), "ticket");
        if (reads != 200)
            Assert.That(Metal.Asked, Is.Empty, "no host was asked");
    }

    [Test]
    public async Task A_ticket_is_in_the_audit_log_and_its_text_in_none()
    {
        var path = await TicketAsync("vnc");
        Assert.That(Log.Lines, Has.Some.Contains("Vnc").And.Contains($"{InstanceA}").And.Contains(Admin.Replace("@", "%40", StringComparison.Ordinal)));
        using var socket = await OpenAsync(path);
        // The web server's own lines about requests are not in the daemon's log.
        var own = Log.Lines.Where(line => !line.Contains(" Microsoft.AspNetCore.", StringComparison.Ordinal));
        Assert.That(own, Has.None.Contains(path[^20..]));
    }

    [TestCase("""{}""", "missing-field", 422)]
    [TestCase("""{"type": "screen"}""", "not-in-list", 422)]
    [TestCase("""{"type": 1}""", "wrong-type", 422)]
    [TestCase("""{"type": "vnc", "x": 1}""", "unknown-field", 422)]
    [TestCase("""[]""", "wrong-type", 422)]
    [TestCase("""{""", "malformed-json", 400)]
    public async Task What_makes_no_sense_is_refused(string body, string problem, int status)
    {
        var answer = await SendAsync(HttpMethod.Post, Path, User, body);
        Assert.That(((int)answer.Status, answer.ProblemType), Is.EqualTo((status, "urn:ponycloud:problem:" + problem)), answer.ToString());
    }

    [TestCase("?tail=-1", "bad-parameter")]
    [TestCase("?offset=x", "bad-parameter")]
    [TestCase("?offset=1&offset=2", "bad-parameter")]
    [TestCase("?lines=1", "unknown-parameter")]
    public async Task A_query_that_makes_no_sense_is_refused(string query, string problem) =>
        Assert.That((await GetAsync(Path + "/log" + query, User)).ProblemType, Does.EndWith(problem));

    [Test]
    public async Task A_log_is_passed_on_with_where_it_is()
    {
        var answer = await GetAsync(Path + "/log?tail=5&offset=7", User);
        Assert.That(answer.Text, Is.EqualTo("hello"));
        Assert.That(answer.ContentHeaders.ContentType!.ToString(), Is.EqualTo("text/plain; charset=utf-8"));
        Assert.That(answer.Headers.GetValues("Console-Offset").Concat(answer.Headers.GetValues("Console-End")), Is.EqualTo(["7", "12"]));
        Assert.That(Metal.Asked, Is.EqualTo([$"{InstanceA}/log?offset=7&tail=5"]));
    }

    [Test]
    public async Task An_instance_that_is_off_has_a_log_and_no_console()
    {
        Database.Report(Placed(InstanceStatus.Stopped));
        var answer = await SendAsync(HttpMethod.Post, Path, User, """{"type": "serial"}""");
        Assert.That((answer.Status, answer.ProblemType), Is.EqualTo((HttpStatusCode.Conflict, "urn:ponycloud:problem:instance-off")));
        Assert.That((await GetAsync(Path + "/log", User)).Status, Is.EqualTo(HttpStatusCode.OK));
    }

    [Test]
    public async Task A_host_that_is_not_heard_of_is_not_asked()
    {
        Database.Report(Metal.Report(Host) with { Status = HostStatus.Unreachable });
        Assert.That((await SendAsync(HttpMethod.Post, Path, User, """{"type": "vnc"}""")).Status, Is.EqualTo(HttpStatusCode.ServiceUnavailable));
        Assert.That((await GetAsync(Path + "/log", User)).Status, Is.EqualTo(HttpStatusCode.ServiceUnavailable));
        Assert.That(Metal.Asked, Is.Empty);
    }

    [Test]
    public async Task A_host_that_is_another_is_shown_nothing()
    {
        await using var impostor = await FakeConsoleHost.StartAsync();
        Database.Report(Metal.Report(Host) with { TransferEndpoint = impostor.Report(Host).TransferEndpoint });
        await RefusedAsync(await TicketAsync(), HttpStatusCode.ServiceUnavailable);
        Assert.That((await GetAsync(Path + "/log", User)).Text, Does.Contain("does not prove"));
        Assert.That(impostor.Asked, Is.Empty);
    }

    [TestCase("GET", "")]
    [TestCase("POST", "/log")]
    [TestCase("DELETE", "")]
    public async Task Nothing_else_is_done_there(string method, string below) =>
        Assert.That((await SendAsync(new HttpMethod(method), Path + below, User)).Status, Is.EqualTo(HttpStatusCode.MethodNotAllowed));
}
