using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace PonyCloud.Twilight.Metadata.Documents;

/// <summary>How JSON is written here: to be read as YAML, too.</summary>
internal static partial class MetadataJson
{
    private static readonly JsonSerializerOptions Options = new()
    {
        WriteIndented = true,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    /// <remarks>The serializer writes a character beyond 16 bits as two halves. In YAML these are two characters that do not exist.</remarks>
    internal static string Text(JsonObject content) => Halves().Replace(content.ToJsonString(Options), match =>
        $"{match.Groups["before"].Value}{Half(match.Groups["high"])}{Half(match.Groups["low"])}");

    internal static JsonArray Array(IEnumerable<JsonNode?> items) => [.. items];

    private static char Half(Group digits) => (char)ushort.Parse(digits.Value, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);

    // A backslash behind an odd number of others is no escape, but the text's own.
    [GeneratedRegex(@"(?<!\\)(?<before>(\\\\)*)\\u(?<high>D[89AB][0-9A-F]{2})\\u(?<low>D[C-F][0-9A-F]{2})", RegexOptions.ExplicitCapture)]
    private static partial Regex Halves();
}
