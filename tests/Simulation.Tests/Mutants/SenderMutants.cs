using PonyCloud.Shared.Entities;
using PonyCloud.Shared.Messaging;
using PonyCloud.Shared.Replication;
using PonyCloud.Shared.State;
using PonyCloud.Simulation.Tests.Parts;
using PonyCloud.Sparkle.Control;

namespace PonyCloud.Simulation.Tests.Mutants;

/// <summary>A snapshot still holds rows that were sent before and have been withdrawn.</summary>
internal sealed class WithdrawnStays : Mutant
{
    private readonly Dictionary<PeerId, Dictionary<(Entity Entity, RowKey Key), RowChange>> _sent = [];

    public override byte[] SparkleSends(World world, PeerId peer, byte[] body)
    {
        if (world.Codec.Decode(body) is not Message.SparkleUpdate(var update) message)
            return body;
        if (!_sent.TryGetValue(peer, out var sent))
            _sent.Add(peer, sent = []);
        foreach (var change in update.Changes.Where(change => change.Value is not null))
            sent[(change.Entity, change.Key)] = change;
        return update.Seq == 0
            ? world.Codec.Encode(message with { Update = update with { Changes = [.. sent.Values] } })
            : body;
    }
}

/// <summary>R7: a request is answered before the database was loaded, with what there is: nothing.</summary>
internal sealed class AnswersBeforeLoaded : Mutant
{
    public override IEnumerable<IControlFeature> Features(World world) => [new Hasty(world)];

    private sealed class Hasty(World world) : IControlFeature
    {
        private readonly string _incarnation = world.Chance.NextId();

        public IEnumerable<RowChange> Receive(TransportEvent transportEvent)
        {
            if (world.Sparkle is not { Link.IsLoaded: false } sparkle || transportEvent is not TransportEvent.Received(var peer, var body, _))
                return [];
            var answer = world.Codec.Decode(body.Span) switch
            {
                Message.TwilightResync(_, var stream, _) => new StateUpdate(_incarnation, 0, stream, []),
                Message.TwilightUpdate => new StateUpdate(_incarnation, 1, null, []),
                _ => null,
            };
            if (answer is not null)
                sparkle.TrySend(peer, world.Codec.Encode(new Message.SparkleUpdate(answer) { Epoch = world.Database.Epoch }));
            return [];
        }
    }
}

/// <summary>I7: whatever row a host reports is taken.</summary>
internal sealed class AnyRowIsTaken : Mutant
{
    public override IEnumerable<IControlFeature> Features(World world) => [new Credulous(world)];

    private sealed class Credulous(World world) : IControlFeature
    {
        public IEnumerable<RowChange> Receive(TransportEvent transportEvent) =>
            world.Sparkle?.Link.IsLoaded == true
            && transportEvent is TransportEvent.Received(_, var body, _)
            && world.Codec.Decode(body.Span) is Message.TwilightUpdate(var host, var update)
                ? update.Changes.Where(change => change.Part == RowPart.Current && change.Entity.ReporterOf(change.Key) != host.ToString())
                : [];
    }
}

/// <summary>R7: an agent reports before it has looked.</summary>
internal sealed class ReportsTooEarly : Mutant
{
    public override bool ReportsBeforeScan => true;
}

/// <summary>An agent that has heard nothing takes that for an order.</summary>
internal sealed class SilenceIsAnOrder : Mutant
{
    public override bool PlansBeforeOrders => true;
}

/// <summary>D1: what was committed while the database was away is not read again.</summary>
internal sealed class NeverReloads : Mutant
{
    public override bool ReloadsAfterLoss => false;
}

/// <summary>The wall clock decides who is silent.</summary>
internal sealed class WallClockDecides : Mutant
{
    public override bool DecidesByWall => true;
}

/// <summary>A host's change is left out of a partial update.</summary>
internal sealed class ChangeIsLeftOut : Mutant
{
    public override Message? AgentSends(World world, AgentProcess agent, Message message) =>
        message is Message.TwilightUpdate(_, { Seq: > 0, Changes.Count: > 1 } update) told
            ? told with { Update = update with { Changes = [.. update.Changes.Skip(1)] } }
            : message;
}
