using System.Diagnostics;
using Microsoft.Extensions.Logging.Abstractions;
using PonyCloud.TestKit.Processes;
using PonyCloud.Twilight.Hypervisor;
using PonyCloud.Twilight.Hypervisor.Libvirt;

namespace PonyCloud.Benchmarks.Instances;

/// <summary>A client of libvirt that only looks on: it looks when it is told that something happened.</summary>
internal sealed class WatchedDomains(string uri) : IAsyncDisposable
{
    private readonly LibvirtHypervisor _libvirt = new(new LibvirtOptions { Uri = uri }, TimeProvider.System, NullLogger<LibvirtHypervisor>.Instance);

    /// <summary>Gives an order, and waits until the domain is so, or as good as off since it is not there.</summary>
    /// <returns>Milliseconds from the order until it was seen. What the order itself waits for beyond that does not count.</returns>
    public async Task<double> UntilAsync(Guid domain, DomainState state, Func<Task> order)
    {
        await IsConnectedAsync();
        var start = Stopwatch.GetTimestamp();
        var ordered = order();
        var took = Stopwatch.GetElapsedTime(start, await SeesAsync(domain, seen => seen == state)).TotalMilliseconds;
        await ordered;
        return took;
    }

    /// <summary>Waits until it can be told of events.</summary>
    public async Task IsConnectedAsync()
    {
        using var limit = new CancellationTokenSource(Eventually.Patience);
        while (!_libvirt.Connection.IsConnected)
            await _libvirt.Events.ReadAsync(limit.Token);
    }

    /// <summary>Waits until a domain is seen to be so.</summary>
    /// <returns>When that was, as <see cref="Stopwatch"/> has it.</returns>
    public async Task<long> SeesAsync(Guid domain, Predicate<DomainState> isSo)
    {
        using var limit = new CancellationTokenSource(Eventually.Patience);
        while (!isSo(await StateOfAsync(domain, limit.Token)))
            await _libvirt.Events.ReadAsync(limit.Token);
        return Stopwatch.GetTimestamp();
    }

    public ValueTask DisposeAsync() => _libvirt.DisposeAsync();

    private async Task<DomainState> StateOfAsync(Guid domain, CancellationToken cancellationToken) =>
        (await _libvirt.ScanAsync(cancellationToken)).Domains.FirstOrDefault(seen => seen.Uuid == domain)?.State ?? DomainState.Off;
}
