using System.Text;
using System.Text.RegularExpressions;

namespace PonyCloud.Twilight.Storage.Gluster;

/// <summary>
/// What a client of Gluster writes: <c>[time] LEVEL [MSGID: 1] [place in its source] 0-name: words</c>. It is on a disk of the host.
/// </summary>
internal sealed partial class GlusterLog(string path)
{
    private const int TailMax = 64 * 1024;
    private const int WordsMax = 500;

    internal string Path => path;

    /// <summary>Where it ends by now.</summary>
    internal long End => File.Exists(path) ? new FileInfo(path).Length : 0;

    /// <returns>The errors since an earlier end, the last ones if they are many; null when there are none.</returns>
    internal string? ErrorsSince(long end)
    {
        if (!File.Exists(path))
            return null;
        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        // It is shorter when it was rotated meanwhile.
        file.Position = Math.Max(end <= file.Length ? end : 0, file.Length - TailMax);
        using var reader = new StreamReader(file, Encoding.UTF8);
        var words = Errors().Matches(reader.ReadToEnd()).Select(match => match.Groups["words"].Value.Trim()).Distinct();
        var text = string.Join("; ", words);
        return text.Length == 0 ? null : text.Length <= WordsMax ? text : $"… {text[^WordsMax..]}";
    }

    [GeneratedRegex(@"^\[[^\]]+\] [EC] (\[MSGID: \d+\] )?\[[^\]]+\] \S+: (?<words>.+)$", RegexOptions.Multiline)]
    private static partial Regex Errors();
}
