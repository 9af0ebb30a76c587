using System.Collections.Concurrent;
using System.Threading.Channels;
using PonyCloud.Shared.Entities;
using PonyCloud.Shared.State;
using PonyCloud.Sparkle.Api;
using PonyCloud.Sparkle.Control;

namespace PonyCloud.Sparkle.Transfers;

/// <summary>
/// Ends transfers, and consoles, that nobody may or wants to make any more. The control loop leaves a mark with each transfer and goes on;
/// what the mark means is found out beside the transfer.
/// </summary>
public sealed class TransferWatch(IStateView view) : IControlFeature
{
    private static readonly HashSet<string> Concerning =
        new(["volume", "vdisk", "host_volume", "instance", "tenant", "member", "user", "revocation"], StringComparer.Ordinal);

    private readonly ConcurrentDictionary<Channel<bool>, bool> _marks = [];

    public void Settled(ChangeSet changes)
    {
        if (_marks.IsEmpty || !changes.Rows.Any(row => Concerning.Contains(row.Entity.Name) && row.Changed(RowPart.Desired)))
            return;
        foreach (var mark in _marks.Keys)
            mark.Writer.TryWrite(true);
    }

    /// <summary>Does the work for as long as nothing is in its way.</summary>
    /// <param name="obstacle">What is in its way; null when nothing is. Asked at the beginning and after each change.</param>
    /// <exception cref="ProblemException">There is an obstacle, and it ended the work.</exception>
    public async Task RunAsync(
        Func<CancellationToken, Task> work, Func<StateSnapshot, ValueTask<Problem?>> obstacle, CancellationToken cancellationToken)
    {
        var mark = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
        using var cut = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        _marks.TryAdd(mark, true);
        // What has changed before the mark was there is seen by a first look.
        mark.Writer.TryWrite(true);
        var watching = WatchAsync(mark.Reader, obstacle, cut);
        try
        {
            await work(cut.Token);
        }
        catch (Exception) when (cut.IsCancellationRequested && !cancellationToken.IsCancellationRequested && !watching.IsFaulted)
        {
            if (await watching is { } problem)
                throw new ProblemException(problem);
            throw;
        }
        finally
        {
            _marks.TryRemove(mark, out _);
            mark.Writer.TryComplete();
            await watching;
        }
    }

    private async Task<Problem?> WatchAsync(
        ChannelReader<bool> marks, Func<StateSnapshot, ValueTask<Problem?>> obstacle, CancellationTokenSource cut)
    {
        await foreach (var _ in marks.ReadAllAsync(CancellationToken.None))
        {
            if (view.Snapshot is not { } snapshot || await obstacle(snapshot) is not { } problem)
                continue;
            await cut.CancelAsync();
            return problem;
        }
        return null;
    }
}
