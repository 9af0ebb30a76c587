using PonyCloud.Shared.Entities;
using PonyCloud.Shared.State;
using PonyCloud.Sparkle.Control;
using PonyCloud.Sparkle.Database;
using PonyCloud.Sparkle.Networks;

namespace PonyCloud.Sparkle.Tests.Networks;

/// <summary>The room under the real controller, with a database and hosts that are a test's to move.</summary>
internal sealed class NetworksInMemory : IControlFeature
{
    public static readonly EntityCatalog Catalog = EntityCatalog.Load();

    private static readonly Dictionary<Type, (Entity Entity, RowPart Part)> Parts = Catalog.All
        .SelectMany(entity => new[] { (Entity: entity, Part: RowPart.Desired), (Entity: entity, Part: RowPart.Current) })
        .Where(pair => pair.Entity.Part(pair.Part) is not null)
        .ToDictionary(pair => pair.Entity.Part(pair.Part)!.Type);

    private readonly Dictionary<(Entity, RowKey), RowChange> _database = [];
    private readonly List<RowChange> _reports = [];
    private readonly Controller _controller;

    public NetworksInMemory(params IEnumerable<RowChange> loaded)
    {
        var rows = new NetworkRows(Catalog);
        Ports = new SwitchPorts(rows);
        _controller = new Controller(Catalog, [this, Ports, new VnicView(rows)]);
        foreach (var row in loaded)
            _database[(row.Entity, row.Key)] = row;
        Reload();
    }

    public SwitchPorts Ports { get; }

    public StateSnapshot State => _controller.Published!;

    /// <summary>The desired rows that the database holds.</summary>
    public IEnumerable<RowChange> Stored => _database.Values;

    public static Guid Number(int number) => new(number, 0, 0, new byte[8]);

    public static RowChange Set(object record)
    {
        var (entity, part) = Parts[record.GetType()];
        return RowChange.Set(entity, part, record);
    }

    public static RowChange Gone(string entity, params string[] key) => RowChange.Remove(Catalog[entity], RowPart.Desired, RowKey.Of(key));

    /// <summary>One transaction.</summary>
    public void Put(params object[] records) => Commit([.. records.Select(Set)]);

    public void Commit(IReadOnlyList<RowChange> changes)
    {
        foreach (var change in changes)
        {
            if (change.Value is null)
                _database.Remove((change.Entity, change.Key));
            else
                _database[(change.Entity, change.Key)] = change;
        }
        _controller.Commit([.. changes.Select(change => new DatabaseChange.OfRow(change))]);
    }

    /// <summary>Hosts say something.</summary>
    public void Report(params object[] records) => Report([.. records.Select(Set)]);

    public void Report(IReadOnlyList<RowChange> changes)
    {
        _reports.AddRange(changes);
        _controller.Tick(TimeSpan.Zero);
    }

    /// <summary>The database was away, and all of it is read again.</summary>
    public void Reload() => _controller.Load([.. _database.Values], 1);

    public SwitchPortDesired? Port(Guid vnic) => State[Catalog["switch_port"]].Find(vnic)?.Desired as SwitchPortDesired;

    public VnicCurrent? Card(Guid vnic) => State[Catalog["vnic"]].Find(vnic)?.Current as VnicCurrent;

    public IEnumerable<T> All<T>() => State[Parts[typeof(T)].Entity].Rows.Select(row => row.Part(Parts[typeof(T)].Part)).OfType<T>();

    IEnumerable<RowChange> IControlFeature.Tick(TimeSpan now)
    {
        RowChange[] reports = [.. _reports];
        _reports.Clear();
        return reports;
    }
}
