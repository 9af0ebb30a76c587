using PonyCloud.Twilight.Hypervisor;

namespace PonyCloud.TestKit.Hypervisor;

/// <summary>Copying to another hypervisor in memory.</summary>
public sealed partial class FakeHypervisor
{
    /// <summary>Where domains are copied to, whatever the target says; null while the other one cannot be reached.</summary>
    public FakeHypervisor? Peer { get; set; }

    /// <summary>Whether the very end of a copying is lost: the copy is whole, and the domain goes on here.</summary>
    public bool LosesEnds { get; set; }

    /// <summary>How far each copying has come.</summary>
    public MigrationProgress Progress { get; set; } = new(10, 100, 90);

    public async Task MigrateAsync(Guid domain, MigrationTarget target, CancellationToken cancellationToken)
    {
        var peer = Peer ?? throw new HypervisorException(HypervisorFailure.Failed, 38, "The other hypervisor cannot be reached.");
        var isWhole = false;
        FindRunning(domain);
        peer.Receive(domain, target.Xml);
        lock (_gate)
            _migrations.Add(domain);
        try
        {
            await CallAsync("migrate", domain, () =>
            {
                cancellationToken.ThrowIfCancellationRequested();
                isWhole = true;
                peer.Complete(domain);
                if (LosesEnds)
                    throw new HypervisorException(HypervisorFailure.Failed, 1, "The client socket is closed.");
                FindOn(domain).Set(DomainState.Off, DomainReason.Migrated);
                return "stopped";
            }, cancellationToken);
        }
        finally
        {
            lock (_gate)
                _migrations.Remove(domain);
            if (!isWhole)
                peer.Drop(domain);
        }
    }

    public Task<MigrationProgress?> GetMigrationAsync(Guid domain, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        lock (_gate)
        {
            ThrowIfDown();
            Find(domain);
            return Task.FromResult(_migrations.Contains(domain) ? Progress : null);
        }
    }

    public Task<string> GetLiveXmlAsync(Guid domain, CancellationToken cancellationToken) => GetXmlAsync(domain, cancellationToken);

    private readonly HashSet<Guid> _migrations = [];

    private void FindRunning(Guid domain)
    {
        lock (_gate)
        {
            ThrowIfDown();
            FindOn(domain);
        }
    }

    private void Receive(Guid domain, string xml)
    {
        var copy = FakeDomain.Incoming(xml);
        lock (_gate)
        {
            ThrowIfDown();
            Require(_domains.GetValueOrDefault(domain)?.Observed.State is null or DomainState.Off, "is running there");
            _domains[domain] = copy;
        }
        Tell(domain, "started");
    }

    private void Complete(Guid domain)
    {
        lock (_gate)
        {
            if (_domains.GetValueOrDefault(domain) is not { Observed.State: DomainState.Paused } copy)
                throw new HypervisorException(HypervisorFailure.Failed, 1, "The copy is gone.");
            copy.Set(DomainState.Paused, DomainReason.PausedByOrder);
        }
        Tell(domain, "suspended");
    }

    private void Drop(Guid domain)
    {
        lock (_gate)
            _domains.Remove(domain);
        Tell(domain, "stopped");
    }
}
