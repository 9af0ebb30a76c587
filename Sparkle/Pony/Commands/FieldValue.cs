using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using PonyCloud.Pony.Output;
using PonyCloud.Pony.Schema;

namespace PonyCloud.Pony.Commands;

/// <summary>Reads what was typed as a value of a field, as the schema says. Whether the value is good, the server decides.</summary>
internal static class FieldValue
{
    /// <exception cref="PonyException">It is nothing of this kind.</exception>
    public static JsonNode? Parse(Field field, string text) => field.Kind switch
    {
        "integer" or "big-integer" => long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var integer)
            ? JsonValue.Create(integer)
            : throw Wrong(field, text, "a whole number"),
        "real" => double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var real) && double.IsFinite(real)
            ? JsonValue.Create(real)
            : throw Wrong(field, text, "a number"),
        "boolean" => text switch
        {
            "true" => JsonValue.Create(true),
            "false" => JsonValue.Create(false),
            _ => throw Wrong(field, text, "true or false"),
        },
        "enumeration" when !field.Values.Contains(text) => throw Wrong(field, text, string.Join(", ", field.Values)),
        "json" => Json(field, text),
        // One by one with commas, or a list as JSON where an item has a comma itself.
        _ when field.Kind.EndsWith("-list", StringComparison.Ordinal) => text.StartsWith('[')
            ? Json(field, text)
            : new JsonArray([.. text.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).Select(item => JsonValue.Create(item))]),
        _ => JsonValue.Create(text),
    };

    private static JsonNode? Json(Field field, string text)
    {
        try
        {
            return JsonNode.Parse(text, documentOptions: new JsonDocumentOptions { AllowDuplicateProperties = false });
        }
        catch (JsonException exception)
        {
            throw new PonyException(ExitCode.Usage, Wrong(field, text, "JSON").Message, exception);
        }
    }

    private static PonyException Wrong(Field field, string text, string kind) =>
        PonyException.Usage($"{field.Name} takes {kind}, not \"{Printable.Of(text)}\".");
}
