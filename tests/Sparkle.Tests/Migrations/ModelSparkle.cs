using Microsoft.Extensions.Logging.Abstractions;
using PonyCloud.Shared.Entities;
using PonyCloud.Shared.State;
using PonyCloud.Sparkle.Control;
using PonyCloud.Sparkle.Migrations;
using PonyCloud.Sparkle.Networks;
using PonyCloud.Sparkle.Placement;

namespace PonyCloud.Sparkle.Tests.Migrations;

/// <summary>One run of the controller: the real one, with the rooms that have to do with places.</summary>
internal sealed class ModelSparkle : IControlFeature, IControlQueue
{
    private readonly Queue<Action> _posted = [];
    private readonly List<RowChange> _heard = [];
    private readonly Controller _controller;
    private readonly ModelDatabase _database;
    private TimeSpan _now = TimeSpan.FromSeconds(1);

    /// <param name="behind">How many commits the load does not have yet; they come as any other does.</param>
    public ModelSparkle(EntityCatalog catalog, ModelDatabase database, int behind, Func<Guid> makeTurn)
    {
        _database = database;
        var networks = new NetworkRows(catalog);
        var scheduler = new Scheduler(catalog, database, this, database, NullLogger<Scheduler>.Instance);
        var desk = new MigrationDesk(catalog, new MigrationRows(catalog), networks, database, this, database, makeTurn, NullLogger<MigrationDesk>.Instance);
        _controller = new Controller(catalog, [this, scheduler, new InstanceView(catalog, scheduler), desk, new SwitchPorts(networks)]);
        database.Seen = Math.Max(Math.Max(1, database.Seen), database.Commits.Count - behind);
        var loaded = database.At(database.Seen);
        var rows = catalog.InDependencyOrder.SelectMany(entity => loaded[entity].Rows
            .Where(row => row.Desired is not null).Select(row => new RowChange(entity, row.Key, RowPart.Desired, row.Desired)));
        _controller.Load([.. rows], 1);
    }

    public StateSnapshot State => _controller.Published!;

    /// <summary>The next commit is seen.</summary>
    public void Follow()
    {
        if (_database.Seen < _database.Commits.Count)
            _controller.Commit(_database.Commits[_database.Seen++]);
    }

    public void Hear(params IEnumerable<RowChange> rows)
    {
        _heard.AddRange(rows);
        Pass(TimeSpan.Zero);
    }

    public void Pass(TimeSpan time)
    {
        _now += time;
        _controller.Tick(_now);
        while (_posted.TryDequeue(out var action))
            action();
    }

    void IControlQueue.Post(Action action) => _posted.Enqueue(action);

    IEnumerable<RowChange> IControlFeature.Tick(TimeSpan now)
    {
        RowChange[] heard = [.. _heard];
        _heard.Clear();
        return heard;
    }
}
