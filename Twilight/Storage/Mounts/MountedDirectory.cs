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
    /// <summary>Nobody's programs and devices come with a mount.</summary>
    internal const string Common = "nosuid,nodev,noexec";

    private static readonly TimeSpan MountLimit = TimeSpan.FromSeconds(30);

    private readonly PoolTools _tools = new(tools);
    private readonly MountPoint _point = new(mount.Directory, tools);

    public string Directory => mount.Directory;

    public async Task ActivateAsync(CancellationToken cancellationToken)
    {
        if (_point.IsMounted && await AnswersAsync(cancellationToken))
            return;
        await _point.MakeAsync(cancellationToken);
        string[] what = ["-t", mount.Format, "-o", string.Join(',', [Common, .. mount.Options]), "--", mount.Source, mount.Directory];
        // What serves the mount may be a process, which is to live on with it: it must not be taken for a tool that was left running.
        var call = new ToolCall("env", [$"--unset={ToolRunner.Mark}", "mount", .. what]) { Timeout = MountLimit };
        await _tools.RunAsync(call, StorageFailure.Unreachable, cancellationToken);
    }

    public Task<PoolCapacity> CapacityAsync(CancellationToken cancellationToken) => _point.IsMounted
        ? _point.CapacityAsync(cancellationToken)
        : throw new StorageException(StorageFailure.Unreachable, $"{mount.Source} is not mounted.");

    public async Task DeactivateAsync(CancellationToken cancellationToken)
    {
        while (_point.IsMounted)
        {
            try
            {
                await _point.UnmountAsync(cancellationToken);
            }
            catch (StorageException exception) when (exception.Failure == StorageFailure.Unreachable)
            {
                if (_point.IsMounted)
                    await _point.DetachAsync(cancellationToken);
            }
        }
        await _point.RemoveAsync(cancellationToken);
    }

    /// <returns>False when the mount was stale, and has been detached.</returns>
    private async Task<bool> AnswersAsync(CancellationToken cancellationToken)
    {
        try
        {
            await _point.CapacityAsync(cancellationToken);
            return true;
        }
        catch (StorageException exception) when (exception.Message.Contains("Stale file handle", StringComparison.Ordinal))
        {
            await _point.DetachAsync(cancellationToken);
            return false;
        }
    }
}
