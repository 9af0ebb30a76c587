using System.Globalization;
using PonyCloud.Twilight.Instances;

namespace PonyCloud.Twilight.Consoles;

/// <summary>A part of a log, open for reading.</summary>
/// <param name="Offset">Where it begins.</param>
/// <param name="End">Where the log ended when it was opened.</param>
internal sealed record ConsoleLogPart(Stream Stream, long Offset, long End) : IDisposable
{
    public void Dispose() => Stream.Dispose();
}

/// <summary>Reads what instances wrote to their serial consoles.</summary>
internal sealed class ConsoleLogs(DomainOptions domains, ConsoleOptions options)
{
    /// <param name="offset">Where to begin; null for the beginning.</param>
    /// <param name="tail">How much to give at most, of the end; null for all.</param>
    /// <returns>Null when there is no log.</returns>
    public ConsoleLogPart? Open(Guid instance, long? offset, long? tail)
    {
        FileStream file;
        try
        {
            file = new FileStream(
                domains.ConsoleLogOf(instance), FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, bufferSize: 1);
        }
        catch (FileNotFoundException)
        {
            // The instance has not been started here, or is gone.
            return null;
        }
        var end = file.Length;
        var begin = Math.Min(end, Math.Max(Begin(end, offset, tail, options.LogKept), FirstOf(instance)));
        file.Seek(begin, SeekOrigin.Begin);
        return new ConsoleLogPart(file, begin, end);
    }

    /// <summary>What is before was not kept by the host that it came from.</summary>
    private long FirstOf(Guid instance)
    {
        var file = domains.ConsoleBeginOf(instance);
        try
        {
            return File.Exists(file) && long.TryParse(File.ReadAllText(file), CultureInfo.InvariantCulture, out var first) ? first : 0;
        }
        catch (FileNotFoundException)
        {
            // It has just gone, and the log with it.
            return 0;
        }
    }

    /// <summary>Where a part begins. Pure.</summary>
    public static long Begin(long end, long? offset, long? tail, long kept)
    {
        var first = Math.Max(0, end - kept);
        if (offset > end)
            offset = null; // Of an older log.
        return Math.Max(Math.Max(first, offset ?? 0), end - Math.Min(tail ?? end, end));
    }
}
