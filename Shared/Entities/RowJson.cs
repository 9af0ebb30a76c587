using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;

namespace PonyCloud.Shared.Entities;

/// <summary>How the record of a part reads as JSON, in messages to hosts and in the API alike but for secrets.</summary>
public static class RowJson
{
    /// <summary>snake_case columns, kebab-case enumerations, UTC times with a <c>Z</c>; nulls and secret columns left out.</summary>
    public static JsonSerializerOptions Options { get; } = Make(secret => false);

    /// <summary>The same with the secrets that hosts need: for messages to hosts, which are encrypted, and for nothing else.</summary>
    internal static JsonSerializerOptions HostOptions { get; } = Make(secret => secret.SentToHosts);

    private static JsonSerializerOptions Make(Func<SecretAttribute, bool> shows)
    {
        var options = new JsonSerializerOptions
        {
            PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
            DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
            // The output is application/json, never embedded in HTML: only what JSON itself demands is escaped.
            Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
            RespectNullableAnnotations = true,
            TypeInfoResolver = new DefaultJsonTypeInfoResolver { Modifiers = { type => LeaveOutSecrets(type, shows) } },
            Converters = { new JsonStringEnumConverter(JsonNamingPolicy.KebabCaseLower, allowIntegerValues: false), new UtcConverter() },
        };
        options.MakeReadOnly();
        return options;
    }

    private static void LeaveOutSecrets(JsonTypeInfo type, Func<SecretAttribute, bool> shows)
    {
        for (var i = type.Properties.Count - 1; i >= 0; i--)
        {
            var secret = type.Properties[i].AttributeProvider?.GetCustomAttributes(typeof(SecretAttribute), inherit: false).SingleOrDefault();
            if (secret is SecretAttribute declared && !shows(declared))
                type.Properties.RemoveAt(i);
        }
    }

    private sealed class UtcConverter : JsonConverter<DateTimeOffset>
    {
        public override DateTimeOffset Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
            reader.GetDateTimeOffset().ToUniversalTime();

        public override void Write(Utf8JsonWriter writer, DateTimeOffset value, JsonSerializerOptions options) =>
            writer.WriteStringValue(value.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.FFFFFF'Z'", CultureInfo.InvariantCulture));
    }
}
