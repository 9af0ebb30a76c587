using PonyCloud.Shared.Entities;
using PonyCloud.Shared.Messaging;
using PonyCloud.Shared.Replication;
using PonyCloud.Simulation.Tests.Checks;
using PonyCloud.Simulation.Tests.Kernel;
using PonyCloud.Simulation.Tests.Mutants;
using PonyCloud.Simulation.Tests.Parts;
using PonyCloud.Twilight.Reconciliation;

namespace PonyCloud.Simulation.Tests;

/// <summary>What a seed came to.</summary>
/// <param name="Violation">Null when nothing that must never be the case was.</param>
internal sealed record Outcome(int Seed, ulong Hash, string? Violation, string Trace)
{
    public override string ToString() => Violation is null
        ? $"seed {Seed}: in step, trace {Hash:x16}"
        : $"seed {Seed}: {Violation}\n--- the end of its trace ---\n{Trace}\nseed {Seed}: {Violation}";
}

/// <summary>
/// A whole platform in one process, on one thread, in virtual time: one Sparkle, some hosts, a database, a network, and
/// from one seed everything that is ordered and everything that goes wrong.
/// </summary>
internal sealed class World
{
    private static readonly TimeSpan StepWithin = TimeSpan.FromMinutes(3);
    private static readonly TimeSpan ObeyWithin = TimeSpan.FromMinutes(20);
    private static readonly TimeSpan StaySo = TimeSpan.FromSeconds(20);

    private readonly Workload _workload;
    private readonly OneThread _thread;
    private long _stamp;

    private World(int seed, Mutant mutant, OneThread thread, int kept)
    {
        _thread = thread;
        Seed = seed;
        Mutant = mutant;
        Chance = new Chance(seed);
        Time = new VirtualTime(mutant.DecidesByWall);
        Agenda = new Agenda(Time);
        Trace = new Trace(Time, kept);
        Database = new SimulatedDatabase(Catalog, Agenda, Trace, Chance);
        Network = new Network(this);
        for (var i = 0; i < 2 + Chance.Below(3); i++)
            Machines.Add(new Machine(this, $"host{i}", Chance.NextGuid()));
        Checks = new AllChecks(this);
        // Most messages are small enough for one; with tiny limits nearly all full states go in chunks.
        Limits = Chance.Hits(0.5) ? new ReplicationLimits() : new ReplicationLimits { MessageBytes = 700, ChunkBytes = 400 };
        ResyncsAtOnce = 1 + Chance.Below(4);
        // Hosts here have few instances; as strict as this, the guard holds some of them now and then.
        Guard = new RemovalGuardOptions { Free = Chance.Below(3), Share = 0.25 };
        _workload = new Workload(this);
    }

    /// <summary>Shared by all simulations; immutable.</summary>
    private static readonly EntityCatalog Declared = EntityCatalog.Load();

    public int Seed { get; }

    public EntityCatalog Catalog { get; } = Declared;

    public MessageCodec Codec { get; } = new(Declared);

    public Mutant Mutant { get; }

    public Chance Chance { get; }

    public VirtualTime Time { get; }

    public Agenda Agenda { get; }

    public Trace Trace { get; }

    public SimulatedDatabase Database { get; }

    public Network Network { get; }

    public List<Machine> Machines { get; } = [];

    public ReplicationLimits Limits { get; }

    public int ResyncsAtOnce { get; }

    public RemovalGuardOptions Guard { get; }

    /// <summary>Null while none runs.</summary>
    public SparkleProcess? Sparkle { get; private set; }

    /// <summary>Those whose place was taken while they were frozen.</summary>
    public List<SparkleProcess> Superseded { get; } = [];

    public AllChecks Checks { get; }

    /// <param name="kept">How many lines of the trace come with a violation.</param>
    public static Outcome Run(int seed, Mutant? mutant = null, int kept = 300)
    {
        using var thread = new OneThread();
        var world = new World(seed, mutant ?? new Mutant(), thread, kept);
        string? violation = null;
        try
        {
            world.Play();
        }
        catch (ViolationException e)
        {
            violation = e.Message;
        }
#pragma warning disable CA1031 // Whatever the product throws into its loop ends the process there, so it is a violation here.
        catch (Exception e)
#pragma warning restore CA1031
        {
            violation = $"The product threw: {e}";
        }
        return new Outcome(seed, world.Trace.Hash, violation, world.Trace.ToString());
    }

    /// <summary>A number that no row has had, so that no two versions of a row are alike.</summary>
    public long NextStamp() => ++_stamp;

    public void StartSparkle()
    {
        if (Sparkle is not null)
            return;
        Trace.Say($"sparkle: starts");
        Sparkle = new SparkleProcess(this);
    }

    public void KillSparkle()
    {
        if (Sparkle is null)
            return;
        Trace.Say($"sparkle: is killed");
        Sparkle.Kill();
        Sparkle = null;
    }

    /// <summary>Sparkle stands still; somebody will start another.</summary>
    public void FreezeSparkle()
    {
        if (Sparkle is not { } frozen)
            return;
        Trace.Say($"sparkle: is frozen");
        frozen.Freeze();
        Superseded.Add(frozen);
        Sparkle = null;
    }

    /// <summary>All that were superseded end.</summary>
    public void EndSuperseded()
    {
        foreach (var frozen in Superseded)
            frozen.Kill();
        Superseded.Clear();
    }

    private void Play()
    {
        _workload.Begin();
        StartSparkle();
        foreach (var machine in Machines)
            machine.Start();
        Run(_workload.End, () => false);

        _workload.Heal();
        var notReplicated = "";
        if (!Run(Time.Elapsed + StepWithin, () => (notReplicated = Checks.NotReplicated()) is null))
            throw new ViolationException($"I4: not in step {StepWithin} after the last fault: {notReplicated}");
        var notObeyed = "";
        if (!Run(Time.Elapsed + ObeyWithin, () => (notObeyed = Checks.NotObeyed()) is null && Checks.NotReplicated() is null))
            throw new ViolationException($"Not as ordered {ObeyWithin} after the last fault: {notObeyed} {Checks.NotReplicated()}");
        Run(Time.Elapsed + StaySo, () => false);
        if ((Checks.NotObeyed() ?? Checks.NotReplicated()) is { } left)
            throw new ViolationException($"It did not stay so: {left}");
        Trace.Say($"in step, as ordered");
    }

    /// <summary>Lets things happen until then, or until it is enough, which is looked at once a second.</summary>
    /// <returns>Whether it was enough.</returns>
    private bool Run(TimeSpan until, Func<bool> isEnough)
    {
        for (var second = Time.Elapsed; second < until;)
        {
            second += TimeSpan.FromSeconds(1);
            while (Agenda.Step(second))
            {
                _thread.Pump();
                Checks.AfterStep();
            }
            Time.Elapsed = second;
            if (isEnough())
                return true;
        }
        return false;
    }
}
