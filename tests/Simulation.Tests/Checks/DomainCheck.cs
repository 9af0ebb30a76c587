using PonyCloud.Shared.Entities;
using PonyCloud.Simulation.Tests.Kernel;
using PonyCloud.Simulation.Tests.Parts;
using PonyCloud.Twilight.Reconciliation;
using PonyCloud.Twilight.Session;

namespace PonyCloud.Simulation.Tests.Checks;

/// <summary>What hosts do: nothing without an order, nothing against the last one, and never two of one instance.</summary>
internal sealed class DomainCheck(World world)
{
    /// <summary>An agent begins an action.</summary>
    public void Begins(Machine machine, SparkleLink link, InstanceAction action)
    {
        if (!link.IsDesiredKnown)
            throw new ViolationException($"{machine.Name}: {action}, before it knows any orders.");
        var place = link.Replica[world.Catalog["host_instance"]].Find(RowKey.Of(machine.Uuid.ToString(), action.Instance.ToString()));
        var isPlaced = place?.Desired is not null;
        var order = isPlaced ? link.Replica[world.Catalog["instance"]].Find(action.Instance)?.Desired as InstanceDesired : null;
        switch (action)
        {
            case InstanceAction.Start or InstanceAction.Resume when order is not { State: InstanceState.Running or InstanceState.Paused }:
                throw new ViolationException($"{machine.Name}: {action}, although the order for it was withdrawn.");
            case InstanceAction.Shutdown when order is not { State: InstanceState.Stopped }:
                throw new ViolationException($"{machine.Name}: {action}, although nobody ordered it to stop.");
            case InstanceAction.Remove when isPlaced || !WasWithdrawn(machine, action.Instance):
                throw new ViolationException($"{machine.Name}: {action}, although its place was never taken from it.");
        }
    }

    /// <summary>A domain goes on.</summary>
    public void Started(Machine machine, SimulatedDomain domain)
    {
        if (machine.GivenUp is not null)
        {
            domain.IsGivenUp = true;
            return;
        }
        foreach (var other in world.Machines.Where(other => other != machine))
        {
            if (other.Domains.Find(domain.Uuid) is { IsOn: true, IsGivenUp: false })
                throw new ViolationException($"Instance {domain.Uuid} starts on {machine.Name} while it is on on {other.Name}.");
        }
    }

    private bool WasWithdrawn(Machine machine, Guid instance) => world.Database.Withdrawn.Contains((machine.Uuid, instance));
}
