using System.Text.RegularExpressions;

namespace PonyCloud.Shared.Tests.Architecture;

/// <summary>The rules of the house that only the source shows. Each answers the violations in one file.</summary>
internal static partial class SourceRules
{
    /// <summary>SQL stands in the database room and in stores of features' own, nowhere else.</summary>
    public static IEnumerable<string> Sql(string path, string text) =>
        SqlHome().IsMatch(path) ? [] : Find(path, SourceText.Parse(text).Strings, SqlText(), "has SQL");

    /// <summary>A test awaits what it waits for.</summary>
    public static IEnumerable<string> NoSleep(string path, string text) =>
        Find(path, SourceText.Parse(text).Code, Sleep(), "sleeps");

    /// <summary>
    /// An exception that is caught is handled. A block without code says why in a comment, and even then names what it
    /// catches: everything is never expected.
    /// </summary>
    public static IEnumerable<string> NoEmptyCatch(string path, string text)
    {
        var code = SourceText.Parse(text).Code;
        return Find(path, code, EmptyCatch(), "swallows an exception").Concat(Find(path, code, CommentedCatchAll(), "swallows everything"));
    }

    /// <summary>The solution is of the classic format and holds every project.</summary>
    public static IEnumerable<string> Solution(string name, string text, IEnumerable<string> projects)
    {
        if (!name.EndsWith(".sln", StringComparison.Ordinal)
            || !text.TrimStart('\uFEFF', '\r', '\n').StartsWith("Microsoft Visual Studio Solution File", StringComparison.Ordinal))
        {
            yield return $"{name} is not of the classic format";
        }

        foreach (var project in projects.Where(project => !text.Contains($"\"{project.Replace('/', '\\')}\"", StringComparison.Ordinal)))
        {
            yield return $"{name} lacks {project}";
        }
    }

    private static IEnumerable<string> Find(string path, string text, Regex what, string verb) =>
        what.Matches(text).Select(match => $"{path}:{1 + text.AsSpan(0, match.Index).Count('\n')} {verb}: {match.Value.Trim()}");

    [GeneratedRegex("^Sparkle/Database/|^Sparkle/[^/]+/([^/]+/)*[A-Za-z]+Store\\.cs$")]
    private static partial Regex SqlHome();

    // In capitals anywhere, in small letters where a literal begins: prose has "select … from" too.
    [GeneratedRegex(
        "\\b(SELECT\\s[^\\x01]+?\\sFROM|INSERT\\s+INTO|UPDATE\\s+\\S+\\s+SET|DELETE\\s+FROM|ALTER\\s+TABLE|DROP\\s+TABLE|TRUNCATE\\s+\\w"
            + "|CREATE\\s+(TABLE|INDEX|UNIQUE|FUNCTION|TRIGGER))\\b"
            + "|(?<=^|\\x01)\\s*(select\\s[^\\x01]+?\\sfrom|insert\\s+into|update\\s+\\S+\\s+set|delete\\s+from|create\\s+table|alter\\s+table)\\b")]
    private static partial Regex SqlText();

    [GeneratedRegex("\\b(Thread\\s*\\.\\s*Sleep|Task\\s*\\.\\s*Delay|SpinWait\\s*\\.\\s*SpinUntil)\\s*\\(")]
    private static partial Regex Sleep();

    [GeneratedRegex("\\bcatch\\s*(\\([^)]*\\)\\s*)?(when\\s*\\(.*\\)\\s*)?\\{\\s*\\}")]
    private static partial Regex EmptyCatch();

    [GeneratedRegex("\\bcatch\\s*(\\(\\s*(System\\s*\\.\\s*)?Exception\\b[^)]*\\)\\s*)?\\{(\\s|/\\*\\*/)*\\}")]
    private static partial Regex CommentedCatchAll();
}
