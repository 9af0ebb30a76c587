using System.Net;
using NUnit.Framework;
using PonyCloud.Shared.Http;
using PonyCloud.TestKit.Processes;
using static PonyCloud.Twilight.Tests.Consoles.ConsoleBench;

namespace PonyCloud.Twilight.Tests.Consoles;

/// <summary>A serial port and its viewers, over real sockets.</summary>
public sealed class SerialPortTests
{
    [Test]
    public async Task Several_viewers_see_the_same_and_all_may_type()
    {
        await using var bench = await StartAsync();
        await File.WriteAllTextAsync(bench.Log, "login: ");
        using var qemu = Listen(bench.Domains.SerialSocketOf(Instance));
        await using var one = await bench.AttachAsync("serial");
        await using var guest = await AcceptAsync(qemu);
        await SeesAsync(one, "login: ");

        await WriteAsync(guest, "a");
        await SeesAsync(one, "a");
        await using var two = await bench.AttachAsync("serial");
        await SeesAsync(two, "login: a");
        await WriteAsync(guest, "bc");
        await SeesAsync(one, "bc");
        await SeesAsync(two, "bc");

        await WriteAsync(one, "x");
        await SeesAsync(guest, "x");
        await WriteAsync(two, "y");
        await SeesAsync(guest, "y");
    }

    [Test]
    public async Task The_port_is_free_when_the_last_viewer_has_gone_and_taken_again_by_the_next()
    {
        await using var bench = await StartAsync();
        using var qemu = Listen(bench.Domains.SerialSocketOf(Instance));
        var one = await bench.AttachAsync("serial");
        await using (var guest = await AcceptAsync(qemu))
        {
            await one.DisposeAsync();
            await EndsAsync(guest);
        }
        await using var two = await bench.AttachAsync("serial");
        await using var again = await AcceptAsync(qemu);
        await WriteAsync(again, "b");
        await SeesAsync(two, "b");
    }

    [Test]
    public async Task A_guest_that_is_killed_ends_the_streams_and_is_found_when_it_is_there_again()
    {
        await using var bench = await StartAsync();
        await using var first = await AttachedAsync("serial");
        await EndsAsync(first);
        await using var second = await AttachedAsync("serial");
        await EndsAsync(second);

        async Task<Stream> AttachedAsync(string what)
        {
            using var qemu = Listen(bench.Domains.SerialSocketOf(Instance));
            var viewer = await bench.AttachAsync(what);
            await using var guest = await AcceptAsync(qemu);
            return viewer;
        }
    }

    [Test]
    public async Task A_viewer_that_takes_too_slowly_is_cut_off_and_the_guest_does_not_wait()
    {
        await using var bench = await StartAsync();
        using var qemu = Listen(bench.Domains.SerialSocketOf(Instance));
        await using var slow = await bench.AttachAsync("serial");
        await using var guest = await AcceptAsync(qemu);
        await using var quick = await bench.AttachAsync("serial");
        // More than all that lies between holds.
        var part = new byte[64 << 10];
        for (var i = 0; i < 1024; i++)
        {
            await guest.WriteAsync(part);
            await quick.ReadExactlyAsync(part).AsTask().WaitAsync(Eventually.Patience);
        }
        Assert.That(await EndsAsync(slow), Is.LessThan(1024L * part.Length));
        await WriteAsync(quick, "x");
        await SeesAsync(guest, "x");
    }

    [TestCase("serial")]
    [TestCase("vnc")]
    public async Task An_instance_that_is_off_has_no_console(string what)
    {
        await using var bench = await StartAsync();
        await RefusedAsync();
        // A socket that a killed emulator left.
        Listen(what == "vnc" ? bench.Domains.VncSocketOf(Instance) : bench.Domains.SerialSocketOf(Instance)).Dispose();
        await RefusedAsync();

        async Task RefusedAsync()
        {
            var exception = await Assert.ThrowsAsync<HostStreamException>(() => bench.AttachAsync(what));
            Assert.That(exception!.Status, Is.EqualTo(HttpStatusCode.ServiceUnavailable));
        }
    }

    [Test]
    public async Task Each_viewer_of_a_screen_has_a_connection_of_its_own()
    {
        await using var bench = await StartAsync();
        using var qemu = Listen(bench.Domains.VncSocketOf(Instance));
        await using var one = await bench.AttachAsync("vnc");
        await using var first = await AcceptAsync(qemu);
        await using var two = await bench.AttachAsync("vnc");
        await using var second = await AcceptAsync(qemu);
        await WriteAsync(first, "RFB 1");
        await SeesAsync(one, "RFB 1");
        await WriteAsync(second, "RFB 2");
        await SeesAsync(two, "RFB 2");
        await WriteAsync(two, "k");
        await SeesAsync(second, "k");
        await first.DisposeAsync();
        await EndsAsync(one);
    }

    [TestCase("/console/x/serial")]
    [TestCase("/console/00000000-0000-4000-8000-000000000009/other")]
    public async Task There_is_nothing_else(string path)
    {
        await using var bench = await StartAsync();
        using var http = HostHttp.Make(bench.Endpoint, TimeSpan.FromSeconds(5));
        using var answer = await http.GetAsync(new Uri(path, UriKind.Relative));
        Assert.That(answer.StatusCode, Is.EqualTo(HttpStatusCode.NotFound));
    }
}
