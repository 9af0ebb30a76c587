using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;

namespace PonyCloud.Twilight.Networks.Serving;

/// <summary>
/// The dnsmasq of a switch, which an earlier agent may have started. It is the process that the pid file names if that reads the
/// configuration of this switch; the number alone may be anybody's by now.
/// </summary>
/// <param name="Namespace">The inode of the network namespace that it is in.</param>
/// <param name="IsStopped">It was told to stand still (SIGSTOP), so it answers nothing.</param>
internal sealed record DnsmasqProcess(int Id, string Namespace, bool IsStopped)
{
    private static readonly TimeSpan EndLimit = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan EndLook = TimeSpan.FromMilliseconds(10);

    internal static string ConfigArgument(string configFile) => "--conf-file=" + configFile;

    /// <summary>Null when there is none.</summary>
    internal static DnsmasqProcess? Find(string pidFile, string configFile)
    {
        try
        {
            if (!int.TryParse(File.ReadAllText(pidFile).Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out var id))
                return null;
            var state = State(id);
            // One that has ended and was not buried yet has no arguments any more.
            if (state is 'Z' or 'X' || !File.ReadAllText($"/proc/{id}/cmdline").Split('\0').Contains(ConfigArgument(configFile)))
                return null;
            // The link reads net:[4026531840].
            var link = new FileInfo($"/proc/{id}/ns/net").LinkTarget ?? "";
            return new DnsmasqProcess(id, link[(link.IndexOf('[', StringComparison.Ordinal) + 1)..].TrimEnd(']'), state is 'T' or 't');
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // There is no file, or the process ended meanwhile.
            return null;
        }
    }

    /// <summary>Cuts it off, since nothing that it keeps is on disk, and waits until its sockets are free.</summary>
    /// <exception cref="TimeoutException">The kernel does not let go of it.</exception>
    internal async Task EndAsync(TimeProvider time, CancellationToken cancellationToken)
    {
        try
        {
            using var process = Process.GetProcessById(Id);
            process.Kill();
        }
        catch (Exception exception) when (exception is ArgumentException or InvalidOperationException or Win32Exception)
        {
            // It ended by itself just now, or else it is seen below.
        }
        // It is nobody's child here, so its end is nothing that could be awaited.
        var begin = time.GetTimestamp();
        while (HasNotEnded(Id))
        {
            if (time.GetElapsedTime(begin) > EndLimit)
                throw new TimeoutException($"dnsmasq (process {Id}) was killed and does not end.");
            await Task.Delay(EndLook, time, cancellationToken);
        }
    }

    private static bool HasNotEnded(int id)
    {
        try
        {
            return State(id) is not ('Z' or 'X');
        }
        catch (IOException)
        {
            // There is no such process any more.
            return false;
        }
    }

    /// <summary>From <c>pid (command) state …</c>, where the command may contain anything.</summary>
    private static char State(int id)
    {
        var text = File.ReadAllText($"/proc/{id}/stat");
        return text[text.LastIndexOf(')') + 2];
    }
}
