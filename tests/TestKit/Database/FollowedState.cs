using PonyCloud.Shared.Entities;
using PonyCloud.Shared.State;
using PonyCloud.Sparkle.Database;

namespace PonyCloud.TestKit.Database;

/// <summary>
/// A sink that keeps the desired rows and everything that was delivered, and lets a test wait for what it expects.
/// </summary>
public sealed class FollowedState : IDatabaseSink
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);

    private readonly Lock _lock = new();
    private readonly Dictionary<(string Entity, RowKey Key), object> _rows = [];
    private readonly List<IReadOnlyList<DatabaseChange>> _transactions = [];
    private readonly List<(Func<bool> Holds, TaskCompletionSource Done)> _awaited = [];
    private readonly List<string> _losses = [];
    private int _loads;
    private readonly List<long?> _epochs = [];
    private bool _isUp;

    /// <summary>Runs at the moment at which a load shows.</summary>
    public Action OnLoaded { get; set; } = () => { };

    public int Loads => Read(() => _loads);

    public bool IsUp => Read(() => _isUp);

    /// <summary>As it was delivered last.</summary>
    public long? Epoch => Read(() => _epochs.LastOrDefault());

    /// <summary>Every one that was delivered, repeats left out, oldest first.</summary>
    public IReadOnlyList<long?> Epochs => Read<IReadOnlyList<long?>>(() => [.. _epochs]);

    /// <summary>The reasons of every loss of the link so far.</summary>
    public IReadOnlyList<string> Losses => Read<IReadOnlyList<string>>(() => [.. _losses]);

    /// <summary>The transactions that came one by one, oldest first.</summary>
    public IReadOnlyList<IReadOnlyList<DatabaseChange>> Transactions => Read<IReadOnlyList<IReadOnlyList<DatabaseChange>>>(() => [.. _transactions]);

    public T? Find<T>(string entity, RowKey key)
        where T : class => Read(() => _rows.GetValueOrDefault((entity, key)) as T);

    public int Count(string entity) => Read(() => _rows.Keys.Count(key => key.Entity == entity));

    public IReadOnlyList<T> All<T>() => Read<IReadOnlyList<T>>(() => [.. _rows.Values.OfType<T>()]);

    /// <summary>Returns when the condition holds, looked at after every delivery.</summary>
    /// <exception cref="TimeoutException">It does not come to hold.</exception>
    public async Task WaitForAsync(Func<FollowedState, bool> condition, string what)
    {
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_lock)
        {
            _awaited.Add((() => condition(this), done));
            Look();
        }
        try
        {
            await done.Task.WaitAsync(Limit);
        }
        catch (TimeoutException e)
        {
            throw new TimeoutException($"Waited in vain until {what}. Losses: {string.Join(" | ", Losses)}", e);
        }
    }

    public Task LoadedAsync(IReadOnlyList<RowChange> rows, long epoch, CancellationToken cancellation) => Change(() =>
    {
        Add(epoch);
        _rows.Clear();
        foreach (var row in rows)
            _rows.Add((row.Entity.Name, row.Key), row.Value!);
        _loads++;
        _isUp = true;
        OnLoaded();
    });

    public Task EpochChangedAsync(long? epoch, CancellationToken cancellation) => Change(() => Add(epoch));

    public Task CommittedAsync(IReadOnlyList<DatabaseChange> changes, CancellationToken cancellation) => Change(() =>
    {
        foreach (var change in changes)
            Apply(change);
        _transactions.Add(changes);
    });

    public Task LostAsync(string why, CancellationToken cancellation) => Change(() =>
    {
        _losses.Add(why);
        _isUp = false;
    });

    private void Add(long? epoch)
    {
        if (_epochs.Count == 0 || _epochs[^1] != epoch)
            _epochs.Add(epoch);
    }

    private void Apply(DatabaseChange change)
    {
        switch (change)
        {
            case DatabaseChange.Truncated(var entity):
                foreach (var key in _rows.Keys.Where(key => key.Entity == entity.Name).ToList())
                    _rows.Remove(key);
                break;
            case DatabaseChange.OfRow({ Value: { } value } row):
                _rows[(row.Entity.Name, row.Key)] = value;
                break;
            case DatabaseChange.OfRow(var row):
                _rows.Remove((row.Entity.Name, row.Key));
                break;
        }
    }

    private Task Change(Action action)
    {
        lock (_lock)
        {
            action();
            Look();
        }
        return Task.CompletedTask;
    }

    private void Look()
    {
        foreach (var (_, done) in _awaited.Where(one => one.Holds()).ToList())
            done.TrySetResult();
        _awaited.RemoveAll(one => one.Done.Task.IsCompleted);
    }

    private T Read<T>(Func<T> read)
    {
        lock (_lock)
            return read();
    }
}
