using PonyCloud.Benchmarks.Etcd;

namespace PonyCloud.Benchmarks.Fleet;

/// <summary>
/// Updates per second of processor time that whoever receives them takes. By processor time, since those who send share
/// the machine, and nobody is to be faster for having slow peers.
/// </summary>
internal static class FanIn
{
    /// <summary>Messages that each host sends.</summary>
    public const int PerHost = 100;

    private const int LeasesPerStream = 50;

    /// <param name="fleet">Connected bare peers.</param>
    public static async Task<double> RawAsync(SimulatedFleet fleet, RawServer server, int bytes)
    {
        var cpu = server.Figures.Cpu;
        await fleet.FloodRawAsync(PerHost, bytes);
        return await server.ReceivedAsync() / (server.Figures.Cpu - cpu).TotalSeconds;
    }

    /// <param name="fleet">Connected hosts that are in step.</param>
    public static async Task<double> SparkleAsync(SimulatedFleet fleet, SparkleUnderTest sparkle, int hosts)
    {
        var cpu = sparkle.Figures.Cpu;
        await fleet.FloodAsync(PerHost);
        await sparkle.AppliedAsync(hosts);
        return hosts * PerHost / (sparkle.Figures.Cpu - cpu).TotalSeconds;
    }

    /// <summary>As many leases as hosts, kept alive as often.</summary>
    public static async Task<double> EtcdAsync(int hosts)
    {
        await using var server = await EtcdServer.StartAsync();
        using var client = new EtcdClient(server.Address);
        await client.GrantAsync(hosts);
        var cpu = server.Figures.Cpu;
        await Task.WhenAll(Enumerable.Range(0, (hosts + LeasesPerStream - 1) / LeasesPerStream).Select(i =>
            client.KeepAliveAsync(1 + i * LeasesPerStream, Math.Min(LeasesPerStream, hosts - i * LeasesPerStream), PerHost)));
        return hosts * PerHost / (server.Figures.Cpu - cpu).TotalSeconds;
    }
}
