using PonyCloud.Shared.Entities;
using PonyCloud.Shared.Replication;

namespace PonyCloud.Shared.Messaging;

/// <summary>What travels between Sparkle and Twilight; <c>Shared/Replication/README.md</c> specifies the JSON form.</summary>
public abstract record Message
{
    private Message()
    {
    }

    /// <summary><c>twilight-update-state</c></summary>
    public sealed record TwilightUpdate(Guid Uuid, StateUpdate Update) : Message;

    /// <summary><c>sparkle-update-state</c></summary>
    public sealed record SparkleUpdate(StateUpdate Update) : Message;

    /// <summary><c>sparkle-resync</c>: send me everything.</summary>
    public sealed record SparkleResync(StreamId? Stream) : Message;

    /// <summary><c>twilight-resync</c>: send me everything.</summary>
    public sealed record TwilightResync(Guid Uuid, StreamId? Stream) : Message;

    /// <summary><c>twilight-notify</c></summary>
    public sealed record TwilightNotify(Guid Uuid, Notification Notification) : Message;

    /// <summary>An event of a newer version.</summary>
    public sealed record Unknown(string Event) : Message;
}

/// <summary>Something that happened once, told once, outside of replication.</summary>
/// <param name="Type">What happened, such as <c>instance-crashed</c>.</param>
/// <param name="Instance">The instance that it happened to, if any.</param>
/// <param name="Time">When, by the host's clock; for people, never for decisions.</param>
/// <param name="Data">More about it.</param>
public sealed record Notification(string Type, EventSeverity Severity, Guid? Instance, DateTimeOffset Time, JsonText? Data);

/// <summary>A body that is no message; the text says what is wrong and holds nothing of the body's content.</summary>
public sealed class MalformedMessageException(string message, Exception? inner = null) : Exception(message, inner);
