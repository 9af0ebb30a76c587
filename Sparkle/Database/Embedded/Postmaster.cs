using System.Globalization;

namespace PonyCloud.Sparkle.Database.Embedded;

/// <summary>The server process of a cluster, found by its pid file and told from strangers that got its number since.</summary>
internal static class Postmaster
{
    /// <summary>The process id of the cluster's server; null when it does not run.</summary>
    public static int? Find(ClusterLayout layout) =>
        ReadPid(layout.PidFile) is { } pid && IsServerOf(pid, layout) ? pid : null;

    /// <summary>
    /// Removes pid files whose process is a stranger, or dead and not reaped yet. The server itself takes every living process of that number for its
    /// older self and refuses to start, for instance in a container where numbers are soon given again.
    /// </summary>
    public static void RemoveStalePidFiles(ClusterLayout layout)
    {
        foreach (var file in (string[])[layout.PidFile, layout.SocketLockFile])
        {
            if (ReadPid(file) is { } pid && Directory.Exists($"/proc/{pid}") && !IsServerOf(pid, layout))
                File.Delete(file);
        }
    }

    private static int? ReadPid(string file)
    {
        try
        {
            using var reader = new StreamReader(file);
            return int.TryParse(reader.ReadLine(), NumberStyles.None, CultureInfo.InvariantCulture, out var pid) ? pid : null;
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
    }

    private static bool IsServerOf(int pid, ClusterLayout layout)
    {
        try
        {
            // The server's working directory is its cluster. A zombie has none any more.
            return new DirectoryInfo($"/proc/{pid}/cwd").ResolveLinkTarget(returnFinalTarget: false)?.FullName is { } directory
                && directory == ResolvedCluster(layout)
                && File.ReadAllText($"/proc/{pid}/comm").Trim() == "postgres";
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException or UnauthorizedAccessException or IOException)
        {
            return false;
        }
    }

    private static string ResolvedCluster(ClusterLayout layout) =>
        new DirectoryInfo(layout.Cluster).ResolveLinkTarget(returnFinalTarget: true)?.FullName ?? layout.Cluster;
}
