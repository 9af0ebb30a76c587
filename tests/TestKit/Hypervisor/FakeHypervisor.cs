using System.Threading.Channels;
using PonyCloud.Twilight.Hypervisor;

namespace PonyCloud.TestKit.Hypervisor;

/// <summary>
/// A hypervisor in memory that behaves as the contract suite says. Calls can be held at a gate and made to fail, and
/// guests can be made to do what guests do.
/// </summary>
public sealed partial class FakeHypervisor : IHypervisor
{
    private readonly Lock _gate = new();
    private readonly Dictionary<Guid, FakeDomain> _domains = [];
    private readonly Dictionary<Guid, int> _unsettled = [];
    private readonly Dictionary<(string Call, Guid Domain), Gate> _gates = [];
    private readonly Dictionary<(string Call, Guid Domain), Queue<HypervisorException>> _failures = [];
    private readonly List<string> _calls = [];
    private readonly Channel<HypervisorEvent> _events = Channel.CreateUnbounded<HypervisorEvent>();
    private HypervisorConnection _connection = HypervisorConnection.Up("Fake 1.0.0");

    public HypervisorConnection Connection
    {
        get
        {
            lock (_gate)
                return _connection;
        }
    }

    public ChannelReader<HypervisorEvent> Events => _events.Reader;

    /// <summary>Whether guests turn themselves off when their power button is pressed.</summary>
    public bool GuestsObeyPowerButton { get; set; } = true;

    /// <summary>Whether guests that run let go of devices when they are asked to, now or at the next time that they are asked.</summary>
    public bool GuestsReleaseDevices { get; set; } = true;

    /// <summary>Whether somebody in each guest can hold its file systems.</summary>
    public bool GuestsHaveAgents { get; set; }

    /// <summary>Whether guests that run take and give back memory when they are asked to.</summary>
    public bool GuestsFollowBalloon { get; set; } = true;

    /// <summary>The calls that change something, in the order in which they began, such as <c>start UUID</c>.</summary>
    public IReadOnlyList<string> Calls
    {
        get
        {
            lock (_gate)
                return [.. _calls];
        }
    }

    /// <summary>The domains as they are, whatever the connection.</summary>
    public IReadOnlyDictionary<Guid, ObservedDomain> Domains
    {
        get
        {
            lock (_gate)
                return _domains.ToDictionary(domain => domain.Key, domain => domain.Value.Observed);
        }
    }

    /// <summary>Holds the next calls of this name for this domain until the gate is opened.</summary>
    /// <param name="call">define, start, suspend, resume, shutdown, reset, reboot, mark, destroy, undefine, attach, detach, update, limit, grow, snapshot, unsnapshot, freeze, thaw, migrate, agent-shutdown, agent-reboot or addresses.</param>
    public Gate Hold(string call, Guid domain)
    {
        var gate = new Gate();
        lock (_gate)
            _gates[(call, domain)] = gate;
        return gate;
    }

    /// <summary>Lets the next call of this name for this domain fail.</summary>
    public void Fail(string call, Guid domain, string message)
    {
        lock (_gate)
        {
            if (!_failures.TryGetValue((call, domain), out var queue))
                _failures.Add((call, domain), queue = new Queue<HypervisorException>());
            queue.Enqueue(new HypervisorException(HypervisorFailure.Failed, 1, message));
        }
    }

    /// <summary>The guest, or somebody at the machine, puts the domain into a state.</summary>
    public void Put(Guid domain, DomainState state, DomainReason reason) => Change(domain, "put", found => found.Set(state, reason));

    /// <summary>The same, with what is told of it.</summary>
    public void Put(Guid domain, DomainState state, DomainReason reason, DomainCause cause) =>
        Change(domain, "put", found => found.Set(state, reason, cause));

    /// <summary>Something is told of a domain.</summary>
    public void TellOf(Guid domain, string what) => Tell(domain, what);

    /// <summary>Somebody else defines a domain.</summary>
    public void AddForeign(Guid uuid, string name, DomainState state)
    {
        lock (_gate)
        {
            _domains[uuid] = new FakeDomain(new ObservedDomain { Uuid = uuid, Name = name, State = state, Vcpu = 1, Memory = 64 }, "<domain/>");
        }
        Tell(uuid, "defined");
    }

    public void Disconnect(string why) => Become(HypervisorConnection.Down(why));

    public void Reconnect() => Become(HypervisorConnection.Up("Fake 1.0.0"));

    public Task<DomainScan> ScanAsync(CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        lock (_gate)
        {
            ThrowIfDown();
            return Task.FromResult(new DomainScan(
                [.. _domains.Values.Select(domain => domain.Observed)], _unsettled.Keys.ToHashSet()));
        }
    }

    public Task DefineAsync(Guid domain, string xml, CancellationToken cancellationToken) => CallAsync("define", domain, () =>
    {
        var defined = FakeDomain.Parse(xml);
        if (_domains.Values.Any(other => other.Observed.Name == defined.Observed.Name && other.Observed.Uuid != domain))
            throw new HypervisorException(HypervisorFailure.Failed, 9, $"A domain {defined.Observed.Name} exists with another uuid.");
        _domains[domain] = _domains.TryGetValue(domain, out var present) ? present.Redefined(defined) : defined;
        return "defined";
    }, cancellationToken);

    public Task StartAsync(Guid domain, bool paused, CancellationToken cancellationToken) => CallAsync("start", domain, () =>
    {
        var found = Find(domain);
        Require(found.Observed.State == DomainState.Off, "is running already");
        found.Boot(paused);
        return "started";
    }, cancellationToken);

    public Task SuspendAsync(Guid domain, CancellationToken cancellationToken) => CallAsync("suspend", domain, () =>
    {
        var found = Find(domain);
        Require(found.Observed.State is DomainState.Running or DomainState.Paused, "is not running");
        if (found.Observed.State == DomainState.Running)
            found.Set(DomainState.Paused, DomainReason.PausedByOrder);
        return "suspended";
    }, cancellationToken);

    public Task ResumeAsync(Guid domain, CancellationToken cancellationToken) => CallAsync("resume", domain, () =>
    {
        var found = Find(domain);
        Require(found.Observed.State is DomainState.Running or DomainState.Paused, "is not running");
        found.Set(DomainState.Running, DomainReason.Other);
        LetGo(found);
        return "resumed";
    }, cancellationToken);

    public Task ShutdownAsync(Guid domain, CancellationToken cancellationToken) => CallAsync("shutdown", domain, () =>
    {
        var found = Find(domain);
        Require(found.Observed.State != DomainState.Off, "is not running");
        if (GuestsObeyPowerButton && found.Observed.State == DomainState.Running)
            found.Set(DomainState.Off, DomainReason.GuestPoweredOff);
        return "shut down";
    }, cancellationToken);

    public Task ResetAsync(Guid domain, CancellationToken cancellationToken) => CallAsync("reset", domain, () =>
    {
        FindOn(domain).Restart();
        return "restarted";
    }, cancellationToken);

    public Task RebootAsync(Guid domain, CancellationToken cancellationToken) => CallAsync("reboot", domain, () =>
    {
        var found = FindOn(domain);
        if (!GuestsObeyPowerButton || found.Observed.State != DomainState.Running)
            return null;
        found.Restart();
        return "restarted";
    }, cancellationToken);

    public Task SetVcpusAsync(Guid domain, int count, CancellationToken cancellationToken) => CallAsync("vcpus", domain, () =>
    {
        var found = FindOn(domain);
        if (count > found.VcpuMax)
            throw new HypervisorException(HypervisorFailure.Failed, 8, "The domain cannot have so many processors.");
        found.Resize(count, found.Observed.Memory);
        return null;
    }, cancellationToken);

    public Task SetMemoryAsync(Guid domain, long size, CancellationToken cancellationToken) => CallAsync("memory", domain, () =>
    {
        var found = FindOn(domain);
        if (size > found.MemoryMax)
            throw new HypervisorException(HypervisorFailure.Failed, 8, "The domain cannot have so much memory.");
        if (!GuestsFollowBalloon || found.Observed.State != DomainState.Running)
            return null;
        found.Resize(found.Observed.Vcpu, size);
        return "memory changed";
    }, cancellationToken);

    public Task SetMarkAsync(DomainMetadata mark, CancellationToken cancellationToken) => CallAsync("mark", mark.Instance, () =>
    {
        Find(mark.Instance).SetMark(mark);
        return null;
    }, cancellationToken);

    public Task DestroyAsync(Guid domain, CancellationToken cancellationToken) => CallAsync("destroy", domain, () =>
    {
        var found = Find(domain);
        // As with the real one, a start that is held at its gate fails when the power is cut.
        if (_gates.TryGetValue(("start", domain), out var starting) && starting.HasArrived)
        {
            starting.Break();
            return "stopped";
        }
        Require(found.Observed.State != DomainState.Off, "is not running");
        found.Set(DomainState.Off, DomainReason.PowerCut);
        return "stopped";
    }, cancellationToken);

    public Task UndefineAsync(Guid domain, CancellationToken cancellationToken) => CallAsync("undefine", domain, () =>
    {
        var found = Find(domain);
        Require(found.Observed.State == DomainState.Off, "is running");
        _domains.Remove(domain);
        return "undefined";
    }, cancellationToken);

    public Task AttachDeviceAsync(Guid domain, string xml, CancellationToken cancellationToken) => CallAsync("attach", domain, () =>
    {
        FindOn(domain).Plug(FakeDevice.Parse(xml));
        return "device added";
    }, cancellationToken);

    public Task DetachDeviceAsync(Guid domain, string alias, CancellationToken cancellationToken) => CallAsync("detach", domain, () =>
    {
        var found = FindOn(domain);
        found.Asked.Add(found.DeviceOf(alias));
        LetGo(found);
        return null;
    }, cancellationToken);

    public Task UpdateDeviceAsync(Guid domain, string xml, CancellationToken cancellationToken) => CallAsync("update", domain, () =>
    {
        FindOn(domain).Update(FakeDevice.Parse(xml));
        return null;
    }, cancellationToken);

    public Task<IReadOnlyList<DomainStatistics>> ReadStatisticsAsync(CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        lock (_gate)
        {
            ThrowIfDown();
            return Task.FromResult<IReadOnlyList<DomainStatistics>>(
            [
                .. _domains.Values.Select(domain => domain.Observed).Where(domain => domain.State != DomainState.Off)
                    .Select(domain => new DomainStatistics { Uuid = domain.Uuid, Name = domain.Name, Memory = (ulong)domain.Memory << 20 }),
            ]);
        }
    }

    public Task<string> GetXmlAsync(Guid domain, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        lock (_gate)
        {
            ThrowIfDown();
            return Task.FromResult(Find(domain).Xml);
        }
    }

    public ValueTask DisposeAsync()
    {
        _events.Writer.TryComplete();
        return ValueTask.CompletedTask;
    }

    private static void Require(bool holds, string otherwise)
    {
        if (!holds)
            throw new HypervisorException(HypervisorFailure.WrongState, 55, $"The domain {otherwise}.");
    }

    private FakeDomain FindOn(Guid domain)
    {
        var found = Find(domain);
        Require(found.Observed.State != DomainState.Off, "is not running");
        return found;
    }

    /// <summary>A guest that stands still lets go of nothing, and does so when it goes on.</summary>
    private void LetGo(FakeDomain domain)
    {
        if (!GuestsReleaseDevices || domain.Observed.State != DomainState.Running || domain.Asked.Count == 0)
            return;
        domain.Release();
        Tell(domain.Observed.Uuid, "device removed");
    }

    /// <param name="effect">What it does; the event that tells of it, null when none does.</param>
    /// <param name="leavesUnsettled">Whether the domain is unsettled while a call goes on that was given up.</param>
    private async Task CallAsync(
        string call, Guid domain, Func<string?> effect, CancellationToken cancellationToken, bool leavesUnsettled = true)
    {
        cancellationToken.ThrowIfCancellationRequested();
        Gate? gate;
        lock (_gate)
        {
            ThrowIfDown();
            _calls.Add($"{call} {domain}");
            gate = _gates.GetValueOrDefault((call, domain));
        }
        var work = PerformAsync(call, domain, gate, effect);
        try
        {
            await work.WaitAsync(cancellationToken);
        }
        catch (OperationCanceledException) when (leavesUnsettled)
        {
            lock (_gate)
                _unsettled[domain] = _unsettled.GetValueOrDefault(domain) + 1;
            _ = work.ContinueWith(_ => Settle(domain), CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
            throw;
        }
    }

    private async Task PerformAsync(string call, Guid domain, Gate? gate, Func<string?> effect)
    {
        if (gate is not null)
            await gate.PassAsync();
        string? what;
        lock (_gate)
        {
            if (_gates.GetValueOrDefault((call, domain)) == gate)
                _gates.Remove((call, domain));
            if (gate?.IsBroken == true)
                throw new HypervisorException(HypervisorFailure.Failed, 1, "The domain was destroyed while it started.");
            if (_failures.TryGetValue((call, domain), out var queue) && queue.TryDequeue(out var failure))
                throw failure;
            what = effect();
        }
        if (what is not null)
            Tell(domain, what);
    }

    private void Settle(Guid domain)
    {
        lock (_gate)
        {
            if (--_unsettled[domain] > 0)
                return;
            _unsettled.Remove(domain);
        }
        _events.Writer.TryWrite(new HypervisorEvent.CallSettled(domain));
    }

    private void Change(Guid domain, string what, Action<FakeDomain> change)
    {
        lock (_gate)
            change(Find(domain));
        Tell(domain, what);
    }

    private void Become(HypervisorConnection connection)
    {
        lock (_gate)
            _connection = connection;
        _events.Writer.TryWrite(new HypervisorEvent.ConnectionChanged(connection));
    }

    private void Tell(Guid domain, string what) => _events.Writer.TryWrite(new HypervisorEvent.DomainChanged(domain, what));

    private FakeDomain Find(Guid domain) => _domains.GetValueOrDefault(domain)
        ?? throw new HypervisorException(HypervisorFailure.NoSuchDomain, 42, $"There is no domain {domain}.");

    private void ThrowIfDown()
    {
        if (!_connection.IsConnected)
            throw new HypervisorException(HypervisorFailure.Disconnected, 0, _connection.Why!);
    }
}
