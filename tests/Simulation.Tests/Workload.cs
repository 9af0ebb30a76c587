using System.Globalization;
using PonyCloud.Shared.Entities;
using PonyCloud.Shared.State;
using PonyCloud.Simulation.Tests.Parts;
using PonyCloud.Sparkle.Database;

namespace PonyCloud.Simulation.Tests;

/// <summary>What people order, at any moment, through Sparkle or past it. Every row that is written is unlike all before it.</summary>
internal sealed class Workload
{
    private const int InstancesMax = 6;

    private readonly World _world;
    private readonly Faults _faults;
    private readonly TimeSpan _pace;
    private readonly List<Guid> _tenants = [];
    private readonly List<Guid> _profiles = [];
    private bool _isOver;

    public Workload(World world)
    {
        _world = world;
        _faults = new Faults(world);
        _pace = world.Chance.Magnitude(0.1, 5);
        End = world.Chance.Seconds(30, 120);
    }

    /// <summary>When the last order is given and the last fault ends.</summary>
    public TimeSpan End { get; }

    public void Begin()
    {
        _world.Database.Committed = NoteGone;
        for (var i = 0; i < 2; i++)
        {
            _tenants.Add(_world.Chance.NextGuid());
            Commit(Set(Tenant(_tenants[i])));
        }
        _profiles.Add(_world.Chance.NextGuid());
        Commit(Set(Profile(_profiles[0])));
        foreach (var machine in _world.Machines)
            Commit(Set(Host(machine)));
        for (var i = 0; i < 3; i++)
            Commit(Set(New()));
        Next();
        _faults.Begin(() => _isOver);
    }

    /// <summary>The last orders, such that all can be obeyed; and all faults end.</summary>
    public void Heal()
    {
        _isOver = true;
        _faults.Heal();
        foreach (var tenant in _tenants)
            Commit(Set(Tenant(tenant) with { Approved = true }));
        foreach (var machine in _world.Machines.Where((machine, i) => i == 0 || _world.Database.IsThere(machine.Uuid)))
            Commit(Set(Host(machine)));
        _world.Trace.Say($"no more faults, no more orders");
    }

    private void Next() => _world.Agenda.After(_world.Chance.Seconds(0.01, _pace.TotalSeconds), () =>
    {
        if (_isOver)
            return;
        Order();
        Next();
    });

    private void Order()
    {
        var chance = _world.Chance;
        var instances = _world.Database.Newest[Entity("instance")].Rows.Select(row => (InstanceDesired)row.Desired!).ToArray();
        switch (chance.Below(20))
        {
            case < 5 when instances.Length < InstancesMax:
                Commit(Set(New()));
                break;
            case < 10 when instances.Length > 0:
                Commit(Set(Changed(chance.Of(instances))));
                break;
            case < 12 when instances.Length > 0:
                Commit(_world.Database.Deletion("instance", chance.Of(instances).Uuid));
                break;
            case 12 when instances.Length > 1:
                // Several rows in one transaction, one of them twice.
                Commit([.. Set(Changed(instances[0])), .. Set(Changed(instances[1])), .. Set(Changed(instances[0]))]);
                break;
            case 13:
                Commit(Set(Profile(_profiles[0])));
                break;
            case 14:
                Commit(Set(Tenant(chance.Of(_tenants)) with { Approved = chance.Hits(0.8) }));
                break;
            case 15:
                // Now and then nobody may speak for a host for a while.
                var host = Host(chance.Of(_world.Machines));
                Commit(Set(chance.Hits(0.2) ? host with { AgentKey = null } : host));
                break;
            case 16:
                var lost = chance.Of(_world.Machines);
                Commit(chance.Hits(0.5) ? _world.Database.Deletion("host", lost.Uuid) : _world.Database.GivingUp(Host(lost)));
                break;
            case 17:
                var evacuated = Host(chance.Of(_world.Machines)) with { State = HostState.Evacuated };
                Commit(Set(evacuated));
                break;
            case 18:
                Commit([new DatabaseChange.Truncated(Entity("config")), .. Set(Setting())]);
                break;
            case 19 when instances.Length > 0:
                // There and away within one transaction.
                var passing = New();
                Commit([.. Set(passing), new DatabaseChange.OfRow(RowChange.Remove(Entity("instance"), RowPart.Desired, RowKey.Of(passing.Uuid)))]);
                break;
        }
    }

    private void NoteGone(IReadOnlyList<DatabaseChange> steps)
    {
        foreach (var machine in _world.Machines)
        {
            if (steps.Any(step => step is DatabaseChange.OfRow(var row) && row.Value is null or HostDesired { State: HostState.Gone }
                && row.Entity.Name == "host" && row.Key == RowKey.Of(machine.Uuid)))
                machine.GiveUp(_world.Database.Version);
        }
    }

    private InstanceDesired New() => new()
    {
        Uuid = _world.Chance.NextGuid(),
        Tenant = _world.Chance.Of(_tenants),
        Name = Stamped("i"),
        State = _world.Chance.Of(Enum.GetValues<InstanceState>()),
        Mem = 128,
        StopTimeout = _world.Chance.Below(20),
    };

    private InstanceDesired Changed(InstanceDesired instance) => instance with
    {
        Name = Stamped("i"),
        State = _world.Chance.Of(Enum.GetValues<InstanceState>()),
        Vcpu = 1 + _world.Chance.Below(4),
        CpuProfile = _world.Chance.Hits(0.3) ? _profiles[0] : null,
    };

    private HostDesired Host(Machine machine) => new() { Uuid = machine.Uuid, Name = machine.Name, Info = Stamped("v"), AgentKey = machine.Origin.Key };

    private TenantDesired Tenant(Guid uuid) => new() { Uuid = uuid, Name = Stamped("t"), Approved = true };

    private CpuProfileDesired Profile(Guid uuid) => new() { Uuid = uuid, Name = "p", Model = Stamped("m") };

    private ConfigDesired Setting() => new() { Key = "some.setting", Value = JsonText.Parse(_world.NextStamp().ToString(CultureInfo.InvariantCulture)) };

    private string Stamped(string prefix) => string.Create(CultureInfo.InvariantCulture, $"{prefix}{_world.NextStamp()}");

    private DatabaseChange[] Set(object record)
    {
        var entity = _world.Catalog.All.Single(candidate => candidate.Desired?.Type == record.GetType());
        return [new DatabaseChange.OfRow(RowChange.Set(entity, RowPart.Desired, record))];
    }

    private void Commit(IReadOnlyList<DatabaseChange> steps) => _world.Database.Commit(steps);

    private Entity Entity(string name) => _world.Catalog[name];
}
