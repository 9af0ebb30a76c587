using System.Globalization;

namespace PonyCloud.Sparkle.Api.Json;

/// <summary>A JSON pointer (RFC 6901), taken apart.</summary>
public sealed class JsonPointer
{
    private JsonPointer(string text, string[] tokens)
    {
        Text = text;
        Tokens = tokens;
    }

    public string Text { get; }

    /// <summary>The reference tokens, unescaped; none for the whole document.</summary>
    public IReadOnlyList<string> Tokens { get; }

    /// <summary>Null when the text is no JSON pointer.</summary>
    public static JsonPointer? TryParse(string text)
    {
        if (text.Length == 0)
            return new JsonPointer(text, []);
        if (text[0] != '/')
            return null;
        var tokens = text[1..].Split('/');
        for (var i = 0; i < tokens.Length; i++)
        {
            if (!TryUnescape(tokens[i], out tokens[i]))
                return null;
        }
        return new JsonPointer(text, tokens);
    }

    /// <summary>The pointer of these reference tokens.</summary>
    public static JsonPointer Of(IEnumerable<string> tokens)
    {
        string[] own = [.. tokens];
        return new JsonPointer(string.Concat(own.Select(token => $"/{Escape(token)}")), own);
    }

    public static string Escape(string token) =>
        token.Replace("~", "~0", StringComparison.Ordinal).Replace("/", "~1", StringComparison.Ordinal);

    /// <summary>An array index as RFC 6901 writes it: no sign, no leading zeros.</summary>
    public static bool TryIndex(string token, out int index)
    {
        index = -1;
        return token.Length > 0
            && (token.Length == 1 || token[0] != '0')
            && token.All(char.IsAsciiDigit)
            && int.TryParse(token, NumberStyles.None, CultureInfo.InvariantCulture, out index);
    }

    /// <summary>The pointer to a member or an element of what this one leads to.</summary>
    public JsonPointer Below(string token) => new($"{Text}/{Escape(token)}", [.. Tokens, token]);

    /// <summary>Whether the other pointer leads to the same place or further down.</summary>
    public bool IsPrefixOf(JsonPointer other)
    {
        if (Tokens.Count > other.Tokens.Count)
            return false;
        for (var i = 0; i < Tokens.Count; i++)
        {
            if (Tokens[i] != other.Tokens[i])
                return false;
        }
        return true;
    }

    public override string ToString() => Text;

    private static bool TryUnescape(string token, out string plain)
    {
        plain = token;
        for (var i = token.IndexOf('~', StringComparison.Ordinal); i >= 0; i = token.IndexOf('~', i + 1))
        {
            if (i + 1 == token.Length || token[i + 1] is not ('0' or '1'))
                return false;
        }
        // In this order, so that ~01 becomes ~1 and not a slash.
        plain = token.Replace("~1", "/", StringComparison.Ordinal).Replace("~0", "~", StringComparison.Ordinal);
        return true;
    }
}
