using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Text.Json;
using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using PonyCloud.Twilight.Networks.Model;
using PonyCloud.Twilight.Tools;

namespace PonyCloud.Twilight.Networks.Links;

/// <summary>The kernel's network by iproute2: its JSON to look, its batches to change.</summary>
public sealed class IpNetworkStack : INetworkStack, IAsyncDisposable
{
    /// <summary>More at once gains nothing: they wait for the same lock in the kernel.</summary>
    private const int Parallelism = 4;

    private static readonly TimeSpan Timeout = TimeSpan.FromMinutes(1);

    private readonly IToolRunner _tools;
    private readonly NetworkMonitor _monitor;

    public IpNetworkStack(IToolRunner tools, IToolStarter starter, TimeProvider time, ILogger<IpNetworkStack> logger)
    {
        _tools = tools;
        _monitor = new NetworkMonitor(starter, time, logger);
    }

    public ChannelReader<string> Events => _monitor.Events;

    public async Task<NetworkState> ScanAsync(CancellationToken cancellationToken)
    {
        try
        {
            var (numbers, names) = await ListNamespacesAsync(cancellationToken);
            var scans = new ConcurrentDictionary<string, IpScan?>(StringComparer.Ordinal);
            await Parallel.ForEachAsync(
                names.Prepend(NetworkState.Host),
                new ParallelOptions { MaxDegreeOfParallelism = Parallelism, CancellationToken = cancellationToken },
                async (name, cancellation) => scans[name] = await ScanAsync(name, cancellation));
            var found = scans.Where(scan => scan.Value is not null).ToDictionary(scan => scan.Key, scan => scan.Value!, StringComparer.Ordinal);
            IpScan.Connect(found, numbers);
            return new NetworkState
            {
                Namespaces = scans.ToImmutableSortedDictionary(
                    scan => scan.Key, scan => scan.Value?.State ?? new NamespaceState { IsBroken = true }, StringComparer.Ordinal),
            };
        }
        catch (ToolException exception)
        {
            throw new NetworkException(exception.Message, cause: exception);
        }
        catch (JsonException exception)
        {
            throw new NetworkException($"What ip says is no JSON: {exception.Message}", cause: exception);
        }
    }

    public async Task ApplyAsync(IReadOnlyList<NetworkStep> steps, CancellationToken cancellationToken)
    {
        // All are said before the first is done: one that cannot be said stops none in its middle.
        foreach (var batch in StepBatch.Of(steps).ToList())
        {
            try
            {
                await _tools.RunAsync(batch.Call with { Timeout = Timeout }, cancellationToken);
            }
            catch (ToolException exception)
            {
                throw batch.Explain(exception);
            }
        }
    }

    public ValueTask DisposeAsync() => _monitor.DisposeAsync();

    private async Task<(Dictionary<int, string> Numbers, List<string> Names)> ListNamespacesAsync(CancellationToken cancellationToken)
    {
        var output = await RunAsync(new ToolCall("ip", "-json", "netns", "list"), cancellationToken);
        var numbers = new Dictionary<int, string>();
        var names = new List<string>();
        // Nothing at all is said when there has never been one.
        foreach (var one in IpScan.Split(output).SelectMany(array => array.EnumerateArray()))
        {
            if (one.GetProperty("name").GetString() is not { } name || !name.StartsWith(Marks.Namespace, StringComparison.Ordinal))
                continue;
            names.Add(name);
            if (one.TryGetProperty("id", out var number))
                numbers[number.GetInt32()] = name;
        }
        return (numbers, names);
    }

    /// <returns>Null when it cannot be entered.</returns>
    private async Task<IpScan?> ScanAsync(string name, CancellationToken cancellationToken)
    {
        string[] inside = name.Length > 0 ? ["-n", name] : [];
        var scan = new IpScan { Namespace = name };
        string output;
        try
        {
            output = await RunAsync(
                new ToolCall("ip", ["-N", "-json", "-details", .. inside, "-batch", "-"])
                {
                    Input = "address show\nroute show table all\nrule show\nneighbour show nud permanent\n",
                },
                cancellationToken);
        }
        catch (ToolException exception) when (name.Length > 0 && exception.ExitCode == NoNamespace)
        {
            return null;
        }
        if (IpScan.Split(output) is not [var links, var routes, var rules, var neighbours])
            throw new NetworkException($"ip did not answer all that it was asked{(name.Length > 0 ? $" of namespace {name}" : "")}.");
        scan.ReadLinks(links);
        scan.ReadRoutes(routes);
        scan.ReadRules(rules, isIpv6: false);
        scan.ReadNeighbours(neighbours);
        foreach (var array in IpScan.Split(await RunAsync(new ToolCall("ip", ["-6", "-N", "-json", .. inside, "rule", "show"]), cancellationToken)))
            scan.ReadRules(array, isIpv6: true);
        // Only bridges forward, and there are none of the platform's in other namespaces.
        if (name.Length == 0 && scan.Links.Any(link => link.Kind is LinkKind.Bridge or LinkKind.Vxlan))
        {
            foreach (var array in IpScan.Split(await RunAsync(new ToolCall("bridge", "-json", "fdb", "show"), cancellationToken)))
                scan.ReadForwardings(array);
        }
        await ReadSysctlsAsync(scan, cancellationToken);
        return scan;
    }

    private async Task ReadSysctlsAsync(IpScan scan, CancellationToken cancellationToken)
    {
        // Cards have theirs too, and what the platform sets there is on few.
        var paths = SysctlNames.OfNamespace
            .Concat(scan.Links.Where(link => link.Kind is not LinkKind.Tap and not LinkKind.Other).SelectMany(link => SysctlNames.OfLink(link.Name)))
            .ToDictionary(name => $"/proc/sys/{SysctlNames.PathOf(name)}", StringComparer.Ordinal);
        string[] entering = scan.Namespace.Length > 0 ? ["nsenter", $"--net=/run/netns/{scan.Namespace}", "--"] : [];
        foreach (var some in paths.Keys.Chunk(ArgumentsMax))
        {
            // It fails when one of them is not there, as without IPv6, and says the others.
            string[] all = [.. entering, "grep", "-sH", "", .. some];
            var result = await _tools.RunAsync(new ToolCall(all[0], all[1..]) { Accepted = [0, 1, 2], Timeout = Timeout }, cancellationToken);
            scan.ReadSysctls(result.Output, paths);
        }
    }

    private const int ArgumentsMax = 1000;
    private const int NoNamespace = 255;

    private async Task<string> RunAsync(ToolCall call, CancellationToken cancellationToken) =>
        (await _tools.RunAsync(call with { Timeout = Timeout }, cancellationToken)).Output;
}
