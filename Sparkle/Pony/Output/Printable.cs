using System.Text;

namespace PonyCloud.Pony.Output;

/// <summary>Makes text of others fit for a terminal: what a row says must not move the cursor, nor change what was shown before.</summary>
internal static class Printable
{
    public static string Of(string text) => Of(text, keepLines: false);

    /// <summary>The same, but lines stay lines.</summary>
    public static string Lines(string text) => Of(text, keepLines: true);

    private static string Of(string text, bool keepLines)
    {
        if (!text.Any(IsActive))
            return text;
        var clean = new StringBuilder(text.Length);
        foreach (var character in text)
        {
            if (!IsActive(character) || (keepLines && character == '\n'))
                clean.Append(character);
            else
                clean.Append(character is '\n' or '\r' or '\t' ? ' ' : '\uFFFD');
        }
        return clean.ToString();
    }

    // Control characters, and those that turn the direction of the text around.
    private static bool IsActive(char character) =>
        char.IsControl(character) || character is >= '\u202A' and <= '\u202E' or >= '\u2066' and <= '\u2069' or '\u200E' or '\u200F';
}
