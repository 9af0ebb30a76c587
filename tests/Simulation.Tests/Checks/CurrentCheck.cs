using PonyCloud.Shared.Entities;
using PonyCloud.Shared.State;
using PonyCloud.Simulation.Tests.Kernel;
using PonyCloud.Simulation.Tests.Parts;

namespace PonyCloud.Simulation.Tests.Checks;

/// <summary>
/// The reports on their way: what Sparkle shows of a host is always exactly one report of that host, moving forward (I2,
/// I3, I7), or nothing before the first and after its deletion. And what it shows of silence and of instances follows
/// from that.
/// </summary>
internal sealed class CurrentCheck(World world)
{
    private static readonly TimeSpan Silence = TimeSpan.FromSeconds(45);

    private readonly Dictionary<Machine, Sight> _sights = world.Machines.ToDictionary(machine => machine, _ => new Sight());
    private SparkleProcess? _sparkle;
    private StateSnapshot? _published;

    /// <summary>The rows of a host as Sparkle shows them, without what Sparkle adds.</summary>
    public static Dictionary<(Entity Entity, RowKey Key), object> Shown(EntityCatalog catalog, StateSnapshot state, Guid host)
    {
        var rows = new Dictionary<(Entity, RowKey), object>();
        if (state[catalog["host"]].Find(host) is { Current: HostCurrent current } row)
            rows[(catalog["host"], row.Key)] = current with { Status = HostStatus.Present, LastSeen = null };
        foreach (var place in state[catalog["host_instance"]].Rows)
        {
            if (place.Current is HostInstanceCurrent reported && reported.Host == host)
                rows[(catalog["host_instance"], place.Key)] = reported;
        }
        return rows;
    }

    /// <summary>A message of the agent has come to Sparkle and was dealt with.</summary>
    public void HeardFrom(AgentProcess agent)
    {
        if (world.Sparkle?.Snapshot is not { } state || !SimulatedDatabase.IsListenedTo(state[world.Catalog["host"]].Find(agent.Machine.Uuid)))
            return;
        var sight = _sights[agent.Machine];
        var shown = Shown(world.Catalog, state, agent.Machine.Uuid);
        if (!DesiredCheck.AreSame(shown, sight.Shown))
            sight.Speaker = agent;
        if (sight.Speaker == agent)
            sight.HeardAt = world.Agenda.Now;
    }

    public void AfterStep()
    {
        if (world.Sparkle is not { } sparkle)
            return;
        if (sparkle != _sparkle)
        {
            _sparkle = sparkle;
            _published = null;
            foreach (var sight in _sights.Values)
                sight.Forget();
        }
        if (sparkle.Snapshot is not { } state || ReferenceEquals(state, _published))
            return;
        _published = state;
        foreach (var (machine, sight) in _sights)
        {
            CheckReport(machine, sight, state);
            CheckSilence(machine, sight, state);
            // With its key its session ends, and nobody speaks for the host before another is complete.
            if (!SimulatedDatabase.IsListenedTo(state[world.Catalog["host"]].Find(machine.Uuid)))
                sight.Speaker = null;
        }
        CheckInstances(state);
    }

    private void CheckReport(Machine machine, Sight sight, StateSnapshot state)
    {
        var shown = Shown(world.Catalog, state, machine.Uuid);
        if (shown.Count == 0 && (sight.Shown.Count == 0 || !SimulatedDatabase.IsThere(state[world.Catalog["host"]].Find(machine.Uuid))))
        {
            sight.Forget();
            return;
        }
        if (DesiredCheck.AreSame(shown, sight.Shown))
            return;
        for (var i = sight.Report; i < machine.Reports.Count; i++)
        {
            if (!DesiredCheck.AreSame(shown, machine.Reports[i]))
                continue;
            sight.Report = i;
            sight.Shown = shown;
            return;
        }
        throw new ViolationException(
            $"I2, I3, I7: Sparkle shows of {machine.Name} what it never reported at or after what was shown before (report {sight.Report}): "
            + $"{string.Join(", ", shown.Values)}");
    }

    private void CheckSilence(Machine machine, Sight sight, StateSnapshot state)
    {
        if (state[world.Catalog["host"]].Find(machine.Uuid)?.Current is not HostCurrent current)
            return;
        if (current.Status == HostStatus.Unreachable && !sight.IsSilent && world.Agenda.Now - sight.HeardAt < Silence)
            throw new ViolationException($"{machine.Name} is shown as unreachable although it was heard at {sight.HeardAt.TotalSeconds:0.000}.");
        if (current.Status == HostStatus.Unreachable != current.LastSeen is not null)
            throw new ViolationException($"{machine.Name} is {current.Status} and was last seen at {current.LastSeen}.");
        sight.IsSilent = current.Status == HostStatus.Unreachable;
    }

    /// <summary>What an instance's owner sees follows from what its hosts report.</summary>
    private void CheckInstances(StateSnapshot state)
    {
        foreach (var row in state[world.Catalog["instance"]].Rows)
        {
            if (row.Desired is null)
                throw new ViolationException($"Instance {row.Key.Text} is shown although nobody wants it any more.");
            var view = row.Current as InstanceCurrent ?? throw new ViolationException($"Instance {row.Key.Text} is not described.");
            var reported = state[world.Catalog["host_instance"]].Rows
                .Where(place => place.Key.Parts[1] == row.Key.Text && place.Current is not null)
                .Select(place => (HostInstanceCurrent)place.Current!)
                .ToArray();
            if (reported.Length != 1)
                continue;
            var seen = (state[world.Catalog["host"]].Find(reported[0].Host)?.Current as HostCurrent)?.LastSeen;
            if (view.Status != reported[0].Status || view.Mem != reported[0].Mem || view.Why != reported[0].Why || view.StaleSince != seen)
                throw new ViolationException($"Instance {row.Key.Text} is shown as {view}, reported as {reported[0]}, of a host last seen {seen}.");
        }
    }

    /// <summary>What was last seen of a machine in the present Sparkle.</summary>
    private sealed class Sight
    {
        /// <summary>The report that is shown; never goes back, not even in the next Sparkle.</summary>
        public int Report { get; set; }

        public Dictionary<(Entity Entity, RowKey Key), object> Shown { get; set; } = [];

        /// <summary>The agent whose word was last taken.</summary>
        public AgentProcess? Speaker { get; set; }

        public TimeSpan HeardAt { get; set; } = TimeSpan.MinValue / 2;

        public bool IsSilent { get; set; }

        public void Forget()
        {
            Shown = [];
            Speaker = null;
            HeardAt = TimeSpan.MinValue / 2;
            IsSilent = false;
        }
    }
}
