using PonyCloud.Shared.Entities;
using PonyCloud.Shared.Messaging;
using PonyCloud.TestKit.Control;

namespace PonyCloud.Simulation.Tests.Parts;

/// <summary>A host: its line to Sparkle, its domains, and the agent that runs on it at present.</summary>
internal sealed class Machine
{
    private readonly World _world;
    private int _boots = 1;

    public Machine(World world, string name, Guid uuid)
    {
        _world = world;
        Name = name;
        Uuid = uuid;
        Origin = SimulatedHost.OriginOf(uuid);
        Domains = new SimulatedHypervisor(world, this);
    }

    public string Name { get; }

    public Guid Uuid { get; }

    /// <summary>The key of this machine, which no other has, and its address.</summary>
    public PeerOrigin Origin { get; }

    public Line Line { get; } = new();

    public SimulatedHypervisor Domains { get; }

    /// <summary>Messages that the agent has not read.</summary>
    public Queue<(PeerId Peer, byte[] Body)> Inbox { get; } = [];

    /// <summary>The highest epoch that an agent of this machine has heard, on its disk.</summary>
    public long? Epoch { get; set; }

    /// <summary>Null while none runs.</summary>
    public AgentProcess? Agent { get; private set; }

    /// <summary>What the agents of this machine have reported in full, one state after another.</summary>
    public List<Dictionary<(Entity Entity, RowKey Key), object>> Reports { get; } = [];

    /// <summary>
    /// The version in which an operator declared this machine gone, until it has orders of a later one: meanwhile it goes
    /// on by itself, and that is the operator's word.
    /// </summary>
    public int? GivenUp { get; private set; }

    public void GiveUp(int version)
    {
        GivenUp = version;
        foreach (var domain in Domains.All)
            domain.IsGivenUp |= domain.IsOn;
    }

    /// <summary>The agent has the orders of this version.</summary>
    public void Obeys(int version)
    {
        if (version > GivenUp)
            GivenUp = null;
    }

    public HostCurrent Inventory(long memoryFree) => new()
    {
        Uuid = Uuid,
        AgentVersion = "0",
        BootId = $"boot{_boots}",
        Kernel = "k",
        CpuModel = "m",
        CpuThreads = 64,
        MemoryTotal = 65536,
        MemoryFree = memoryFree,
        Hypervisor = "QEMU",
    };

    public void Start()
    {
        if (Agent is not null)
            return;
        Agent = new AgentProcess(_world, this);
        _world.Trace.Say($"{Name}: agent {Agent.Peer} starts");
    }

    public void Kill()
    {
        if (Agent is null)
            return;
        _world.Trace.Say($"{Name}: agent {Agent.Peer} is killed");
        Agent.IsDead = true;
        Agent = null;
    }

    /// <summary>The whole machine goes off and comes up again: domains that ran are off.</summary>
    public void Reboot()
    {
        Kill();
        _world.Trace.Say($"{Name}: reboots");
        _boots++;
        Domains.PowerLoss();
    }
}
