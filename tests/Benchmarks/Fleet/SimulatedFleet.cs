using System.Globalization;
using PonyCloud.Benchmarks.Fleet.Role;

namespace PonyCloud.Benchmarks.Fleet;

/// <summary>Simulated hosts in as many processes as their sockets need.</summary>
internal sealed class SimulatedFleet : IAsyncDisposable
{
    // A process may have 20,000 files open, and a connected socket takes two or three.
    private const int HostsPerProcess = 4000;

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(10);

    private readonly List<RoleProcess> _processes;

    private SimulatedFleet(List<RoleProcess> processes) => _processes = processes;

    public static SimulatedFleet Start(int hosts)
    {
        var count = (hosts + HostsPerProcess - 1) / HostsPerProcess;
        return new SimulatedFleet(
        [
            .. Enumerable.Range(0, count).Select(i =>
            {
                var first = (int)((long)hosts * i / count);
                return RoleProcess.Start(FleetRole.Name, first, (int)((long)hosts * (i + 1) / count) - first);
            }),
        ]);
    }

    /// <summary>Called with a host's number and the time, by the monotonic clock, when its desired rows changed; from <see cref="TraceAsync"/> on.</summary>
    public Action<int, long> DesiredChanged
    {
        set
        {
            foreach (var process in _processes)
                process.Aside = ("changed", words => value(Number(words[0]), long.Parse(words[1], CultureInfo.InvariantCulture)));
        }
    }

    /// <param name="key">The public key of the other end.</param>
    public Task ConnectAsync(string endpoint, string key, TimeSpan keepAlive, TimeSpan spread) =>
        AskAsync("started", "start", endpoint, key, keepAlive.TotalSeconds, spread.TotalSeconds);

    /// <summary>Ends when every host's first instance is to have so many vCPUs.</summary>
    /// <returns>When the last had come there, by the monotonic clock.</returns>
    public async Task<long> ReachAsync(int vcpu) => (await AskAsync("reached", "expect", vcpu)).Max();

    public async Task TraceAsync(bool on)
    {
        foreach (var process in _processes)
            await process.SayAsync("trace", on ? "on" : "off");
    }

    /// <summary>Every host sends so many updates; ends when the last is on its way.</summary>
    public Task FloodAsync(int updates) => AskAsync("flooded", "flood", updates);

    /// <summary>Bare peers connect and exchange states.</summary>
    /// <param name="key">The public key of the other end.</param>
    /// <returns>When the last was answered, by the monotonic clock.</returns>
    public async Task<long> ExchangeAsync(string endpoint, string key, int stateBytes, TimeSpan keepAlive, TimeSpan spread) =>
        (await AskAsync("exchanged", "raw", endpoint, key, stateBytes, keepAlive.TotalSeconds, spread.TotalSeconds)).Max();

    /// <summary>The bare peers exchange states once more.</summary>
    /// <returns>When the last was answered, by the monotonic clock.</returns>
    public async Task<long> ExchangeAgainAsync(TimeSpan spread) => (await AskAsync("exchanged", "again", spread.TotalSeconds)).Max();

    /// <summary>Every bare peer sends so many messages; ends when the last is on its way.</summary>
    public Task FloodRawAsync(int messages, int bytes) => AskAsync("flooded", "raw-flood", messages, bytes);

    /// <summary>Messages and bytes sent, messages and bytes received, messages that could not be handed over, since the hosts connected.</summary>
    public async Task<long[]> CountersAsync()
    {
        var sums = new long[5];
        foreach (var process in _processes)
        {
            await process.SayAsync("counters");
            var counts = await process.NextAsync("counters", Patience);
            for (var i = 0; i < sums.Length; i++)
                sums[i] += long.Parse(counts[i], CultureInfo.InvariantCulture);
        }
        return sums;
    }

    public Task DisconnectAsync() => AskAsync("stopped", "stop");

    public async ValueTask DisposeAsync()
    {
        foreach (var process in _processes)
            await process.DisposeAsync();
    }

    private static int Number(string text) => int.Parse(text, CultureInfo.InvariantCulture);

    private async Task<long[]> AskAsync(string answer, params object[] words)
    {
        foreach (var process in _processes)
            await process.SayAsync(words);
        var answers = await Task.WhenAll(_processes.Select(process => process.NextAsync(answer, Patience)));
        return [.. answers.Select(found => found.Length == 0 ? 0 : long.Parse(found[0], CultureInfo.InvariantCulture))];
    }
}
