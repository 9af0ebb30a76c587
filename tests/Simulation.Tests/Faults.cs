using PonyCloud.Shared.Entities;
using PonyCloud.Shared.Messaging;
using PonyCloud.Shared.Replication;
using PonyCloud.Shared.State;
using PonyCloud.Simulation.Tests.Parts;
using PonyCloud.Sparkle.Database;
using PonyCloud.Twilight.Hypervisor;

namespace PonyCloud.Simulation.Tests;

/// <summary>What goes wrong, at any moment. How much of it, each seed decides anew.</summary>
internal sealed class Faults(World world)
{
    private readonly TimeSpan _pace = world.Chance.Magnitude(0.3, 15);

    // Not all of them in every seed: what comes often hides what needs quiet to show.
    private readonly Kind[] _kinds =
    [
        world.Chance.Of(Enum.GetValues<Kind>()),
        .. Enum.GetValues<Kind>().Where(_ => world.Chance.Hits(0.5)),
    ];

    private enum Kind
    {
        SparkleDies,
        SparkleFreezes,
        AgentDies,
        MachineDies,
        DatabaseAway,
        LineChanges,
        LineCut,
        AgentDoesNotRead,
        WallClockJumps,
        GuestCrashes,
        HostLies,
    }

    public void Begin(Func<bool> isOver)
    {
        world.Database.WritesFail = world.Chance.Hits(0.5);
        world.Network.IsCongested = world.Chance.Hits(0.3);
        foreach (var machine in world.Machines)
        {
            machine.Domains.StartsFail = world.Chance.Hits(0.4);
            Unsettle(machine.Line);
        }
        Next(isOver);
    }

    public void Heal()
    {
        world.Database.WritesFail = false;
        world.Network.IsCongested = false;
        if (!world.Database.IsUp)
            world.Database.Return();
        world.EndSuperseded();
        world.StartSparkle();
        foreach (var machine in world.Machines)
        {
            machine.Domains.StartsFail = false;
            machine.Line.Heal();
            machine.Start();
            world.Network.Drain(machine);
        }
        world.Agenda.Every(TimeSpan.FromSeconds(10), () => false, Confirm);
    }

    /// <summary>An operator looks at what hosts hold back and has it removed.</summary>
    private void Confirm()
    {
        var host = world.Catalog["host"];
        foreach (var machine in world.Machines)
        {
            if (machine.Agent?.HeldToken is not { } token || world.Database.Newest[host].Find(machine.Uuid)?.Desired is not HostDesired declared
                || declared.ConfirmRemovals == token)
                continue;
            world.Trace.Say($"{machine.Name}: an operator confirms {token}");
            world.Database.Commit([new DatabaseChange.OfRow(RowChange.Set(host, RowPart.Desired, declared with { ConfirmRemovals = token }))]);
        }
    }

    private void Next(Func<bool> isOver) => world.Agenda.After(world.Chance.Seconds(0.05, _pace.TotalSeconds), () =>
    {
        if (isOver())
            return;
        Happen(isOver);
        Next(isOver);
    });

    private void Happen(Func<bool> isOver)
    {
        var machine = world.Chance.Of(world.Machines);
        switch (world.Chance.Of(_kinds))
        {
            case Kind.SparkleDies:
                world.KillSparkle();
                After(isOver, Pause(), () =>
                {
                    world.StartSparkle();
                    world.Network.EchoRequests();
                    LoseFirstWords();
                });
                break;
            case Kind.SparkleFreezes:
                world.FreezeSparkle();
                After(isOver, Pause(), world.StartSparkle);
                After(isOver, world.Chance.Seconds(0.1, 60), () =>
                {
                    world.Trace.Say($"sparkle: those that were superseded go on");
                    world.Superseded.ForEach(sparkle => sparkle.Thaw());
                });
                break;
            case Kind.AgentDies:
                machine.Kill();
                After(isOver, Pause(), machine.Start);
                break;
            case Kind.MachineDies:
                machine.Reboot();
                After(isOver, Pause(), machine.Start);
                break;
            case Kind.DatabaseAway when world.Database.IsUp:
                world.Database.GoAway();
                After(isOver, Pause(), world.Database.Return);
                break;
            case Kind.LineChanges:
                Unsettle(machine.Line);
                break;
            case Kind.LineCut:
                Cut(machine, isOver);
                break;
            case Kind.AgentDoesNotRead:
                world.Trace.Say($"{machine.Name}: does not read");
                machine.Line.IsSlow = true;
                After(isOver, world.Chance.Seconds(0.1, 40), () =>
                {
                    machine.Line.IsSlow = false;
                    world.Network.Drain(machine);
                });
                break;
            case Kind.WallClockJumps:
                world.Time.WallError += world.Chance.Seconds(-100_000, 100_000);
                world.Trace.Say($"the wall clock jumps");
                break;
            case Kind.GuestCrashes:
                if (machine.Domains.All.FirstOrDefault(domain => domain.State == DomainState.Running) is { } victim)
                    machine.Domains.Crash(victim);
                break;
            case Kind.HostLies:
                Lie(machine);
                break;
        }
    }

    /// <summary>Connections come back one after another, and one of the first messages may be lost with an old one.</summary>
    private void LoseFirstWords()
    {
        foreach (var line in world.Machines.Select(machine => machine.Line))
            line.LostToAgent = world.Chance.Below(5);
    }

    private void Cut(Machine machine, Func<bool> isOver)
    {
        world.Trace.Say($"{machine.Name}: cut off");
        machine.Line.IsCutToAgent = world.Chance.Hits(0.7);
        machine.Line.IsCutToSparkle = world.Chance.Hits(0.7);
        After(isOver, world.Chance.Seconds(0.1, 70), () => machine.Line.IsCutToAgent = machine.Line.IsCutToSparkle = false);
    }

    private TimeSpan Pause() => world.Chance.Hits(0.5) ? world.Chance.Seconds(0, 0.5) : world.Chance.Seconds(0.5, 20);

    private void Unsettle(Line line)
    {
        var chance = world.Chance;
        line.Loss = chance.Hits(0.5) ? chance.NextDouble() * 0.4 : 0;
        line.Duplication = chance.Hits(0.5) ? chance.NextDouble() * 0.4 : 0;
        line.Reordering = chance.Hits(0.5) ? chance.NextDouble() * 0.5 : 0;
        line.Lateness = chance.Hits(0.5) ? chance.NextDouble() * 0.2 : 0;
    }

    /// <summary>A host says something about another, in words of its own or within its own stream.</summary>
    private void Lie(Machine machine)
    {
        var other = world.Chance.Of(world.Machines);
        if (machine.Agent is not { } agent || other == machine)
            return;
        var host = world.Catalog["host"];
        var change = world.Chance.Hits(0.5)
            ? RowChange.Set(host, RowPart.Current, other.Inventory(world.NextStamp()))
            : RowChange.Remove(host, RowPart.Current, RowKey.Of(other.Uuid));
        world.Trace.Say($"{machine.Name}: lies about {other.Name}");
        agent.Lie(new Message.TwilightUpdate(
            world.Chance.Hits(0.5) ? machine.Uuid : other.Uuid, new StateUpdate("liar", 1 + world.Chance.Below(3), null, [change])));
        agent.AddToNext(change);
    }

    private void After(Func<bool> isOver, TimeSpan delay, Action action) => world.Agenda.After(delay, () =>
    {
        if (!isOver())
            action();
    });
}
