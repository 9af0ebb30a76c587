using System.Xml.Linq;
using PonyCloud.Benchmarks.Fleet;
using PonyCloud.EndToEnd.Tests.Platform;
using PonyCloud.TestKit.Processes;
using PonyCloud.Twilight.Hypervisor;

namespace PonyCloud.Benchmarks.Instances;

/// <summary>
/// Starts and power cuts that are ordered over the API of the running platform, beside virsh with the very same definition on the very
/// same libvirtd, by turns. Both ways begin with the request, or the process of virsh, and end when a client of libvirt that was told of
/// an event sees the domain so.
/// </summary>
internal static class LifeBenchmark
{
    private const int Rounds = 20;

    public static async IAsyncEnumerable<ResultLine> RunAsync()
    {
        await using var platform = await RunningPlatform.StartAsync();
        using var directory = new TemporaryDirectory("life");
        var instance = await platform.CreateAsync("running", stopTimeout: 0);
        await instance.RunsAsync();
        var bare = Guid.NewGuid();
        var xml = directory["domain.xml"];
        await File.WriteAllTextAsync(xml, Copy(await platform.Libvirtd.VirshAsync("dumpxml", "--inactive", instance.Uuid.ToString()), instance.Uuid, bare));
        await instance.OrderAsync("stopped");
        await instance.IsAsync("stopped");

        await using var watched = new WatchedDomains(platform.Libvirtd.Uri);
        List<double> started = [], created = [], stopped = [], destroyed = [], answered = [];
        for (var round = 0; round < Rounds; round++)
        {
            started.Add(await watched.UntilAsync(
                instance.Uuid, DomainState.Running, async () => answered.Add(await Timing.OfAsync(() => instance.OrderAsync("running")))));
            await instance.IsAsync("running");
            created.Add(await watched.UntilAsync(bare, DomainState.Running, () => platform.Libvirtd.VirshAsync("create", xml)));
            stopped.Add(await watched.UntilAsync(instance.Uuid, DomainState.Off, () => instance.OrderAsync("stopped")));
            await instance.IsAsync("stopped");
            destroyed.Add(await watched.UntilAsync(bare, DomainState.Off, () => platform.Libvirtd.VirshAsync("destroy", bare.ToString())));
        }
        yield return new Result("start of an instance, from the order until its domain runs", started.At(0.5), "ms", "virsh create of the same", created.At(0.5), 1.5, HigherIsBetter: false);
        yield return new Result("power cut of an instance, from the order until its domain is off", stopped.At(0.5), "ms", "virsh destroy of the same", destroyed.At(0.5), 1.5, HigherIsBetter: false);
        yield return new Result("of the start, the answer to the order", answered.At(0.5), "ms", "the whole", started.At(0.5));
    }

    /// <summary>The same definition for a domain that the platform takes for somebody else's.</summary>
    private static string Copy(string xml, Guid instance, Guid copy)
    {
        var domain = XElement.Parse(xml.Replace(instance.ToString(), copy.ToString(), StringComparison.Ordinal));
        domain.Element("metadata")?.Remove();
        return domain.ToString();
    }
}
