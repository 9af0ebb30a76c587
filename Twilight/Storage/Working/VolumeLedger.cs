using System.Globalization;
using System.Text;
using Microsoft.Extensions.Logging;
using PonyCloud.Shared.Hosting;
using PonyCloud.Twilight.Storage.Planning;

namespace PonyCloud.Twilight.Storage.Working;

/// <summary>
/// What was carried out and no scan shows, kept on a disk of the host: else an agent that starts anew before its report was heard
/// would fill a volume once more that is used by then.
/// </summary>
/// <remarks>Owned by the loop. One small file for each volume, gone with the last row of it.</remarks>
public sealed partial class VolumeLedger
{
    private readonly string _directory;
    private readonly ILogger _logger;
    private readonly Dictionary<Guid, VolumeRecord> _records = [];

    /// <exception cref="IOException">It cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">It may not be read.</exception>
    public VolumeLedger(string directory, ILogger<VolumeLedger> logger)
    {
        _directory = directory;
        _logger = logger;
        if (!Directory.Exists(directory))
            return;
        foreach (var path in Directory.EnumerateFiles(directory))
        {
            if (Guid.TryParseExact(Path.GetFileName(path), "D", out var volume) && Parse(File.ReadAllText(path)) is { } record)
                _records[volume] = record;
        }
    }

    internal IReadOnlyDictionary<Guid, VolumeRecord> Records => _records;

    internal void Set(Guid volume, VolumeRecord record)
    {
        _records[volume] = record;
        try
        {
            WholeFile.Write(PathOf(volume), Encoding.ASCII.GetBytes(Text(record)), WholeFile.Secret, replace: true);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // As long as the agent lives it knows all the same.
            LogNotKept(exception, volume);
        }
    }

    /// <summary>Forgets what no row is about any more.</summary>
    internal void Keep(IReadOnlySet<Guid> volumes)
    {
        foreach (var volume in _records.Keys.Where(volume => !volumes.Contains(volume)).ToList())
        {
            _records.Remove(volume);
            try
            {
                File.Delete(PathOf(volume));
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
            {
                // The uuid comes never again.
                LogNotKept(exception, volume);
            }
        }
    }

    private string PathOf(Guid volume) => Path.Combine(_directory, volume.ToString());

    private static string Text(VolumeRecord record) =>
        string.Create(CultureInfo.InvariantCulture, $"{record.Generation} {record.Reverts} {(record.IsWiped ? 1 : 0)} {record.Cleared}\n");

    private static VolumeRecord? Parse(string text) =>
        text.Split(' ', StringSplitOptions.TrimEntries) is [var generation, var reverts, var wiped, .. var rest]
        && int.TryParse(generation, NumberStyles.None, CultureInfo.InvariantCulture, out var generations)
        && int.TryParse(reverts, NumberStyles.None, CultureInfo.InvariantCulture, out var count)
            ? new VolumeRecord(generations, count, wiped == "1", ClearedIn(rest))
            : null;

    // Agents before this one did not say it.
    private static long ClearedIn(string[] rest) =>
        rest is [var text] && long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var cleared) ? cleared : 0;

    [LoggerMessage(EventId = 3303, Level = LogLevel.Warning,
        Message = "What was done with volume {Volume} could not be kept for the next start.")]
    private partial void LogNotKept(Exception exception, Guid volume);
}
