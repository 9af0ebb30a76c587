using PonyCloud.Shared.Entities;
using PonyCloud.Shared.State;
using PonyCloud.Simulation.Tests.Kernel;
using PonyCloud.Sparkle.Database;

namespace PonyCloud.Simulation.Tests.Parts;

/// <summary>
/// The link of one Sparkle to the database: loads everything as of one version, then hands every later transaction on,
/// in order and late; after a loss it begins anew.
/// </summary>
internal sealed class Follower
{
    private readonly SimulatedDatabase _database;
    private readonly Agenda _agenda;
    private readonly Action<IReadOnlyList<RowChange>, long> _load;
    private readonly Action<IReadOnlyList<DatabaseChange>> _commit;
    private readonly Action _lose;
    private readonly bool _reloads;
    private readonly List<(int Version, TaskCompletionSource Done)> _waiting = [];
    private int _connection;
    private bool _isConnected;
    private TimeSpan _last;
    private long? _epoch;

    public Follower(
        SimulatedDatabase database,
        Agenda agenda,
        Action<IReadOnlyList<RowChange>, long> load,
        Action<IReadOnlyList<DatabaseChange>> commit,
        Action lose,
        bool reloads)
    {
        _database = database;
        _agenda = agenda;
        _load = load;
        _commit = commit;
        _lose = lose;
        _reloads = reloads;
    }

    public bool IsLoaded { get; private set; }

    public bool IsUp { get; private set; }

    /// <summary>The version that memory stands at; meaningless until it was loaded.</summary>
    public int Version { get; private set; }

    public void Connect()
    {
        if (_isConnected || !_database.IsUp)
            return;
        _isConnected = true;
        // Of one Sparkle at a time: nobody else can have been active while the link was away.
        var epoch = _epoch ??= _database.TakeEpoch();
        var version = _database.Version;
        var state = _database.Newest;
        Deliver(() =>
        {
            IsUp = true;
            Version = version;
            if (_reloads || !IsLoaded)
            {
                _load([.. state.Tables.SelectMany(table => table.Rows.Where(row => row.Desired is not null)
                    .Select(row => new RowChange(table.Entity, row.Key, RowPart.Desired, row.Desired)))], epoch);
            }
            IsLoaded = true;
            Complete();
        });
    }

    public void Committed(int version, IReadOnlyList<DatabaseChange> steps)
    {
        if (!_isConnected)
            return;
        Deliver(() =>
        {
            Version = version;
            _commit(steps);
            Complete();
        });
    }

    public void Lost()
    {
        _isConnected = false;
        IsUp = false;
        _connection++;
        _lose();
        foreach (var (_, done) in _waiting)
            done.TrySetException(new UnconfirmedCommitException("The link was lost before the commit was seen."));
        _waiting.Clear();
    }

    /// <summary>Its Sparkle was killed: nothing of what is on its way arrives.</summary>
    public void Close()
    {
        _connection++;
        _waiting.Clear();
    }

    /// <summary>Completes when memory has come to the version.</summary>
    public void Await(int version, TaskCompletionSource done)
    {
        if (!_isConnected)
            done.TrySetException(new UnconfirmedCommitException("The link is away."));
        else if (IsLoaded && Version >= version)
            done.TrySetResult();
        else
            _waiting.Add((version, done));
    }

    private void Complete()
    {
        foreach (var (version, done) in _waiting.Where(wait => wait.Version <= Version).ToArray())
            done.TrySetResult();
        _waiting.RemoveAll(wait => wait.Version <= Version);
    }

    private void Deliver(Action action)
    {
        var connection = _connection;
        var moment = _agenda.Now + _database.Delay();
        _last = moment > _last ? moment : _last;
        _agenda.At(_last, () =>
        {
            if (connection == _connection)
                action();
        });
    }
}
