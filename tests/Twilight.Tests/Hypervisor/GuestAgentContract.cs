using NUnit.Framework;
using PonyCloud.TestKit.Processes;
using PonyCloud.Twilight.Hypervisor;

namespace PonyCloud.Twilight.Tests.Hypervisor;

/// <summary>What every hypervisor does with the agent in a guest.</summary>
[CancelAfter(600_000)]
public abstract class GuestAgentContract
{
    /// <summary>Which the guest has.</summary>
    protected const string Address = "192.0.2.7";

    protected abstract IHypervisor Hypervisor { get; }

    /// <summary>Starts a guest whose agent comes by itself.</summary>
    protected abstract Task StartAsync(Guid uuid, CancellationToken cancellationToken);

    /// <summary>Defines a guest that will never have one, though there is a line for it.</summary>
    protected abstract Task DefineWithoutAsync(Guid uuid, CancellationToken cancellationToken);

    [Test]
    public async Task A_guest_with_an_agent_tells_its_addresses_stands_still_restarts_and_goes_off(CancellationToken cancellationToken)
    {
        var uuid = Guid.NewGuid();
        try
        {
            await StartAsync(uuid, cancellationToken);
            await SeesAsync("its agent", uuid, domain => domain.HasAgent);
            await Eventually.SeesAsync("its address", _ => AddressesAsync(uuid, cancellationToken), said => said.Contains(Address), AgentGuest.BootLimit);

            Assert.That(await Hypervisor.FreezeAsync(uuid, cancellationToken));
            await Hypervisor.ThawAsync(uuid, cancellationToken);
            await Hypervisor.ThawAsync(uuid, cancellationToken);

            await Hypervisor.RebootByAgentAsync(uuid, cancellationToken);
            await SeesAsync("it restarts", uuid, domain => domain.Restarts > 0);
            await Eventually.SeesAsync("its address again", _ => AddressesAsync(uuid, cancellationToken), said => said.Contains(Address), AgentGuest.BootLimit);

            await Hypervisor.ShutdownByAgentAsync(uuid, cancellationToken);
            await SeesAsync("it is off", uuid, domain => domain is { State: DomainState.Off, Reason: DomainReason.GuestPoweredOff, HasAgent: false });
        }
        finally
        {
            await RemoveAsync(uuid);
        }
    }

    [Test]
    public async Task Where_no_agent_is_nobody_can_be_asked(CancellationToken cancellationToken)
    {
        var uuid = Guid.NewGuid();
        try
        {
            await DefineWithoutAsync(uuid, cancellationToken);
            Assert.That(await FailureAsync(() => Hypervisor.ReadAddressesAsync(uuid, cancellationToken)), Is.EqualTo(HypervisorFailure.WrongState));
            Assert.That(await FailureAsync(() => Hypervisor.ShutdownByAgentAsync(uuid, cancellationToken)), Is.EqualTo(HypervisorFailure.WrongState));
            await Hypervisor.StartAsync(uuid, paused: false, cancellationToken);

            Assert.That(await FailureAsync(() => Hypervisor.ReadAddressesAsync(uuid, cancellationToken)), Is.EqualTo(HypervisorFailure.Failed));
            Assert.That(await FailureAsync(() => Hypervisor.ShutdownByAgentAsync(uuid, cancellationToken)), Is.EqualTo(HypervisorFailure.Failed));
            Assert.That(await FailureAsync(() => Hypervisor.RebootByAgentAsync(uuid, cancellationToken)), Is.EqualTo(HypervisorFailure.Failed));
            Assert.That((await Hypervisor.ScanAsync(cancellationToken)).Domains.Single(domain => domain.Uuid == uuid).HasAgent, Is.False);
        }
        finally
        {
            await RemoveAsync(uuid);
        }
    }

    protected Task<ObservedDomain> SeesAsync(string what, Guid uuid, Func<ObservedDomain, bool> holds) => Eventually.SeesAsync(
        what, async limit => (await Hypervisor.ScanAsync(limit)).Domains.Single(domain => domain.Uuid == uuid), holds, AgentGuest.BootLimit);

    /// <summary>Nothing while the agent does not answer.</summary>
    private async Task<IReadOnlyList<string>> AddressesAsync(Guid uuid, CancellationToken cancellationToken)
    {
        try
        {
            return await Hypervisor.ReadAddressesAsync(uuid, cancellationToken);
        }
        catch (HypervisorException exception) when (exception.Failure is HypervisorFailure.Failed or HypervisorFailure.TimedOut or HypervisorFailure.Busy)
        {
            return [];
        }
    }

    protected async Task RemoveAsync(Guid uuid)
    {
        foreach (var call in (Func<Guid, CancellationToken, Task>[])[Hypervisor.DestroyAsync, Hypervisor.UndefineAsync])
        {
            try
            {
                await call(uuid, CancellationToken.None);
            }
            catch (HypervisorException exception) when (exception.Failure is HypervisorFailure.NoSuchDomain or HypervisorFailure.WrongState)
            {
                TestContext.Out.WriteLine($"Already so: {exception.Message}");
            }
        }
    }

    protected static async Task<HypervisorFailure?> FailureAsync(Func<Task> call)
    {
        try
        {
            await call();
            return null;
        }
        catch (HypervisorException exception)
        {
            return exception.Failure;
        }
    }
}
