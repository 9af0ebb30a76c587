using PonyCloud.Twilight.Hypervisor;

namespace PonyCloud.TestKit.Hypervisor;

public sealed partial class FakeHypervisor
{
    private readonly Dictionary<Guid, IReadOnlyList<string>> _addresses = [];

    /// <summary>Whether agents do what they are asked for; otherwise they answer and that is all.</summary>
    public bool AgentsObey { get; set; } = true;

    /// <summary>An agent in the guest of a domain that is on comes, or goes.</summary>
    /// <param name="addresses">What it will say; null when it goes.</param>
    public void SetAgent(Guid domain, params string[]? addresses)
    {
        lock (_gate)
            _addresses[domain] = addresses ?? [];
        Change(domain, addresses is null ? "agent disconnected" : "agent connected", found => found.SetAgent(addresses is not null));
    }

    public Task ShutdownByAgentAsync(Guid domain, CancellationToken cancellationToken) => AskAsync("agent-shutdown", domain, found =>
    {
        if (!AgentsObey)
            return null;
        found.Set(DomainState.Off, DomainReason.GuestPoweredOff);
        return "shut down";
    }, cancellationToken);

    public Task RebootByAgentAsync(Guid domain, CancellationToken cancellationToken) => AskAsync("agent-reboot", domain, found =>
    {
        if (!AgentsObey)
            return null;
        found.Restart();
        return "restarted";
    }, cancellationToken);

    public async Task<IReadOnlyList<string>> ReadAddressesAsync(Guid domain, CancellationToken cancellationToken)
    {
        IReadOnlyList<string> addresses = [];
        await AskAsync("addresses", domain, _ =>
        {
            addresses = _addresses.GetValueOrDefault(domain, []);
            return null;
        }, cancellationToken);
        return addresses;
    }

    public async Task<bool> FreezeAsync(Guid domain, CancellationToken cancellationToken)
    {
        await CallAsync("freeze", domain, () =>
        {
            FindOn(domain);
            return null;
        }, cancellationToken);
        return GuestsHaveAgents;
    }

    public Task ThawAsync(Guid domain, CancellationToken cancellationToken) => CallAsync("thaw", domain, () =>
    {
        FindOn(domain);
        return null;
    }, cancellationToken);

    private Task AskAsync(string call, Guid domain, Func<FakeDomain, string?> effect, CancellationToken cancellationToken) => CallAsync(
        call, domain,
        () =>
        {
            var found = FindOn(domain);
            return found.Observed is { HasAgent: true, State: DomainState.Running }
                ? effect(found)
                : throw new HypervisorException(HypervisorFailure.Failed, 86, "No agent answers in the guest.");
        },
        cancellationToken, leavesUnsettled: false);
}
