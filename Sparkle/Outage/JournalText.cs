using System.Text.Json;
using PonyCloud.Shared.Entities;

namespace PonyCloud.Sparkle.Outage;

/// <summary>What a file of the journal says.</summary>
/// <param name="Lines">The whole lines, in order; the first has the generation. Empty for a file that counts for nothing.</param>
/// <param name="Length">So many bytes of the file they are; what follows was never acknowledged.</param>
/// <param name="Damage">Why the file cannot be trusted; null when it can.</param>
internal sealed record JournalText(IReadOnlyList<JournalLine> Lines, long Length, string? Damage = null)
{
    /// <summary>Of the journal that it holds; null when there is none, or when its first line is lost.</summary>
    public long? Generation => Lines is [var first, ..] ? first.Generation : null;

    /// <summary>The file with the highest is the one that counts. What it was is unknown of a file whose first line is lost.</summary>
    public long Newness => Generation ?? (Damage is null ? 0 : long.MaxValue);

    public static JournalText Read(ReadOnlyMemory<byte> bytes, EntityCatalog catalog)
    {
        var lines = new List<JournalLine>();
        var at = 0;
        while (at < bytes.Length)
        {
            var rest = bytes[at..];
            var end = rest.Span.IndexOf((byte)'\n');
            var line = end < 0 ? rest : rest[..end];
            if (end < 0 || !JournalLine.IsWhole(line.Span))
            {
                // Each line is on the disk before the next is begun, so only the last can be torn. Where another begins within
                // it, what is lost is the end of a line that was acknowledged; a blank stands nowhere else before an object.
                var isLast = (end < 0 || at + end + 1 == bytes.Length) && line.Span.Count(" {\""u8) <= 1;
                return new JournalText(lines, at, isLast ? null : $"the line at byte {at} has another checksum than it says");
            }
            try
            {
                lines.Add(JournalLine.Decode(line, catalog));
            }
            catch (JsonException e)
            {
                return new JournalText(lines, at, $"the line at byte {at} is whole, but this version does not understand it: {e.Message}");
            }
            if (lines[^1].Generation is not null != (lines.Count == 1))
                return new JournalText([], 0, $"the line at byte {at} does not belong there");
            at += end + 1;
        }
        return new JournalText(lines, at);
    }
}
