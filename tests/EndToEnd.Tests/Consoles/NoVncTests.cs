using System.Globalization;
using NUnit.Framework;
using PonyCloud.EndToEnd.Tests.Platform;
using PonyCloud.TestKit.Processes;

namespace PonyCloud.EndToEnd.Tests.Consoles;

/// <summary>The screen of a real guest in a real browser: Debian's noVNC in Debian's Chromium, through Sparkle.</summary>
public sealed class NoVncTests : PlatformFixture
{
    private const string Library = "/usr/share/novnc";

    // What the page finds out it says to the console of the browser, which writes it to standard error.
    private const string Page = """
        <!doctype html>
        <title>console</title>
        <div id="screen" style="width: 800px; height: 600px"></div>
        <script type="module">
        import RFB from './core/rfb.js';
        const place = new URLSearchParams(location.search).get('place');
        const rfb = new RFB(document.getElementById('screen'), place, {wsProtocols: ['binary']});
        rfb.addEventListener('disconnect', event => console.log(`novnc: disconnected, clean: ${event.detail.clean}`));
        rfb.addEventListener('connect', () => {
          const canvas = document.querySelector('canvas');
          const look = () => {
            // A canvas that nothing was drawn on is transparent.
            if (canvas.width > 0 && canvas.getContext('2d').getImageData(0, 0, 1, 1).data[3] === 255)
              console.log(`novnc: a picture of ${canvas.width} by ${canvas.height}`);
            else
              requestAnimationFrame(look);
          };
          look();
        });
        </script>
        """;

    private readonly TemporaryDirectory _directory = new("novnc");

    protected override Task TidyAsync()
    {
        _directory.Dispose();
        return Task.CompletedTask;
    }

    [Test]
    public async Task A_browser_shows_the_screen_and_notices_its_end()
    {
        var instance = await Running.CreateAsync();
        await instance.RunsAsync();
        await File.WriteAllTextAsync(_directory["page.html"], Page);
        foreach (var part in (string[])["core", "vendor"])
            Directory.CreateSymbolicLink(_directory[part], Path.Combine(Library, part));
        var port = FreePort.Take();
        await using var pages = ChildProcess.Start(
            "python3", ["-u", "-m", "http.server", port.ToString(CultureInfo.InvariantCulture), "--bind", "127.0.0.1", "--directory", _directory.Path]);
        await pages.WaitForLineAsync("the page to be served", line => line.Contains("Serving", StringComparison.Ordinal));

        var place = $"ws://127.0.0.1:{Running.HttpPort}{await ConsoleViewer.TicketAsync(Running.Owner, instance, "vnc")}";
        await using var browser = ChildProcess.Start(
            "chromium",
            [
                "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
                "--disable-component-update", "--disable-sync", $"--user-data-dir={_directory["profile"]}", "--enable-logging=stderr",
                $"http://127.0.0.1:{port}/page.html?place={Uri.EscapeDataString(place)}",
            ],
            new Dictionary<string, string> { ["HOME"] = _directory.Path });
        await browser.WaitForLineAsync("the picture", line => line.Contains("novnc: a picture of", StringComparison.Ordinal));

        await instance.DeleteAsync();
        await browser.WaitForLineAsync("the end", line => line.Contains("novnc: disconnected", StringComparison.Ordinal));
        await browser.StopAsync();
        await instance.HasNoDomainAsync();
    }
}
