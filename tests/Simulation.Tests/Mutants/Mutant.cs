using PonyCloud.Shared.Messaging;
using PonyCloud.Simulation.Tests.Parts;
using PonyCloud.Sparkle.Control;

namespace PonyCloud.Simulation.Tests.Mutants;

/// <summary>
/// A way for the platform to be broken, put around the real code: at the messages, at the clock, at what is handed to
/// it. This one breaks nothing. One is made for each seed, so it may remember.
/// </summary>
internal class Mutant
{
    /// <summary>Sparkle measures time by the wall clock.</summary>
    public virtual bool DecidesByWall => false;

    /// <summary>Sparkle loads everything again after the database was away.</summary>
    public virtual bool ReloadsAfterLoss => true;

    /// <summary>An agent reports before it has looked at its domains (R7).</summary>
    public virtual bool ReportsBeforeScan => false;

    /// <summary>An agent acts before it has been told anything.</summary>
    public virtual bool PlansBeforeOrders => false;

    /// <summary>Further parts of Sparkle.</summary>
    public virtual IEnumerable<IControlFeature> Features(World world) => [];

    /// <summary>What a message of Sparkle becomes.</summary>
    public virtual byte[] SparkleSends(World world, PeerId peer, byte[] body) => body;

    /// <summary>What a message to an agent becomes on arrival.</summary>
    public virtual byte[] AgentReceives(World world, AgentProcess agent, byte[] body) => body;

    /// <summary>What a message of an agent becomes; null when it is not sent.</summary>
    public virtual Message? AgentSends(World world, AgentProcess agent, Message message) => message;
}
