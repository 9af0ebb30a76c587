using System.Threading.Channels;
using PonyCloud.Twilight.Hypervisor;

namespace PonyCloud.Simulation.Tests.Parts;

/// <summary>The hypervisor as one agent reaches it. What the agent began goes on when it is killed; its answers do not come.</summary>
internal sealed class AgentHypervisor(World world, AgentProcess agent) : IHypervisor
{
    private readonly Dictionary<Guid, int> _unsettled = [];
    private readonly SimulatedHypervisor _domains = agent.Machine.Domains;

    public HypervisorConnection Connection { get; } = HypervisorConnection.Up("QEMU");

    public ChannelReader<HypervisorEvent> Events => throw new NotSupportedException("The simulation wakes the agent itself.");

    public DomainScan Scan() => new([.. _domains.All.Select(domain => domain.Observed)], _unsettled.Keys.ToHashSet());

    public Task<DomainScan> ScanAsync(CancellationToken cancellationToken) => Task.FromResult(Scan());

    public Task DefineAsync(Guid domain, string xml, CancellationToken cancellationToken) => CallAsync("define", domain, cancellationToken, xml);

    public Task StartAsync(Guid domain, bool paused, CancellationToken cancellationToken) =>
        CallAsync(paused ? "start paused" : "start", domain, cancellationToken);

    public Task SuspendAsync(Guid domain, CancellationToken cancellationToken) => CallAsync("suspend", domain, cancellationToken);

    public Task ResumeAsync(Guid domain, CancellationToken cancellationToken) => CallAsync("resume", domain, cancellationToken);

    public Task ShutdownAsync(Guid domain, CancellationToken cancellationToken) => CallAsync("shutdown", domain, cancellationToken);

    public Task ShutdownByAgentAsync(Guid domain, CancellationToken cancellationToken) => throw new NotSupportedException("No guest has an agent.");

    public Task RebootByAgentAsync(Guid domain, CancellationToken cancellationToken) => throw new NotSupportedException("No guest has an agent.");

    public Task<IReadOnlyList<string>> ReadAddressesAsync(Guid domain, CancellationToken cancellationToken) =>
        throw new NotSupportedException("No guest has an agent.");

    public Task ResetAsync(Guid domain, CancellationToken cancellationToken) => throw new NotSupportedException("Nobody orders restarts.");

    public Task RebootAsync(Guid domain, CancellationToken cancellationToken) => throw new NotSupportedException("Nobody orders restarts.");

    public Task SetVcpusAsync(Guid domain, int count, CancellationToken cancellationToken) => throw new NotSupportedException("Nobody has room to grow.");

    public Task SetMemoryAsync(Guid domain, long size, CancellationToken cancellationToken) => throw new NotSupportedException("Nobody has room to grow.");

    public Task SetMarkAsync(DomainMetadata mark, CancellationToken cancellationToken) => throw new NotSupportedException("Nobody orders restarts.");

    public Task MigrateAsync(Guid domain, MigrationTarget target, CancellationToken cancellationToken) =>
        throw new NotSupportedException("Nobody orders moves.");

    public Task<MigrationProgress?> GetMigrationAsync(Guid domain, CancellationToken cancellationToken) =>
        throw new NotSupportedException("Nobody orders moves.");

    public Task<string> GetLiveXmlAsync(Guid domain, CancellationToken cancellationToken) => throw new NotSupportedException("Nobody asks for it.");

    public Task DestroyAsync(Guid domain, CancellationToken cancellationToken) => CallAsync("destroy", domain, cancellationToken);

    public Task UndefineAsync(Guid domain, CancellationToken cancellationToken) => CallAsync("undefine", domain, cancellationToken);

    public Task AttachDeviceAsync(Guid domain, string xml, CancellationToken cancellationToken) =>
        throw new NotSupportedException("The instances have no cards.");

    public Task DetachDeviceAsync(Guid domain, string alias, CancellationToken cancellationToken) =>
        throw new NotSupportedException("The instances have no cards.");

    public Task UpdateDeviceAsync(Guid domain, string xml, CancellationToken cancellationToken) =>
        throw new NotSupportedException("The instances have no cards.");

    public Task LimitDiskAsync(Guid domain, string target, DiskLimits limits, CancellationToken cancellationToken) =>
        throw new NotSupportedException("The instances have no disks.");

    public Task GrowDiskAsync(Guid domain, string target, long bytes, CancellationToken cancellationToken) =>
        throw new NotSupportedException("The instances have no disks.");

    public Task TakeSnapshotAsync(Guid domain, string alias, string snapshot, CancellationToken cancellationToken) =>
        throw new NotSupportedException("The instances have no disks.");

    public Task RemoveSnapshotAsync(Guid domain, string alias, string snapshot, CancellationToken cancellationToken) =>
        throw new NotSupportedException("The instances have no disks.");

    public Task<bool> FreezeAsync(Guid domain, CancellationToken cancellationToken) =>
        throw new NotSupportedException("The instances have no disks.");

    public Task ThawAsync(Guid domain, CancellationToken cancellationToken) => throw new NotSupportedException("The instances have no disks.");

    public Task<IReadOnlyList<DomainStatistics>> ReadStatisticsAsync(CancellationToken cancellationToken) =>
        throw new NotSupportedException("Nobody asks for it.");

    public Task<string> GetXmlAsync(Guid domain, CancellationToken cancellationToken) => throw new NotSupportedException("Nobody asks for it.");

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private Task CallAsync(string call, Guid domain, CancellationToken cancellation, string? xml = null)
    {
        cancellation.ThrowIfCancellationRequested();
        var done = new TaskCompletionSource();
        if (agent.IsDead)
            return done.Task;
        int start;
        try
        {
            start = _domains.Begin(call, domain);
        }
        catch (HypervisorException e)
        {
            agent.Wake();
            return Task.FromException(e);
        }
        var isGivenUp = false;
        var registration = cancellation.Register(() =>
        {
            if (done.Task.IsCompleted)
                return;
            isGivenUp = true;
            _unsettled[domain] = _unsettled.GetValueOrDefault(domain) + 1;
            done.TrySetCanceled(cancellation);
            agent.Wake();
        });
        world.Agenda.After(Duration(call), () =>
        {
            HypervisorException? failure = null;
            try
            {
                _domains.Do(call, domain, xml, start);
            }
            catch (HypervisorException e)
            {
                failure = e;
            }
            world.Trace.Say($"{agent.Machine.Name}: {call} {domain} ended, {failure?.Message ?? "done"}");
            agent.Machine.Agent?.Wake();
            if (agent.IsDead)
                return;
            if (isGivenUp)
                Settle(domain);
            else if (failure is null)
                done.TrySetResult();
            else
                done.TrySetException(failure);
            registration.Dispose();
        });
        return done.Task;
    }

    private void Settle(Guid domain)
    {
        if (--_unsettled[domain] == 0)
            _unsettled.Remove(domain);
    }

    private TimeSpan Duration(string call) => call switch
    {
        "start" or "start paused" => world.Chance.Hits(0.1) ? world.Chance.Seconds(3, 25) : world.Chance.Seconds(0.1, 2),
        "destroy" => world.Chance.Seconds(0.01, 0.5),
        _ => world.Chance.Seconds(0.001, 0.05),
    };
}
