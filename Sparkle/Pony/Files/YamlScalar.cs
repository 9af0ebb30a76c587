using System.Globalization;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace PonyCloud.Pony.Files;

/// <summary>
/// What a plain scalar means: the core schema of YAML 1.2 (§ 10.3.2). So <c>no</c> is a text and not a falsehood, and a
/// number stays exactly as it was written.
/// </summary>
internal static partial class YamlScalar
{
    public static JsonNode? Read(string text)
    {
        if (text is "" or "~" or "null" or "Null" or "NULL")
            return null;
        if (text is "true" or "True" or "TRUE")
            return JsonValue.Create(true);
        if (text is "false" or "False" or "FALSE")
            return JsonValue.Create(false);
        if (Octal().IsMatch(text) || Hexadecimal().IsMatch(text))
            return JsonValue.Create(Convert.ToInt64(text[2..], text[1] == 'o' ? 8 : 16));
        if (!Number().IsMatch(text))
            return JsonValue.Create(text);
        if (JsonNumber().IsMatch(text))
            return JsonNode.Parse(text);
        // Forms that JSON does not have, such as +1, 007 and .5.
        return long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var integer)
            ? JsonValue.Create(integer)
            : JsonValue.Create(double.Parse(text, NumberStyles.Float, CultureInfo.InvariantCulture));
    }

    /// <summary>Whether the text, written plainly, would be read as a text again.</summary>
    public static bool IsText(string text) => Read(text) is JsonValue value && value.GetValueKind() == System.Text.Json.JsonValueKind.String;

    [GeneratedRegex(@"^0o[0-7]{1,21}$")]
    private static partial Regex Octal();

    [GeneratedRegex(@"^0x[0-9a-fA-F]{1,15}$")]
    private static partial Regex Hexadecimal();

    [GeneratedRegex(@"^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$")]
    private static partial Regex Number();

    [GeneratedRegex(@"^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?$")]
    private static partial Regex JsonNumber();
}
