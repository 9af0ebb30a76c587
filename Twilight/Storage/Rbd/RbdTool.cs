using System.Text.Json;
using System.Text.Json.Nodes;
using PonyCloud.Twilight.Tools;

namespace PonyCloud.Twilight.Storage.Rbd;

/// <summary>Runs <c>rbd</c> and <c>ceph</c> on one pool, with the key in a file, and says what their failures mean.</summary>
internal sealed class RbdTool(CephPool pool, IToolRunner tools, SecretFiles secrets) : IDisposable
{
    // Errors by number, as rbd ends with them (errno).
    internal const int NotThere = 2;
    internal const int Busy = 16;
    internal const int Exists = 17;
    internal const int NotProtected = 22;
    internal const int HasSnapshots = 39;

    // More than the limits on single requests below, which give the better reason.
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);

    private readonly Lock _gate = new();
    private SecretFile? _key;
    private bool _disposed;

    internal string Pool => pool.Name;

    /// <summary>The argument that names an image or, with a snapshot, that of it.</summary>
    internal string Spec(string image, string? snapshot = null) =>
        snapshot is null ? $"{pool.Name}/{image}" : $"{pool.Name}/{image}@{snapshot}";

    /// <exception cref="StorageException">It failed.</exception>
    internal Task RunAsync(CancellationToken cancellationToken, params string[] arguments) => TryAsync([], cancellationToken, arguments);

    /// <summary>Work that takes as long as an image is large.</summary>
    /// <returns>The exit code: 0 or one of those that are accepted.</returns>
    internal async Task<int> WorkAsync(int[] accepted, CancellationToken cancellationToken, params string[] arguments) =>
        (await RunAsync("rbd", accepted, Timeout.InfiniteTimeSpan, arguments, cancellationToken)).ExitCode;

    /// <returns>The exit code: 0 or one of those that are accepted.</returns>
    internal async Task<int> TryAsync(int[] accepted, CancellationToken cancellationToken, params string[] arguments) =>
        (await RunAsync("rbd", accepted, Limit, arguments, cancellationToken)).ExitCode;

    internal Task<JsonNode> AskAsync(CancellationToken cancellationToken, params string[] arguments) =>
        AskAsync("rbd", [], arguments, cancellationToken);

    /// <summary>Asks about many; those that go away meanwhile are left out.</summary>
    internal async Task<JsonArray> AskOfThoseThereAsync(CancellationToken cancellationToken, params string[] arguments) =>
        (await AskAsync("rbd", [NotThere], arguments, cancellationToken)).AsArray();

    internal Task<JsonNode> AskClusterAsync(CancellationToken cancellationToken, params string[] arguments) =>
        AskAsync("ceph", [], arguments, cancellationToken);

    /// <summary>Takes the object away by which an image is found by its name, and nothing else of it.</summary>
    internal Task RemoveNameAsync(string image, CancellationToken cancellationToken) =>
        RemoveObjectAsync($"rbd_id.{image}", cancellationToken);

    /// <summary>What is not there is removed.</summary>
    internal Task RemoveObjectAsync(string name, CancellationToken cancellationToken) =>
        TryAsync(NotThere, ["rm", name], cancellationToken);

    /// <returns>False when somebody else has the lock.</returns>
    internal Task<bool> TryLockAsync(string name, TimeSpan duration, CancellationToken cancellationToken) =>
        TryAsync(Busy, ["lock", "get", name, "publish", "--lock-duration", $"{(long)duration.TotalSeconds}"], cancellationToken);

    /// <summary>Runs <c>rados</c>, which ends with 1 and says the number of the error.</summary>
    /// <returns>False when it was that error.</returns>
    private async Task<bool> TryAsync(int error, string[] arguments, CancellationToken cancellationToken)
    {
        var result = await RunAsync("rados", [1], Limit, ["--pool", pool.Name, .. arguments], cancellationToken);
        if (result.ExitCode == 0)
            return true;
        return result.Error.Contains($"({error})", StringComparison.Ordinal)
            ? false
            : throw new StorageException(StorageFailure.Failed, $"rados: {result.Error.Trim()}");
    }

    public void Dispose()
    {
        lock (_gate)
        {
            _disposed = true;
            _key?.Dispose();
            _key = null;
        }
    }

    private async Task<JsonNode> AskAsync(string tool, int[] accepted, string[] arguments, CancellationToken cancellationToken)
    {
        var said = (await RunAsync(tool, accepted, Limit, [.. arguments, "--format", "json"], cancellationToken)).Output;
        try
        {
            return JsonNode.Parse(said) ?? throw new JsonException("null");
        }
        catch (JsonException exception)
        {
            throw new StorageException(StorageFailure.Failed, $"{tool} {arguments[0]} says nothing that makes sense.", exception);
        }
    }

    private async Task<ToolResult> RunAsync(
        string tool, int[] accepted, TimeSpan limit, string[] arguments, CancellationToken cancellationToken)
    {
        var call = new ToolCall(tool, [.. Access(), .. arguments]) { Timeout = limit, Accepted = [0, .. accepted] };
        try
        {
            return await tools.RunAsync(call, cancellationToken);
        }
        catch (ToolException exception)
        {
            var meaning = MeaningOf(exception);
            throw new StorageException(meaning, WordsOf(exception, meaning), exception);
        }
    }

    private string[] Access()
    {
        string[] access =
        [
            // None of the machine's own settings, and no line of a log among what is said.
            "--conf", "/dev/null", "--mon-host", pool.MonitorHosts, "--id", pool.User, "--log-to-stderr=false", "--err-to-stderr=false",
            "--client-mount-timeout", "5", "--rados-mon-op-timeout", "10", "--rados-osd-op-timeout", "10",
        ];
        return KeyFile() is { } key ? [.. access, "--keyfile", key] : [.. access, "--auth-client-required", "none"];
    }

    private string? KeyFile()
    {
        if (pool.Key is null)
            return null;
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            return (_key ??= secrets.Write(pool.Key)).Path;
        }
    }

    private static StorageFailure MeaningOf(ToolException exception) => exception switch
    {
        { Failure: ToolFailure.TimedOut } => StorageFailure.Unreachable,
        // ceph itself ends with 1, whatever it was.
        _ when exception.Message.Contains("RADOS timed out", StringComparison.Ordinal) => StorageFailure.Unreachable,
        { ExitCode: NotThere } => StorageFailure.Missing,
        // EROFS: somebody else has the lock of the image and does not hand it over.
        { ExitCode: Busy or 30 } => StorageFailure.InUse,
        { ExitCode: 28 or 122 } => StorageFailure.Full,
        // ENOTCONN, ESHUTDOWN (the cluster has shut this client out), ETIMEDOUT, ECONNREFUSED, EHOSTUNREACH
        { ExitCode: 107 or 108 or 110 or 111 or 113 } => StorageFailure.Unreachable,
        _ => StorageFailure.Failed,
    };

    private string WordsOf(ToolException exception, StorageFailure meaning) => exception.Message switch
    {
        var said when meaning != StorageFailure.Unreachable => said,
        var said when said.Contains("auth_bad_method", StringComparison.Ordinal) =>
            $"The cluster does not take the user {pool.User} with this key.",
        var said when said.Contains("connect", StringComparison.Ordinal) =>
            $"No monitor of {pool} answers, or none takes the user {pool.User} with this key.",
        var said => said,
    };
}
