using PonyCloud.Shared.Messaging;
using PonyCloud.Simulation.Tests.Kernel;

namespace PonyCloud.Simulation.Tests.Parts;

/// <summary>How messages between Sparkle and one machine fare at present.</summary>
internal sealed class Line
{
    public double Loss { get; set; }

    public double Duplication { get; set; }

    /// <summary>Messages that overtake each other.</summary>
    public double Reordering { get; set; }

    /// <summary>Messages that come very late.</summary>
    public double Lateness { get; set; }

    public bool IsCutToSparkle { get; set; }

    public bool IsCutToAgent { get; set; }

    /// <summary>The agent does not read; messages wait until its queue is full.</summary>
    public bool IsSlow { get; set; }

    /// <summary>The message to the agent that is lost, counted from now on; 0 for none.</summary>
    public int LostToAgent { get; set; }

    /// <summary>The last request of an agent for everything, which may come once more much later.</summary>
    public (AgentProcess From, byte[] Body)? LastRequest { get; set; }

    /// <summary>How often it still comes once more, each time right behind another message.</summary>
    public int Echoes { get; set; }

    public TimeSpan LastToSparkle { get; set; }

    public TimeSpan LastToAgent { get; set; }

    public void Heal()
    {
        Loss = Duplication = Reordering = Lateness = 0;
        IsCutToSparkle = IsCutToAgent = IsSlow = false;
        LostToAgent = 0;
    }
}

/// <summary>
/// Everything between the two sockets. Messages in flight outlive the process that sent them, and those to Sparkle also
/// the one that they were sent to.
/// </summary>
internal sealed class Network(World world)
{
    private const int QueueLength = 16;

    private readonly Chance _chance = world.Chance;

    /// <summary>Whether Sparkle's own queue may be full now and then.</summary>
    public bool IsCongested { get; set; }

    public bool IsSparkleFull() => IsCongested && _chance.Hits(0.003);

    public void ToSparkle(AgentProcess from, byte[] body, bool isHonest = true)
    {
        var line = from.Machine.Line;
        if (line.IsCutToSparkle)
        {
            if (_chance.Hits(0.5))
                world.Agenda.After(TimeSpan.Zero, from.Undelivered);
            return;
        }
        foreach (var moment in Moments(line, line.LastToSparkle))
        {
            line.LastToSparkle = moment > line.LastToSparkle && !IsLate(moment) ? moment : line.LastToSparkle;
            world.Agenda.At(moment, () => ArriveAtSparkle(from, body, isHonest));
        }
    }

    public void ToAgent(SparkleProcess from, PeerId peer, byte[] body)
    {
        if (world.Machines.Find(candidate => candidate.Agent?.Peer == peer) is not { } machine)
        {
            Fail(from, peer, Undelivered.Unreachable);
            return;
        }
        var line = machine.Line;
        if (line.IsCutToAgent)
        {
            if (_chance.Hits(0.5))
                Fail(from, peer, Undelivered.Unreachable);
            return;
        }
        if (line.LostToAgent > 0 && --line.LostToAgent == 0)
            return;
        if (line.IsSlow && machine.Inbox.Count >= QueueLength)
        {
            Fail(from, peer, Undelivered.QueueFull);
            return;
        }
        foreach (var moment in Moments(line, line.LastToAgent))
        {
            line.LastToAgent = moment > line.LastToAgent && !IsLate(moment) ? moment : line.LastToAgent;
            world.Agenda.At(moment, () => ArriveAtAgent(machine, peer, body));
        }
    }

    /// <summary>The agent reads again.</summary>
    public void Drain(Machine machine)
    {
        while (!machine.Line.IsSlow && machine.Inbox.TryDequeue(out var waiting))
            Hand(machine, waiting.Peer, waiting.Body);
    }

    /// <summary>Requests that were answered come once more, to whoever is Sparkle then.</summary>
    public void EchoRequests()
    {
        foreach (var line in world.Machines.Select(machine => machine.Line))
        {
            if (line.LastRequest is not null)
                line.Echoes = _chance.Below(4);
        }
    }

    private void ArriveAtSparkle(AgentProcess from, byte[] body, bool isHonest = true)
    {
        // Where a superseded Sparkle is still reached, some messages go there.
        foreach (var superseded in world.Superseded.Where(_ => _chance.Hits(0.3)).ToArray())
            superseded.Receive(new TransportEvent.Received(from.Peer, body, from.Machine.Origin));
        if (world.Sparkle is not { } sparkle)
        {
            // The sender's socket keeps it for the next Sparkle, or has lost it with the connection.
            if (_chance.Hits(0.5))
                world.Agenda.After(_chance.Seconds(0.5, 3), () => ArriveAtSparkle(from, body, isHonest));
            return;
        }
        world.Trace.Body($"{from.Machine.Name} > sparkle", body);
        sparkle.Receive(new TransportEvent.Received(from.Peer, body, from.Machine.Origin));
        // What is said in the name of another is no sign of life of its own.
        if (isHonest)
            world.Checks.HeardFrom(from);
        var line = from.Machine.Line;
        if (line.Echoes == 0 || line.LastRequest is not var (speaker, request))
            return;
        line.Echoes--;
        world.Agenda.After(_chance.Seconds(0, 0.002), () => ArriveAtSparkle(speaker, request));
    }

    private void ArriveAtAgent(Machine machine, PeerId peer, byte[] body)
    {
        if (machine.Line.IsSlow)
            machine.Inbox.Enqueue((peer, body));
        else
            Hand(machine, peer, body);
    }

    private void Hand(Machine machine, PeerId peer, byte[] body)
    {
        if (machine.Agent is not { } agent || agent.Peer != peer)
            return;
        world.Trace.Body($"sparkle > {machine.Name}", body);
        agent.Receive(body);
    }

    private void Fail(SparkleProcess sparkle, PeerId peer, Undelivered reason) => world.Agenda.After(TimeSpan.Zero, () =>
    {
        if (!sparkle.IsDead)
            sparkle.Receive(new TransportEvent.Failed(peer, reason));
    });

    private bool IsLate(TimeSpan moment) => moment - world.Agenda.Now > TimeSpan.FromSeconds(0.5);

    /// <summary>When the message comes: never, once or twice.</summary>
    private IEnumerable<TimeSpan> Moments(Line line, TimeSpan last)
    {
        if (_chance.Hits(line.Loss))
            yield break;
        var copies = _chance.Hits(line.Duplication) ? 2 : 1;
        for (var i = 0; i < copies; i++)
        {
            var moment = world.Agenda.Now + _chance.Seconds(0.0001, 0.003);
            if (_chance.Hits(line.Lateness))
                yield return moment + _chance.Seconds(0.5, 40);
            else if (_chance.Hits(line.Reordering))
                yield return moment + _chance.Seconds(0, 0.3);
            else
                yield return moment > last ? moment : last;
        }
    }
}
