using System.Diagnostics;
using System.Globalization;
using System.Xml.Linq;
using PonyCloud.Benchmarks.Fleet;
using PonyCloud.EndToEnd.Tests.Networks;
using PonyCloud.EndToEnd.Tests.Platform;
using PonyCloud.TestKit.Processes;
using PonyCloud.Twilight.Hypervisor;

namespace PonyCloud.Benchmarks.Instances;

/// <summary>
/// Live migrations that are ordered over the API of the running platform, beside virsh with the same definition, but for its sockets,
/// between the very same libvirt daemons, by turns and there and back. Both ways begin with the request, or the process of virsh, and end
/// when a client of the other libvirt that was told of an event sees the domain run.
/// </summary>
internal static class MigrateBenchmark
{
    private const int Rounds = 8;

    public static async IAsyncEnumerable<ResultLine> RunAsync()
    {
        await using var site = await CloudSite.LayAsync();
        await using var platform = await RunningPlatform.StartAsync(CloudSite.On(site, new PlatformSettings()));
        await using var first = await CloudSite.JoinAsync(platform, site, 1, "count");
        await using var second = await CloudSite.JoinAsync(platform, site, 2, "count");
        using var directory = new TemporaryDirectory("migrate");
        CloudHost[] hosts = [first, second];
        WatchedDomains[] watched = [new(first.LibvirtUri), new(second.LibvirtUri)];
        await platform.Alicorn.ReplaceAsync($"/host/{second.Uuid}", "state", "evacuated");
        var instance = await platform.CreateAsync("running", mem: 96, stopTimeout: 0);
        await instance.IsAsync("running");
        await platform.Alicorn.ReplaceAsync($"/host/{second.Uuid}", "state", "present");
        var bare = await StartBareAsync(first, instance.Uuid, directory["bare.xml"]);
        foreach (var domains in watched)
            await domains.IsConnectedAsync();

        List<Moved> ours = [], theirs = [];
        for (var round = 0; round < Rounds; round++)
        {
            var (from, to) = (round % 2, 1 - (round % 2));
            ours.Add(await MoveAsync(watched[from], watched[to], instance.Uuid, () => platform.Alicorn.PostAsync(
                "/migration", new { desired = new { instance = instance.Uuid, destination_host = hosts[to].Uuid } })));
            foreach (var host in hosts)
            {
                await Eventually.SeesAsync(
                    "the order to be carried out", _ => platform.Alicorn.GetAsync($"/host/{host.Uuid}/migration"), rows => rows.Count == 0);
            }
            theirs.Add(await MoveAsync(watched[from], watched[to], bare, () => VirshAsync(
                hosts[from], "migrate", "--live", "--p2p", "--persistent", "--undefinesource", "--auto-converge", bare.ToString(), hosts[to].LibvirtUri,
                "--migrateuri", $"unix://{directory[round.ToString(CultureInfo.InvariantCulture)]}")));
        }
        foreach (var domains in watched)
            await domains.DisposeAsync();
        await VirshAsync(hosts[Rounds % 2], "destroy", bare.ToString());
        await platform.Alicorn.DeleteAsync($"/tenant/{platform.Tenant}/instance/{instance.Uuid}");

        yield return new Result(
            "live migration of an instance of 96 MiB, from the order until it runs there", ours.Select(moved => moved.Whole).ToList().At(0.5), "ms",
            "virsh migrate of the same", theirs.Select(moved => moved.Whole).ToList().At(0.5), 2, HigherIsBetter: false);
        yield return new Result(
            "of that its guest stands still", ours.Select(moved => moved.Pause).ToList().At(0.5), "ms",
            "virsh migrate of the same", theirs.Select(moved => moved.Pause).ToList().At(0.5));
    }

    private static async Task<Moved> MoveAsync(WatchedDomains from, WatchedDomains to, Guid domain, Func<Task> order)
    {
        var start = Stopwatch.GetTimestamp();
        var (stops, runs) = (from.SeesAsync(domain, state => state != DomainState.Running), to.SeesAsync(domain, state => state == DomainState.Running));
        await order();
        var (stopped, running) = (await stops, await runs);
        return new Moved(Stopwatch.GetElapsedTime(start, running).TotalMilliseconds, Stopwatch.GetElapsedTime(stopped, running).TotalMilliseconds);
    }

    /// <summary>The same definition for a domain that the platform takes for somebody else's. Its sockets would be those of the instance.</summary>
    private static async Task<Guid> StartBareAsync(CloudHost host, Guid instance, string path)
    {
        var bare = Guid.NewGuid();
        var xml = await VirshAsync(host, "dumpxml", "--inactive", instance.ToString());
        var domain = XElement.Parse(xml.Replace(instance.ToString(), bare.ToString(), StringComparison.Ordinal));
        domain.Element("metadata")?.Remove();
        foreach (var device in (string[])["serial", "console", "channel", "graphics"])
            domain.Element("devices")!.Elements(device).Remove();
        await File.WriteAllTextAsync(path, domain.ToString());
        await VirshAsync(host, "define", path);
        await VirshAsync(host, "start", bare.ToString());
        return bare;
    }

    private static Task<string> VirshAsync(CloudHost host, params IEnumerable<string> arguments) =>
        ChildProcess.RunAsync("virsh", ["-q", "-c", host.LibvirtUri, .. arguments]);

    /// <summary>Milliseconds.</summary>
    private sealed record Moved(double Whole, double Pause);
}
