using PonyCloud.Twilight.Storage.Files;
using PonyCloud.Twilight.Tools;

namespace PonyCloud.Twilight.Storage.Mounts;

/// <summary>What is to be mounted, and where.</summary>
internal sealed record Mount
{
    /// <summary>The type of the file system, as mount(8) calls it.</summary>
    internal required string Format { get; init; }

    internal required string Source { get; init; }

    /// <summary>Beside those that each has; later ones count.</summary>
    internal required IReadOnlyList<string> Options { get; init; }

    internal required string Directory { get; init; }
}

/// <summary>A directory that is mounted; <c>README.md</c> says how.</summary>
internal sealed class MountedDirectory(Mount mount, IToolRunner tools) : IPoolActivation
{
    private const string Common = "nosuid,nodev,noexec";

    private static readonly TimeSpan AnswerLimit = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan MountLimit = TimeSpan.FromSeconds(30);

    private readonly PoolTools _tools = new(tools);
    private readonly PlainDirectory _plain = new(mount.Directory, new HastyTools(tools, AnswerLimit));

    public string Directory => mount.Directory;

    public async Task ActivateAsync(CancellationToken cancellationToken)
    {
        if (IsMounted() && await AnswersAsync(cancellationToken))
            return;
        await _plain.ActivateAsync(cancellationToken);
        string[] what = ["-t", mount.Format, "-o", string.Join(',', [Common, .. mount.Options]), "--", mount.Source, mount.Directory];
        // What serves the mount may be a process, which is to live on with it: it must not be taken for a tool that was left running.
        await RunAsync(
            new ToolCall("env", [$"--unset={ToolRunner.Mark}", "mount", .. what]) { Timeout = MountLimit }, cancellationToken);
    }

    public Task<PoolCapacity> CapacityAsync(CancellationToken cancellationToken) => IsMounted()
        ? _plain.CapacityAsync(cancellationToken)
        : throw new StorageException(StorageFailure.Unreachable, $"{mount.Source} is not mounted.");

    public async Task DeactivateAsync(CancellationToken cancellationToken)
    {
        while (IsMounted())
        {
            try
            {
                await UnmountAsync(cancellationToken);
            }
            catch (StorageException exception) when (exception.Failure == StorageFailure.Unreachable)
            {
                if (IsMounted())
                    await UnmountAsync(cancellationToken, "--lazy");
            }
        }
        await RunAsync(new ToolCall("rm", "--force", "--dir", "--", mount.Directory), cancellationToken);
    }

    /// <returns>False when the mount was stale, and has been detached.</returns>
    private async Task<bool> AnswersAsync(CancellationToken cancellationToken)
    {
        try
        {
            await _plain.CapacityAsync(cancellationToken);
            return true;
        }
        catch (StorageException exception) when (exception.Message.Contains("Stale file handle", StringComparison.Ordinal))
        {
            // Nobody finds it any more; who has files in it open keeps them.
            await UnmountAsync(cancellationToken, "--lazy");
            return false;
        }
    }

    /// <summary>Without a helper, and without following links: either could ask the server.</summary>
    private Task<string> UnmountAsync(CancellationToken cancellationToken, params string[] how) => RunAsync(
        new ToolCall("umount", ["--internal-only", "--no-canonicalize", .. how, mount.Directory]) { Timeout = AnswerLimit },
        cancellationToken);

    private Task<string> RunAsync(ToolCall call, CancellationToken cancellationToken) =>
        _tools.RunAsync(call, StorageFailure.Unreachable, cancellationToken);

    // The kernel's own list, which no server is asked for (proc(5), mountinfo: the fifth field is the mount point).
    private bool IsMounted() => File.ReadLines("/proc/self/mountinfo").Any(line => line.Split(' ')[4] == mount.Directory);
}
