using PonyCloud.Benchmarks.Fleet;
using PonyCloud.Shared.Entities;
using PonyCloud.Shared.State;
using PonyCloud.Sparkle.Database;

namespace PonyCloud.Benchmarks;

/// <summary>
/// A host that says that it lives and reads nothing, while its rows change a million times. What piles up for it must stay
/// within a bound, and once it reads again it must get to the newest state.
/// </summary>
internal static class SlowConsumerBenchmark
{
    private const int Instances = 100;
    private const int ChangesPerCommit = 10;
    private const int Changes = 1_000_000;
    private const int Mebibyte = 1024 * 1024;

    // The queues of both sockets hold 1,000 messages each, and a message of ten rows is about 4 KiB on the wire; the rest is
    // what the garbage collector has not taken back yet.
    private const double AllowedMebibytes = 64;

    private static readonly TimeSpan KeepAlive = TimeSpan.FromSeconds(5);

    public static async Task<IEnumerable<ResultLine>> RunAsync()
    {
        await using var sparkle = await SparkleInProcess.StartAsync(KeepAlive);
        var host = Guid.NewGuid();
        var instances = Enumerable.Range(0, Instances)
            .Select(i => new InstanceDesired { Uuid = Guid.NewGuid(), Tenant = Guid.NewGuid(), Name = $"server-{i}", Mem = 1024 })
            .ToArray();
        await sparkle.LoadAsync(
            [
                sparkle.Declare(host),
                .. instances.Select(Change),
                .. instances.Select(instance => RowChange.Set(
                    sparkle.Catalog["host_instance"], RowPart.Desired, new HostInstanceDesired { Host = host, Instance = instance.Uuid })),
            ]);
        await using var agent = AgentInProcess.Start(sparkle, host, KeepAlive, waiting: 16);
        await agent.ReachAsync(link => link.IsDesiredKnown);

        // The same commits while the host reads: what the work itself makes the process grow by.
        var figures = new ProcessFigures(Environment.ProcessId);
        await CommitAsync(Changes / 20);
        await agent.ReachAsync(IsInStep);
        GC.Collect(2, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        var (before, sent) = (figures.ResidentBytes, sparkle.Sent);
        agent.Reads = false;
        var peak = await CommitAsync(Changes);
        var sentUnread = sparkle.Sent - sent;
        agent.Reads = true;
        await agent.ReachAsync(IsInStep);
        return
        [
            new Limit("1,000,000 changes for a host that reads nothing, growth", (peak - before) / (double)Mebibyte, "MiB", AllowedMebibytes),
            new Result("1,000,000 changes for a host that reads nothing, sent", sentUnread, "messages", "commits", Changes / ChangesPerCommit),
            new Result("after it reads again, sent until in step", sparkle.Sent - sent - sentUnread, "messages", "commits", Changes / ChangesPerCommit),
        ];

        RowChange Change(InstanceDesired instance) => RowChange.Set(sparkle.Catalog["instance"], RowPart.Desired, instance);

        bool IsInStep(Twilight.Session.SparkleLink link) =>
            instances.All(instance => instance.Equals(link.Replica[sparkle.Catalog["instance"]].Find(instance.Uuid)?.Desired));

        // Bytes in memory at the most.
        async Task<long> CommitAsync(int changes)
        {
            var most = 0L;
            for (var i = 0; i < changes / ChangesPerCommit; i++)
            {
                var commit = new List<DatabaseChange>(ChangesPerCommit);
                for (var j = 0; j < ChangesPerCommit; j++)
                {
                    var at = (i * ChangesPerCommit + j) % Instances;
                    instances[at] = instances[at] with { Vcpu = instances[at].Vcpu % 512 + 1 };
                    commit.Add(new DatabaseChange.OfRow(Change(instances[at])));
                }
                await sparkle.CommitAsync(commit);
                if (i % 500 == 0)
                    most = Math.Max(most, figures.ResidentBytes);
            }
            return Math.Max(most, figures.ResidentBytes);
        }
    }
}
