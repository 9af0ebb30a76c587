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

    public byte[] Encode(Message message)
    {
        var buffer = new ArrayBufferWriter<byte>(512);
        using (var writer = new Utf8JsonWriter(buffer, new JsonWriterOptions { Encoder = RowJson.Options.Encoder, SkipValidation = true }))
        {
            writer.WriteStartObject();
            switch (message)
            {
                case Message.TwilightUpdate(var uuid, var update) { Taken: var taken }:
                    Begin(writer, "twilight-update-state", message, uuid);
                    WriteAcknowledged(writer, taken);
                    Write(writer, update);
                    break;
                case Message.SparkleUpdate(var update) { Taken: var taken }:
                    Begin(writer, "sparkle-update-state", message);
                    WriteAcknowledged(writer, taken);
                    Write(writer, update);
                    break;
                case Message.TwilightChunk(var uuid, var chunk):
                    Begin(writer, "twilight-state-chunk", message, uuid);
                    Write(writer, chunk);
                    break;
                case Message.SparkleChunk(var chunk):
                    Begin(writer, "sparkle-state-chunk", message);
                    Write(writer, chunk);
                    break;
                case Message.TwilightAck(var uuid, var taken):
                    Begin(writer, "twilight-ack", message, uuid);
                    WriteAcknowledged(writer, taken);
                    break;
                case Message.SparkleAck(var taken):
                    Begin(writer, "sparkle-ack", message);
                    WriteAcknowledged(writer, taken);
                    break;
                case Message.SparkleResync(var stream, var window):
                    Begin(writer, "sparkle-resync", message);
                    WriteRequest(writer, stream, window);
                    break;
                case Message.TwilightResync(var uuid, var stream, var window):
                    Begin(writer, "twilight-resync", message, uuid);
                    WriteRequest(writer, stream, window);
                    break;
                case Message.SparkleRefused(var reason):
                    Begin(writer, "sparkle-refused", message);
                    writer.WriteString("reason", reason);
                    break;
                case Message.TwilightNotify(var uuid, var notification):
                    Begin(writer, "twilight-notify", message, uuid);
                    Write(writer, notification);
                    break;
                case Message.TwilightEnrol(var uuid, var token, var host):
                    writer.WriteString("event", "twilight-enrol");
                    writer.WriteString("uuid", uuid);
                    Write(writer, token, host);
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

        Message message = fields.Event switch
        {
            "twilight-update-state" => new Message.TwilightUpdate(fields.Host(), fields.Update(DigestOf(fields))) { Taken = fields.TakenIfAny() },
            "sparkle-update-state" => new Message.SparkleUpdate(fields.Update(DigestOf(fields))) { Taken = fields.TakenIfAny() },
            "twilight-state-chunk" => new Message.TwilightChunk(fields.Host(), fields.StateChunk(DigestOf(fields))),
            "sparkle-state-chunk" => new Message.SparkleChunk(fields.StateChunk(DigestOf(fields))),
            "twilight-ack" => new Message.TwilightAck(fields.Host(), fields.Taken()),
            "sparkle-ack" => new Message.SparkleAck(fields.Taken()),
            "sparkle-resync" => new Message.SparkleResync(fields.Stream, fields.Window),
            "twilight-resync" => new Message.TwilightResync(fields.Host(), fields.Stream, fields.Window),
            "sparkle-refused" => new Message.SparkleRefused(fields.Reason ?? throw Fields.Missing("reason")),
            "twilight-notify" => new Message.TwilightNotify(fields.Host(), fields.Notification()),
            "twilight-enrol" => new Message.TwilightEnrol(fields.Host(), fields.Token, fields.Inventory),
            { } other => new Message.Unknown(other),
            null => throw new MalformedMessageException("the field event is missing"),
        };
        return fields.Epoch is { } epoch ? message with { Epoch = epoch } : message;
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
            case "seq": fields.Seq = NotNegative(reader.GetInt64(), name); break;
            case "stream": fields.Stream = Stream(ref reader, name); break;
            case "window": fields.Window = (int)Math.Min(NotNegative(reader.GetInt64(), name), ReplicationReceiver.Window); break;
            case "epoch": fields.Epoch = reader.TokenType == JsonTokenType.Null ? null : NotNegative(reader.GetInt64(), name); break;
            case "chunk": fields.Chunk = checked((int)NotNegative(reader.GetInt32(), name)); break;
            case "last": fields.IsLast = reader.GetBoolean(); break;
            case "taken_stream": fields.TakenStream = Stream(ref reader, name); break;
            case "taken_seq": fields.TakenSeq = NotNegative(reader.GetInt64(), name); break;
            case "taken_chunk": fields.TakenChunk = checked((int)NotNegative(reader.GetInt32(), name)); break;
            case "schema": fields.Schema = Text(ref reader, name); break;
            case "rows": fields.Rows = NotNegative(reader.GetInt64(), name); break;
            case "digest": fields.Sum = StateDigest.ParseSum(reader.GetString()) ?? throw new MalformedMessageException("the field digest is not 16 hexadecimal digits"); break;
            case "reason": fields.Reason = Text(ref reader, name); break;
            case "type": fields.Type = Text(ref reader, name); break;
            case "severity": fields.Severity = Text(ref reader, name); break;
            case "instance": fields.Instance = reader.TokenType == JsonTokenType.Null ? null : reader.GetGuid(); break;
            case "time": fields.Time = reader.GetDateTimeOffset().ToUniversalTime(); break;
            case "data": fields.Data = reader.TokenType == JsonTokenType.Null ? null : JsonSerializer.Deserialize<JsonText>(ref reader); break;
            case "token": fields.Token = Text(ref reader, name); break;
            case "host": fields.Inventory = (HostCurrent)catalog["host"].Current!.Read(ref reader); break;
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

    private static StreamId? Stream(ref Utf8JsonReader reader, string name) => reader.TokenType == JsonTokenType.Null
        ? null
        : StreamId.TryParse(reader.GetString()) ?? throw new MalformedMessageException($"the field {name} is not PREFIX:COUNTER");

    private static long NotNegative(long value, string name) =>
        value >= 0 ? value : throw new MalformedMessageException($"the field {name} must be 0 or more");

    /// <summary>A digest can be compared only where both sides write rows alike.</summary>
    private StateDigest? DigestOf(in Fields fields) =>
        fields is { Rows: { } rows, Sum: { } sum } && fields.Schema == catalog.Fingerprint ? new StateDigest(rows, sum) : null;

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

    private static void Begin(Utf8JsonWriter writer, string name, Message message, Guid? uuid = null)
    {
        writer.WriteString("event", name);
        if (uuid is { } host)
            writer.WriteString("uuid", host);
        if (message.Epoch is { } epoch)
            writer.WriteNumber("epoch", epoch);
    }

    private void Write(Utf8JsonWriter writer, StateUpdate update)
    {
        writer.WriteString("incarnation", update.Incarnation);
        writer.WriteNumber("seq", update.Seq);
        WriteStream(writer, update.Stream);
        Write(writer, update.Digest);
        Write(writer, update.Changes);
    }

    private void Write(Utf8JsonWriter writer, StateChunk chunk)
    {
        writer.WriteString("incarnation", chunk.Incarnation);
        WriteStream(writer, chunk.Stream);
        writer.WriteNumber("chunk", chunk.Index);
        if (chunk.IsLast)
            writer.WriteBoolean("last", true);
        Write(writer, chunk.Digest);
        Write(writer, chunk.Rows);
    }

    private void Write(Utf8JsonWriter writer, StateDigest? digest)
    {
        if (digest is not { } known)
            return;
        writer.WriteString("schema", catalog.Fingerprint);
        writer.WriteNumber("rows", known.Rows);
        writer.WriteString("digest", known.SumText);
    }

    private static void Write(Utf8JsonWriter writer, IReadOnlyList<RowChange> changes)
    {
        writer.WriteStartArray("changes");
        foreach (var change in changes)
            change.Write(writer);
        writer.WriteEndArray();
    }

    private static void WriteStream(Utf8JsonWriter writer, StreamId? stream)
    {
        if (stream is not null)
            writer.WriteString("stream", stream.ToString());
    }

    private static void WriteRequest(Utf8JsonWriter writer, StreamId? stream, int window)
    {
        WriteStream(writer, stream);
        if (window > 0)
            writer.WriteNumber("window", window);
    }

    private static void WriteAcknowledged(Utf8JsonWriter writer, Acknowledgement? taken)
    {
        if (taken is null)
            return;
        writer.WriteString("taken_stream", taken.Stream.ToString());
        writer.WriteNumber("taken_seq", taken.Seq);
        if (taken.Chunk is { } chunk)
            writer.WriteNumber("taken_chunk", chunk);
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

    private static void Write(Utf8JsonWriter writer, string? token, HostCurrent? host)
    {
        if (token is not null)
            writer.WriteString("token", token);
        if (host is null)
            return;
        writer.WritePropertyName("host");
        JsonSerializer.Serialize(writer, host, RowJson.Options);
    }

    /// <summary>The fields of any message, in whatever order they came.</summary>
    private ref struct Fields
    {
        public string? Event;
        public Guid? Uuid;
        public string? Incarnation;
        public long? Seq;
        public StreamId? Stream;
        public int Window;
        public long? Epoch;
        public int? Chunk;
        public bool IsLast;
        public StreamId? TakenStream;
        public long? TakenSeq;
        public int? TakenChunk;
        public string? Schema;
        public long? Rows;
        public ulong? Sum;
        public string? Reason;
        public List<RowChange>? Changes;
        public string? Type;
        public string? Severity;
        public Guid? Instance;
        public DateTimeOffset? Time;
        public JsonText? Data;
        public string? Token;
        public HostCurrent? Inventory;

        public static MalformedMessageException Missing(string field) => new($"the field {field} is missing");

        public readonly Guid Host() => Uuid ?? throw Missing("uuid");

        public readonly StateUpdate Update(StateDigest? digest) =>
            new(Incarnation ?? throw Missing("incarnation"), Seq ?? throw Missing("seq"), Stream, Changes ?? throw Missing("changes"))
            {
                Digest = digest,
            };

        public readonly StateChunk StateChunk(StateDigest? digest) =>
            new(
                Incarnation ?? throw Missing("incarnation"),
                Stream ?? throw Missing("stream"),
                Chunk ?? throw Missing("chunk"),
                IsLast,
                Changes ?? throw Missing("changes"))
            {
                Digest = digest,
            };

        public readonly Acknowledgement? TakenIfAny() => TakenStream is null ? null : Taken();

        public readonly Acknowledgement Taken() =>
            new(TakenStream ?? throw Missing("taken_stream"), TakenSeq ?? throw Missing("taken_seq"), TakenChunk);

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
    }
}
