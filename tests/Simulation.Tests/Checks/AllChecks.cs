using PonyCloud.Shared.Entities;
using PonyCloud.Simulation.Tests.Kernel;
using PonyCloud.Simulation.Tests.Parts;

namespace PonyCloud.Simulation.Tests.Checks;

/// <summary>All that is looked at after every step.</summary>
internal sealed class AllChecks(World world)
{
    // One active session and four that claim to be the host.
    private const int SessionsMax = 5;

    public DesiredCheck Desired { get; } = new(world);

    public CurrentCheck Current { get; } = new(world);

    public DomainCheck Domains { get; } = new(world);

    public void HeardFrom(AgentProcess agent) => Current.HeardFrom(agent);

    public void AfterStep()
    {
        Desired.AfterStep();
        Current.AfterStep();
        if (world.Sparkle?.Snapshot is { } state)
        {
            var hosts = state[world.Catalog["host"]].Rows.Count(row => row.Desired is not null);
            if (world.Sparkle.Registry.SessionCount > hosts * SessionsMax)
                throw new ViolationException($"I6: {world.Sparkle.Registry.SessionCount} sessions for {hosts} hosts.");
            if (world.Sparkle.Registry.AskedCount > world.ResyncsAtOnce)
                throw new ViolationException($"I5: {world.Sparkle.Registry.AskedCount} hosts are asked for everything at once.");
        }
    }

    /// <summary>What is not in step between Sparkle and the hosts; null when everything is (I4).</summary>
    public string? NotReplicated()
    {
        if (world.Sparkle is not { Link.IsUp: true, Snapshot: { } state } sparkle)
            return "Sparkle is not up.";
        if (sparkle.Link.Version != world.Database.Version)
            return "Sparkle has not come to the newest version.";
        foreach (var machine in world.Machines.Where(machine => world.Database.IsThere(machine.Uuid)))
        {
            var held = DesiredCheck.Held(world.Catalog, machine.Agent!.Link.Replica);
            var meant = new PonyCloud.Sparkle.Placement.ScopeResolver(world.Catalog).RowsOf(state, machine.Uuid.ToString());
            if (!DesiredCheck.AreSame(held, meant))
                return $"{machine.Name} does not hold the desired rows that it is meant to have.";
            if (machine.Reports.Count == 0 || !DesiredCheck.AreSame(CurrentCheck.Shown(world.Catalog, state, machine.Uuid), machine.Reports[^1]))
                return $"Sparkle does not show what {machine.Name} reports.";
            if (state[world.Catalog["host"]].Find(machine.Uuid)?.Current is not HostCurrent { Status: HostStatus.Present })
                return $"{machine.Name} is not shown as present.";
        }
        return null;
    }

    /// <summary>Which order is not carried out; null when all are.</summary>
    public string? NotObeyed()
    {
        var state = world.Database.Newest;
        var wanted = new HashSet<(Machine, Guid)>();
        foreach (var row in state[world.Catalog["instance"]].Rows)
        {
            var order = (InstanceDesired)row.Desired!;
            var place = state[world.Catalog["host_instance"]].Rows.SingleOrDefault(place => place.Key.Parts[1] == row.Key.Text);
            if (place is null)
            {
                var isApproved = order.Tenant is { } tenant && state[world.Catalog["tenant"]].Find(tenant)?.Desired is TenantDesired { Approved: true };
                if (order.State != InstanceState.Stopped && isApproved)
                    return $"Instance {order.Uuid} has no place.";
                continue;
            }
            var machine = world.Machines.Single(machine => machine.Uuid.ToString() == place.Key.Parts[0]);
            wanted.Add((machine, order.Uuid));
            var domain = machine.Domains.Find(order.Uuid);
            var isAsOrdered = order.State switch
            {
                InstanceState.Running => domain?.State == Twilight.Hypervisor.DomainState.Running,
                InstanceState.Paused => domain?.State == Twilight.Hypervisor.DomainState.Paused,
                _ => domain is not null && !domain.IsOn,
            };
            if (!isAsOrdered)
                return $"Instance {order.Uuid} is to be {order.State} on {machine.Name} and is {domain?.State.ToString() ?? "not there"}.";
        }
        foreach (var machine in world.Machines.Where(machine => world.Database.IsThere(machine.Uuid)))
        {
            if (machine.Domains.All.FirstOrDefault(domain => !wanted.Contains((machine, domain.Uuid))) is { } left)
                return $"Nobody wants {left.Uuid} on {machine.Name} any more.";
        }
        return null;
    }
}
