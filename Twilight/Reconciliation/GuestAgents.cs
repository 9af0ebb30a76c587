using Microsoft.Extensions.Logging;
using PonyCloud.Shared.Entities;
using PonyCloud.Shared.Reconciliation;
using PonyCloud.Twilight.Hypervisor;

namespace PonyCloud.Twilight.Reconciliation;

/// <summary>
/// Asks the agents in guests what addresses these have, one after the other; those that have answered before go first. When each is due
/// <see cref="AgentMemory"/> says.
/// </summary>
/// <remarks>
/// A loop of its own, so that an agent which does not answer holds up only those that are not asked meanwhile, and for seconds. A guest
/// that was on when the agent of the host came up is thawed once, before it is asked: an earlier one may have ended between a freeze and
/// its thaw. A snapshot that is taken in that very moment is what a power cut would leave.
/// </remarks>
public sealed partial class GuestAgents
{
    private readonly IHypervisor _hypervisor;
    private readonly Action _changed;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly ReconcilerLoop _loop;
    private readonly long _epoch;
    private readonly Lock _gate = new();
    private readonly Dictionary<Guid, AgentMemory> _agents = [];
    private readonly HashSet<Guid> _paused = [];
    private HashSet<Guid>? _older;

    /// <param name="changed">Called on any thread when other addresses are known.</param>
    public GuestAgents(IHypervisor hypervisor, Action changed, TimeProvider time, ILogger<GuestAgents> logger)
    {
        _hypervisor = hypervisor;
        _changed = changed;
        _time = time;
        _logger = logger;
        _epoch = time.GetTimestamp();
        _loop = new ReconcilerLoop("guest agents", AskAsync, new ReconcilerLoopOptions(), time, logger);
    }

    private TimeSpan Now => _time.GetElapsedTime(_epoch);

    /// <summary>What the guests are known to have; nothing of those without an agent that answers.</summary>
    public IReadOnlyDictionary<Guid, TextList> Addresses
    {
        get
        {
            lock (_gate)
                return _agents.Where(agent => agent.Value.Addresses is not null).ToDictionary(agent => agent.Key, agent => agent.Value.Addresses!);
        }
    }

    /// <summary>Who has an agent now, as a look at the host shows.</summary>
    public void Observe(DomainScan scan)
    {
        var own = scan.Domains.Where(domain => DomainMetadata.Of(domain) is not null).ToDictionary(domain => domain.Uuid);
        var isNew = false;
        lock (_gate)
        {
            var on = own.Values.Where(domain => domain.State != DomainState.Off).Select(domain => domain.Uuid).ToHashSet();
            _older ??= on;
            _older.IntersectWith(on);
            _paused.Clear();
            _paused.UnionWith(own.Values.Where(domain => domain.State != DomainState.Running).Select(domain => domain.Uuid));
            foreach (var gone in _agents.Keys.Where(uuid => !own.TryGetValue(uuid, out var domain) || !IsReachable(domain)).ToList())
                _agents.Remove(gone);
            foreach (var uuid in own.Values.Where(IsReachable).Select(domain => domain.Uuid))
                isNew |= _agents.TryAdd(uuid, AgentMemory.Connected(_older.Contains(uuid), Now));
        }
        if (isNew)
            _loop.Wake("agents connected");
    }

    /// <summary>Asks until cancelled.</summary>
    /// <exception cref="OperationCanceledException">Cancelled; the only way out.</exception>
    public Task RunAsync(CancellationToken cancellationToken) => _loop.RunAsync(cancellationToken);

    private static bool IsReachable(ObservedDomain domain) => domain.HasAgent && domain.State != DomainState.Off;

    private async Task<ReconcileResult> AskAsync(IReadOnlyList<string> reasons, CancellationToken cancellationToken)
    {
        while (Next() is { } next)
        {
            if (next.Agent.AskAt > Now)
                return new ReconcileResult(next.Agent.AskAt - Now, "time is up");
            Become(next.Domain, next.Agent, await AskAsync(next.Domain, next.Agent, cancellationToken));
        }
        return ReconcileResult.Settled;
    }

    private (Guid Domain, AgentMemory Agent)? Next()
    {
        lock (_gate)
        {
            // One that stands still cannot answer.
            var awake = _agents.Where(agent => !_paused.Contains(agent.Key)).ToList();
            var due = awake.Where(agent => agent.Value.AskAt <= Now).OrderBy(agent => agent.Value.Failures).ThenBy(agent => agent.Value.AskAt).ToList();
            var next = due.Count > 0 ? due : awake.OrderBy(agent => agent.Value.AskAt).ToList();
            return next.Count > 0 ? (next[0].Key, next[0].Value) : null;
        }
    }

    private async Task<AgentMemory> AskAsync(Guid domain, AgentMemory agent, CancellationToken cancellationToken)
    {
        try
        {
            if (agent.MayBeFrozen)
            {
                await _hypervisor.ThawAsync(domain, cancellationToken);
                agent = agent.Thawed();
                lock (_gate)
                    _older?.Remove(domain);
            }
            return agent.Answered(await _hypervisor.ReadAddressesAsync(domain, cancellationToken), Now);
        }
        catch (HypervisorException exception)
        {
            LogSilent(domain, exception.Message);
            return agent.Silenced(Now);
        }
    }

    private void Become(Guid domain, AgentMemory before, AgentMemory after)
    {
        lock (_gate)
        {
            // It has gone, and perhaps come again, while it was asked: then it is asked anew.
            if (!_agents.TryGetValue(domain, out var current) || !ReferenceEquals(current, before))
                return;
            _agents[domain] = after;
        }
        if (!Equals(before.Addresses, after.Addresses))
            _changed();
    }

    [LoggerMessage(EventId = 3401, Level = LogLevel.Debug, Message = "The agent in the guest {Domain} does not answer: {Why}")]
    private partial void LogSilent(Guid domain, string why);
}
