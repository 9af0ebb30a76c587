using System.Threading.Channels;
using Microsoft.Extensions.Logging;

namespace PonyCloud.Twilight.Hypervisor.Libvirt;

/// <summary>QEMU (or whatever the URI names) by way of libvirt.</summary>
public sealed partial class LibvirtHypervisor : IHypervisor
{
    // More than that unread means that nobody reads; whoever comes back looks at everything anyway.
    private const int EventsMax = 1024;

    // libvirtd has twenty threads for all its clients, of which pools may take ten: starts that hang leave some to others.
    private const int OrdinaryMax = 6;

    private readonly LibvirtOptions _options;
    private readonly KnownDomains _known;
    private readonly ILogger _logger;
    private readonly DomainHistory _history = new();
    private readonly NativeCalls _calls;
    private readonly LibvirtLink<LibvirtDomainEvents> _link;
    private readonly LibvirtConnections _connections;
    private readonly Channel<HypervisorEvent> _events = Channel.CreateBounded<HypervisorEvent>(
        new BoundedChannelOptions(EventsMax) { FullMode = BoundedChannelFullMode.DropOldest });

    /// <summary>Begins to connect.</summary>
    public LibvirtHypervisor(LibvirtOptions options, TimeProvider time, ILogger<LibvirtHypervisor> logger)
    {
        _options = options;
        _logger = logger;
        _connections = new LibvirtConnections(options);
        _known = new KnownDomains(time);
        _calls = new NativeCalls(
            options, time, domain => _events.Writer.TryWrite(new HypervisorEvent.CallSettled(domain)), logger, OrdinaryMax);
        _link = new LibvirtLink<LibvirtDomainEvents>(
            options, time, logger, _calls, listener => LibvirtDomainEvents.Open(options, listener), Become, Happened);
    }

    public HypervisorConnection Connection => _link.State;

    public ChannelReader<HypervisorEvent> Events => _events.Reader;

    public async Task<DomainScan> ScanAsync(CancellationToken cancellationToken)
    {
        // Read before the scan: what settles meanwhile is then either in here still or has done its work before it.
        var unsettled = _calls.Unsettled;
        var domains = await CallAsync(
            CallLane.Urgent, "list domains", null, _options.CallTimeout, connection => connection.Scan(_known), cancellationToken);
        return new DomainScan([.. domains.Select(_history.Add)], unsettled);
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

    public Task ShutdownByAgentAsync(Guid domain, CancellationToken cancellationToken) =>
        AskToAsync($"shut down domain {domain} by its agent", domain, GuestAgent.Shutdown, cancellationToken);

    public Task RebootByAgentAsync(Guid domain, CancellationToken cancellationToken) =>
        AskToAsync($"reboot domain {domain} by its agent", domain, GuestAgent.Reboot, cancellationToken);

    public Task<IReadOnlyList<string>> ReadAddressesAsync(Guid domain, CancellationToken cancellationToken) =>
        CallAsync(
            CallLane.Agent, $"ask for the addresses of domain {domain}", null, _options.AgentTimeout,
            connection => connection.Ask(domain, "ask for the addresses of", GuestAgent.Addresses), cancellationToken);

    public Task ResetAsync(Guid domain, CancellationToken cancellationToken) => LifeAsync("reset", domain, LibvirtLife.Reset, cancellationToken);

    public Task RebootAsync(Guid domain, CancellationToken cancellationToken) => LifeAsync("reboot", domain, LibvirtLife.Reboot, cancellationToken);

    public Task SetVcpusAsync(Guid domain, int count, CancellationToken cancellationToken) =>
        LifeAsync("set the processors of", domain, handle => LibvirtLifeNative.virDomainSetVcpusFlags(handle, (uint)count, LibvirtLifeNative.AffectLive),
            cancellationToken);

    public Task SetMemoryAsync(Guid domain, long size, CancellationToken cancellationToken) =>
        LifeAsync("set the memory of", domain, handle => LibvirtLifeNative.virDomainSetMemoryFlags(handle, (nuint)size * 1024, LibvirtLifeNative.AffectLive),
            cancellationToken);

    public Task SetMarkAsync(DomainMetadata mark, CancellationToken cancellationToken) =>
        LifeAsync("mark", mark.Instance, handle => LibvirtLife.SetMark(handle, mark), cancellationToken);

    public Task DestroyAsync(Guid domain, CancellationToken cancellationToken) =>
        ChangeAsync($"cut the power of domain {domain}", domain, _options.CallTimeout, connection => connection.Destroy(domain),
            cancellationToken, CallLane.Urgent);

    public Task UndefineAsync(Guid domain, CancellationToken cancellationToken) =>
        ChangeAsync($"undefine domain {domain}", domain, _options.CallTimeout, connection => connection.Undefine(domain),
            cancellationToken);

    public Task AttachDeviceAsync(Guid domain, string xml, CancellationToken cancellationToken) =>
        ChangeAsync($"plug a device into domain {domain}", domain, _options.CallTimeout, connection => connection.Attach(domain, xml),
            cancellationToken);

    public Task DetachDeviceAsync(Guid domain, string alias, CancellationToken cancellationToken) =>
        ChangeAsync($"unplug {alias} from domain {domain}", domain, _options.CallTimeout, connection => connection.Detach(domain, alias),
            cancellationToken);

    public Task UpdateDeviceAsync(Guid domain, string xml, CancellationToken cancellationToken) =>
        ChangeAsync($"change a device of domain {domain}", domain, _options.CallTimeout, connection => connection.Update(domain, xml),
            cancellationToken);

    public Task LimitDiskAsync(Guid domain, string target, DiskLimits limits, CancellationToken cancellationToken) =>
        DiskAsync("limit a disk of", domain, _options.CallTimeout, handle => LibvirtDisks.Limit(handle, target, limits), cancellationToken);

    public Task GrowDiskAsync(Guid domain, string target, long bytes, CancellationToken cancellationToken) =>
        DiskAsync("grow a disk of", domain, _options.CallTimeout, handle => LibvirtDisks.Grow(handle, target, bytes), cancellationToken);

    // As long as a start: QEMU writes down what the snapshot shares before it goes on.
    public Task TakeSnapshotAsync(Guid domain, string alias, string snapshot, CancellationToken cancellationToken) =>
        DiskAsync(
            "take a snapshot of a disk of", domain, _options.StartTimeout, handle => DiskSnapshots.Take(handle, alias, snapshot),
            cancellationToken);

    public Task RemoveSnapshotAsync(Guid domain, string alias, string snapshot, CancellationToken cancellationToken) =>
        DiskAsync(
            "remove a snapshot of a disk of", domain, _options.StartTimeout, handle => DiskSnapshots.Remove(handle, alias, snapshot),
            cancellationToken);

    public Task<bool> FreezeAsync(Guid domain, CancellationToken cancellationToken) =>
        CallAsync(
            CallLane.Ordinary, $"freeze the file systems of domain {domain}", domain, _options.CallTimeout,
            connection => connection.Ask(domain, "freeze the file systems of", GuestFileSystems.Freeze), cancellationToken);

    public Task ThawAsync(Guid domain, CancellationToken cancellationToken) =>
        DiskAsync("thaw the file systems of", domain, _options.CallTimeout, GuestFileSystems.Thaw, cancellationToken);

    public Task<IReadOnlyList<DomainStatistics>> ReadStatisticsAsync(CancellationToken cancellationToken) =>
        CallAsync(CallLane.Ordinary, "read the domains' statistics", null, _options.CallTimeout, connection => connection.ReadStatistics(), cancellationToken);

    public Task<string> GetXmlAsync(Guid domain, CancellationToken cancellationToken) =>
        CallAsync(CallLane.Urgent, $"read domain {domain}", null, _options.CallTimeout, connection => connection.GetXml(domain),
            cancellationToken);

    public Task<string> GetLiveXmlAsync(Guid domain, CancellationToken cancellationToken) =>
        CallAsync(CallLane.Urgent, $"read domain {domain}", null, _options.CallTimeout, connection => connection.GetLiveXml(domain),
            cancellationToken);

    public async ValueTask DisposeAsync()
    {
        await _link.DisposeAsync();
        _connections.Retire();
        _events.Writer.TryComplete();
    }

    /// <summary>
    /// An agent that is there has said so by then, or else libvirt has told that it does not answer; to the order itself nobody answers.
    /// </summary>
    private async Task AskToAsync(string what, Guid domain, Func<DomainHandle, int> ask, CancellationToken cancellationToken)
    {
        try
        {
            await CallAsync(
                CallLane.Agent, what, null, _options.AgentTimeout,
                connection =>
                {
                    connection.With(domain, "ask the agent in", ask);
                    return true;
                },
                cancellationToken);
        }
        catch (HypervisorException exception) when (exception.Failure == HypervisorFailure.TimedOut)
        {
            LogOnItsWay(what);
        }
    }

    /// <param name="verb">To follow "cannot", and to be followed by the domain.</param>
    private Task<bool> LifeAsync(string verb, Guid domain, Func<DomainHandle, int> call, CancellationToken cancellationToken) =>
        ChangeAsync(
            $"{verb} domain {domain}", domain, _options.CallTimeout, connection => connection.With(domain, verb, call), cancellationToken);

    private Task<bool> DiskAsync(
        string verb, Guid domain, TimeSpan timeout, Action<DomainHandle> change, CancellationToken cancellationToken) =>
        ChangeAsync(
            $"{verb} domain {domain}", domain, timeout, connection => connection.Change(domain, verb, change), cancellationToken);

    private Task<bool> ChangeAsync(
        string what, Guid domain, TimeSpan timeout, Action<LibvirtConnection> call, CancellationToken cancellationToken,
        CallLane lane = CallLane.Ordinary) =>
        CallAsync(
            lane, what, domain, timeout,
            connection =>
            {
                try
                {
                    call(connection);
                    return true;
                }
                finally
                {
                    // Events of it come later, if there are any.
                    _known.Forget(domain);
                }
            },
            cancellationToken);

    /// <param name="what">What is tried, to follow "cannot".</param>
    /// <param name="domain">The domain that the call changes; null when it changes none.</param>
    private Task<T> CallAsync<T>(
        CallLane lane, string what, Guid? domain, TimeSpan timeout, Func<LibvirtConnection, T> call, CancellationToken cancellationToken)
    {
        return _calls.RunAsync(lane, what, domain, timeout, Call, cancellationToken);

        T Call()
        {
            // Asked when the call's turn has come, which may be after a reconnect.
            var state = _link.State;
            return state.IsConnected
                ? _connections.Use(call)
                : throw new HypervisorException(HypervisorFailure.Disconnected, 0, $"Cannot {what}: {state.Why ?? "not connected"}");
        }
    }

    private void Become(HypervisorConnection state)
    {
        if (!state.IsConnected)
            _connections.Retire();
        _known.ForgetAll();
        _events.Writer.TryWrite(new HypervisorEvent.ConnectionChanged(state));
    }

    private void Happened(Guid domain, string what)
    {
        _known.Forget(domain);
        _history.Happened(domain, what);
        _events.Writer.TryWrite(new HypervisorEvent.DomainChanged(domain, what));
    }

    [LoggerMessage(EventId = 2004, Level = LogLevel.Debug, Message = "Asked, and on its way: {What}")]
    private partial void LogOnItsWay(string what);
}
