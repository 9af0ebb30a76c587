using PonyCloud.Twilight.Storage.Files;
using PonyCloud.Twilight.Tools;

namespace PonyCloud.Twilight.Storage.Mounts;

/// <summary>A directory of the host for something to be mounted on.</summary>
internal sealed class MountPoint(string directory, IToolRunner tools)
{
    private static readonly TimeSpan AnswerLimit = TimeSpan.FromSeconds(10);

    private readonly PoolTools _tools = new(tools);
    private readonly PlainDirectory _plain = new(directory, new HastyTools(tools, AnswerLimit));

    internal string Directory => directory;

    // The kernel's own list, which no server is asked for (proc(5), mountinfo: the fifth field is the mount point).
    internal bool IsMounted => File.ReadLines("/proc/self/mountinfo").Any(line => line.Split(' ')[4] == directory);

    /// <summary>Makes the directory. Only who knows a name gets through, since the files hold what guests wrote.</summary>
    internal Task MakeAsync(CancellationToken cancellationToken) =>
        RunAsync(new ToolCall("mkdir", "-p", "-m", "0711", "--", directory), cancellationToken);

    /// <summary>Asks whatever is mounted.</summary>
    /// <exception cref="StorageException">It does not answer in time, or says that it cannot.</exception>
    internal Task<PoolCapacity> CapacityAsync(CancellationToken cancellationToken) => _plain.CapacityAsync(cancellationToken);

    /// <summary>Without a helper, and without following links: either could ask the server.</summary>
    internal Task UnmountAsync(CancellationToken cancellationToken, params string[] how) => RunAsync(
        new ToolCall("umount", ["--internal-only", "--no-canonicalize", .. how, directory]) { Timeout = AnswerLimit },
        cancellationToken);

    /// <summary>Nobody finds it any more; who has files in it open keeps them.</summary>
    internal Task DetachAsync(CancellationToken cancellationToken) => UnmountAsync(cancellationToken, "--lazy");

    internal Task RemoveAsync(CancellationToken cancellationToken) =>
        RunAsync(new ToolCall("rm", "--force", "--dir", "--", directory), cancellationToken);

    private Task<string> RunAsync(ToolCall call, CancellationToken cancellationToken) =>
        _tools.RunAsync(call, StorageFailure.Unreachable, cancellationToken);
}
