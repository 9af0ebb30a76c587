using Microsoft.Extensions.Logging;

namespace PonyCloud.Twilight.Hypervisor.Libvirt;

/// <summary>Which queue a call waits in.</summary>
internal enum CallLane
{
    /// <summary>May take long: defining, starting, shutting down.</summary>
    Ordinary,

    /// <summary>Must get through while the others hang: scanning, cutting the power.</summary>
    Urgent,

    /// <summary>Takes as long as it takes, and waits for its turn as long as it must: copying a domain elsewhere.</summary>
    Migration,

    /// <summary>Waits for an agent in a guest, which may never answer.</summary>
    Agent,
}

/// <summary>
/// Runs blocking calls, each on a thread of its own, so that callers can give up on them. A call that was given up runs
/// to its end; until then its domain is unsettled.
/// </summary>
/// <remarks>Each has a connection of its own, so no call waits behind one that hangs; how many there are at a time is limited here.</remarks>
#pragma warning disable CA1001 // Calls that were given up release their turns long after anybody could dispose the semaphores,
internal sealed partial class NativeCalls // which hold nothing to dispose as long as nobody asks for their wait handles.
#pragma warning restore CA1001
{
    private const int UrgentMax = 2;

    // Each keeps a thread of libvirtd busy, and they share the network.
    private const int MigrationsMax = 2;

    // One for whoever asks all guests in turn, and one for an order.
    private const int AgentMax = 2;

    private readonly SemaphoreSlim _ordinary;
    private readonly SemaphoreSlim _urgent = new(UrgentMax);
    private readonly SemaphoreSlim _migrations = new(MigrationsMax);
    private readonly SemaphoreSlim _agent = new(AgentMax);
    private readonly Lock _gate = new();
    private readonly Dictionary<Guid, int> _unsettled = [];
    private readonly LibvirtOptions _options;
    private readonly TimeProvider _time;
    private readonly Action<Guid> _settled;
    private readonly ILogger _logger;

    /// <param name="settled">Told when a domain is no longer unsettled, on any thread.</param>
    /// <param name="ordinaryMax">How many calls of the ordinary lane are made at a time.</param>
    internal NativeCalls(LibvirtOptions options, TimeProvider time, Action<Guid> settled, ILogger logger, int ordinaryMax)
    {
        _ordinary = new SemaphoreSlim(ordinaryMax);
        _options = options;
        _time = time;
        _settled = settled;
        _logger = logger;
    }

    internal IReadOnlySet<Guid> Unsettled
    {
        get
        {
            lock (_gate)
                return _unsettled.Keys.ToHashSet();
        }
    }

    /// <param name="what">What is tried, to follow "cannot".</param>
    /// <param name="domain">The domain that the call changes; null when it changes none.</param>
    internal async Task<T> RunAsync<T>(
        CallLane lane, string what, Guid? domain, TimeSpan timeout, Func<T> call, CancellationToken cancellationToken)
    {
        var turn = lane switch
        {
            CallLane.Urgent => _urgent,
            CallLane.Migration => _migrations,
            CallLane.Agent => _agent,
            _ => _ordinary,
        };
        if (lane == CallLane.Agent && !await turn.WaitAsync(_options.AgentQueueTimeout, cancellationToken))
            throw new HypervisorException(HypervisorFailure.Busy, 0, $"Cannot {what}: the agents of other guests are being asked.");
        if (lane != CallLane.Agent
            && !await turn.WaitAsync(lane == CallLane.Migration ? Timeout.InfiniteTimeSpan : _options.QueueTimeout, cancellationToken))
        {
            throw new HypervisorException(HypervisorFailure.TimedOut, 0,
                $"Cannot {what}: other calls to libvirt did not end within {_options.QueueTimeout.TotalSeconds:0} s.");
        }
        var work = Task.Factory.StartNew(
            () =>
            {
                try
                {
                    return call();
                }
                finally
                {
                    turn.Release();
                }
            },
            CancellationToken.None, TaskCreationOptions.LongRunning | TaskCreationOptions.DenyChildAttach, TaskScheduler.Default);
        try
        {
            return await work.WaitAsync(timeout, _time, cancellationToken);
        }
        catch (TimeoutException exception)
        {
            GiveUp(work, what, domain);
            throw new HypervisorException(HypervisorFailure.TimedOut, 0,
                $"Cannot {what}: libvirt did not answer within {timeout.TotalSeconds:0} s.", exception);
        }
        catch (OperationCanceledException)
        {
            GiveUp(work, what, domain);
            throw;
        }
    }

    private void GiveUp<T>(Task<T> work, string what, Guid? domain)
    {
        if (domain is { } uuid)
        {
            lock (_gate)
                _unsettled[uuid] = _unsettled.GetValueOrDefault(uuid) + 1;
        }
        work.ContinueWith(
            ended =>
            {
                if (ended.Exception is { InnerException: var exception })
                    LogLateFailure(exception, what);
                else if (ended.Result is IDisposable unwanted)
                    unwanted.Dispose();
                if (domain is { } settled)
                    Settle(settled);
            },
            CancellationToken.None, TaskContinuationOptions.DenyChildAttach, TaskScheduler.Default);
    }

    private void Settle(Guid domain)
    {
        lock (_gate)
        {
            if (--_unsettled[domain] > 0)
                return;
            _unsettled.Remove(domain);
        }
        _settled(domain);
    }

    [LoggerMessage(EventId = 2101, Level = LogLevel.Information, Message = "A call that was given up has failed: {What}")]
    private partial void LogLateFailure(Exception? exception, string what);
}
