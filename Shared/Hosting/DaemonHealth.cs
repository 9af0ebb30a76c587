using System.Threading.Channels;

namespace PonyCloud.Shared.Hosting;

/// <summary>What a daemon says of itself to whoever supervises it. Any thread may call.</summary>
public sealed class DaemonHealth
{
    private readonly TaskCompletionSource _ready = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Lock _lock = new();
    private readonly List<(string Name, Func<bool> IsAlive)> _checks = [];

    // Only the newest matters.
    private readonly Channel<string> _statuses =
        Channel.CreateBounded<string>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropOldest });

    /// <summary>Ends when the daemon does its work.</summary>
    public Task Ready => _ready.Task;

    internal ChannelReader<string> Statuses => _statuses.Reader;

    /// <summary>The daemon does its work from now on. Later calls change nothing.</summary>
    public void MarkReady() => _ready.TrySetResult();

    /// <summary>What the daemon is doing, in one line for people.</summary>
    public void ReportStatus(string status) => _statuses.Writer.TryWrite(status.ReplaceLineEndings(" "));

    /// <summary>Adds a question that must be answered with true for the daemon to count as alive. It must not block.</summary>
    public void AddCheck(string name, Func<bool> isAlive)
    {
        lock (_lock)
            _checks.Add((name, isAlive));
    }

    /// <summary>The names of the checks that say no.</summary>
    public IReadOnlyList<string> Failing()
    {
        lock (_lock)
            return [.. _checks.Where(check => !check.IsAlive()).Select(check => check.Name)];
    }
}
