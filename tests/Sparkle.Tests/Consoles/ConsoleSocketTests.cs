using System.Net;
using System.Net.WebSockets;
using NUnit.Framework;
using PonyCloud.Shared.Entities;
using PonyCloud.Sparkle.Consoles;
using PonyCloud.TestKit.Processes;

namespace PonyCloud.Sparkle.Tests.Consoles;

/// <summary>Consoles as WebSockets, over a real host's server.</summary>
public sealed class ConsoleSocketTests : ConsoleFixture
{
    protected override ConsoleOptions Limits => base.Limits with { MaxPerTenant = 2 };

    [TestCase("serial")]
    [TestCase("vnc")]
    public async Task Bytes_go_both_ways(string type)
    {
        using var socket = await OpenAsync(await TicketAsync(type), "binary", "base64");
        Assert.That(socket.SubProtocol, Is.EqualTo("binary"));
        // At once: nothing of it is lost.
        await SendAsync(socket, "twilight");
        await SeesAsync(socket, "login: twilight");
        Assert.That(Metal.Asked, Is.EqualTo([$"{InstanceA}/{type}"]));
        await socket.CloseAsync(WebSocketCloseStatus.NormalClosure, null, CancellationToken.None).WaitAsync(Eventually.Patience);
        await Eventually.HoldsAsync("the place to be free", () => Service<ConsoleSlots>().Taken == 0);
    }

    [Test]
    public async Task A_ticket_is_used_up_by_the_first_who_brings_it()
    {
        var path = await TicketAsync();
        using var socket = await OpenAsync(path);
        await RefusedAsync(path, HttpStatusCode.Unauthorized);
        await RefusedAsync("/api/v1/console?ticket=x", HttpStatusCode.Unauthorized);
        await RefusedAsync("/api/v1/console", HttpStatusCode.Unauthorized);
        Assert.That((await GetAsync(await TicketAsync())).Status, Is.EqualTo(HttpStatusCode.BadRequest), "no WebSocket");
    }

    [Test]
    public async Task A_ticket_counts_for_no_more_than_who_asked_for_it_counts_then()
    {
        var path = await TicketAsync();
        Database.Remove("instance", RowKey.Of(InstanceA));
        await RefusedAsync(path, HttpStatusCode.NotFound);
    }

    [Test]
    public async Task A_guest_that_starts_anew_keeps_its_viewers_who_are_told()
    {
        using var socket = await AttachAsync();
        await SeesAsync(socket, "login: ");
        Database.Report(Placed(InstanceStatus.Stopped));
        await Metal.RestartAsync();
        await IsToldAsync(socket, "Waiting");
        Metal.Greeting = "again: ";
        Database.Report(Placed(InstanceStatus.Running));
        await IsToldAsync(socket, "again");
        await SeesAsync(socket, "again: ");
        await SendAsync(socket, "x");
        await SeesAsync(socket, "x");
    }

    [Test]
    public async Task A_screen_that_ends_is_closed()
    {
        using var socket = await AttachAsync("vnc");
        await SeesAsync(socket, "login: ");
        await Metal.RestartAsync();
        await IsClosedAsync(socket, 1001, "instance-off");
    }

    [Test]
    public async Task A_console_of_an_instance_that_is_deleted_is_closed()
    {
        using var socket = await AttachAsync();
        Database.Remove("instance", RowKey.Of(InstanceA));
        await IsClosedAsync(socket, 4410, "not-found");
    }

    [Test]
    public async Task A_console_of_somebody_who_may_no_longer_is_closed_even_while_it_waits()
    {
        using var socket = await AttachAsync();
        using var waiting = await AttachAsync();
        Database.Report(Placed(InstanceStatus.Stopped));
        await Metal.RestartAsync();
        Database.Put(Demoted());
        await IsClosedAsync(socket, 1008, "forbidden");
        await IsClosedAsync(waiting, 1008, "forbidden");
    }

    [Test]
    public async Task There_are_so_many_consoles_of_a_tenant_and_no_more()
    {
        using var one = await AttachAsync();
        using var two = await AttachAsync("vnc");
        await RefusedAsync(await TicketAsync(), HttpStatusCode.TooManyRequests);
    }

    private MemberDesired Demoted()
    {
        var members = Database.Catalog["member"];
        var row = Database.Snapshot![members].Rows.Select(row => row.Desired).OfType<MemberDesired>().Single(member => member.User == Admin);
        return row with { Role = MemberRole.Operator };
    }
}
