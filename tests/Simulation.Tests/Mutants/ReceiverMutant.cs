using PonyCloud.Shared.Messaging;
using PonyCloud.Shared.Replication;
using PonyCloud.Simulation.Tests.Parts;

namespace PonyCloud.Simulation.Tests.Mutants;

/// <summary>
/// An agent whose receiver does not look at something: messages are made such that the real receiver finds nothing amiss.
/// What the receiver expects is followed from the messages that go past.
/// </summary>
internal abstract class ReceiverMutant : Mutant
{
    private readonly Dictionary<AgentProcess, Expected> _expected = [];

    public sealed override Message? AgentSends(World world, AgentProcess agent, Message message)
    {
        if (message is Message.TwilightResync(_, var stream, _))
        {
            if (!Asks(Of(agent)))
                return null;
            _expected[agent] = new Expected(stream, null, 0);
        }
        return message;
    }

    public sealed override byte[] AgentReceives(World world, AgentProcess agent, byte[] body)
    {
        var expected = Of(agent);
        var message = world.Codec.Decode(body);
        if (message is Message.SparkleChunk(var chunk) && expected.IsWaiting && chunk.Stream == expected.Stream && chunk.IsLast)
            _expected[agent] = new Expected(expected.Stream, chunk.Incarnation, 1);
        if (message is not Message.SparkleUpdate(var update) whole)
            return body;
        var seen = expected.IsWaiting ? WhileWaiting(update, expected) : expected.Incarnation is null ? update : WhileSynced(update, expected);
        if (expected.IsWaiting && seen.Seq == 0 && seen.Stream == expected.Stream)
            _expected[agent] = new Expected(expected.Stream, seen.Incarnation, 1);
        else if (seen.Incarnation == expected.Incarnation && seen.Stream == expected.Stream && seen.Seq == expected.Next)
            _expected[agent] = expected with { Next = expected.Next + 1 };
        return seen == update ? body : world.Codec.Encode(whole with { Update = seen });
    }

    protected virtual StateUpdate WhileWaiting(StateUpdate update, Expected expected) => update;

    protected virtual StateUpdate WhileSynced(StateUpdate update, Expected expected) => update;

    protected virtual bool Asks(Expected expected) => true;

    private Expected Of(AgentProcess agent) => _expected.GetValueOrDefault(agent, new Expected(null, null, 0));

    /// <summary>What the receiver expects next; no incarnation while it waits for a snapshot.</summary>
    internal sealed record Expected(StreamId? Stream, string? Incarnation, long Next)
    {
        public bool IsWaiting => Stream is not null && Incarnation is null;
    }
}

/// <summary>R3: any partial update of the stream is the next.</summary>
internal sealed class SeqNotChecked : ReceiverMutant
{
    protected override StateUpdate WhileSynced(StateUpdate update, Expected expected) =>
        update.Seq > 0 && update.Incarnation == expected.Incarnation && update.Stream == expected.Stream
            ? update with { Seq = expected.Next }
            : update;
}

/// <summary>The original rule: incarnation and seq make the next update, whatever the stream.</summary>
internal sealed class StreamNotChecked : ReceiverMutant
{
    protected override StateUpdate WhileSynced(StateUpdate update, Expected expected) =>
        update.Seq == expected.Next && update.Incarnation == expected.Incarnation ? update with { Stream = expected.Stream } : update;

    protected override StateUpdate WhileWaiting(StateUpdate update, Expected expected) =>
        update.Seq == 0 ? update with { Stream = expected.Stream } : update;
}

/// <summary>R5: whatever comes while a snapshot is awaited is taken for one.</summary>
internal sealed class AnythingIsFull : ReceiverMutant
{
    protected override StateUpdate WhileWaiting(StateUpdate update, Expected expected) =>
        update with { Seq = 0, Stream = expected.Stream };
}

/// <summary>R4: what was seen already is applied once more.</summary>
internal sealed class StaleIsKept : ReceiverMutant
{
    protected override StateUpdate WhileSynced(StateUpdate update, Expected expected) =>
        update.Incarnation == expected.Incarnation && update.Stream == expected.Stream && update.Seq > 0 && update.Seq < expected.Next
            ? update with { Seq = expected.Next }
            : update;
}

/// <summary>R5: a request that is lost is not repeated.</summary>
internal sealed class RequestNotRepeated : ReceiverMutant
{
    protected override bool Asks(Expected expected) => !expected.IsWaiting;
}

/// <summary>R16: whoever speaks, of whatever epoch, is obeyed.</summary>
internal sealed class EpochNotChecked : Mutant
{
    public override byte[] AgentReceives(World world, AgentProcess agent, byte[] body) =>
        world.Codec.Encode(world.Codec.Decode(body) with { Epoch = 1 });
}

/// <summary>R14: the first piece of a full state is taken for all of it.</summary>
internal sealed class HalfIsTaken : Mutant
{
    public override byte[] AgentReceives(World world, AgentProcess agent, byte[] body) =>
        world.Codec.Decode(body) is Message.SparkleChunk(var chunk) message
            ? world.Codec.Encode(new Message.SparkleUpdate(new StateUpdate(chunk.Incarnation, 0, chunk.Stream, chunk.Rows)) { Epoch = message.Epoch })
            : body;
}
