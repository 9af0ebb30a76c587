using System.Threading.Channels;
using Microsoft.Extensions.Logging;

namespace PonyCloud.Twilight.Hypervisor.Libvirt;

/// <summary>
/// QEMU (or whatever the URI names) by way of libvirt.
/// <code>
///           opened                          close callback, keepalive missed
/// DOWN(why) ───────► UP(version) ───────────────────────────────────► DOWN(why) ─ backoff ─► open again
/// </code>
/// </summary>
/// <remarks>One task owns the connection; calls use whichever is open when they begin.</remarks>
public sealed partial class LibvirtHypervisor : IHypervisor
{
    // More than that unread means that nobody reads; whoever comes back looks at everything anyway.
    private const int EventsMax = 1024;

    private static readonly TimeSpan CloseTimeout = TimeSpan.FromSeconds(2);

    private readonly LibvirtOptions _options;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly NativeCalls _calls;
    private readonly Channel<HypervisorEvent> _events = Channel.CreateBounded<HypervisorEvent>(
        new BoundedChannelOptions(EventsMax) { FullMode = BoundedChannelFullMode.DropOldest });
    private readonly CancellationTokenSource _stopping = new();
    private readonly Task _keeping;
    private volatile HypervisorConnection _state = HypervisorConnection.Down("not connected yet");
    private volatile LibvirtConnection? _connection;

    /// <summary>Begins to connect.</summary>
    public LibvirtHypervisor(LibvirtOptions options, TimeProvider time, ILogger<LibvirtHypervisor> logger)
    {
        _options = options;
        _time = time;
        _logger = logger;
        _calls = new NativeCalls(options, time, domain => _events.Writer.TryWrite(new HypervisorEvent.CallSettled(domain)), logger);
        _keeping = Task.Run(() => KeepConnectedAsync(_stopping.Token));
    }

    public HypervisorConnection Connection => _state;

    public ChannelReader<HypervisorEvent> Events => _events.Reader;

    public async Task<DomainScan> ScanAsync(CancellationToken cancellationToken)
    {
        // Read before the scan: what settles meanwhile is then either in here still or has done its work before it.
        var unsettled = _calls.Unsettled;
        var domains = await CallAsync(
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
        CallAsync(CallLane.Urgent, $"read domain {domain}", null, _options.CallTimeout, connection => connection.GetXml(domain),
            cancellationToken);

    public async ValueTask DisposeAsync()
    {
        if (_stopping.IsCancellationRequested)
            return;
        await _stopping.CancelAsync();
        await _keeping.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _events.Writer.TryComplete();
        _stopping.Dispose();
    }

    private async Task KeepConnectedAsync(CancellationToken cancellationToken)
    {
        var failures = 0;
        while (!cancellationToken.IsCancellationRequested)
        {
            var listener = new Listener(_events.Writer);
            try
            {
                var connection = await _calls.RunAsync(
                    CallLane.Urgent, $"connect to {_options.Uri}", null, _options.CallTimeout,
                    () => LibvirtConnection.Open(_options, listener), cancellationToken);
                var since = _time.GetTimestamp();
                await UseAsync(connection, listener, cancellationToken);
                // One that breaks again and again, right after it was made, counts as one that cannot be made.
                failures = _time.GetElapsedTime(since) > _options.ReconnectBackoff.Max ? 0 : failures + 1;
            }
            catch (HypervisorException exception)
            {
                failures++;
                LogNotConnected(exception, _options.Uri, failures);
                Become(HypervisorConnection.Down(exception.Message));
            }
            catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
            {
                break;
            }
            catch (Exception exception) when (exception is DllNotFoundException or EntryPointNotFoundException)
            {
                failures++;
                LogNotConnected(exception, _options.Uri, failures);
                Become(HypervisorConnection.Down($"libvirt cannot be used: {exception.Message}"));
            }
            await Task.Delay(_options.ReconnectBackoff.DelayAfter(Math.Max(failures, 1)), _time, cancellationToken)
                .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
        Become(HypervisorConnection.Down("closed"));
    }

    private async Task UseAsync(LibvirtConnection connection, Listener listener, CancellationToken cancellationToken)
    {
        _connection = connection;
        try
        {
            LogConnected(_options.Uri, connection.Version);
            Become(HypervisorConnection.Up(connection.Version));
            var why = await listener.Closed.WaitAsync(cancellationToken);
            LogLost(_options.Uri, why);
            Become(HypervisorConnection.Down($"The hypervisor at {_options.Uri} is away: {why}."));
        }
        finally
        {
            _connection = null;
            // Says good-bye to a daemon that may hang: not waited for long, and freed when it is done.
            var closing = Task.Factory.StartNew(
                connection.Dispose, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
            await Task.WhenAny(closing, Task.Delay(CloseTimeout, _time, CancellationToken.None));
        }
    }

    private void Become(HypervisorConnection state)
    {
        if (_state == state)
            return;
        _state = state;
        _events.Writer.TryWrite(new HypervisorEvent.ConnectionChanged(state));
    }

    private Task<bool> ChangeAsync(
        string what, Guid? domain, TimeSpan timeout, Action<LibvirtConnection> call, CancellationToken cancellationToken,
        CallLane lane = CallLane.Ordinary) =>
        CallAsync(
            lane, what, domain, timeout,
            connection =>
            {
                call(connection);
                return true;
            },
            cancellationToken);

    private Task<T> CallAsync<T>(
        CallLane lane, string what, Guid? domain, TimeSpan timeout, Func<LibvirtConnection, T> call, CancellationToken cancellationToken)
    {
        return _calls.RunAsync(lane, what, domain, timeout, Call, cancellationToken);

        T Call()
        {
            // Taken when the call's turn has come, which may be after a reconnect.
            var connection = _connection
                ?? throw new HypervisorException(HypervisorFailure.Disconnected, 0, $"Cannot {what}: {_state.Why ?? "not connected"}");
            try
            {
                return call(connection);
            }
            catch (ObjectDisposedException exception)
            {
                throw new HypervisorException(
                    HypervisorFailure.Disconnected, 0, $"Cannot {what}: the connection was lost meanwhile.", exception);
            }
        }
    }

    [LoggerMessage(EventId = 2001, Level = LogLevel.Information, Message = "Connected to {Uri}: {Version}")]
    private partial void LogConnected(string uri, string version);

    [LoggerMessage(EventId = 2002, Level = LogLevel.Warning, Message = "Lost {Uri}: {Why}")]
    private partial void LogLost(string uri, string why);

    [LoggerMessage(EventId = 2003, Level = LogLevel.Warning, Message = "Not connected to {Uri}, {Failures} attempts in a row")]
    private partial void LogNotConnected(Exception exception, string uri, int failures);

    private sealed class Listener(ChannelWriter<HypervisorEvent> events) : ILibvirtListener
    {
        // Continuations must not run on the event thread, which would stop every other callback.
        private readonly TaskCompletionSource<string> _closed = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task<string> Closed => _closed.Task;

        public void OnClosed(int reason) => _closed.TrySetResult(LibvirtStates.CloseReason(reason));

        public void OnLifecycle(Guid domain, int lifecycleEvent) =>
            events.TryWrite(new HypervisorEvent.DomainChanged(domain, LibvirtStates.EventName(lifecycleEvent)));
    }
}
