using Microsoft.Extensions.Logging;

namespace PonyCloud.Twilight.Hypervisor.Libvirt;

/// <summary>One open connection over which libvirt tells of what happens. Nothing else is asked over it.</summary>
internal interface ILibvirtWatch : IDisposable
{
    /// <summary>Such as <c>QEMU 7.2.0</c>.</summary>
    string Version { get; }
}

/// <summary>
/// Keeps a connection to libvirt open, and so knows whether there is one and what happens there. Calls have others.
/// <code>
///           opened                          close callback, keepalive missed
/// DOWN(why) ───────► UP(version) ───────────────────────────────────► DOWN(why) ─ backoff ─► open again
/// </code>
/// </summary>
/// <remarks>One task owns the connection.</remarks>
internal sealed partial class LibvirtLink<TWatch> : IAsyncDisposable
    where TWatch : class, ILibvirtWatch
{
    private static readonly TimeSpan CloseTimeout = TimeSpan.FromSeconds(2);

    private readonly LibvirtOptions _options;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly NativeCalls _calls;
    private readonly Func<ILibvirtListener, TWatch> _open;
    private readonly Action<HypervisorConnection> _became;
    private readonly Action<Guid, string> _happened;
    private readonly CancellationTokenSource _stopping = new();
    private readonly Task _keeping;
    private volatile HypervisorConnection _state = HypervisorConnection.Down("not connected yet");

    /// <summary>Begins to connect.</summary>
    /// <param name="became">Told of each change of the state.</param>
    /// <param name="happened">Told of events: whose, and what. On libvirt's thread: must not block.</param>
    internal LibvirtLink(
        LibvirtOptions options,
        TimeProvider time,
        ILogger logger,
        NativeCalls calls,
        Func<ILibvirtListener, TWatch> open,
        Action<HypervisorConnection> became,
        Action<Guid, string> happened)
    {
        _options = options;
        _time = time;
        _logger = logger;
        _calls = calls;
        _open = open;
        _became = became;
        _happened = happened;
        _keeping = Task.Run(() => KeepConnectedAsync(_stopping.Token));
    }

    internal HypervisorConnection State => _state;

    public async ValueTask DisposeAsync()
    {
        if (_stopping.IsCancellationRequested)
            return;
        await _stopping.CancelAsync();
        await _keeping.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _stopping.Dispose();
    }

    private async Task KeepConnectedAsync(CancellationToken cancellationToken)
    {
        var failures = 0;
        while (!cancellationToken.IsCancellationRequested)
        {
            var listener = new Listener(_happened);
            try
            {
                var connection = await _calls.RunAsync(
                    CallLane.Urgent, $"connect to {_options.Uri}", null, _options.CallTimeout, () => _open(listener), cancellationToken);
                var since = _time.GetTimestamp();
                await WatchAsync(connection, listener, cancellationToken);
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

    private async Task WatchAsync(TWatch connection, Listener listener, CancellationToken cancellationToken)
    {
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
        _became(state);
    }

    [LoggerMessage(EventId = 2001, Level = LogLevel.Information, Message = "Connected to {Uri}: {Version}")]
    private partial void LogConnected(string uri, string version);

    [LoggerMessage(EventId = 2002, Level = LogLevel.Warning, Message = "Lost {Uri}: {Why}")]
    private partial void LogLost(string uri, string why);

    [LoggerMessage(EventId = 2003, Level = LogLevel.Warning, Message = "Not connected to {Uri}, {Failures} attempts in a row")]
    private partial void LogNotConnected(Exception exception, string uri, int failures);

    private sealed class Listener(Action<Guid, string> happened) : ILibvirtListener
    {
        // Continuations must not run on the event thread, which would stop every other callback.
        private readonly TaskCompletionSource<string> _closed = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task<string> Closed => _closed.Task;

        public void OnClosed(int reason) => _closed.TrySetResult(LibvirtStates.CloseReason(reason));

        public void OnHappened(Guid subject, string what) => happened(subject, what);
    }
}
