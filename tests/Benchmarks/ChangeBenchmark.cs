using System.Diagnostics;
using PonyCloud.Shared.Entities;
using PonyCloud.Shared.Messaging;
using PonyCloud.Shared.Replication;
using PonyCloud.Shared.State;
using PonyCloud.Sparkle.Database;

namespace PonyCloud.Benchmarks;

/// <summary>
/// From a committed change of an instance to the agent that has it in its replica, over real sockets, against the round
/// trip of the same number of bytes between two bare libzmq ROUTER sockets.
/// </summary>
internal static class ChangeBenchmark
{
    private const int Rounds = 5;
    private const int ChangesPerRound = 1000;
    private static readonly TimeSpan KeepAlive = TimeSpan.FromSeconds(1);

    public static async Task<IEnumerable<Result>> RunAsync()
    {
        await using var sparkle = await SparkleInProcess.StartAsync(KeepAlive);
        var host = Guid.NewGuid();
        var instance = new InstanceDesired { Uuid = Guid.NewGuid(), Tenant = Guid.NewGuid(), Name = "instance", Mem = 1024 };
        await sparkle.LoadAsync(
            [
                sparkle.Declare(host),
                Change(),
                RowChange.Set(sparkle.Catalog["host_instance"], RowPart.Desired, new HostInstanceDesired { Host = host, Instance = instance.Uuid }),
            ]);
        await using var agent = AgentInProcess.Start(sparkle, host, KeepAlive);
        await agent.ReachAsync(link => link.IsDesiredKnown);
        using var bare = new BareRoundTrip(new MessageCodec(sparkle.Catalog).Encode(new Message.SparkleUpdate(new StateUpdate(
            "0123456789abcdef", 1000, new StreamId("0123456789abcdef", 1), [Change()]))).Length);
        var version = 1L;
        var changes = new List<double>();
        var trips = new List<double>();
        for (var round = 0; round <= Rounds; round++)
        {
            var change = new double[ChangesPerRound];
            for (var i = 0; i < change.Length; i++)
                change[i] = await ChangeAsync();
            var trip = bare.Measure(ChangesPerRound);
            if (round == 0)
                continue; // The first warms up.
            changes.AddRange(change);
            trips.AddRange(trip);
        }
        return [new Result("change to agent, without the commit, p50", Median(changes), "µs", "bare libzmq round trip", Median(trips), 5, HigherIsBetter: false)];

        RowChange Change() => RowChange.Set(sparkle.Catalog["instance"], RowPart.Desired, instance);

        // Microseconds from the commit to the replica.
        async Task<double> ChangeAsync()
        {
            var awaited = ++version;
            instance = instance with { Vcpu = instance.Vcpu % 8 + 1 };
            var arrived = agent.ReachAsync(link => link.DesiredVersion >= awaited);
            var start = Stopwatch.GetTimestamp();
            await sparkle.CommitAsync([new DatabaseChange.OfRow(Change())]);
            await arrived;
            return Stopwatch.GetElapsedTime(start).TotalMicroseconds;
        }
    }

    private static double Median(List<double> values) => values.Order().ElementAt(values.Count / 2);
}
