using Microsoft.Extensions.Logging;
using PonyCloud.Twilight.Hypervisor;
using PonyCloud.Twilight.Instances;
using PonyCloud.Twilight.Migrations;

namespace PonyCloud.Twilight.Reconciliation;

/// <summary>
/// Carries out what the newest plan says, at most one action for each instance, as <see cref="OrderExecutor{TSubject,TAction}"/>
/// does; a start that is withdrawn also gets its power cut.
/// </summary>
/// <remarks>
/// Owned by one loop: only its thread calls <see cref="Carry"/>, <see cref="Collect"/> and <see cref="InFlight"/>.
/// </remarks>
public sealed partial class ActionExecutor : IOrderWork<Guid, InstanceAction>, IAsyncDisposable
{
    private readonly IHypervisor _hypervisor;
    private readonly IReadOnlyList<IInstancePreparation> _preparations;
    private readonly IInstanceMigrations _migrations;
    private readonly ILogger _logger;
    private readonly OrderExecutor<Guid, InstanceAction> _executor;
    private volatile bool _isStopping;

    /// <param name="ended">Called on any thread when an action has ended and can be collected.</param>
    public ActionExecutor(
        IHypervisor hypervisor, IReadOnlyList<IInstancePreparation> preparations, IInstanceMigrations migrations, Action ended,
        ILogger<ActionExecutor> logger)
    {
        _hypervisor = hypervisor;
        _preparations = preparations;
        _migrations = migrations;
        _logger = logger;
        // Nobody asks what was before what: a scan follows each end.
        _executor = new OrderExecutor<Guid, InstanceAction>(this, () => 0, ended);
    }

    /// <summary>What has begun and not been collected, by instance.</summary>
    public IReadOnlyDictionary<Guid, InstanceAction> InFlight => _executor.InFlight;

    /// <summary>Begins what is new in the plan, lets go on what is in it still, cancels what is not.</summary>
    public void Carry(IEnumerable<InstanceAction> plan) => _executor.Carry(plan);

    /// <summary>Takes the actions that have ended out of flight.</summary>
    public IReadOnlyList<ActionOutcome> Collect()
    {
        var ended = _executor.Ended;
        _executor.Collect(ended);
        return [.. ended.Select(outcome => new ActionOutcome(outcome.Action, outcome.End, outcome.Failure?.Message))];
    }

    /// <summary>Lets go of what is in flight. The guests stay as they are: a start may well come about.</summary>
    public ValueTask DisposeAsync()
    {
        _isStopping = true;
        return _executor.DisposeAsync();
    }

    Guid IOrderWork<Guid, InstanceAction>.SubjectOf(InstanceAction action) => action.Instance;

    async Task IOrderWork<Guid, InstanceAction>.DoAsync(InstanceAction action, CancellationToken cancellationToken)
    {
        try
        {
            await DoAsync(action, cancellationToken);
        }
        catch (Exception) when (cancellationToken.IsCancellationRequested && action is InstanceAction.Start && !_isStopping)
        {
            await CutAsync(action);
            throw;
        }
    }

    void IOrderWork<Guid, InstanceAction>.Note(OrderStep step, InstanceAction action, Exception? failure)
    {
        switch (step)
        {
            case OrderStep.Begun:
                LogBegun(action);
                break;
            case OrderStep.Withdrawn:
                LogWithdrawn(action);
                break;
            case OrderStep.Done:
                LogDone(action);
                break;
            case OrderStep.Failed:
                LogFailed(failure!, action);
                break;
            default:
                LogGivenUp(action, failure!.Message);
                break;
        }
    }

    /// <summary>A start that is withdrawn must not go on behind our back: its power is cut without waiting for it.</summary>
    private async Task CutAsync(InstanceAction action)
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

    private async Task DoAsync(InstanceAction action, CancellationToken cancellationToken)
    {
        switch (action)
        {
            case InstanceAction.Define define:
                await _hypervisor.DefineAsync(define.Instance, define.Definition.Xml, cancellationToken);
                break;
            case InstanceAction.Start start:
                foreach (var preparation in _preparations)
                    await preparation.BeforeStartAsync(start.Instance, cancellationToken);
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
                if (!shutdown.ByAgent)
                    await _hypervisor.ShutdownAsync(action.Instance, cancellationToken);
                else if (!await IsAskedAsync(_hypervisor.ShutdownByAgentAsync(action.Instance, cancellationToken), action))
                    // It may have gone off while its agent was asked.
                    await IgnoreAsync(_hypervisor.ShutdownAsync(action.Instance, cancellationToken), HypervisorFailure.WrongState);
                break;
            case InstanceAction.PowerOff:
                await PowerOffAsync(action.Instance, cancellationToken);
                break;
            case InstanceAction.Plug plug:
                await _hypervisor.AttachDeviceAsync(plug.Instance, CardXml.For(plug.Card).ToString(), cancellationToken);
                break;
            case InstanceAction.Unplug unplug:
                // Gone already is what was wanted.
                await IgnoreAsync(
                    _hypervisor.DetachDeviceAsync(unplug.Instance, DeviceAlias.Of(unplug.Vnic), cancellationToken),
                    HypervisorFailure.NoSuchDevice);
                break;
            case InstanceAction.SetLink link:
                await _hypervisor.UpdateDeviceAsync(link.Instance, CardXml.WithLink(link.Card, link.IsUp).ToString(), cancellationToken);
                break;
            case InstanceAction.Reset:
                await _hypervisor.ResetAsync(action.Instance, cancellationToken);
                break;
            case InstanceAction.Reboot reboot:
                if (!reboot.ByAgent || !await IsAskedAsync(_hypervisor.RebootByAgentAsync(action.Instance, cancellationToken), action))
                    await _hypervisor.RebootAsync(action.Instance, cancellationToken);
                break;
            case InstanceAction.SetVcpus set:
                await _hypervisor.SetVcpusAsync(set.Instance, set.Count, cancellationToken);
                break;
            case InstanceAction.SetMemory set:
                await _hypervisor.SetMemoryAsync(set.Instance, set.Size, cancellationToken);
                break;
            case InstanceAction.SetMark set:
                await _hypervisor.SetMarkAsync(set.Mark, cancellationToken);
                break;
            case InstanceAction.DiskChange change:
                await ChangeAsync(change, cancellationToken);
                break;
            case InstanceAction.Send send:
                await _migrations.SendAsync(send.Order, cancellationToken);
                break;
            case InstanceAction.Depart depart:
                if (depart.Definition is { } definition)
                    await _hypervisor.DefineAsync(depart.Instance, definition.Xml, cancellationToken);
                await _hypervisor.SetMarkAsync(depart.Mark, cancellationToken);
                break;
            case InstanceAction.Keep keep:
                await KeepAsync(keep, cancellationToken);
                break;
            case InstanceAction.Take take:
                foreach (var preparation in _preparations)
                    await preparation.BeforeGoingOnAsync(take.Instance, cancellationToken);
                await _hypervisor.SetMarkAsync(take.Mark, cancellationToken);
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

    /// <summary>Whether an agent was asked; one that does not answer is as good as none.</summary>
    private async Task<bool> IsAskedAsync(Task asking, InstanceAction action)
    {
        try
        {
            await asking;
            return true;
        }
        catch (HypervisorException exception) when (exception.Failure is HypervisorFailure.Failed or HypervisorFailure.Busy)
        {
            LogNoAgent(action, exception.Message);
            return false;
        }
    }

    private Task ChangeAsync(InstanceAction.DiskChange change, CancellationToken cancellationToken) => change switch
    {
        InstanceAction.PlugDisk plug =>
            _hypervisor.AttachDeviceAsync(plug.Instance, DiskXml.For(plug.Disk).ToString(), cancellationToken),
        // Gone already is what was wanted.
        InstanceAction.UnplugDisk unplug => IgnoreAsync(
            _hypervisor.DetachDeviceAsync(unplug.Instance, DeviceAlias.Of(unplug.Vdisk), cancellationToken), HypervisorFailure.NoSuchDevice),
        InstanceAction.ChangeMedium medium => _hypervisor.UpdateDeviceAsync(
            medium.Instance, DiskXml.WithMedium(medium.Drive, medium.Medium).ToString(), cancellationToken),
        InstanceAction.LimitDisk limit =>
            _hypervisor.LimitDiskAsync(limit.Instance, limit.Disk.Target, limit.Limits, cancellationToken),
        InstanceAction.GrowDisk grow =>
            _hypervisor.GrowDiskAsync(grow.Instance, grow.Disk.Target, grow.Size << 20, cancellationToken),
        _ => throw new InvalidOperationException($"Nobody carries out {change}."),
    };

    private async Task KeepAsync(InstanceAction.Keep keep, CancellationToken cancellationToken)
    {
        if (keep.ResumeFirst)
        {
            // What the hypervisor still works at is its own to let go on.
            if (await _hypervisor.GetMigrationAsync(keep.Instance, cancellationToken) is not null)
                throw new MigrationException("The hypervisor is still at work on it.");
            await _hypervisor.ResumeAsync(keep.Instance, cancellationToken);
        }
        await _hypervisor.SetMarkAsync(keep.Mark, cancellationToken);
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

    [LoggerMessage(EventId = 3008, Level = LogLevel.Information, Message = "The power button instead: {Action}: {Message}")]
    private partial void LogNoAgent(InstanceAction action, string message);
}
