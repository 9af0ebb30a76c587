using System.Threading.Channels;
using Microsoft.Extensions.Logging;

namespace PonyCloud.Twilight.Hypervisor.Libvirt;

/// <summary>QEMU (or whatever the URI names) by way of libvirt.</summary>
public sealed class LibvirtHypervisor : IHypervisor
{
    // More than that unread means that nobody reads; whoever comes back looks at everything anyway.
    private const int EventsMax = 1024;

    private readonly LibvirtOptions _options;
    private readonly NativeCalls _calls;
    private readonly LibvirtLink<LibvirtConnection> _link;
    private readonly Channel<HypervisorEvent> _events = Channel.CreateBounded<HypervisorEvent>(
        new BoundedChannelOptions(EventsMax) { FullMode = BoundedChannelFullMode.DropOldest });

    /// <summary>Begins to connect.</summary>
    public LibvirtHypervisor(LibvirtOptions options, TimeProvider time, ILogger<LibvirtHypervisor> logger)
    {
        _options = options;
        _calls = new NativeCalls(options, time, domain => _events.Writer.TryWrite(new HypervisorEvent.CallSettled(domain)), logger);
        _link = new LibvirtLink<LibvirtConnection>(
            options,
            time,
            logger,
            _calls,
            listener => LibvirtConnection.Open(options, listener),
            state => _events.Writer.TryWrite(new HypervisorEvent.ConnectionChanged(state)),
            (domain, happened) => _events.Writer.TryWrite(new HypervisorEvent.DomainChanged(domain, LibvirtStates.EventName(happened))));
    }

    public HypervisorConnection Connection => _link.State;

    public ChannelReader<HypervisorEvent> Events => _events.Reader;

    public async Task<DomainScan> ScanAsync(CancellationToken cancellationToken)
    {
        // Read before the scan: what settles meanwhile is then either in here still or has done its work before it.
        var unsettled = _calls.Unsettled;
        var domains = await _link.CallAsync(
            CallLane.Urgent, "list domains", null, _options.CallTimeout, connection => connection.Scan(), cancellationToken);
        return new DomainScan(domains, unsettled);
    }

    public Task DefineAsync(Guid domain, string xml, CancellationToken cancellationToken) =>
        ChangeAsync($"define domain {domain}", domain, _options.CallTimeout, connection => connection.Define(domain, xml),
            cancellationToken);

    public Task StartAsync(Guid domain, bool paused, CancellationToken cancellationToken) =>
        ChangeAsync($"start domain {domain}", domain, _options.StartTimeout, connection => connection.Start(domain, paused),
            cancellationToken);

    public Task SuspendAsync(Guid domain, CancellationToken cancellationToken) =>
        ChangeAsync($"suspend domain {domain}", domain, _options.CallTimeout, connection => connection.Suspend(domain), cancellationToken);

    public Task ResumeAsync(Guid domain, CancellationToken cancellationToken) =>
        ChangeAsync($"resume domain {domain}", domain, _options.CallTimeout, connection => connection.Resume(domain), cancellationToken);

    public Task ShutdownAsync(Guid domain, CancellationToken cancellationToken) =>
        ChangeAsync($"shut down domain {domain}", domain, _options.CallTimeout, connection => connection.Shutdown(domain),
            cancellationToken);

    public Task DestroyAsync(Guid domain, CancellationToken cancellationToken) =>
        ChangeAsync($"cut the power of domain {domain}", domain, _options.CallTimeout, connection => connection.Destroy(domain),
            cancellationToken, CallLane.Urgent);

    public Task UndefineAsync(Guid domain, CancellationToken cancellationToken) =>
        ChangeAsync($"undefine domain {domain}", domain, _options.CallTimeout, connection => connection.Undefine(domain),
            cancellationToken);

    public Task<string> GetXmlAsync(Guid domain, CancellationToken cancellationToken) =>
        _link.CallAsync(CallLane.Urgent, $"read domain {domain}", null, _options.CallTimeout, connection => connection.GetXml(domain),
            cancellationToken);

    public async ValueTask DisposeAsync()
    {
        await _link.DisposeAsync();
        _events.Writer.TryComplete();
    }

    private Task<bool> ChangeAsync(
        string what, Guid? domain, TimeSpan timeout, Action<LibvirtConnection> call, CancellationToken cancellationToken,
        CallLane lane = CallLane.Ordinary) =>
        _link.CallAsync(
            lane, what, domain, timeout,
            connection =>
            {
                call(connection);
                return true;
            },
            cancellationToken);
}
