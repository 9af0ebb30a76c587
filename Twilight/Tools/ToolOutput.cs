using System.Text;

namespace PonyCloud.Twilight.Tools;

/// <summary>Reads what a tool says, up to a bound.</summary>
internal static class ToolOutput
{
    /// <summary>More than any listing that is asked for: 100,000 objects of a pool fit.</summary>
    internal const int CharsMax = 64 * 1024 * 1024;

    private const int LineMax = 64 * 1024;
    private const int LastWordsMax = 500;

    /// <returns>All of it, or nothing when lines are followed.</returns>
    /// <exception cref="OutputBoundException">It is too much.</exception>
    internal static async Task<string> ReadAsync(StreamReader reader, Action<string>? onLine, CancellationToken cancellationToken)
    {
        var text = new StringBuilder();
        var buffer = new char[8192];
        while (await reader.ReadAsync(buffer, cancellationToken) is > 0 and var count)
        {
            text.Append(buffer, 0, count);
            if (onLine is not null)
                Split(text, onLine);
            if (text.Length > (onLine is null ? CharsMax : LineMax))
                throw new OutputBoundException();
        }
        if (onLine is null)
            return text.ToString();
        if (text.Length > 0)
            onLine(text.ToString());
        return "";
    }

    /// <summary>The end of what a tool said, in one line.</summary>
    internal static string LastWords(string text)
    {
        var line = string.Join(' ', text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
        return line.Length <= LastWordsMax ? line : $"… {line[^LastWordsMax..]}";
    }

    private static void Split(StringBuilder text, Action<string> onLine)
    {
        var all = text.ToString();
        var begin = 0;
        for (var end = all.AsSpan().IndexOfAny('\n', '\r'); end >= 0;)
        {
            if (end > begin)
                onLine(all[begin..end]);
            begin = end + 1;
            var next = all.AsSpan(begin).IndexOfAny('\n', '\r');
            end = next < 0 ? -1 : begin + next;
        }
        text.Remove(0, begin);
    }
}

internal sealed class OutputBoundException : Exception;
