using PonyCloud.Shared.Entities;
using PonyCloud.Shared.Replication;

namespace PonyCloud.Shared.Messaging;

/// <summary>What travels between Sparkle and Twilight; <c>Shared/Replication/README.md</c> specifies the JSON form.</summary>
public abstract record Message
{
    private Message()
    {
    }

    /// <summary>Of Sparkle: its own epoch. Of a Twilight: the highest that it knows. Null when it knows none (R16).</summary>
    public long? Epoch { get; init; }

    /// <summary>What a Twilight says in the name of a host. The name is a claim, to be held against who sent it.</summary>
    public abstract record FromTwilight(Guid Uuid) : Message;

    /// <summary><c>twilight-update-state</c></summary>
    public sealed record TwilightUpdate(Guid Uuid, StateUpdate Update) : FromTwilight(Uuid)
    {
        /// <summary>What the sender has taken of the other direction.</summary>
        public Acknowledgement? Taken { get; init; }
    }

    /// <summary><c>sparkle-update-state</c></summary>
    public sealed record SparkleUpdate(StateUpdate Update) : Message
    {
        /// <summary>What the sender has taken of the other direction.</summary>
        public Acknowledgement? Taken { get; init; }
    }

    /// <summary><c>twilight-state-chunk</c></summary>
    public sealed record TwilightChunk(Guid Uuid, StateChunk Chunk) : FromTwilight(Uuid);

    /// <summary><c>sparkle-state-chunk</c></summary>
    public sealed record SparkleChunk(StateChunk Chunk) : Message;

    /// <summary><c>sparkle-resync</c>: send me everything.</summary>
    /// <param name="Window">How many partial updates may be unacknowledged; 0 when nothing is acknowledged.</param>
    public sealed record SparkleResync(StreamId? Stream, int Window = ReplicationReceiver.Window) : Message;

    /// <summary><c>twilight-resync</c>: send me everything.</summary>
    /// <param name="Window">How many partial updates may be unacknowledged; 0 when nothing is acknowledged.</param>
    public sealed record TwilightResync(Guid Uuid, StreamId? Stream, int Window = ReplicationReceiver.Window) : FromTwilight(Uuid);

    /// <summary><c>twilight-ack</c></summary>
    public sealed record TwilightAck(Guid Uuid, Acknowledgement Taken) : FromTwilight(Uuid);

    /// <summary><c>sparkle-ack</c></summary>
    public sealed record SparkleAck(Acknowledgement Taken) : Message;

    /// <summary><c>sparkle-refused</c>: why the host is told nothing.</summary>
    /// <param name="Reason"><see cref="Taken"/>, one of <see cref="HostRefusal"/> as the API writes it, or one of a newer version.</param>
    public sealed record SparkleRefused(string Reason) : Message
    {
        /// <summary>Another process speaks for the host, and it lives.</summary>
        public const string Taken = "taken";
    }

    /// <summary><c>twilight-notify</c></summary>
    public sealed record TwilightNotify(Guid Uuid, Notification Notification) : FromTwilight(Uuid);

    /// <summary><c>twilight-enrol</c>: I would be this host.</summary>
    /// <param name="Token">A secret that an operator gave to the machine, if one did.</param>
    /// <param name="Host">What the machine is.</param>
    public sealed record TwilightEnrol(Guid Uuid, string? Token, HostCurrent? Host) : FromTwilight(Uuid)
    {
        public override string ToString() => $"{nameof(TwilightEnrol)} {{ {nameof(Uuid)} = {Uuid} }}"; // Never the token.
    }

    /// <summary>An event of a newer version.</summary>
    public sealed record Unknown(string Event) : Message;
}

/// <summary>Something that happened once, told once, outside of replication.</summary>
/// <param name="Type">What happened, such as <c>instance-crashed</c>.</param>
/// <param name="Instance">The instance that it happened to, if any.</param>
/// <param name="Time">When, by the host's clock; for people, never for decisions.</param>
/// <param name="Data">More about it.</param>
public sealed record Notification(string Type, EventSeverity Severity, Guid? Instance, DateTimeOffset Time, JsonText? Data)
{
    /// <summary>How many of them a host may tell; either side drops what is more.</summary>
    public static Allowance Allowance() => new(burst: 100, pace: TimeSpan.FromSeconds(0.1));
}

/// <summary>A body that is no message; the text says what is wrong and holds nothing of the body's content.</summary>
public sealed class MalformedMessageException(string message, Exception? inner = null) : Exception(message, inner);
