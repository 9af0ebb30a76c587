using System.Buffers.Binary;
using System.Net;
using System.Net.WebSockets;
using System.Text;
using NUnit.Framework;
using PonyCloud.EndToEnd.Tests.Platform;
using PonyCloud.TestKit.Guests;

namespace PonyCloud.EndToEnd.Tests.Consoles;

/// <summary>Serial ports and screens of real guests, through the whole platform.</summary>
public sealed class ConsoleTests : PlatformFixture
{
    [Test]
    public async Task The_log_is_read_while_the_guest_runs_and_after_it()
    {
        var instance = await RunningAsync();
        Assert.That(await LogAsync(instance), Does.Contain(RomGuest.Line));
        Assert.That(await LogAsync(instance, "?tail=4"), Is.EqualTo("up\r\n"));
        await instance.OrderAsync("stopped");
        await instance.IsAsync("stopped");
        Assert.That(await LogAsync(instance), Does.Contain(RomGuest.Line));
        await instance.DeleteAsync();
        await instance.HasNoDomainAsync();
        Assert.That(File.Exists(Running.ConsoleOf(instance.Uuid)), Is.False);
    }

    [Test]
    public async Task Two_who_attach_see_what_was_and_what_each_types()
    {
        var instance = await RunningAsync();
        await using var one = await AttachAsync(instance);
        await one.SeesAsync(RomGuest.Line);
        await using var two = await AttachAsync(instance);
        await two.SeesAsync(RomGuest.Line);

        await one.SendAsync("x"u8.ToArray());
        await one.SeesAsync("x");
        await two.SeesAsync("x");
        await two.SendAsync("y"u8.ToArray());
        await one.SeesAsync("xy");
        await two.SeesAsync("xy");
        await instance.DeleteAsync();
        await one.IsClosedAsync(4410);
        await two.IsClosedAsync(4410);
        await instance.HasNoDomainAsync();
    }

    [Test]
    public async Task Who_is_attached_stays_attached_while_the_instance_stops_and_starts()
    {
        var instance = await RunningAsync();
        await using var viewer = await AttachAsync(instance);
        await viewer.SeesAsync(RomGuest.Line);
        await viewer.TakeAsync(viewer.Seen.Length);

        await instance.OrderAsync("stopped");
        await viewer.IsToldAsync("Waiting");
        await instance.OrderAsync("running");

        await viewer.IsToldAsync("again");
        await viewer.SeesAsync(RomGuest.Line);
        await viewer.SendAsync("z"u8.ToArray());
        await viewer.SeesAsync("z");
        await instance.DeleteAsync();
        await instance.HasNoDomainAsync();
    }

    [Test]
    public async Task A_ticket_opens_a_console_once_and_only_of_an_own_instance()
    {
        var instance = await RunningAsync();
        var path = await ConsoleViewer.TicketAsync(Running.Owner, instance, "serial");
        await using var viewer = await ConsoleViewer.OpenAsync(Running.HttpPort, path);
        await Assert.ThrowsAsync<WebSocketException>(() => ConsoleViewer.OpenAsync(Running.HttpPort, path));

        var stranger = await Running.Alicorn.ForTenantAsync(
            await Running.Alicorn.CreateAsync("/tenant", new { name = "strangers", approved = true }));
        var refused = await stranger.SendAsync(HttpMethod.Post, instance.Path + "/console", new { type = "serial" });
        Assert.That(refused.Status, Is.EqualTo(HttpStatusCode.NotFound));
        await instance.DeleteAsync();
        await instance.HasNoDomainAsync();
    }

    /// <summary>RFB 3.8 (RFC 6143), up to the first picture.</summary>
    [Test]
    public async Task A_screen_greets_and_sends_its_picture_to_several_at_once()
    {
        var instance = await RunningAsync();
        await using var one = await AttachAsync(instance, "vnc");
        await ShowsAPictureAsync(one);
        await using var two = await AttachAsync(instance, "vnc");
        await ShowsAPictureAsync(two);
        Assert.That(one.CloseStatus, Is.Null);

        await instance.OrderAsync("stopped");
        await one.IsClosedAsync(1001);
        await instance.IsAsync("stopped");
        var off = await Running.Owner.SendAsync(HttpMethod.Post, instance.Path + "/console", new { type = "vnc" });
        Assert.That(off.Status, Is.EqualTo(HttpStatusCode.Conflict), off.ToString());
        await instance.DeleteAsync();
        await instance.HasNoDomainAsync();
    }

    private static async Task ShowsAPictureAsync(ConsoleViewer viewer)
    {
        Assert.That(Encoding.ASCII.GetString(await viewer.TakeAsync(12)), Is.EqualTo("RFB 003.008\n"));
        await viewer.SendAsync("RFB 003.008\n"u8.ToArray());
        var security = await viewer.TakeAsync((await viewer.TakeAsync(1))[0]);
        Assert.That(security, Does.Contain((byte)1), "none: the ticket was it");
        await viewer.SendAsync(1);
        Assert.That(await viewer.TakeAsync(4), Is.EqualTo(new byte[4]), "it went well");
        // Alone, if it could be.
        await viewer.SendAsync(0);
        var screen = await viewer.TakeAsync(24);
        var (width, height) = (screen[..2], screen[2..4]);
        await viewer.TakeAsync(BinaryPrimitives.ReadInt32BigEndian(screen.AsSpan(20)));
        // Pixels as they are, and all of them.
        await viewer.SendAsync(2, 0, 0, 1, 0, 0, 0, 0);
        await viewer.SendAsync([3, 0, 0, 0, 0, 0, .. width, .. height]);
        var update = await viewer.TakeAsync(4);
        Assert.That((update[0], BinaryPrimitives.ReadUInt16BigEndian(update.AsSpan(2))), Is.EqualTo(((byte)0, (ushort)1)), "one rectangle");
        var rectangle = await viewer.TakeAsync(12);
        Assert.That(rectangle[4..8], Is.EqualTo([.. width, .. height]));
        var bytes = BinaryPrimitives.ReadUInt16BigEndian(width) * BinaryPrimitives.ReadUInt16BigEndian(height) * screen[4] / 8;
        Assert.That(await viewer.TakeAsync(bytes), Has.Length.GreaterThan(0));
    }

    private async Task<RunningInstance> RunningAsync()
    {
        var instance = await Running.CreateAsync();
        await instance.RunsAsync();
        return instance;
    }

    private async Task<ConsoleViewer> AttachAsync(RunningInstance instance, string type = "serial") =>
        await ConsoleViewer.OpenAsync(Running.HttpPort, await ConsoleViewer.TicketAsync(Running.Owner, instance, type));

    private async Task<string> LogAsync(RunningInstance instance, string query = "") =>
        (await Running.Owner.SendAsync(HttpMethod.Get, instance.Path + "/console/log" + query)).Text;
}
