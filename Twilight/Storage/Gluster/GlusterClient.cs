using System.Diagnostics;
using System.Globalization;
using PonyCloud.Twilight.Storage.Mounts;
using PonyCloud.Twilight.Tools;

namespace PonyCloud.Twilight.Storage.Gluster;

/// <summary>
/// The process that serves the mount of a volume. It outlives the agent, so each agent finds it among all processes: by its name, and
/// the directory that is its last argument.
/// </summary>
internal sealed class GlusterClient(GlusterVolume volume, string directory, GlusterLog log, IToolRunner tools, TimeProvider time)
{
    private const string Program = "glusterfs";
    private const int UsualPort = 24007;

    // ENOTCONN is what it ends with when no server took its question, and 127 what env does when there is no such program.
    private const int NotConnected = 107;
    private const int NoProgram = 127;

    private static readonly TimeSpan MountLimit = TimeSpan.FromSeconds(30);

    // How long it may take to end by itself, and to be dead.
    private static readonly TimeSpan EndLimit = TimeSpan.FromSeconds(5);

    internal string Directory => directory;

    internal bool IsRunning
    {
        get
        {
            var found = Find();
            found.ForEach(process => process.Dispose());
            return found.Count > 0;
        }
    }

    /// <summary>Starts it, and waits until it has mounted the volume or failed.</summary>
    /// <returns>Where its log ended before.</returns>
    /// <exception cref="StorageException">It failed; the message says why.</exception>
    internal async Task<long> StartAsync(CancellationToken cancellationToken)
    {
        var end = log.End;
        string[] subdirectory = volume.Path is { } path ? [$"--subdir-mount={path}"] : [];
        string[] arguments =
        [
            $"--volfile-server={volume.Server.Name}",
            $"--volfile-server-port={(volume.Server.Port ?? UsualPort).ToString(CultureInfo.InvariantCulture)}",
            $"--volfile-id={volume.Name}", .. subdirectory, "--process-name=fuse", $"--log-file={log.Path}", "--log-level=WARNING",
            $"--fuse-mountopts={MountedDirectory.Common},noatime", directory,
        ];
        try
        {
            // It is to live on with the mount: it must not be taken for a tool that was left running.
            await tools.RunAsync(
                new ToolCall("env", [$"--unset={ToolRunner.Mark}", Program, .. arguments]) { Timeout = MountLimit }, cancellationToken);
        }
        catch (ToolException exception)
        {
            throw Failed(
                exception switch
                {
                    { Failure: ToolFailure.TimedOut } => $"nobody answered within {MountLimit.TotalSeconds:0} s",
                    { ExitCode: NoProgram } => $"this host has no {Program}",
                    { ExitCode: NotConnected } => log.ErrorsSince(end) ?? "no server of Gluster is there",
                    _ => log.ErrorsSince(end) ?? exception.Message,
                },
                exception);
        }
        return end;
    }

    /// <summary>What to say of a volume that was mounted, and does not answer.</summary>
    /// <param name="end">Where the log ended before.</param>
    internal StorageException Failed(long end, StorageException cause) => Failed(log.ErrorsSince(end) ?? cause.Message, cause);

    /// <summary>Waits until it has ended, as it does by itself when nothing is mounted any more, and kills it if it does not.</summary>
    internal async Task EndAsync(CancellationToken cancellationToken)
    {
        foreach (var process in Find())
        {
            using (process)
            {
                if (!await HasEndedAsync(process, cancellationToken))
                    await KillAsync(process, cancellationToken);
            }
        }
    }

    internal async Task KillAsync(CancellationToken cancellationToken)
    {
        foreach (var process in Find())
        {
            using (process)
                await KillAsync(process, cancellationToken);
        }
    }

    private async Task KillAsync(Process process, CancellationToken cancellationToken)
    {
        process.Kill();
        if (!await HasEndedAsync(process, cancellationToken))
            throw new StorageException(StorageFailure.InUse, $"The kernel holds process {process.Id}, which had mounted {volume}.");
    }

    private async Task<bool> HasEndedAsync(Process process, CancellationToken cancellationToken)
    {
        using var limit = new CancellationTokenSource(EndLimit, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        try
        {
            await process.WaitForExitAsync(either.Token);
            return true;
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return false;
        }
    }

    private List<Process> Find()
    {
        List<Process> found = [];
        foreach (var process in Process.GetProcesses())
        {
            if (IsIt(process.Id))
                found.Add(process);
            else
                process.Dispose();
        }
        return found;
    }

    private bool IsIt(int process)
    {
        try
        {
            var words = File.ReadAllText($"/proc/{process}/cmdline").Split('\0', StringSplitOptions.RemoveEmptyEntries);
            return words.Length > 1 && Path.GetFileName(words[0]) == Program && words[^1] == directory;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // It has ended, or is none of ours.
            return false;
        }
    }

    private StorageException Failed(string why, Exception cause) =>
        new(StorageFailure.Unreachable, $"{volume} could not be mounted: {why}", cause);
}
