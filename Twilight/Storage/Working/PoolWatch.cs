using PonyCloud.Twilight.Storage.Planning;

namespace PonyCloud.Twilight.Storage.Working;

/// <summary>
/// Looks at one pool, in a task of its own with a time limit, so that one whose server hangs holds nobody else up.
/// <code>
///              asked for, or the interval is over        seen
///   RESTING ──────────────────────────────────► LOOKING ───────► RESTING
///      ▲          backoff is over                  │ failed, or took too long
///      └──────────────────── BROKEN ◄──────────────┘ what was seen last stands; prepared again before the next look
/// </code>
/// </summary>
/// <remarks>Owned by the loop; only the look itself runs elsewhere.</remarks>
internal sealed class PoolWatch(OpenPool open, StorageReconcilerOptions options, TimeProvider time, Func<long> count, Action ended)
    : IAsyncDisposable
{
    private readonly CancellationTokenSource _stopping = new();
    private readonly HashSet<Guid> _stale = [];
    private Dictionary<ObjectName, Seen> _details = [];
    private Dictionary<ObjectName, string> _troubles = [];
    private PoolScan? _scan;
    private string? _why;
    private PoolView? _view;
    private Task<Look>? _looking;
    private long _begun;
    private long _asked = 1;
    private int _failures;
    private TimeSpan _notBefore;
    private TimeSpan _lastAt;
    private HashSet<ObjectName> _interests = [];

    internal OpenPool Open => open;

    /// <summary>When the last look began that succeeded, as counted.</summary>
    internal long SeenSince { get; private set; }

    internal bool IsLooking => _looking is not null;

    internal TimeSpan WakeAt => _looking is not null ? TimeSpan.MaxValue
        : _failures > 0 ? _notBefore
        : _asked > _begun ? TimeSpan.Zero
        : _lastAt + options.ScanInterval;

    internal PoolView View => _view ??= new PoolView
    {
        Definition = open.Definition,
        Abilities = open.Pool.Abilities,
        Scan = _scan,
        Why = _why,
        Details = _details.ToDictionary(seen => seen.Key, seen => seen.Value.Details),
        Troubles = _troubles,
    };

    /// <summary>Something was changed that only a look that begins now can show.</summary>
    internal void Ask(Guid changed)
    {
        _stale.Add(changed);
        _asked = count();
    }

    /// <summary>Asks for a look if there is something to look into that nobody has looked into.</summary>
    internal void Mind(IReadOnlyList<StorageObject> interests)
    {
        var names = interests.Select(target => target.Name).ToHashSet();
        if (!names.IsSubsetOf(_interests))
            _asked = count();
        _interests = names;
    }

    internal void Collect(TimeSpan now)
    {
        if (_looking is not { IsCompleted: true } looked)
            return;
        _looking = null;
        _view = null;
        var look = looked.Result;
        _lastAt = now;
        _why = look.Why;
        if (look.Scan is null)
        {
            _failures++;
            _notBefore = now + options.ScanBackoff.DelayAfter(_failures);
            return;
        }
        _failures = 0;
        SeenSince = _begun;
        (_scan, _details, _troubles) = (look.Scan, look.Details, look.Troubles);
    }

    internal void BeginIfDue(IReadOnlyList<StorageObject> interests, TimeSpan now)
    {
        if (_looking is not null || WakeAt > now)
            return;
        _begun = count();
        var known = _details.Where(seen => !_stale.Contains(seen.Key.Uuid) && now - seen.Value.At < options.DetailsInterval).ToDictionary();
        _stale.Clear();
        _looking = LookAsync(interests, known, now);
        _looking.ContinueWith(_ => ended(), CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
    }

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        if (_looking is not null)
            await _looking;
        _stopping.Dispose();
    }

    private async Task<Look> LookAsync(IReadOnlyList<StorageObject> interests, Dictionary<ObjectName, Seen> known, TimeSpan now)
    {
        await Task.Yield();
        try
        {
            // A server that was started anew, or a mount that went, is no reason to stay broken.
            if (_failures > 0)
                await PrepareAsync();
            var scan = await InTimeAsync(open.Pool.ScanAsync);
            var versions = scan.Objects.Where(found => found.Name is not null).ToDictionary(found => found.Name!, found => found.Version);
            var look = new Look(scan, null);
            foreach (var target in interests)
            {
                var version = versions.GetValueOrDefault(target.Name);
                if (open.Pool.Abilities.Publishes && !versions.ContainsKey(target.Name))
                    continue;
                if (known.TryGetValue(target.Name, out var seen) && seen.Version == version)
                    look.Details[target.Name] = seen;
                else
                    await InspectAsync(target, version, look, now);
            }
            return look;
        }
        catch (StorageException exception)
        {
            return new Look(null, exception.Message);
        }
        catch (OperationCanceledException)
        {
            return new Look(null, $"The pool did not answer within {options.ScanLimit.TotalSeconds:0.###} s.");
        }
#pragma warning disable CA1031 // Whatever a driver throws, the pool is broken and the loop goes on.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            return new Look(null, exception.Message);
        }
    }

    private async Task InspectAsync(StorageObject target, string? version, Look look, TimeSpan now)
    {
        try
        {
            look.Details[target.Name] = new Seen(await InTimeAsync(token => open.Pool.InspectAsync(target, token)), version, now);
        }
        catch (StorageException exception) when (exception.Failure != StorageFailure.Unreachable)
        {
            look.Troubles[target.Name] = exception.Message;
        }
    }

    private Task<bool> PrepareAsync() => InTimeAsync(async token =>
    {
        await open.Pool.PrepareAsync(token);
        return true;
    });

    private async Task<T> InTimeAsync<T>(Func<CancellationToken, Task<T>> call)
    {
        using var limit = new CancellationTokenSource(options.ScanLimit, time);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, _stopping.Token);
        return await call(stop.Token).WaitAsync(stop.Token);
    }

    private sealed record Seen(ObjectDetails Details, string? Version, TimeSpan At);

    private sealed record Look(PoolScan? Scan, string? Why)
    {
        public Dictionary<ObjectName, Seen> Details { get; } = [];

        public Dictionary<ObjectName, string> Troubles { get; } = [];
    }
}
