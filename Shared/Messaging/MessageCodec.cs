using System.Buffers;
using System.Globalization;
using System.Text.Json;
using PonyCloud.Shared.Entities;
using PonyCloud.Shared.Replication;
using PonyCloud.Shared.State;

namespace PonyCloud.Shared.Messaging;

/// <summary>
/// The JSON form of messages. Rows go straight between UTF-8 and their typed records, since a full state has up to
/// hundreds of thousands of them and a document tree would cost ten times the memory and time.
/// </summary>
public sealed class MessageCodec(EntityCatalog catalog)
{
    private const int MaxDepth = 32;
    private const int MaxTextLength = 256;

    private long _unknownTables;

    /// <summary>How many changes were skipped because their table or part is not known here.</summary>
    public long UnknownTables => Interlocked.Read(ref _unknownTables);

    public static byte[] Encode(Message message)
    {
        var buffer = new ArrayBufferWriter<byte>(512);
        using (var writer = new Utf8JsonWriter(buffer, new JsonWriterOptions { Encoder = RowJson.Options.Encoder, SkipValidation = true }))
        {
            writer.WriteStartObject();
            switch (message)
            {
                case Message.TwilightUpdate(var uuid, var update):
                    writer.WriteString("event", "twilight-update-state");
                    writer.WriteString("uuid", uuid);
                    Write(writer, update);
                    break;
                case Message.SparkleUpdate(var update):
                    writer.WriteString("event", "sparkle-update-state");
                    Write(writer, update);
                    break;
                case Message.SparkleResync(var stream):
                    writer.WriteString("event", "sparkle-resync");
                    WriteStream(writer, stream);
                    break;
                case Message.TwilightResync(var uuid, var stream):
                    writer.WriteString("event", "twilight-resync");
                    writer.WriteString("uuid", uuid);
                    WriteStream(writer, stream);
                    break;
                case Message.TwilightNotify(var uuid, var notification):
                    writer.WriteString("event", "twilight-notify");
                    writer.WriteString("uuid", uuid);
                    Write(writer, notification);
                    break;
                default:
                    throw new ArgumentException($"{message.GetType().Name} is never sent.", nameof(message));
            }
            writer.WriteEndObject();
        }
        return buffer.WrittenSpan.ToArray();
    }

    /// <exception cref="MalformedMessageException">The body is no message.</exception>
    public Message Decode(ReadOnlySpan<byte> body)
    {
        try
        {
            return Read(body);
        }
        catch (Exception e) when (e is JsonException or FormatException or InvalidOperationException or ArgumentException)
        {
            // The reader's own words may quote the body; only where it stopped is passed on.
            var where = e is JsonException { Path: { } path } ? $" at {path}" : "";
            throw new MalformedMessageException($"not a message{where}", e);
        }
    }

    private Message Read(ReadOnlySpan<byte> body)
    {
        var reader = new Utf8JsonReader(body, new JsonReaderOptions { MaxDepth = MaxDepth });
        var fields = new Fields();
        reader.Read();
        if (reader.TokenType != JsonTokenType.StartObject)
            throw new JsonException();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            ReadField(ref reader, ref fields);
        if (reader.Read())
            throw new JsonException();

        return fields.Event switch
        {
            "twilight-update-state" => new Message.TwilightUpdate(fields.Host(), fields.Update()),
            "sparkle-update-state" => new Message.SparkleUpdate(fields.Update()),
            "sparkle-resync" => new Message.SparkleResync(fields.Stream),
            "twilight-resync" => new Message.TwilightResync(fields.Host(), fields.Stream),
            "twilight-notify" => new Message.TwilightNotify(fields.Host(), fields.Notification()),
            { } other => new Message.Unknown(other),
            null => throw new MalformedMessageException("the field event is missing"),
        };
    }

    private void ReadField(ref Utf8JsonReader reader, ref Fields fields)
    {
        if (reader.ValueTextEquals("changes"u8))
        {
            reader.Read();
            fields.Changes = ReadChanges(ref reader);
            return;
        }
        var name = reader.GetString();
        reader.Read();
        switch (name)
        {
            case "event": fields.Event = Text(ref reader, name); break;
            case "uuid": fields.Uuid = reader.GetGuid(); break;
            case "incarnation": fields.Incarnation = Text(ref reader, name); break;
            case "seq": fields.Seq = reader.GetInt64(); break;
            case "stream":
                if (reader.TokenType != JsonTokenType.Null)
                    fields.Stream = StreamId.TryParse(reader.GetString()) ?? throw new MalformedMessageException("the field stream is not PREFIX:COUNTER");
                break;
            case "type": fields.Type = Text(ref reader, name); break;
            case "severity": fields.Severity = Text(ref reader, name); break;
            case "instance": fields.Instance = reader.TokenType == JsonTokenType.Null ? null : reader.GetGuid(); break;
            case "time": fields.Time = reader.GetDateTimeOffset().ToUniversalTime(); break;
            case "data": fields.Data = reader.TokenType == JsonTokenType.Null ? null : JsonSerializer.Deserialize<JsonText>(ref reader); break;
            default: reader.Skip(); break;
        }
    }

    private static string Text(ref Utf8JsonReader reader, string name)
    {
        var text = reader.GetString();
        return !string.IsNullOrEmpty(text) && text.Length <= MaxTextLength
            ? text
            : throw new MalformedMessageException($"the field {name} must be a text of 1 to {MaxTextLength} characters");
    }

    private List<RowChange> ReadChanges(ref Utf8JsonReader reader)
    {
        if (reader.TokenType != JsonTokenType.StartArray)
            throw new MalformedMessageException("the field changes is not an array");
        var changes = new List<RowChange>();
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            if (ReadChange(ref reader) is { } change)
                changes.Add(change);
        }
        return changes;
    }

    private RowChange? ReadChange(ref Utf8JsonReader reader)
    {
        if (reader.TokenType != JsonTokenType.StartArray)
            throw new MalformedMessageException("a change is not an array");
        reader.Read();
        var entity = catalog.Find(reader.GetString() ?? "");
        reader.Read();
        var key = RowKey.Read(ref reader);
        reader.Read();
        RowPart? part = reader.ValueTextEquals("desired"u8) ? RowPart.Desired : reader.ValueTextEquals("current"u8) ? RowPart.Current : null;
        reader.Read();
        object? row = null;
        var declared = entity is not null && part is { } known ? entity.Part(known) : null;
        if (declared is null)
        {
            Interlocked.Increment(ref _unknownTables);
            reader.Skip();
        }
        else if (reader.TokenType != JsonTokenType.Null)
        {
            row = declared.Read(ref reader);
            if (entity!.KeyOf(part!.Value, row) != key)
                throw new MalformedMessageException($"a row of {entity.Name} has another key than its change");
        }
        else if (key.Count != entity!.KeyColumns.Count)
        {
            throw new MalformedMessageException($"a key of {entity.Name} has {entity.KeyColumns.Count} parts");
        }
        reader.Read();
        if (reader.TokenType != JsonTokenType.EndArray)
            throw new MalformedMessageException("a change has four elements");
        return declared is null ? null : new RowChange(entity!, key, part!.Value, row);
    }

    private static void Write(Utf8JsonWriter writer, StateUpdate update)
    {
        writer.WriteString("incarnation", update.Incarnation);
        writer.WriteNumber("seq", update.Seq);
        WriteStream(writer, update.Stream);
        writer.WriteStartArray("changes");
        foreach (var (entity, key, part, value) in update.Changes)
        {
            writer.WriteStartArray();
            writer.WriteStringValue(entity.Name);
            key.Write(writer);
            writer.WriteStringValue(part == RowPart.Desired ? "desired"u8 : "current"u8);
            if (value is null)
                writer.WriteNullValue();
            else
                entity.Part(part)!.Write(writer, value);
            writer.WriteEndArray();
        }
        writer.WriteEndArray();
    }

    private static void WriteStream(Utf8JsonWriter writer, StreamId? stream)
    {
        if (stream is not null)
            writer.WriteString("stream", stream.ToString());
    }

    private static void Write(Utf8JsonWriter writer, Notification notification)
    {
        writer.WriteString("type", notification.Type);
        writer.WriteString("severity", notification.Severity switch
        {
            EventSeverity.Error => "error",
            EventSeverity.Warning => "warning",
            _ => "info",
        });
        if (notification.Instance is { } instance)
            writer.WriteString("instance", instance);
        writer.WriteString("time", notification.Time.UtcDateTime.ToString("O", CultureInfo.InvariantCulture));
        if (notification.Data is { } data)
        {
            writer.WritePropertyName("data");
            writer.WriteRawValue(data.Text, skipInputValidation: true);
        }
    }

    /// <summary>The fields of any message, in whatever order they came.</summary>
    private ref struct Fields
    {
        public string? Event;
        public Guid? Uuid;
        public string? Incarnation;
        public long? Seq;
        public StreamId? Stream;
        public List<RowChange>? Changes;
        public string? Type;
        public string? Severity;
        public Guid? Instance;
        public DateTimeOffset? Time;
        public JsonText? Data;

        public readonly Guid Host() => Uuid ?? throw Missing("uuid");

        public readonly StateUpdate Update() => new(
            Incarnation ?? throw Missing("incarnation"),
            Seq is >= 0 ? Seq.Value : throw new MalformedMessageException("the field seq must be 0 or more"),
            Stream,
            Changes ?? throw Missing("changes"));

        public readonly Notification Notification() => new(
            Type ?? throw Missing("type"),
            Severity switch
            {
                "info" => EventSeverity.Info,
                "warning" => EventSeverity.Warning,
                "error" => EventSeverity.Error,
                _ => throw new MalformedMessageException("the field severity must be info, warning or error"),
            },
            Instance,
            Time ?? throw Missing("time"),
            Data);

        private static MalformedMessageException Missing(string field) => new($"the field {field} is missing");
    }
}
