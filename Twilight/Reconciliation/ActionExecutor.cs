using Microsoft.Extensions.Logging;
using PonyCloud.Twilight.Hypervisor;

namespace PonyCloud.Twilight.Reconciliation;

/// <summary>
/// Carries out what the newest plan says, at most one action for each instance.
/// <code>
///             in the plan                  ended
///   (none) ───────────────► RUNNING ──────────────────► ENDED ── Collect ──► (none)
///                              │ no longer in the plan     ▲
///                              └──────► WITHDRAWN ─────────┘
///                                       cancelled at once; a start also gets its power cut
/// </code>
/// </summary>
/// <remarks>
/// Owned by one loop: only its thread calls <see cref="Carry"/>, <see cref="Collect"/> and <see cref="InFlight"/>. An
/// action that has ended stays in flight until it is collected, so a plan never sees the gap between the two.
/// </remarks>
public sealed partial class ActionExecutor : IAsyncDisposable
{
    private readonly IHypervisor _hypervisor;
    private readonly Action _ended;
    private readonly ILogger _logger;
    private readonly CancellationTokenSource _stopping = new();
    private readonly Dictionary<Guid, Run> _runs = [];
    private bool _isDisposed;

    /// <param name="ended">Called on any thread when an action has ended and can be collected.</param>
    public ActionExecutor(IHypervisor hypervisor, Action ended, ILogger<ActionExecutor> logger)
    {
        _hypervisor = hypervisor;
        _ended = ended;
        _logger = logger;
    }

    /// <summary>What has begun and not been collected, by instance.</summary>
    public IReadOnlyDictionary<Guid, InstanceAction> InFlight => _runs.ToDictionary(run => run.Key, run => run.Value.Action);

    /// <summary>Begins what is new in the plan, lets go on what is in it still, cancels what is not.</summary>
    public void Carry(IEnumerable<InstanceAction> plan)
    {
        var actions = plan.ToDictionary(action => action.Instance);
        foreach (var (instance, run) in _runs)
        {
            if (!run.IsWithdrawn && actions.GetValueOrDefault(instance) != run.Action)
            {
                LogWithdrawn(run.Action);
                run.Withdraw();
            }
        }
        foreach (var (instance, action) in actions)
        {
            if (_runs.ContainsKey(instance))
                continue;
            LogBegun(action);
            var run = new Run(action);
            _runs.Add(instance, run);
            run.Begin(RunAsync(run), _ended);
        }
    }

    /// <summary>Takes the actions that have ended out of flight.</summary>
    public IReadOnlyList<ActionOutcome> Collect()
    {
        var ended = _runs.Where(run => run.Value.Outcome.IsCompleted).ToList();
        foreach (var (instance, run) in ended)
        {
            _runs.Remove(instance);
            run.Dispose();
        }
        return [.. ended.Select(run => run.Value.Outcome.Result)];
    }

    /// <summary>Lets go of what is in flight. The guests stay as they are: a start may well come about.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_isDisposed)
            return;
        _isDisposed = true;
        await _stopping.CancelAsync();
        foreach (var run in _runs.Values)
            run.Withdraw();
        await Task.WhenAll(_runs.Values.Select(run => run.Outcome));
        Collect();
        _stopping.Dispose();
    }

    private async Task<ActionOutcome> RunAsync(Run run)
    {
        // The loop goes on while even the first call is made.
        await Task.Yield();
        var action = run.Action;
        try
        {
            await DoAsync(action, run.Token);
            LogDone(action);
            return new ActionOutcome(action, ActionEnd.Done);
        }
        catch (Exception exception) when (run.IsWithdrawn)
        {
            // Whether it was cancelled or happened to fail: nobody wants it any more.
            LogGivenUp(action, exception.Message);
            return await UnwindAsync(action);
        }
#pragma warning disable CA1031 // Nothing that an action throws may be lost: it becomes the instance's state, and the log's.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            LogFailed(exception, action);
            return new ActionOutcome(action, ActionEnd.Failed, exception.Message);
        }
    }

    /// <summary>A start that is withdrawn must not go on behind our back: its power is cut without waiting for it.</summary>
    private async Task<ActionOutcome> UnwindAsync(InstanceAction action)
    {
        if (action is InstanceAction.Start && !_stopping.IsCancellationRequested)
        {
            try
            {
                await PowerOffAsync(action.Instance, CancellationToken.None);
            }
            catch (HypervisorException exception)
            {
                // Not the end of it: the next plan sees the domain and cuts its power.
                LogCutFailed(exception, action);
            }
        }
        return new ActionOutcome(action, ActionEnd.Withdrawn);
    }

    private async Task DoAsync(InstanceAction action, CancellationToken cancellationToken)
    {
        switch (action)
        {
            case InstanceAction.Define define:
                await _hypervisor.DefineAsync(define.Instance, define.Definition.Xml, cancellationToken);
                break;
            case InstanceAction.Start start:
                await _hypervisor.DefineAsync(start.Instance, start.Definition.Xml, cancellationToken);
                await _hypervisor.StartAsync(start.Instance, start.Paused, cancellationToken);
                break;
            case InstanceAction.Pause:
                await _hypervisor.SuspendAsync(action.Instance, cancellationToken);
                break;
            case InstanceAction.Resume:
                await _hypervisor.ResumeAsync(action.Instance, cancellationToken);
                break;
            case InstanceAction.Shutdown shutdown:
                if (shutdown.ResumeFirst)
                    await _hypervisor.ResumeAsync(action.Instance, cancellationToken);
                await _hypervisor.ShutdownAsync(action.Instance, cancellationToken);
                break;
            case InstanceAction.PowerOff:
                await PowerOffAsync(action.Instance, cancellationToken);
                break;
            case InstanceAction.Remove:
                await PowerOffAsync(action.Instance, cancellationToken);
                await IgnoreAsync(
                    _hypervisor.UndefineAsync(action.Instance, cancellationToken), HypervisorFailure.NoSuchDomain);
                break;
            default:
                throw new InvalidOperationException($"Nobody carries out {action}.");
        }
    }

    // Off or gone already is what was wanted.
    private Task PowerOffAsync(Guid instance, CancellationToken cancellationToken) => IgnoreAsync(
        _hypervisor.DestroyAsync(instance, cancellationToken), HypervisorFailure.WrongState, HypervisorFailure.NoSuchDomain);

    private async Task IgnoreAsync(Task call, params HypervisorFailure[] failures)
    {
        try
        {
            await call;
        }
        catch (HypervisorException exception) when (failures.Contains(exception.Failure))
        {
            LogAlreadySo(exception.Message);
        }
    }

    [LoggerMessage(EventId = 3001, Level = LogLevel.Information, Message = "Begin: {Action}")]
    private partial void LogBegun(InstanceAction action);

    [LoggerMessage(EventId = 3002, Level = LogLevel.Information, Message = "Done: {Action}")]
    private partial void LogDone(InstanceAction action);

    [LoggerMessage(EventId = 3003, Level = LogLevel.Information, Message = "Withdrawn: {Action}")]
    private partial void LogWithdrawn(InstanceAction action);

    [LoggerMessage(EventId = 3004, Level = LogLevel.Warning, Message = "Failed: {Action}")]
    private partial void LogFailed(Exception exception, InstanceAction action);

    [LoggerMessage(EventId = 3005, Level = LogLevel.Warning, Message = "Withdrawn, and its power could not be cut yet: {Action}")]
    private partial void LogCutFailed(Exception exception, InstanceAction action);

    [LoggerMessage(EventId = 3006, Level = LogLevel.Debug, Message = "Already so: {Message}")]
    private partial void LogAlreadySo(string message);

    [LoggerMessage(EventId = 3007, Level = LogLevel.Debug, Message = "Given up: {Action}: {Message}")]
    private partial void LogGivenUp(InstanceAction action, string message);

    private sealed class Run(InstanceAction action) : IDisposable
    {
        private readonly CancellationTokenSource _cancellation = new();
        private Task<ActionOutcome>? _outcome;
        private volatile bool _isWithdrawn;

        public InstanceAction Action => action;

        public CancellationToken Token => _cancellation.Token;

        public bool IsWithdrawn => _isWithdrawn;

        public Task<ActionOutcome> Outcome => _outcome ?? throw new InvalidOperationException("Not begun.");

        public void Begin(Task<ActionOutcome> outcome, Action ended)
        {
            _outcome = outcome;
            outcome.ContinueWith(_ => ended(), CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
        }

        public void Withdraw()
        {
            _isWithdrawn = true;
            _cancellation.Cancel();
        }

        public void Dispose() => _cancellation.Dispose();
    }
}
