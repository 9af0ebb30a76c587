using PonyCloud.Benchmarks.Etcd;

namespace PonyCloud.Benchmarks.Fleet;

/// <summary>
/// Updates per second of processor time that whoever receives them takes. By processor time, since those who send share
/// the machine, and nobody is to be faster for having slow peers.
/// </summary>
internal static class FanIn
{
    private const int Updates = 100_000;

    private const int LeasesPerStream = 50;

    /// <summary>Messages that each host sends: as many over all whatever the size of the fleet, so that a large one ends in time.</summary>
    public static int PerHost(int hosts) => Math.Max(10, Updates / hosts);

    /// <param name="fleet">Connected bare peers.</param>
    public static async Task<double> RawAsync(SimulatedFleet fleet, RawServer server, int hosts, int bytes)
    {
        var cpu = server.Figures.Cpu;
        await fleet.FloodRawAsync(PerHost(hosts), bytes);
        return await server.ReceivedAsync() / (server.Figures.Cpu - cpu).TotalSeconds;
    }

    /// <param name="fleet">Connected hosts that are in step.</param>
    public static async Task<double> SparkleAsync(SimulatedFleet fleet, SparkleUnderTest sparkle, int hosts)
    {
        var cpu = sparkle.Figures.Cpu;
        await fleet.FloodAsync(PerHost(hosts));
        await sparkle.AppliedAsync(hosts);
        return hosts * PerHost(hosts) / (sparkle.Figures.Cpu - cpu).TotalSeconds;
    }

    /// <summary>As many leases as hosts, kept alive as often.</summary>
    public static async Task<double> EtcdAsync(int hosts)
    {
        await using var server = await EtcdServer.StartAsync();
        using var client = new EtcdClient(server.Address);
        await client.GrantAsync(hosts);
        var cpu = server.Figures.Cpu;
        await Task.WhenAll(Enumerable.Range(0, (hosts + LeasesPerStream - 1) / LeasesPerStream).Select(i =>
            client.KeepAliveAsync(1 + i * LeasesPerStream, Math.Min(LeasesPerStream, hosts - i * LeasesPerStream), PerHost(hosts))));
        return hosts * PerHost(hosts) / (server.Figures.Cpu - cpu).TotalSeconds;
    }
}
