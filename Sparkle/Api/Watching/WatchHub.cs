using System.Collections.Immutable;
using System.Threading.Channels;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using PonyCloud.Shared.Entities;
using PonyCloud.Shared.Hosting;
using PonyCloud.Shared.State;
using PonyCloud.Sparkle.Api.Json;
using PonyCloud.Sparkle.Api.Security;
using PonyCloud.Sparkle.Control;

namespace PonyCloud.Sparkle.Api.Watching;

/// <summary>
/// Passes what becomes visible on to all streams. The control loop leaves a reference and goes on; a loop of its own makes
/// the bytes, once, keeps them as history, and puts them before each stream that shows them.
/// </summary>
internal sealed partial class WatchHub : BackgroundService, IControlFeature
{
    private readonly IStateView _view;
    private readonly TokenService _tokens;
    private readonly ChangeReader _reader;
    private readonly WatchOptions _options;
    private readonly TimeProvider _time;
    private readonly ILogger<WatchHub> _logger;
    private readonly Channel<IReadOnlyList<ChangeSet>> _published;
    private readonly CancellationTokenRegistration _stopping;

    // Sets of one turn of the control loop, which readers see together. Only the loop touches it.
    private readonly List<ChangeSet> _turn = [];

    // The gate guards all below. It is held for as long as it takes to look at a set, never for a client.
    private readonly Lock _gate = new();
    private readonly HashSet<Watcher> _watchers = [];
    private readonly Dictionary<string, int> _perUser = new(StringComparer.Ordinal);
    private readonly Dictionary<string, long> _ended = WatchEnd.All.Select(end => end.Reason).Distinct().ToDictionary(reason => reason, _ => 0L);
    private readonly ReaderIndex _index = new();
    private readonly WatchHistory _history;
    private bool _isFollowing;
    private bool _isStopping;

    public WatchHub(
        IStateView view,
        TokenService tokens,
        ResourceTree tree,
        RowParts parts,
        Revisions revisions,
        JsonBuffers buffers,
        ApiOptions options,
        IHostApplicationLifetime lifetime,
        TimeProvider time,
        ILogger<WatchHub> logger)
    {
        _view = view;
        _tokens = tokens;
        _reader = new ChangeReader(tree, parts, revisions, buffers);
        _options = options.Watch;
        _time = time;
        _logger = logger;
        _history = new WatchHistory(_options.HistorySets, _options.HistoryBytes);
        _published = Channel.CreateBounded<IReadOnlyList<ChangeSet>>(new BoundedChannelOptions(_options.Backlog)
        {
            SingleReader = true,
            SingleWriter = true,
        });
        // Earlier than services are stopped, since the server waits for its requests first.
        _stopping = lifetime.ApplicationStopping.Register(Stop);
    }

    /// <summary>How many streams there are.</summary>
    internal int Count
    {
        get
        {
            lock (_gate)
                return _watchers.Count;
        }
    }

    /// <summary>How many streams have ended, by the reason.</summary>
    internal IReadOnlyCollection<KeyValuePair<string, long>> Ended
    {
        get
        {
            lock (_gate)
                return [.. _ended];
        }
    }

    /// <summary>Memory of the history, bytes, and how many sets it has.</summary>
    internal (long Bytes, int Sets) History
    {
        get
        {
            lock (_gate)
                return (_history.Bytes, _history.Count);
        }
    }

    public void Settled(ChangeSet changes)
    {
        _turn.Add(changes);
        // Readers see the last set of a turn only, so those before it are no revisions of their own to them.
        if (_view.Snapshot?.Revision != changes.After.Revision)
            return;
        // What does not fit is missed, which shows as a gap between this turn and the next that does.
        _published.Writer.TryWrite([.. _turn]);
        _turn.Clear();
    }

    /// <summary>Begins a stream.</summary>
    /// <param name="since">The revision that the client knows; null for the newest.</param>
    /// <exception cref="ProblemException">It cannot be; <see cref="ProblemKind.TooOld"/> asks the client to read again.</exception>
    public async ValueTask<Watcher> AttachAsync(string token, WatchFilter filter, long? since, CancellationToken cancellation)
    {
        while (true)
        {
            cancellation.ThrowIfCancellationRequested();
            var snapshot = _view.Snapshot ?? throw Refused(WatchEnd.Stopping.Kind, "There is no state to watch.");
            var caller = await _tokens.FindCallerAsync(token, snapshot)
                ?? throw Authenticator.Unauthenticated(WatchEnd.TokenEnded.Detail, Authenticator.BearerChallenge);
            lock (_gate)
            {
                Follow(snapshot.Revision);
                // Who the caller is was read from a state that is older than where the stream begins.
                if (_history.MayDiffer(caller, snapshot.Revision))
                    continue;
                return Attach(token, caller, filter, since, snapshot.Revision);
            }
        }
    }

    /// <summary>The stream is over.</summary>
    public void Detach(Watcher watcher)
    {
        lock (_gate)
        {
            if (!_watchers.Remove(watcher))
                return;
            _ended[(watcher.Ended ?? WatchEnd.Left).Reason]++;
            watcher.View.Watchers.Remove(watcher);
            if (watcher.View.Watchers.Count == 0)
                _index.Remove(watcher.View);
            var left = _perUser[watcher.Caller.Email] - 1;
            if (left == 0)
                _perUser.Remove(watcher.Caller.Email);
            else
                _perUser[watcher.Caller.Email] = left;
        }
        watcher.Dispose();
    }

    public override void Dispose()
    {
        _stopping.Dispose();
        Stop();
        base.Dispose();
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (_view.Snapshot is { } snapshot)
        {
            lock (_gate)
                Follow(snapshot.Revision);
        }
        await TaskGroup.RunAsync(stoppingToken, FollowAsync, LookAfterAsync);
    }

    private async Task FollowAsync(CancellationToken cancellation)
    {
        await foreach (var turn in _published.Reader.ReadAllAsync(cancellation))
            Publish(turn);
    }

    private async Task LookAfterAsync(CancellationToken cancellation)
    {
        using var timer = new PeriodicTimer(_options.KeepAlive, _time);
        long? seen = null;
        while (await timer.WaitForNextTickAsync(cancellation))
        {
            Watcher[] watchers;
            lock (_gate)
            {
                // What was visible a round ago must have come here by now, unless the turn that made it was missed.
                if (_isFollowing && seen > _history.Tip && _published.Reader.Count == 0)
                    Restart(seen.Value);
                seen = _view.Snapshot?.Revision;
                Mark();
                watchers = [.. _watchers];
            }
            foreach (var watcher in watchers)
                await CheckAsync(watcher);
        }
    }

    // Tokens run out, and are revoked.
    private async Task CheckAsync(Watcher watcher)
    {
        if (_view.Snapshot is not { } snapshot || await _tokens.FindCallerAsync(watcher.Token, snapshot) is null)
            watcher.End(WatchEnd.TokenEnded);
    }

    private void Mark()
    {
        WatchMessage? mark = null;
        foreach (var watcher in _watchers)
        {
            // One that begins ahead of the history has been told a later revision already.
            if (watcher.IsQuiet && watcher.Since <= _history.Tip)
                watcher.Offer(mark ??= _reader.Mark(_history.Tip));
            watcher.IsQuiet = true;
        }
    }

    private void Follow(long revision)
    {
        if (_isFollowing)
            return;
        _history.Restart(revision);
        _isFollowing = true;
    }

    private Watcher Attach(string token, Caller caller, WatchFilter filter, long? since, long newest)
    {
        if (_isStopping)
            throw Refused(WatchEnd.Stopping.Kind, WatchEnd.Stopping.Detail);
        if (_watchers.Count >= _options.Max)
            throw Refused(ProblemKind.Unavailable, "There are as many streams as the controller serves.");
        var own = _perUser.GetValueOrDefault(caller.Email);
        if (own >= _options.MaxPerUser)
            throw Refused(ProblemKind.TooManyStreams, $"A user has {_options.MaxPerUser} streams at most.");
        var start = since ?? Math.Max(newest, _history.Tip);
        if (start > newest && since is not null || _history.MayDiffer(caller, start))
            throw new ProblemException(WatchEnd.TooOld.Kind, WatchEnd.TooOld.Detail);

        var view = _index.ViewOf(caller, filter);
        var missed = new List<WatchMessage> { _reader.Mark(start) };
        foreach (var set in _history.After(start))
        {
            for (var i = 0; i < set.Rows.Length; i++)
            {
                if (view.Shows(set, set.Rows[i]))
                    view.Chosen.Add(i);
            }
            if (view.Chosen.Count > 0)
                missed.Add(MessageFor(set, view, inHistory: true));
        }
        var watcher = new Watcher(token, caller, view, start, missed, _options);
        _history.Trim();
        _perUser[caller.Email] = own + 1;
        _watchers.Add(watcher);
        view.Watchers.Add(watcher);
        return watcher;
    }

    private void Publish(IReadOnlyList<ChangeSet> turn)
    {
        var (before, after) = (turn[0].Before, turn[^1].After);
        var rows = turn.Count == 1 ? turn[0].Rows : Merge(turn);
        PublishedSet? set = null;
        string? failure = null;
        try
        {
            set = _reader.Read(before, after, rows, _options.HistoryBytes);
        }
        catch (ChangeTooLargeException)
        {
            failure = "it is too large";
        }
        catch (Exception exception)
        {
            LogFailed(exception, after.Revision);
            failure = "it could not be written";
        }
        lock (_gate)
        {
            Follow(after.Revision);
            if (after.Revision <= _history.Tip)
                return;
            if (failure is not null || before.Revision != _history.Tip)
            {
                LogRestarted(after.Revision, failure ?? "changes before it were missed");
                Restart(after.Revision);
            }
            else if (set is null)
            {
                _history.Advance(after.Revision);
            }
            else
            {
                Distribute(set);
            }
        }
    }

    private void Distribute(PublishedSet set)
    {
        if (!set.Access.IsEmpty)
        {
            foreach (var watcher in _watchers)
            {
                if (watcher.Since < set.Revision && Concerns(set.Access, watcher.Caller))
                    watcher.End(WatchEnd.AccessChanged);
            }
        }
        var views = new List<WatchView>();
        for (var i = 0; i < set.Rows.Length; i++)
        {
            var row = set.Rows[i];
            foreach (var view in _index.ReadersOf(row))
            {
                if (!view.Filter.IsEmpty && !view.Filter.Lets(row, set.PathOf(row)))
                    continue;
                if (view.Chosen.Count == 0)
                    views.Add(view);
                view.Chosen.Add(i);
            }
        }
        foreach (var view in views)
        {
            var message = MessageFor(set, view, inHistory: false);
            foreach (var watcher in view.Watchers)
            {
                if (watcher.Since < set.Revision && watcher.Ended is null)
                    watcher.Offer(message);
            }
        }
        _history.Add(set);
    }

    private WatchMessage MessageFor(PublishedSet set, WatchView view, bool inHistory)
    {
        var size = set.Size;
        var message = set.MessageWith(view.Chosen, keep: view.Filter.IsEmpty);
        view.Chosen.Clear();
        if (inHistory)
            _history.Grew(set.Size - size);
        return message;
    }

    private void Restart(long revision)
    {
        _history.Restart(revision);
        foreach (var watcher in _watchers)
        {
            if (watcher.Since < revision)
                watcher.End(WatchEnd.Overrun);
        }
    }

    private void Stop()
    {
        lock (_gate)
        {
            _isStopping = true;
            foreach (var watcher in _watchers)
                watcher.End(WatchEnd.Stopping);
        }
    }

    private static bool Concerns(ImmutableArray<AccessChange> changes, Caller caller)
    {
        foreach (var change in changes)
        {
            if (change.Concerns(caller))
                return true;
        }
        return false;
    }

    private static List<RowTransition> Merge(IReadOnlyList<ChangeSet> turn)
    {
        var (before, after) = (turn[0].Before, turn[^1].After);
        var merged = new List<RowTransition>();
        foreach (var (entity, key) in turn.SelectMany(set => set.Rows).Select(row => (row.Entity, row.Key)).Distinct())
        {
            var transition = new RowTransition(entity, before[entity].Find(key), after[entity].Find(key));
            // A row that went there and back is what it was.
            if (transition.Changed(RowPart.Desired) || transition.Changed(RowPart.Current))
                merged.Add(transition);
        }
        return merged;
    }

    private static ProblemException Refused(ProblemKind kind, string detail) =>
        new(new Problem(kind, detail) { RetryAfter = TimeSpan.FromSeconds(2) });

    [LoggerMessage(3021, LogLevel.Error, "Revision {Revision} could not be written for those who watch")]
    private partial void LogFailed(Exception exception, long revision);

    [LoggerMessage(3022, LogLevel.Warning, "All streams of changes begin anew behind revision {Revision}: {Why}")]
    private partial void LogRestarted(long revision, string why);
}
